import subprocess
import sys
from typing import Any

import pytest
from harness.models.local.ocr import Line, Reader
from harness.screen import Screenshot

browsing = pytest.mark.asyncio(loop_scope="module")

FORM = """<h1>Checkout</h1>
<p><label>Full name <input id=name></label> <label>City <input placeholder="e.g. London"></label>
<p><label>Country <select><option>United Kingdom<option>France</select></label>
<p><label><input type=checkbox> Gift wrap</label> <label><input type=checkbox checked> Send me news</label>
<p><button>Place order</button> <button>Cancel</button>
<p style="font-size:11px">Small print: orders of £13.50 or more are sent free.
<p id=error style="color:#b00"></p>"""


def texts(lines: tuple[Line, ...]) -> list[str]:
    return [line.text for line in lines]


def places(lines: tuple[Line, ...]) -> set[tuple[str, float, float, float, float]]:
    return {(line.text, line.box.x, line.box.y, line.box.width, line.box.height) for line in lines}


@browsing
async def test_a_form_is_read_with_boxes_in_reading_order(browser: Any, fresh_reader: Reader) -> None:
    await browser.show(FORM)
    lines = fresh_reader.read(await browser.look())
    assert texts(lines) == [
        "Checkout",
        *("Full name", "City", "e.g. London"),
        *("Country", "United Kingdom"),
        *("Gift wrap", "Send me news"),
        *("Place order", "Cancel"),
        "Small print: orders of £13.50 or more are sent free.",
    ]
    button = await browser.page.get_by_text("Place order").bounding_box()
    read = lines[8]
    assert button["x"] < read.box.x < read.box.x + read.box.width < button["x"] + button["width"]
    assert button["y"] < read.box.y < read.box.y + read.box.height < button["y"] + button["height"]
    assert [word.text for word in read.words] == ["Place", "order"]
    assert read.words[0].box.x + read.words[0].box.width <= read.words[1].box.x
    assert read.score > 0.9


@pytest.mark.parametrize("size", [11, 12, 13])
@browsing
async def test_small_text_is_read(browser: Any, fresh_reader: Reader, size: int) -> None:
    await browser.show(
        "<button style='font:inherit'>OK</button> <button style='font:inherit'>Cancel</button>"
        "<p>Rows 11-20 of 110 <a href=#>Next page</a>"
        "<table border=1><tr><td>Total<td>1,299.00<td>7 days</table>",
        f"font: {size}px Arial; margin: 20px",
    )
    read = " ".join(texts(fresh_reader.read(await browser.look())))
    for wanted in ("OK", "Cancel", "Rows 11-20 of 110 Next page", "Total", "1,299.00", "7 days"):
        assert wanted in read


CHANGES = {
    "typing": "document.getElementById('name').value = 'Ada Lovelace'",
    "a message": "document.getElementById('error').textContent = 'Please give a street.'",
    "a tick": "document.querySelector('[type=checkbox]').checked = true",
    "longer text": "document.querySelector('h1').textContent = 'Checkout and payment of your order'",
    "text gone": "document.querySelector('button').remove()",
    "a colour": "document.body.style.background = '#eef'",
    "everything moves": "document.body.style.paddingTop = '7px'",
    "a dialog": "document.body.insertAdjacentHTML('beforeend', '<div style="
    '"position:fixed;left:90px;top:120px;'
    "padding:20px;border:1px solid;background:#ffd\">Really delete?<p><button>Yes</button></div>')",
    "a new page": "document.body.innerHTML = '<h2>Thank you</h2><p>Order number: 1042'",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@browsing
async def test_reading_what_changed_gives_what_reading_all_gives(
    browser: Any, reader: Reader, fresh_reader: Reader, change: str
) -> None:
    await browser.show(FORM)
    reader.read(await browser.look())
    await browser.page.evaluate(change)
    after = await browser.look()
    assert places(reader.read(after)) == places(fresh_reader.read(after))


@browsing
async def test_only_what_changed_is_read_again(
    browser: Any, fresh_reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = fresh_reader
    await browser.show(FORM)
    first = await browser.look()
    reader.read(first)
    engine = reader._engine
    assert engine is not None
    seen: list[int] = []
    searched: list[int] = []
    recognise, detect = engine.recognise, engine.detect

    def counted(strips: Any) -> Any:
        seen.append(len(strips))
        return recognise(strips)

    def measured(image: Any, scale: float) -> Any:
        searched.append(image.shape[0] * image.shape[1])
        return detect(image, scale)

    monkeypatch.setattr(engine, "recognise", counted)
    monkeypatch.setattr(engine, "detect", measured)
    reader.read(first)
    assert (seen, searched) == ([], [])
    await browser.page.evaluate(CHANGES["typing"])
    assert "Ada Lovelace" in texts(reader.read(await browser.look()))
    assert seen == [1]
    assert sum(searched) < 0.15 * 1280 * 720


@browsing
async def test_tick_boxes_and_fields_are_seen(browser: Any, fresh_reader: Reader) -> None:
    await browser.show(FORM)
    view = fresh_reader.view(await browser.look())
    assert [toggle.checked for toggle in view.toggles] == [False, True]
    field = await browser.page.locator("#name").bounding_box()
    assert any(abs(box.x - field["x"]) < 4 and abs(box.width - field["width"]) < 6 for box in view.fields)


@browsing
async def test_an_empty_page_has_no_lines(browser: Any, fresh_reader: Reader) -> None:
    await browser.show("")
    assert fresh_reader.read(await browser.look()) == ()


def test_what_is_no_picture_is_refused() -> None:
    broken = Screenshot(png=b"\x89PNG\r\n\x1a\n" + b"0" * 40, sha256="0" * 64, width=9, height=9)
    with pytest.raises(ValueError, match="not a readable PNG"):
        Reader().read(broken)


def test_importing_the_reader_loads_no_network() -> None:
    heavy = "{'onnxruntime', 'cv2', 'numpy', 'rapidocr'} & set(sys.modules)"
    code = f"import sys, harness.models.local.ocr; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
