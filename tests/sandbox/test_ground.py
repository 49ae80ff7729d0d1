"""Targets, resolved by a real Chromium over real origins on loopback."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from harness.clearance import Target
from harness.errors import SandboxError
from harness.sandbox.chromium import find_chromium
from harness.sandbox.ground import Grounder
from playwright.async_api import Browser, BrowserContext, Frame, Page, async_playwright

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = Path(__file__).parent.parent / "pages" / "ground"
HANG = """void setTimeout(() => {
  const held = new XMLHttpRequest();
  held.open('GET', '/held', false);
  held.send();
  window.released = true;
})"""


class _Handler(BaseHTTPRequestHandler):
    """Serves the pages; OTHER in one stands for this server under its other name, which is another site."""

    gate: threading.Event

    def do_GET(self) -> None:
        if self.path == "/held":
            self.gate.wait(60)
        file = PAGES / self.path.lstrip("/").partition("?")[0]
        host, _, port = self.headers["Host"].partition(":")
        other = f"http://{'localhost' if host == '127.0.0.1' else '127.0.0.1'}:{port}"
        body = file.read_bytes().replace(b"OTHER", other.encode()) if file.is_file() else b"<!doctype html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the frame that asked may be gone
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a page that hangs waits for."""
    _Handler.gate = threading.Event()
    yield _Handler.gate
    _Handler.gate.set()


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        args = ["--no-sandbox", "--site-per-process"]
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=args)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context()
    yield context
    await context.close()


@pytest.fixture(scope="module")
def grounder(context: BrowserContext) -> Grounder:
    return Grounder(context)


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    page = await context.new_page()
    yield page
    await page.close()


async def middle(where: Page | Frame, selector: str) -> tuple[int, int]:
    box = await where.locator(selector).bounding_box()
    assert box is not None
    return round(box["x"] + box["width"] / 2), round(box["y"] + box["height"] / 2)


async def at(grounder: Grounder, page: Page, selector: str) -> Target:
    target = await grounder.at(page, *await middle(page, selector))
    assert target is not None
    return target


def seen(target: Target) -> dict[str, Any]:
    """What a target says beyond its defaults and its place."""
    return target.model_dump(exclude_defaults=True, exclude={"box", "fingerprint", "url", "frame_origin"})


ORDER: dict[str, Any] = {"form_method": "post", "form_action": "/orders"}
DEFAULT: dict[str, Any] = {"form_method": "post", "form_action": "/default"}
BUTTON: dict[str, Any] = {"role": "button", "tag": "button"}
FIELD: dict[str, Any] = {"role": "textbox", "tag": "input", "input_type": "text", "editable": True, **DEFAULT}

