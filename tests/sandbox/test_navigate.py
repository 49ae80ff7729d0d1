"""Going places, and not getting there."""

from typing import Any

import pytest
from harness.action import Back, Forward, Goto, NewTab, Reload
from harness.errors import SandboxError
from harness.sandbox.navigate import step

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_history_goes_back_and_forward(pilot: Any) -> None:
    await pilot.done(
        Goto(url=f"{pilot.web.base}/mouse.html"), Goto(url=f"{pilot.web.base}/keys.html"), Back()
    )
    assert (await pilot.see()).title == "Mouse"
    await pilot.done(Forward())
    assert (await pilot.see()).title == "Keys"
    outcome = await pilot.do(Forward())
    assert (outcome.ok, outcome.message) == (False, "there is no page to go forward to")


async def test_a_reload_loads_again(pilot: Any) -> None:
    await pilot.go("mouse.html")
    await pilot.js("void (window.mark = 1)")
    await pilot.done(Reload())
    assert await pilot.js("window.mark") is None


async def test_what_the_network_refuses_is_an_outcome(pilot: Any) -> None:
    outcome = await pilot.do(Goto(url="http://127.0.0.1:9/"))
    assert not outcome.ok
    assert "ERR_" in outcome.message
    assert not (await pilot.do(NewTab(url="http://127.0.0.1:9/"))).ok
    assert len((await pilot.see()).tabs) == 2


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "file:///etc/passwd", "chrome://version", "view-source:http://a/", "shop.test"],
)
async def test_other_schemes_are_refused(pilot: Any, url: str) -> None:
    outcome = await pilot.do(Goto(url=url))
    assert not outcome.ok
    assert pilot.tab.page.url == "about:blank"


async def test_a_download_is_not_a_failure(pilot: Any) -> None:
    outcome = await pilot.do(Goto(url=f"{pilot.web.base}/download/report.csv"))
    assert (outcome.ok, outcome.message) == (True, "a download began")


@pytest.mark.parametrize(
    ("status", "rule", "words"),
    [(403, "domains.navigate", "refused by the rule"), (502, "upstream", "no page, but 502 from")],
)
async def test_a_refusal_is_told_from_a_failure(pilot: Any, status: int, rule: str, words: str) -> None:
    url = f"{pilot.web.base}/mouse.html"
    await pilot.tab.page.route(
        url, lambda route: route.fulfill(status=status, body="no", headers={"x-harness-rule": rule})
    )
    outcome = await pilot.do(Goto(url=url))
    assert not outcome.ok
    assert f"{words} {rule!r}" in outcome.message


async def test_history_is_asked_again_while_one_page_takes_the_place_of_another() -> None:
    class Swapping:
        """A tab that has no page for a moment."""

        asked = 0

        async def send(self, method: str) -> dict[str, Any]:
            self.asked += 1
            if self.asked < 3:
                raise SandboxError(f"{method}: Protocol error ({method}): Not attached to an active page")
            return {"currentIndex": 0, "entries": [{}]}

    tab: Any = Swapping()
    assert (await step(tab, 1)).message == "there is no page to go forward to"
    assert tab.asked == 3
