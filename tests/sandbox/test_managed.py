"""Which layer stops what: a real Chromium with its managed policy, and one without it as the control."""

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from harness.action import Click, Goto
from harness.clearance import Refusal, Resource
from harness.sandbox import managed
from harness.sandbox.bubblewrap import BubblewrapSandbox
from harness.sandbox.confine import Confinement, find_tools
from harness.sandbox.rundir import RunFolder
from playwright.async_api import Error, Page
from tests.sandbox.places import do, opened, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

REACH = ("http://.shop.test:80", "http://cdn.test:80/app", "http://.localhost:80", "https://.shop.test:443")
BLOCKED = "net::ERR_BLOCKED_BY_ADMINISTRATOR"
MACHINE = (
    "file:///etc/passwd",
    "view-source:http://shop.test/",
    "chrome://version/",
    "chrome://policy/",
    "devtools://devtools/bundled/inspector.html",
)
ELSEWHERE = (
    "http://evil.test/",
    "http://shop.test.evil.test/",
    "http://sub.shop.test/",
    "http://shop.test:8080/",
    "http://cdn.test/other",
    "http://127.0.0.1/",
    "ftp://shop.test/",
    "filesystem:http://shop.test/temporary/x",
)
ASKED = (
    "geolocation",
    "notifications",
    "camera",
    "microphone",
    "clipboard-read",
    "idle-detection",
    "window-management",
    "local-fonts",
)
DEVICES = (
    ("navigator.usb.requestDevice({filters: []})", "NotFoundError"),
    ("navigator.serial.requestPort()", "NotFoundError"),
    (
        "navigator.hid.requestDevice({filters: []}).then(all => { throw new DOMException('', all.length) })",
        "0",
    ),
    ("navigator.mediaDevices.getDisplayMedia({video: true})", "NotAllowedError"),
    ("navigator.mediaDevices.getUserMedia({audio: true})", "NotFoundError"),
    ("navigator.requestMIDIAccess()", "NotAllowedError"),
    ("IdleDetector.requestPermission().then(said => { throw new DOMException('', said) })", "denied"),
    ("showOpenFilePicker()", "NotAllowedError"),
    ("showSaveFilePicker()", "NotAllowedError"),
    ("showDirectoryPicker()", "NotAllowedError"),
)
PDF = (
    b"%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n"
)
FRAMES = b"""<!doctype html><title>Frames</title><iframe src="data:text/html,data"></iframe>
<iframe srcdoc="srcdoc"></iframe><iframe src="about:blank"></iframe><script>
const blob = URL.createObjectURL(new Blob(["blob"], {type: "text/html"}));
document.body.append(Object.assign(document.createElement("iframe"), {src: blob}))</script>"""
LINK = b"""<!doctype html><body style=margin:0><a href="mailto:ada@shop.test"
style="position:absolute;inset:0;font-size:40px">write to us</a>"""


async def went(page: Page, url: str) -> str:
    """Go somewhere; give Chromium's name for what went wrong, or nothing."""
    await page.goto("about:blank")
    try:
        await page.goto(url, timeout=10_000)
    except Error as error:
        # The error page comes after the error, and would be in the way of what is opened next.
        await page.wait_for_url(lambda shown: shown.startswith("chrome-error:"), timeout=10_000)
        return error.message.removeprefix("Page.goto: ").split(" ")[0]
    return ""


@contextlib.asynccontextmanager
async def showing(
    page: bytes, *, bare: bool = False
) -> AsyncIterator[tuple[Page, list[str], BubblewrapSandbox]]:
    async with contextlib.AsyncExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            if bare:
                patch.setattr(managed, "document", lambda _: "{}")
            opening = opened(BubblewrapSandbox, page, reach=REACH)
            sandbox, _, asked = await stack.enter_async_context(opening)
        yield await (await sandbox.browser.new_context()).new_page(), asked, sandbox


