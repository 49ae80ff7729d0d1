"""Elements found again by what they are, in a real Chromium over two real origins."""

import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import pytest_asyncio
from harness.clearance import Target
from harness.sandbox.chromium import find_chromium
from harness.sandbox.ground import Grounder
from playwright.async_api import BrowserContext, Page, async_playwright

pytestmark = pytest.mark.asyncio(loop_scope="module")

STYLE = "<style>body{margin:0} button{position:absolute;left:20px;top:20px;width:120px;height:30px}</style>"
INNER = f"<!doctype html>{STYLE}<form action=/buy method=post><button>Buy it</button></form>"
PAGES = {
    "/plain": f"<!doctype html>{STYLE}<button onclick=1>Save</button>",
    "/moved": f"<!doctype html>{STYLE}<button style='left:300px;top:1500px;height:60px'>Save</button>"
    "<button style='left:300px;top:200px'>Send</button>",
    "/twice": f"<!doctype html>{STYLE}<button>Save</button><button style='top:90px'>Save</button>",
    "/other": f"<!doctype html>{STYLE}<a href=/x>Save</a>",
    "/hidden": f"<!doctype html>{STYLE}<button style='display:none'>Save</button>",
    "/open": f"""<!doctype html><div id=host></div><script>
        host.attachShadow({{mode: 'open'}}).innerHTML = `{STYLE}<button style='top:120px'>Save</button>`;
        </script>""",
    "/closed": f"""<!doctype html><div id=host></div><script>
        host.attachShadow({{mode: 'closed'}}).innerHTML = `{STYLE}<button style='top:120px'>Save</button>`;
        </script>""",
    "/inner": INNER,
    "/near": "<!doctype html><body style='margin:0'><iframe src=/inner style='position:absolute;left:100px;"
    "top:50px;width:300px;height:100px;border:0'></iframe>",
    "/far": "<!doctype html><body style='margin:0'><iframe src=OTHER/inner style='position:absolute;"
    "left:200px;top:150px;width:300px;height:100px;border:5px solid;padding:10px'></iframe>",
}  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        host, _, port = self.headers["Host"].partition(":")
        other = f"http://{'localhost' if host == '127.0.0.1' else '127.0.0.1'}:{port}"
        body = PAGES.get(self.path, "<!doctype html>").replace("OTHER", other).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def context() -> AsyncIterator[BrowserContext]:
    async with async_playwright() as playwright:
        args = ["--no-sandbox", "--site-per-process"]
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=args)
        yield await browser.new_context()
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    page = await context.new_page()
    yield page
    await page.close()


async def save(context: BrowserContext, page: Page, site: str) -> tuple[Grounder, Target]:
    grounder = Grounder(context)
    await page.goto(f"{site}/plain")
    target = await grounder.at(page, 40, 30)
    assert target is not None
    return grounder, target


@pytest.mark.parametrize(
    ("path", "boxes"),
    [
        ("/plain", [(20, 20, 120, 30)]),
        ("/moved", [(300, 1500, 120, 60)]),
        ("/twice", [(20, 20, 120, 30), (20, 90, 120, 30)]),
        ("/open", [(20, 120, 120, 30)]),
        ("/closed", [(20, 120, 120, 30)]),
        ("/hidden", []),
    ],
)
async def test_an_element_is_found_wherever_it_is_and_its_twins_with_it(
    context: BrowserContext, page: Page, site: str, path: str, boxes: list[tuple[int, ...]]
) -> None:
    grounder, target = await save(context, page, site)
    await page.goto(site + path)
    found = await grounder.find(page, target)
    assert sorted(tuple(one.box.model_dump().values()) for one in found if one.box) == boxes
    assert {(one.role, one.name, one.tag) for one in found} <= {("button", "Save", "button")}


async def test_what_has_its_name_and_is_something_else_is_given_as_what_it_is(
    context: BrowserContext, page: Page, site: str
) -> None:
    grounder, target = await save(context, page, site)
    await page.goto(f"{site}/other")
    found = await grounder.find(page, target)
    assert [(one.role, one.name, one.href) for one in found] == [("link", "Save", f"{site}/x")]


@pytest.mark.parametrize(("path", "at"), [("/near", (120, 70)), ("/far", (235, 185))])
async def test_an_element_in_a_frame_is_found_where_the_frame_shows_it(
    context: BrowserContext, page: Page, site: str, path: str, at: tuple[int, int]
) -> None:
    grounder = Grounder(context)
    await page.goto(site + path)
    frame = page.frames[1]
    await frame.wait_for_selector("button")
    there = await grounder.at(page, at[0] + 5, at[1] + 5)
    assert there is not None
    assert there.role == "button"
    found = await grounder.find(page, there)
    assert [one.model_copy(update={"fingerprint": ""}) for one in found] == [
        there.model_copy(update={"fingerprint": ""})
    ]
    box = found[0].box
    assert box is not None
    assert (box.x, box.y) == at
