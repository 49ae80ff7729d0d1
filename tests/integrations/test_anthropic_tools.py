"""The anthropic SDK's own tool runner drives our sandbox over real HTTP, and what is denied is denied."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from anthropic import Anthropic, AsyncAnthropic
from harness.integrations.anthropic_tools import (
    BlockingGuardedBrowser,
    BlockingGuardedComputer,
    GuardedBrowser,
    GuardedComputer,
)
from harness.integrations.blocking import BlockingSession
from harness.screen import Download, Screen, Tab
from harness.testing import FakeSandbox
from tests.integrations.guests import HOME, SEARCH, clicked, ended, opened, shop
from tests.integrations.vendor import Vendor, vendor

Calls = list[tuple[str, dict[str, Any]]]


def spot(x: int, y: int) -> dict[str, Any]:
    return {"target": {"type": "coordinate", "x": x, "y": y}}


def answer(number: int, family: str, calls: Calls) -> dict[str, Any]:
    uses = [
        {
            "type": "tool_use",
            "id": f"toolu_{number}_{index}",
            "name": name,
            "toolset_name": family,
            "input": given,
        }
        for index, (name, given) in enumerate(calls)
    ]
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": uses or [{"type": "text", "text": "Found."}],
        "stop_reason": "tool_use" if uses else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def script(family: str, *turns: Calls) -> tuple[dict[str, Any], ...]:
    return tuple(answer(number, family, calls) for number, calls in enumerate((*turns, [])))


def results(model: Vendor, turn: int) -> list[dict[str, Any]]:
    """The tool results that answered a turn, as the vendor got them."""
    found: list[dict[str, Any]] = model.asked[turn + 1]["messages"][-1]["content"]
    return found


def words(result: dict[str, Any]) -> str:
    if isinstance(result["content"], str):
        return str(result["content"])
    return " ".join(one["text"] for one in result["content"] if one["type"] == "text")


ASK: dict[str, Any] = {
    "model": "m",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Search for tea."}],
    "max_iterations": 6,
}


def at(family: str, point: tuple[int, int]) -> dict[str, Any]:
    return spot(*point) if family == "browser" else {"coordinate": list(point)}


@pytest.mark.parametrize("family", [pytest.param("browser", marks=pytest.mark.long), "computer"])
async def test_each_toolset_does_two_steps_and_a_denied_action_is_an_error(
    tmp_path: Path, family: str
) -> None:
    turns: tuple[Calls, ...] = (
        [("screenshot", {}), ("left_click", at(family, SEARCH))],
        [("type", {"text": "tea"}), ("key", {"text": "Return"})],
        [("left_click", at(family, HOME)), ("type", {"text": "never"})],
    )
    with vendor(*script(family, *turns)) as model:
        async with shop(tmp_path) as session, AsyncAnthropic(api_key="k", base_url=model.url) as client:
            toolset = GuardedBrowser(session) if family == "browser" else GuardedComputer(session)
            last = await client.beta.messages.tool_runner(tools=[toolset], **ASK).until_done()
            assert session.latest.url == "https://shop.test/search?q=tea"
    assert last.stop_reason == "end_turn"
    result = ended(session.result, "done")
    assert clicked(result) == [("click", "done"), ("type", "done"), ("press", "done"), ("click", "refused")]
    (declared,) = model.asked[0]["tools"]
    assert declared["type"] == f"{family}_toolset_20260801"
    assert results(model, 0)[0]["content"][0]["source"]["media_type"] == "image/png"
    denied = results(model, 2)
    assert [one.get("is_error") for one in denied] == [True, True]
    assert [one["toolset_name"] for one in denied] == [family, family]
    assert words(denied[0]) == "click: refused by 'stay here': There is no way back."
    assert "Not executed" in words(denied[1])


class Tabbed(FakeSandbox):
    """A sandbox without a browser that opens tabs and gives a file."""

    async def observe(self) -> Screen:
        screen = await super().observe()
        opened = [one for one in self.acted if one.kind == "new_tab"]
        shown = next((one.tab for one in reversed(self.acted) if one.kind == "switch_tab"), None)
        active = shown or (2 if opened else 1)
        tabs = [
            Tab(id=one, url=self.url, title=f"T{one}", active=one == active)
            for one in range(1, 2 + len(opened))
        ]
        file = Download(name="f.txt", suggested="f.txt", url="https://a.test/f", size=3, status="completed")
        update = {"tabs": tuple(tabs), "notes": ("a file came",), "downloads": (file,)}
        return screen.model_copy(update=update)


BROWSING: tuple[Calls, ...] = (
    [("navigate", {"url": "a.test/next"}), ("new_tab", {}), ("list_tabs", {})],
    [("left_click", {**spot(1, 2), "tab_id": "1"}), ("left_click", {"target": {"type": "ref", "ref": "r"}})],
    [("javascript_exec", {"text": "1"})],
    [("type", {"text": "x"})],
)


def browsed(model: Vendor) -> None:
    """What the vendor was told of `BROWSING`."""
    (declared,) = model.asked[0]["tools"]
    assert declared["type"] == "browser_toolset_20260801"
    assert declared["configs"]["javascript_exec"] == {"enabled": False}
    went, new, tabs = results(model, 0)
    assert words(went) == "Navigated to https://a.test/next"
    state = went["content"][-1]
    assert (state["type"], state["tabs"][0]["tab_id"]) == ("browser_state", "1")
    assert state["state_changes"][0]["type"] == "download_completed"
    assert [one["type"] for one in new["content"]] == ["browser_state"]
    assert new["content"][0]["state_changes"] == [{"type": "tab_opened", "tab_id": "2"}]
    assert [one.get("active") for one in tabs["content"][0]["tabs"]] == [None, True]
    clicking, ref = results(model, 1)
    assert words(clicking) == "Clicked. a file came"
    assert "no element references" in words(ref)
    (script_,) = results(model, 2)
    assert (script_["is_error"], "'javascript_exec'" in words(script_)) == (True, True)
    (typed,) = results(model, 3)
    assert words(typed) == "type: refused by 'no typing': No.\na file came"


async def test_the_browser_toolset_is_offered_by_coordinates_and_tabs(tmp_path: Path) -> None:
    sandbox = Tabbed()
    with vendor(*script("browser", *BROWSING)) as model:
        async with (
            opened(tmp_path, sandbox) as session,
            AsyncAnthropic(api_key="k", base_url=model.url) as client,
        ):
            await client.beta.messages.tool_runner(tools=[GuardedBrowser(session)], **ASK).until_done()
    browsed(model)
    kinds = [one.kind for one in sandbox.acted[1:]]
    assert kinds == ["goto", "new_tab", "screenshot", "switch_tab", "click"]
    ended(session.result, "done")


def test_the_blocking_toolsets_are_guarded_alike(tmp_path: Path) -> None:
    with (
        vendor(*script("browser", *BROWSING)) as model,
        BlockingSession(lambda: opened(tmp_path, Tabbed())) as session,
        Anthropic(api_key="k", base_url=model.url) as client,
    ):
        client.beta.messages.tool_runner(tools=[BlockingGuardedBrowser(session)], **ASK).until_done()
    browsed(model)
    with (
        vendor(*script("computer", [("zoom", {"region": [0, 0, 9, 9]})], [("type", {"text": "x"})])) as model,
        BlockingSession(lambda: opened(tmp_path)) as session,
        Anthropic(api_key="k", base_url=model.url) as client,
    ):
        client.beta.messages.tool_runner(tools=[BlockingGuardedComputer(session)], **ASK).until_done()
    assert words(results(model, 0)[0]) == "zoom: there is no picture of that region"
    assert words(results(model, 1)[0]) == "type: refused by 'no typing': No."


async def test_a_run_that_is_over_is_told_and_ends_nothing_else(tmp_path: Path) -> None:
    turns: tuple[Calls, ...] = (
        [("cursor_position", {}), ("left_click", {"coordinate": [7, 8]}), ("cursor_position", {})],
        [("wait", {"duration": 1})],
        [("screenshot", {})],
    )
    with vendor(*script("computer", *turns)) as model:
        async with opened(tmp_path) as session, AsyncAnthropic(api_key="k", base_url=model.url) as client:
            async with asyncio.timeout(30):
                await client.beta.messages.tool_runner(tools=[GuardedComputer(session)], **ASK).until_done()
    assert [words(one) for one in results(model, 0)] == ["X=0,Y=0", "Clicked.", "X=7,Y=8"]
    for turn in (1, 2):
        assert words(results(model, turn)[0]) == "the session is over: stopped: Off."
    ended(session.result, "stopped", "Off.")


@pytest.mark.parametrize("name", ["javascript_exec", "file_upload", "read_network"])
async def test_what_we_do_not_offer_cannot_be_turned_on(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path) as session:
        toolset = GuardedBrowser(session, configs={name: {"enabled": True}, "zoom": {"enabled": False}})
        configs: Any = toolset.configs
        assert (configs[name], configs["zoom"]) == ({"enabled": False}, {"enabled": False})