Place = tuple[Page, list[str], BubblewrapSandbox]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Place]:
    async with showing(FRAMES) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bare() -> AsyncIterator[Place]:
    """The same walls and switches, and a managed policy that says nothing."""
    async with showing(LINK, bare=True) as found:
        yield found


@pytest.mark.parametrize("url", [*MACHINE, *ELSEWHERE, "chrome-untrusted://terminal/"])
async def test_what_is_not_the_runs_web_is_stopped_by_the_policy(place: Place, url: str) -> None:
    page, asked, _ = place
    before = len(asked)
    assert await went(page, url) == BLOCKED
    assert not any("evil" in line or "8080" in line for line in asked[before:])


@pytest.mark.parametrize("url", [*MACHINE, "http://evil.test/"])
async def test_without_the_policy_it_opens(bare: Place, url: str) -> None:
    assert await went(bare[0], url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.test/",
        "http://shop.test/a/b?c=d",
        "http://cdn.test/app/x",
        "http://a.cdn.test/app",
        "data:,x",
    ],
)
async def test_what_the_run_may_load_still_loads(place: Place, url: str) -> None:
    assert await went(place[0], url) == ""


async def test_frames_without_a_host_still_load(place: Place) -> None:
    page = place[0]
    await page.goto("http://shop.test/")
    assert sorted([await frame.evaluate("document.body.innerText") for frame in page.frames[1:]]) == [
        "",
        "blob",
        "data",
        "srcdoc",
    ]


async def test_extensions_are_closed_but_for_the_viewer_that_pdfs_need(place: Place) -> None:
    page = place[0]
    other = "chrome-extension://nkeimhogjdpnpccoofpliimaahmaaome/background.html"
    assert (await went(page, other)).startswith("net::ERR_BLOCKED_BY")
    viewer = f"{managed.VIEWER}/index.html"
    await page.goto("http://shop.test/")
    await page.evaluate(
        """text => { const src = URL.createObjectURL(new Blob([text], {type: "application/pdf"}));
        document.body.append(Object.assign(document.createElement("iframe"), {src})) }""",
        PDF.decode(),
    )
    await until(lambda: any(one.url == viewer for one in page.frames))
    # A page cannot open it by itself: only the debugging pipe can.
    await page.goto("http://shop.test/")
    await page.evaluate("url => { location = url }", viewer)
    await page.wait_for_url(lambda shown: shown.startswith("chrome-error:"), timeout=10_000)


async def test_pages_are_told_that_they_may_not_ask(place: Place, bare: Place) -> None:
    query = (
        "names => Promise.all(names.map(name => navigator.permissions.query({name}).then(one => one.state)))"
    )
    said = {}
    for name, page in (("policy", place[0]), ("bare", bare[0])):
        await page.goto("http://localhost/")
        said[name] = await page.evaluate(query, [*ASKED])
    assert said["policy"] == ["denied"] * len(ASKED)
    # The control: these are the policy's doing. MIDI is not: headless Chromium refuses it by itself.
    assert said["bare"] == ["prompt"] * len(ASKED)


@pytest.mark.parametrize(("script", "error"), DEVICES, ids=[script.split("(")[0] for script, _ in DEVICES])
async def test_devices_and_pickers_are_refused_at_once(place: Place, script: str, error: str) -> None:
    page = place[0]
    await page.goto("http://localhost/")
    assert await page.evaluate(f"() => {script}.then(() => 'granted', error => error.name)") == error


async def test_a_foreign_protocol_is_stopped_by_the_policy_and_ignored_without_it(bare: Place) -> None:
    told: list[tuple[str, str]] = []

    def barred(_method: str, url: str, resource: Resource) -> Refusal:
        told.append((url, resource))
        return Refusal(rule="domains.navigate", reason="mail is not loaded")

    async with opened(BubblewrapSandbox, LINK, reach=REACH, barred=barred) as (sandbox, _, _):
        await do(sandbox, Goto(url="http://shop.test/"))
        await do(sandbox, Click(x=60, y=30))
        screen = await sandbox.observe()
        assert told == [("mailto:ada@shop.test", "document")]
        assert any("mail is not loaded" in note for note in screen.notes)
    page = bare[0]
    await page.goto("http://shop.test/")
    await page.click("a")
    assert page.url == "http://shop.test/"
    assert await page.title() == ""


