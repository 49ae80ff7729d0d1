"""Pages and frames that the browser itself would not load are told of, each once."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from harness.action import Click, Goto
from harness.clearance import Refusal, Resource
from harness.sandbox.bubblewrap import BubblewrapSandbox
from tests.sandbox.places import do, opened, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

REACH = ("http://.shop.test:80", "http://.cdn.test:80")
# Every host gives this page; what it does is in its fragment, which no server sees.
PAGE = b"""<!doctype html><title>Here</title><body style=margin:0><script>
const [what, to] = location.hash.slice(1).split('|');
if (what == 'frame') document.body.append(Object.assign(document.createElement('iframe'), {src: to}));
if (what == 'framed') document.body.append(
    Object.assign(document.createElement('iframe'), {src: 'http://cdn.test/#go|' + to}));
if (what == 'nested') document.body.append(
    Object.assign(document.createElement('iframe'), {src: 'http://cdn.test/#frame|' + to}));
if (what == 'go') location = to;
if (what == 'open') onclick = () => open(to);
if (what == 'closed') onclick = () => open(to, '_blank', 'noopener');
if (what == 'post') {
    const form = Object.assign(document.createElement('form'), {method: 'post', action: to});
    document.body.append(form);
    form.submit();
}
</script>"""

Place = tuple[BubblewrapSandbox, list[tuple[str, str]], list[str]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Place]:
    told: list[tuple[str, str]] = []

    def barred(_method: str, url: str, resource: Resource) -> Refusal | None:
        told.append((url, resource))
        return Refusal(rule="domains.navigate", reason="only the shop") if "evil" in url else None

    async with opened(BubblewrapSandbox, PAGE, reach=REACH, barred=barred) as (sandbox, _, asked):
        yield sandbox, told, asked


@pytest.mark.parametrize(
    ("what", "resource"),
    [
        ("go", "document"),
        ("post", "document"),
        ("frame", "frame"),
        ("framed", "frame"),
        ("nested", "frame"),
        ("open", "document"),
        ("closed", "document"),
    ],
)
async def test_it_is_told_once_with_its_address(place: Place, what: str, resource: str) -> None:
    sandbox, told, asked = place
    told.clear()
    url = f"http://evil.test/{what}"
    await do(sandbox, Goto(url=f"http://shop.test/?{what}#{what}|{url}"))
    if what in ("open", "closed"):
        await do(sandbox, Click(x=50, y=50))
    notes: list[str] = []

    async def known() -> bool:
        notes.extend((await sandbox.observe()).notes)
        return bool(told)

    await until(known)
    notes.extend((await sandbox.observe()).notes)
    assert told == [(url, resource)]
    assert [note for note in notes if "did not load" in note] == [
        f"the browser did not load {url}: only the shop"
    ]
    assert not any("evil" in line.split()[1] for line in asked if not line.startswith("GET http://shop.test"))


async def test_a_page_that_loads_is_not_told_of(place: Place) -> None:
    sandbox, told, _ = place
    told.clear()
    await do(sandbox, Goto(url="http://shop.test/#frame|http://cdn.test/"))
    await sandbox.observe()
    assert told == []


async def test_without_filters_a_page_of_the_web_is_the_gateways_to_tell() -> None:
    told: list[tuple[str, str]] = []

    def barred(_method: str, url: str, resource: Resource) -> None:
        told.append((url, resource))

    async with opened(BubblewrapSandbox, PAGE, barred=barred) as (sandbox, _, _):
        # The stand-in speaks no TLS, so that this is an error page too.
        await do(sandbox, Goto(url="https://shop.test/"))
        await do(sandbox, Goto(url="http://shop.test/#go|mailto:ada@shop.test"))

        async def known() -> bool:
            await sandbox.observe()
            return bool(told)

        await until(known)
    assert told == [("mailto:ada@shop.test", "document")]