PLAIN: dict[str, dict[str, Any]] = {
    "#in-button": {**BUTTON, "name": "Pay now", "text": "Pay now"},
    "#in-link": {"role": "link", "tag": "a", "name": "Terms", "text": "Terms", "href": "/terms?x=1#y"},
    "#in-svg": {"role": "link", "tag": "a", "name": "Vector", "text": "Vector", "href": "/deep/svg-link"},
    "#map-image": {"role": "link", "tag": "area", "name": "North", "href": "/deep/area-link"},
    "#name-text": {**FIELD, "tag": "label", "name": "Full name", "text": "Full name"},
    "#name": {**FIELD, "name": "Full name"},
    "#secret": {**FIELD, "name": "Password", "input_type": "password", "password": True},
    "#masked": {**FIELD, "name": "PIN", "password": True},
    "#fixed": {"role": "textbox", "tag": "input", "name": "Fixed", "input_type": "text", **DEFAULT},
    "#file": {"role": "button", "tag": "input", "name": "Photo", "input_type": "file", **DEFAULT},
    "#default": {**BUTTON, "name": "Order by label", "text": "Place order", "submits": True, **DEFAULT},
    "#override": {
        **BUTTON,
        "name": "Quote",
        "text": "Quote",
        "submits": True,
        "form_method": "get",
        "form_action": "/other",
    },
    "#dialog": {**BUTTON, "name": "Close", "text": "Close", "submits": True, "form_method": "dialog"},
    "#inert": {**BUTTON, "name": "Nothing", "text": "Nothing", **ORDER},
    "#reset": {**BUTTON, "name": "Reset", "text": "Reset", **ORDER},
    "#disabled": {**BUTTON, "name": "Disabled", "text": "Disabled", **ORDER},
    "#value": {
        "role": "button",
        "tag": "input",
        "input_type": "submit",
        "name": "Send it",
        "text": "Send it",
        "submits": True,
        **ORDER,
    },
    "#image": {
        "role": "button",
        "tag": "input",
        "input_type": "image",
        "name": "Go",
        "submits": True,
        **ORDER,
    },
    "#submit-label": {
        "role": "button",
        "tag": "label",
        "name": "Order by label",
        "text": "Order by label",
        "submits": True,
        **DEFAULT,
    },
    "#check-text": {
        "role": "checkbox",
        "tag": "label",
        "name": "I agree",
        "text": "I agree",
        "input_type": "checkbox",
        **DEFAULT,
    },
    "#select": {"role": "combobox", "tag": "select", "name": "Size", "text": "Large", **ORDER},
    "#red": {"role": "option", "tag": "option", "name": "Red", "text": "Red", **ORDER},
    "#far": {**BUTTON, "name": "From afar", "text": "From afar", "submits": True, **ORDER},
    "#area": {"role": "textbox", "tag": "textarea", "name": "Notes", "editable": True},
    "#in-rich": {"role": "generic", "tag": "span", "name": "Letter", "editable": True},
    "#canvas": {"role": "canvas", "tag": "canvas"},
    "#video": {"role": "video", "tag": "video", "name": "Unable to play media."},
    "#in-hidden": {**BUTTON, "name": "Secret buy", "text": "Secret buy"},
    "#in-none": {**BUTTON, "name": "Not a button", "text": "Not a button"},
    "#in-widget": {"role": "button", "tag": "span", "name": "Custom", "text": "Custom"},
    "#in-contents": {**BUTTON, "name": "No box", "text": "No box"},
    "#pseudo": {"role": "link", "tag": "a", "name": "Drawn", "href": "/deep/pseudo"},
    "#word": {"role": "generic", "tag": "span", "text": "just words"},
    "#summary": {"role": "button", "tag": "summary", "name": "More", "text": "More"},
    "#veil": {**BUTTON, "name": "Under", "text": "Under"},
    "#zoomed": {**BUTTON, "name": "Zoomed", "text": "Zoomed"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plain(context: BrowserContext, site: str) -> AsyncIterator[Page]:
    page = await context.new_page()
    await page.goto(f"{site}/plain.html")
    yield page
    await page.close()


@pytest.mark.parametrize("selector", PLAIN)
async def test_every_kind_of_element_is_what_a_click_on_it_does(
    grounder: Grounder, plain: Page, site: str, selector: str
) -> None:
    target = await at(grounder, plain, selector)
    expected = dict(PLAIN[selector])
    for key in {"href", "form_action"} & expected.keys():
        expected[key] = site + expected[key]
    assert seen(target) == expected
    assert target.url == f"{site}/plain.html"
    assert target.frame_origin == site
    assert target.box is not None
    x, y = await middle(plain, selector)
    assert target.box.x <= x <= target.box.x + target.box.width
    assert target.box.y <= y <= target.box.y + target.box.height


async def test_outside_the_page_there_is_nothing(grounder: Grounder, plain: Page) -> None:
    assert await grounder.at(plain, 5000, 10) is None
    assert await grounder.at(plain, 10, -1) is None


async def test_what_was_typed_is_never_told(grounder: Grounder, page: Page) -> None:
    await page.set_content(
        "<div id=all style='width: 600px'><input value=hunter2><textarea>hunter2</textarea>"
        "<p contenteditable>hunter2</p><input type=password value=hunter2><p>end</p></div>"
    )
    for selector in ("input >> nth=0", "textarea", "p >> nth=0", "input >> nth=1"):
        assert "hunter2" not in (await at(grounder, page, selector)).model_dump_json()
    whole = await grounder.at(page, 9, 300)
    assert whole is not None
    assert "hunter2" not in whole.model_dump_json()


async def test_text_is_what_is_seen_and_short(grounder: Grounder, page: Page) -> None:
    await page.set_content(
        "<button>Pay <span style='display: none'>no</span><span style='visibility: hidden'>no</span>"
        f"<span style='opacity: 0'>no</span><span style='display: contents'>now</span> {'x' * 300}</button>"
    )
    target = await at(grounder, page, "button")
    assert target.text == "Pay now " + "x" * 192


async def test_scrolled_pages_are_hit_where_they_are(grounder: Grounder, plain: Page, site: str) -> None:
    try:
        await plain.locator("#bottom").scroll_into_view_if_needed()
        assert await plain.evaluate("scrollY") > 500
        assert (await at(grounder, plain, "#bottom")).href == f"{site}/bottom"
    finally:
        await plain.evaluate("scrollTo(0, 0)")
    assert (await at(grounder, plain, "#in-button")).name == "Pay now"


async def test_what_a_link_or_button_turns_out_to_do_is_told(
    grounder: Grounder, page: Page, site: str
) -> None:
    await page.goto(f"{site}/blank")
    await page.evaluate(
        """document.body.innerHTML = `<svg width=90 height=30><a href="/static">
        <set attributeName="href" to="/animated" begin="0s"/><text y=20 id="animated">moving</text></a></svg>
        <form action="/sent" method="post"><button id="command" commandfor="pop" command="show-popover">Show
        </button></form><div popover id="pop">shown</div>
        <a href="/outer"><button id="inner" type="button">In a link</button></a>`"""
    )
    assert (await at(grounder, page, "#inner")).href == f"{site}/outer"
    command = await at(grounder, page, "#command")
    assert (command.form_action, command.submits) == (f"{site}/sent", False)
    place = await middle(page, "#animated")
    await page.wait_for_function("document.querySelector('svg a').href.animVal === '/animated'")
    target = await grounder.at(page, *place)
    assert target is not None
    async with page.expect_navigation():
        await page.mouse.click(*place)
    assert page.url == target.href == f"{site}/animated"


async def test_the_top_layer_lies_over_the_page(grounder: Grounder, page: Page, site: str) -> None:
    await page.goto(f"{site}/plain.html")
    button = await middle(page, "#in-button")
    await page.evaluate("modal.showModal()")
    assert (await at(grounder, page, "#in-dialog")).name == "In dialog"
    covered = await grounder.at(page, *button)
    assert covered is not None
    assert covered.tag == "dialog"  # its backdrop takes the click
    await page.evaluate("modal.close(); pop.showPopover()")
    assert (await at(grounder, page, "#in-popover")).name == "In popover"


async def test_beneath_an_open_select_is_what_a_click_reaches(grounder: Grounder, page: Page) -> None:
    await page.set_content(
        "<select><option>one<option>two<option>three</select>"
        "<button style='position: absolute; left: 0; top: 32px; width: 200px; height: 60px' "
        "onclick='document.title = this.textContent'>Under the menu</button>"
    )
    await page.mouse.click(*await middle(page, "select"))
    await page.wait_for_function("document.querySelector('select').matches(':open')")
    focused = await grounder.focused(page)
    assert focused is not None
    assert focused.tag == "select"
    target = await grounder.at(page, 20, 60)
    assert target is not None
    await page.mouse.click(20, 60)
    assert target.name == await page.title() == "Under the menu"


async def test_closed_and_nested_shadow_roots_hide_nothing(grounder: Grounder, page: Page, site: str) -> None:
    await page.goto(f"{site}/shadow.html")
    places = await page.evaluate("places")
    expected = {"open": ("get", "/open", "Open button"), "closed": ("post", "/closed", "Closed button")}
    for place, (how, where, name) in expected.items():
        target = await grounder.at(page, *places[place])
        assert target is not None
        assert seen(target) == {
            **BUTTON,
            "name": name,
            "text": name,
            "submits": True,
            "form_method": how,
            "form_action": site + where,
        }


async def test_what_is_slotted_into_a_closed_root_is_what_it_is_slotted_into(
    grounder: Grounder, page: Page, site: str
) -> None:
    await page.goto(f"{site}/shadow.html")
    target = await at(grounder, page, "#deep")
    assert (target.tag, target.name, target.submits) == ("button", "Slotted pay", True)
    assert (target.form_method, target.form_action) == ("post", f"{site}/slot")
    link = await at(grounder, page, "#in-linked")
    assert (link.role, link.href) == ("link", f"{site}/inner")


async def test_through_frames_of_every_kind_the_target_is_what_a_real_click_hits(
    grounder: Grounder, page: Page, site: str
) -> None:
    await page.goto(f"{site}/frames.html")
    for frame in page.frames[1:]:
        await frame.wait_for_load_state("load")
    names: set[str] = set()
    points = [(x, y) for x in range(60, 1200, 97) for y in range(40, 600, 61)]
    for x, y in [*points, (550, 190), (640, 250)]:
        target = await grounder.at(page, x, y)
        assert target is not None
        before = await page.evaluate("hits.length")
        await page.mouse.click(x, y)
        await page.wait_for_function("before => hits.length > before", arg=before)
        hit = await page.evaluate("hits.at(-1)")
        if target.tag == "button":
            assert hit in (target.name, f"top {target.name.lower()}"), (x, y)
            assert target.box is not None
            assert target.box.x <= x <= target.box.x + target.box.width
            assert target.box.y <= y <= target.box.y + target.box.height
            names.add(target.name.split()[0])
        else:
            assert "," not in hit, (x, y)
            assert "cover" not in hit, (x, y)
    assert names == {"other", "same", "zoomed", "deep", "Cover"}


@pytest.mark.parametrize(
    "style",
    [
        "left: 10.3px; top: 20.7px",
        "left: 10px; top: 20px; transform: translateY(0.4px)",
        "left: 10px; top: 20.4px; zoom: 1.37",
        "left: 10px; top: 20px; transform: scale(1.3)",
        "left: 10px; top: 20px; width: 200.6px; padding: 1.3px; border: 2.6px solid",
    ],
)
async def test_between_the_pixels_of_a_frame_the_target_is_what_a_real_click_hits(
    grounder: Grounder, page: Page, site: str, style: str
) -> None:
    await page.goto(f"{site}/blank")
    await page.evaluate(
        "([src, style]) => new Promise(onload => { window.hits = [];"
        "addEventListener('message', event => event.data.hit && hits.push(event.data.hit));"
        "const frame = document.createElement('iframe');"
        "frame.style.cssText = 'position: absolute; border: 0; height: 300px;' + style;"
        "document.body.append(Object.assign(frame, {onload, src})) })",
        [site.replace("127.0.0.1", "localhost") + "/blank", style],
    )
    await page.frames[1].evaluate(
        "() => { for (let i = 0; i < 60; i++) { const bar = document.createElement('div');"
        "bar.role = 'button'; bar.id = bar.ariaLabel = `bar ${i}`; document.body.append(bar);"
        "bar.style.cssText = `position: absolute; left: 0; top: ${i * 1.5}px; height: 1.5px; width: 100px` }"
        "addEventListener('click', event => parent.postMessage({hit: event.target.id}, '*')) }"
    )
    for y in range(31, 75, 3):
        target = await grounder.at(page, 50, y)
        assert target is not None
        await page.mouse.click(50, y)
        await page.wait_for_function("() => hits.length > 0")
        assert target.name == await page.evaluate("hits.pop()"), y


async def test_frames_of_other_sites_keep_their_origin_and_the_tab_its_address(
    grounder: Grounder, page: Page, site: str
) -> None:
    other = site.replace("127.0.0.1", "localhost")
    await page.goto(f"{site}/frames.html#here")
    await page.evaluate("scrollTo(0, 300)")
    frame = next(each for each in page.frames if each.url.endswith("#other"))
    target = await at(grounder, page, "#other")
    assert (target.frame_origin, target.url) == (other, f"{site}/frames.html#here")
    assert target.form_action is None or target.form_action == f"{other}/inside"
    await frame.locator("button").nth(20).evaluate("button => button.focus()")
    focused = await grounder.focused(page)
    assert focused is not None
    assert (focused.name, focused.frame_origin) == ("other 2,3", other)


async def test_origins_are_what_the_browser_enforces(grounder: Grounder, page: Page, site: str) -> None:
    await page.goto(f"{site}/origins.html")
    expected = {"srcdoc": site, "blank": site, "sandboxed": "null", "data": "null"}
    found = {}
    for which in expected:
        x, y = await middle(page, f"#{which}")
        target = await grounder.at(page, x - 85, y - 15)
        assert target is not None
        assert (target.tag, target.name) == ("button", which)
        found[which] = target.frame_origin
    assert found == expected


async def test_a_frame_that_moves_between_processes_is_followed(
    grounder: Grounder, page: Page, site: str
) -> None:
    other = site.replace("127.0.0.1", "localhost")
    await page.goto(f"{site}/blank")
    await page.evaluate("document.body.innerHTML = '<iframe style=\"width: 400px; height: 300px\">'")
    for origin in (other, site, other, site):
        await page.evaluate(
            "src => new Promise(onload => Object.assign(document.querySelector('iframe'), {onload, src}))",
            f"{origin}/inside.html#here",
        )
        target = await at(grounder, page, "iframe")
        assert (target.frame_origin, target.url) == (origin, f"{site}/blank")


async def test_focus_is_found_wherever_it_is(grounder: Grounder, page: Page, site: str) -> None:
    await page.goto(f"{site}/shadow.html")
    body = await grounder.focused(page)
    assert body is not None
    assert (body.tag, body.editable) == ("body", False)
    await page.evaluate("focusDeep()")
    deep = await grounder.focused(page)
    assert deep is not None
    assert (deep.name, deep.editable, deep.form_action) == ("Deep", True, f"{site}/closed")

    await page.goto(f"{site}/frames.html")
    for which in ("same", "zoomed", "deep"):
        frame = next(each for each in page.frames if each.url.endswith(f"#{which}"))
        await frame.wait_for_load_state("load")
        await frame.locator("input").focus()
        field = await grounder.focused(page)
        assert field is not None
        assert (field.name, field.editable) == (f"Field {which}", True)
        host = "127.0.0.1" if which != "zoomed" else "localhost"
        assert host in field.frame_origin


async def test_whatever_takes_typing_is_editable(grounder: Grounder, page: Page) -> None:
    await page.set_content("<canvas tabindex=0 width=90 height=90></canvas><p>words</p>")
    assert not (await at(grounder, page, "canvas")).editable
    await page.evaluate("document.querySelector('canvas').editContext = new EditContext()")
    assert (await at(grounder, page, "canvas")).editable
    assert not (await at(grounder, page, "p")).editable
    await page.evaluate("document.designMode = 'on'")
    assert (await at(grounder, page, "p")).editable
    focused = await grounder.focused(page)
    assert focused is not None
    assert focused.editable


async def test_a_hostile_page_can_neither_lie_nor_notice(grounder: Grounder, page: Page, site: str) -> None:
    await page.goto(f"{site}/hostile.html")
    pay, link = await middle(page, "#in-pay"), await middle(page, "#link")
    await page.locator("#pay").focus()
    raw = await page.context.new_cdp_session(page)
    await raw.send("Runtime.evaluate", {"expression": "arm()"})
    targets = [await grounder.at(page, *pay), await grounder.at(page, *link), await grounder.focused(page)]
    noticed = await raw.send("Runtime.evaluate", {"expression": "noticed.join()"})
    await raw.detach()
    assert noticed["result"]["value"] == ""
    truth = {
        **BUTTON,
        "name": "Pay",
        "text": "Pay",
        "submits": True,
        "form_method": "post",
        "form_action": f"{site}/truth",
    }
    assert [target and seen(target) for target in targets] == [
        truth,
        {"role": "link", "tag": "a", "name": "Link", "text": "Link", "href": f"{site}/true-link"},
        truth,
    ]
    assert {target.frame_origin for target in targets if target} == {site}


async def test_an_element_taken_from_another_frame_is_still_known(
    grounder: Grounder, page: Page, site: str
) -> None:
    await page.goto(f"{site}/origins.html")
    x, y = await middle(page, "#srcdoc")
    assert await grounder.at(page, x - 85, y - 15)
    await page.evaluate(
        "const form = document.createElement('form'); form.action = '/taken'; form.method = 'post';"
        "form.append(srcdoc.contentDocument.querySelector('button')); document.body.prepend(form)"
    )
    target = await at(grounder, page, "form button")
    assert (target.submits, target.form_action, target.name) == (True, f"{site}/taken", "srcdoc")


@pytest.mark.parametrize(
    "change",
    [
        "order.setAttribute('action', '/elsewhere')",
        "order.method = 'get'",
        "target.setAttribute('formaction', '/elsewhere')",
        "target.replaceWith(target.cloneNode(true))",
        "target.ariaLabel = 'Pay'",
        "target.textContent = 'Pay'",
        "target.disabled = true",
        "target.type = 'button'",
        "history.pushState(null, '', '/moved')",
    ],
)
async def test_a_swap_changes_the_fingerprint(grounder: Grounder, page: Page, site: str, change: str) -> None:
    await page.goto(f"{site}/plain.html")
    before = await at(grounder, page, "#far")
    await page.evaluate("window.target = document.querySelector('#far')")
    await page.evaluate(change)
    after = await at(grounder, page, "#far")
    assert before.fingerprint != after.fingerprint


async def test_layout_alone_does_not_change_the_fingerprint(
    grounder: Grounder, page: Page, site: str
) -> None:
    await page.goto(f"{site}/plain.html")
    before = await at(grounder, page, "#override")
    again = await at(grounder, page, "#override")
    await page.evaluate("document.body.style.cssText = 'padding: 31px; font-size: 19px'; scrollTo(0, 13)")
    after = await at(grounder, page, "#override")
    assert before.box != after.box
    assert before.fingerprint == again.fingerprint == after.fingerprint
    await page.reload()
    assert (await at(grounder, page, "#override")).fingerprint != before.fingerprint


async def test_a_page_that_never_answers_is_an_error_in_time(
    context: BrowserContext, page: Page, site: str, gate: threading.Event
) -> None:
    grounder = Grounder(context, seconds=0.5)
    await page.goto(f"{site}/plain.html")
    assert await grounder.at(page, 40, 24)
    await page.evaluate(HANG)
    with pytest.raises(SandboxError, match=r"could not resolve what is at \(40, 24\).*did not answer"):
        await grounder.at(page, 40, 24)
    with pytest.raises(SandboxError, match=r"could not resolve what has the focus.*did not answer"):
        await grounder.focused(page)
    gate.set()
    await page.wait_for_function("window.released")
    assert await Grounder(context).at(page, 40, 24)


async def test_a_frame_that_never_answers_does_not_stop_the_rest(
    context: BrowserContext, page: Page, site: str, gate: threading.Event
) -> None:
    grounder = Grounder(context, seconds=0.5)
    await page.goto(f"{site}/frames.html")
    frame = next(each for each in page.frames if each.url.endswith("#zoomed"))
    await frame.wait_for_load_state("load")
    await frame.evaluate(HANG)
    with pytest.raises(SandboxError, match="did not answer"):
        await grounder.at(page, 200, 450)
    assert await Grounder(context).at(page, 5, 5)
    gate.set()
    await frame.wait_for_function("window.released")
    assert await Grounder(context).at(page, 500, 200)


async def test_an_open_dialog_is_an_error_and_then_over(context: BrowserContext, page: Page) -> None:
    await page.set_content("<button>Here</button>")
    place = await middle(page, "button")
    async with page.expect_event("dialog") as opened:
        await page.evaluate("void setTimeout(() => alert('stop'))")
    with pytest.raises(SandboxError, match="a dialog may be open"):
        await Grounder(context, seconds=0.5).at(page, *place)
    await (await opened.value).accept()
    assert await Grounder(context).at(page, *place)


async def test_a_closed_page_is_an_error_at_once(grounder: Grounder, context: BrowserContext) -> None:
    page = await context.new_page()
    assert await grounder.at(page, 5, 5)
    await page.close()
    with pytest.raises(SandboxError, match="the tab is closed"):
        await grounder.at(page, 5, 5)
    with pytest.raises(SandboxError, match="the tab is closed"):
        await grounder.focused(page)


async def test_frames_that_come_and_go_give_a_target_or_a_clear_error(
    grounder: Grounder, page: Page, site: str
) -> None:
    other = site.replace("127.0.0.1", "localhost")
    await page.goto(f"{site}/plain.html")
    await page.evaluate(
        "other => { let n = 0; const churn = () => { document.querySelector('iframe')?.remove();"
        "const frame = document.createElement('iframe'); frame.style.cssText = 'position: fixed; inset: 0;"
        "width: 100%; height: 100%'; frame.src = (n++ % 2 ? other : '') + '/inside.html#' + n;"
        "document.body.append(frame); setTimeout(churn, 60) }; churn() }",
        other,
    )
    for _ in range(4):
        try:
            target = await grounder.at(page, 300, 300)
        except SandboxError as error:
            assert "could not resolve what is at (300, 300)" in str(error)  # noqa: PT017
        else:
            assert target is not None
            assert target.frame_origin in (site, other)


async def test_a_page_that_is_closed_midway_is_an_error(context: BrowserContext, site: str) -> None:
    page = await context.new_page()
    await page.goto(f"{site}/plain.html")
    grounder = Grounder(context)
    assert await grounder.at(page, 40, 24)
    asking = [asyncio.create_task(grounder.at(page, 40, 24)) for _ in range(20)]
    await page.close()
    for answer in await asyncio.gather(*asking, return_exceptions=True):
        assert isinstance(answer, Target | SandboxError)