async def test_printing_opens_nothing_with_the_policy_or_without(place: Place, bare: Place) -> None:
    for page, _, sandbox in (place, bare):
        await page.goto("http://shop.test/")
        session = await sandbox.browser.new_browser_cdp_session()
        before = await session.send("Target.getTargets")
        await page.evaluate("print()")
        after = await session.send("Target.getTargets")
        assert {one["targetId"] for one in after["targetInfos"]} <= {
            one["targetId"] for one in before["targetInfos"]
        }
        await session.detach()


async def test_chromium_knows_every_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(managed, "SCHEMES", ())
    rows = """() => { const found = [], walk = root => { for (const one of root.querySelectorAll('*')) {
        if (one.tagName == 'POLICY-ROW') {
            const text = of => one.shadowRoot.querySelector(of)?.innerText.trim() ?? '';
            found.push([text('.name'), text('.messages')]) }
        if (one.shadowRoot) walk(one.shadowRoot) } }; walk(document); return found }"""
    async with opened(BubblewrapSandbox) as (sandbox, _, _):
        page = await (await sandbox.browser.new_context()).new_page()
        await page.goto("chrome://policy/")
        wanted = {*managed.ACTING, *managed.IDLE} | {"URLBlocklist", "URLAllowlist"}
        await page.wait_for_function(f"() => ({rows})().length > {len(wanted)}")
        said = dict(await page.evaluate(rows))
    assert {
        name: said.get(name, "missing") for name in wanted if said.get(name) not in ("OK", "Deprecated")
    } == {}


async def test_only_the_runs_own_policy_is_inside_and_cannot_be_written() -> None:
    with RunFolder.create() as run:
        walls = Confinement(
            run.path, find_tools(), None, policy=managed.document(("https://.shop.test:443",))
        )
        walls.build()
        find = "cat $(find /etc -path '*polic*' -type f); find /etc -path '*polic*' -type f -writable"
        code, out, _ = await walls.probe(("/bin/sh", "-c", find))
    assert code == 0
    documents = out.replace("}{", "}\n{").splitlines()
    assert len(documents) == len(managed.PLACES)
    assert {json.dumps(json.loads(one)["URLAllowlist"][0]) for one in documents} == {
        '"https://.shop.test:443"'
    }


async def test_files_are_not_taken_where_none_may_be_kept() -> None:
    page = (
        b'<!doctype html><a download=x.txt href="data:text/plain,x" style="position:absolute;inset:0">x</a>'
    )
    async with opened(BubblewrapSandbox, page, saves=False) as (sandbox, run, _):
        await do(sandbox, Goto(url="http://shop.test/"))
        await do(sandbox, Click(x=60, y=30))
        while not (screen := await sandbox.observe()).downloads or screen.downloads[0].status == "started":
            pass
        assert screen.downloads[0].status == "failed"
        assert not list(run.path.glob("**/downloads/*")), "the browser kept it outside the walls"
        assert not list(Path(run.path, "kept").iterdir())


async def test_without_a_reach_the_whole_web_is_left_to_the_gateway() -> None:
    said = managed.managed(None)
    assert said["URLAllowlist"] == ["http://*", "https://*", "data:*", managed.VIEWER]
    assert "*" in said["URLBlocklist"] if isinstance(said["URLBlocklist"], list) else False


async def test_no_key_is_there_that_stops_playwright_or_is_said_to_be_left_out() -> None:
    assert not set(managed.ACTING) & set(managed.IDLE)
    assert not set(managed.managed(None)) & set(managed.LEFT_OUT)
    told = [*managed.ACTING.values(), *managed.IDLE.values()]
    assert all(why for _, why in told)
