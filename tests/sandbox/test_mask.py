"""What shows a secret is painted over, wherever a page puts it."""

import io
from typing import Any

import pytest
from harness.action import Click, Type
from harness.errors import SandboxError
from harness.sandbox.mask import covered, paint
from harness.secrets import Held, Vault
from PIL import Image

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "4242-blue-Zebra"
VAULT = Vault([Held("card", SECRET, lambda url: True, lambda url: True, "every host")])


def painted(png: bytes, x: int, y: int) -> bool:
    with Image.open(io.BytesIO(png)) as image:
        return image.convert("RGB").getpixel((x, y)) == (0x30, 0x30, 0x30)


PLACES = {
    "text": f"<p>so {SECRET} it is</p>",
    "other case and spaces": "<p>4242 BLUE zebra</p>",
    "in parts": "<p><i>4242-</i><b>blue</b>-<u>Zebra</u></p>",
    "field": f"<input value='{SECRET}'>",
    "area": f"<textarea>{SECRET}</textarea>",
    "placeholder": f"<input placeholder='{SECRET}'>",
    "menu": f"<select><option>{SECRET}</select>",
    "inner frame": f"<iframe style='border:0;width:400px' srcdoc='<p style=margin:0>{SECRET}'></iframe>",
    "closed shadow": "<div id=host></div>",
}


@pytest.mark.parametrize("place", PLACES)
async def test_a_secret_in_the_page_is_painted(flight: Any, place: str) -> None:
    pilot = await flight(secrets=VAULT)
    await pilot.go("still.html")
    await pilot.js(
        "html => { document.body.innerHTML = '<div id=all>' + html + '</div>';"
        "all.style.cssText = 'position:fixed;left:20px;top:20px;font:40px serif;background:#fff;z-index:9';"
        "const host = document.querySelector('#host');"
        f"if (host) host.attachShadow({{mode: 'closed'}}).innerHTML = '<p style=margin:0>{SECRET}</p>';"
        "for (const one of document.querySelectorAll('p')) one.style.margin = 0;"
        "for (const one of all.querySelectorAll('input, textarea, select')) one.style.font = '40px serif'}",
        PLACES[place],
    )
    screen = await pilot.see()
    assert painted(screen.screenshot.png, 60, 32), screen.notes
    assert not painted(screen.screenshot.png, 1200, 600)


async def test_a_field_is_painted_once_a_secret_is_in_it_even_if_the_page_rewrites_it(flight: Any) -> None:
    pilot = await flight(secrets=VAULT)
    await pilot.go("swap.html")
    await pilot.js(
        "field.addEventListener('input', () => { field.value = [...field.value].reverse().join('') })"
    )
    await pilot.done(Click(x=60, y=110), Type(text="a {{secret:card}} b"))
    value = await pilot.js("field.value")
    assert SECRET in value or SECRET[::-1] in value
    assert painted((await pilot.see()).screenshot.png, 60, 110)
    await pilot.js("field.value = ''")
    assert not painted((await pilot.see()).screenshot.png, 60, 110)


async def test_a_dialog_title_and_target_do_not_tell(flight: Any) -> None:
    pilot = await flight(secrets=VAULT)
    await pilot.go("swap.html")
    await pilot.js(f"one.textContent = document.title = 'Pay with {SECRET}'")
    target = await pilot.driver.ground(Click(x=60, y=40))
    assert target.name == "Pay with [secret:card]"
    assert (await pilot.do(Click(x=60, y=40))).ok
    assert (await pilot.see()).title == "Pay with [secret:card]"
    await pilot.js(f"setTimeout(() => alert('{SECRET}'))")
    async with pilot.deadline():
        while pilot.driver._over.modal is None:
            await pilot.tick()
    screen = await pilot.see()
    assert SECRET not in screen.model_dump_json()
    assert any("[secret:card]" in note for note in screen.notes)
    assert "fields of the page alone" in (await pilot.do(Type(text="{{secret:card}}"))).message


async def test_a_page_that_cannot_be_searched_is_not_shown(
    flight: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pilot = await flight(secrets=VAULT)
    await pilot.go("swap.html")

    async def fails(*_: object) -> bytes:
        raise SandboxError("no answer")

    monkeypatch.setattr(pilot.driver._masks, "over", fails)
    screen = await pilot.see()
    assert painted(screen.screenshot.png, 5, 5)
    assert any("could not be searched" in note for note in screen.notes)


async def test_the_secret_is_put_into_the_field_that_has_the_focus_and_counts_as_input(flight: Any) -> None:
    pilot = await flight(secrets=VAULT)
    await pilot.go("swap.html")
    await pilot.js("window.seen = []; area.addEventListener('input', e => seen.push(e.isTrusted))")
    await pilot.js("area.focus()")
    await pilot.done(Type(text="{{ secret:card }}\nend"))
    assert await pilot.js("area.value") == f"{SECRET}\nend"
    assert await pilot.js("seen[0]") is True
    await pilot.js("one.focus()")
    assert "took no text" in (await pilot.do(Type(text="{{secret:card}}"))).message


async def test_pictures_are_painted_and_covered() -> None:
    png = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(png, "PNG")
    assert paint(png.getvalue(), []) == png.getvalue()
    assert painted(covered(png.getvalue()), 20, 20)
