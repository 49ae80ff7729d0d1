"""The player, on a page that may not be what it was."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.action import Action, Answer, Click, GiveUp, Press, Scroll, TakeScreenshot, Type, Wait
from harness.clearance import Approval, Box, Reply
from harness.errors import SandboxError
from harness.replay.player import LOOKS, Player
from harness.screen import ActionResult, Observation, Screenshot
from harness.trace.events import ApprovalGiven
from tests.replay.pages import Line, Page, Words, button, field, shot
from tests.replay.runs import Then, record

SAVE, NEXT, NAME = button("Save", 10, 10), button("Next", 10, 60, "/next"), field("Name", 10, 100)
CLICK, ONWARD = Click(x=50, y=20), Click(x=50, y=70)
TYPING: list[tuple[Action, Any]] = [
    (Click(x=20, y=110), NAME),
    (Press(keys=("End",)), NAME),
    (Type(text="Ada"), NAME),
]
Screens = Callable[[int, list[Action]], Screenshot]


def still(_: int, __: list[Action]) -> Screenshot:
    return shot()


async def play(
    player: Player,
    page: Page,
    screens: Screens = still,
    refuse: Callable[[Action], ActionResult | None] = lambda _: None,
    url: str = "https://a.test/",
) -> list[Reply]:
    """Give the player screens until it ends the run, as the loop would; everything it asks is done."""
    player.attach(page)
    replies: list[Reply] = []
    results: tuple[ActionResult, ...] = ()
    done: list[Action] = []
    for step in range(1, 60):
        seen = Observation(screenshot=screens(step, done), url=url, goal="", step=step, results=results)
        reply = await player.reply(seen)
        replies.append(reply)
        if isinstance(reply.actions[-1], Answer | GiveUp):
            player.end()
            return replies
        results = tuple(
            refuse(action) or ActionResult(action=action, status="done") for action in reply.actions
        )
        done += reply.actions
    raise AssertionError("the player does not end")


def acted(replies: list[Reply]) -> list[Action]:
    return [action for reply in replies for action in reply.actions]


async def test_an_unchanged_page_gets_the_recorded_actions_and_the_recorded_end(tmp_path: Path) -> None:
    player = Player(record(tmp_path, Then([(CLICK, SAVE)]), Then([(ONWARD, NEXT)])))
    replies = await play(player, Page(SAVE, NEXT))
    assert acted(replies) == [CLICK, ONWARD, Answer(text="ok")]
    assert player.finished
    assert player.divergence is None
    steps = player.steps
    assert [(one.recorded, one.live) for one in steps] == [(1, 1), (2, 2), (3, 3)]
    assert all(one.picture is not None and one.picture.verdict == "same" for one in steps)
    assert [did.found for one in steps for did in one.did] == ["same place", "same place", None]
    assert {did.status for one in steps for did in one.did} == {"done"}


async def test_what_moved_is_acted_on_where_it_is_and_that_is_said(tmp_path: Path) -> None:
    player = Player(record(tmp_path, Then([(CLICK, SAVE)])))
    replies = await play(player, Page(button("Save", 110, 50)))
    assert acted(replies)[0] == Click(x=150, y=60)
    assert "found by fingerprint, moved by +100, +40" in replies[0].thought
    did = player.steps[0].did[0]
    assert (did.found, did.moved, did.status) == ("fingerprint", (100, 40), "done")


async def test_a_changed_label_stops_it_at_that_step_and_nothing_is_clicked(tmp_path: Path) -> None:
    player = Player(record(tmp_path, Then([(CLICK, SAVE)]), Then([(ONWARD, NEXT)])))
    replies = await play(player, Page(SAVE, button("Delete all", 10, 60, "/delete")))
    assert [one for one in acted(replies) if isinstance(one, Click)] == [CLICK]
    assert sum(isinstance(one, Wait) for one in acted(replies)) == LOOKS
    assert isinstance(acted(replies)[-1], GiveUp)
    assert player.divergence is not None
    assert (player.divergence.category, player.divergence.recorded) == ("target changed", 2)
    assert "name was 'Next', is 'Delete all'" in player.divergence.detail
    assert not player.finished
    assert player.steps[1].did[0].status == "not_reached"
    assert player.pairs["divergence"].recorded is not None


async def test_a_page_that_is_late_is_waited_for(tmp_path: Path) -> None:
    page = Page()

    def screens(step: int, _: list[Action]) -> Screenshot:
        if step == 3:
            page.targets.append(SAVE)
        return shot()

    replies = await play(Player(record(tmp_path, Then([(CLICK, SAVE)]))), page, screens)
    assert [type(one) for one in acted(replies)] == [Wait, Wait, Click, Answer]


async def test_a_page_that_does_not_answer_is_asked_again_and_not_for_ever(tmp_path: Path) -> None:
    class Busy(Page):
        silent = 2

        async def ground(self, action: Action) -> Any:
            self.silent -= 1
            if self.silent >= 0:
                raise SandboxError("the page keeps changing")
            return await super().ground(action)

    recording = record(tmp_path, Then([(CLICK, SAVE)]))
    replies = await play(Player(recording), Busy(SAVE))
    assert [type(one) for one in acted(replies)] == [Wait, Wait, Click, Answer]
    page = Busy(SAVE)
    page.silent = 99
    with pytest.raises(SandboxError, match="keeps changing"):
        await play(Player(recording), page)


async def test_what_is_below_the_screen_is_scrolled_to(tmp_path: Path) -> None:
    page = Page(button("Save", 10, 900))

    def screens(_: int, done: list[Action]) -> Screenshot:
        if done and isinstance(done[-1], Scroll):
            page.targets[:] = [button("Save", 10, 90)]
        return shot()

    player = Player(record(tmp_path, Then([(CLICK, SAVE)])))
    replies = await play(player, page, screens)
    assert acted(replies)[:2] == [Scroll(x=160, y=100, dy=810), Click(x=50, y=100)]


async def test_what_cannot_be_scrolled_into_view_is_missing(tmp_path: Path) -> None:
    player = Player(record(tmp_path, Then([(CLICK, SAVE)])))
    replies = await play(player, Page(button("Save", 10, 900)))
    assert [type(one) for one in acted(replies)] == [Scroll, GiveUp]
    assert player.divergence is not None
    assert player.divergence.category == "target missing"


async def test_words_are_looked_for_down_to_the_end_of_the_page(tmp_path: Path) -> None:
    page, words = Page(), Words()

    def screens(_: int, done: list[Action]) -> Screenshot:
        downs = [one for one in done if isinstance(one, Scroll) and one.dy > 0]
        if len(downs) == 2:
            page.targets[:] = [button("Keep", 10, 90).model_copy(update={"text": "Save"})]
            words.lines = (Line("Save", Box(x=20, y=95, width=40, height=10)),)
        return shot((1, 1, 10 + len(downs), 10))

    player = Player(record(tmp_path, Then([(CLICK, SAVE)])), reader=words)
    replies = await play(player, page, screens)
    kinds = [type(one) for one in acted(replies) if not isinstance(one, Wait | TakeScreenshot)]
    assert kinds == [Scroll, Scroll, Scroll, Click, Answer]
    assert player.steps[0].did[0].found == "text on the screen"


async def test_a_page_without_the_words_ends_where_scrolling_does(tmp_path: Path) -> None:
    player = Player(record(tmp_path, Then([(CLICK, SAVE)])), reader=Words())
    replies = await play(player, Page())
    assert sum(isinstance(one, Scroll) for one in acted(replies)) == 2
    assert player.divergence is not None
    assert player.divergence.category == "target missing"


async def test_keys_go_with_the_click_that_gave_the_focus(tmp_path: Path) -> None:
    recording = record(tmp_path, Then([*TYPING, (CLICK, SAVE)]))
    replies = await play(Player(recording), Page(SAVE, NAME, focus=NAME))
    assert [len(reply.actions) for reply in replies] == [3, 1, 1]


async def test_keys_after_another_s_click_are_looked_at_first(tmp_path: Path) -> None:
    recording = record(tmp_path, Then([(CLICK, SAVE), (Type(text="Ada"), NAME)]))
    player = Player(recording)
    replies = await play(player, Page(SAVE, focus=field("Card number", 0, 0)))
    assert [one for one in acted(replies) if isinstance(one, Type)] == []
    assert player.divergence is not None
    assert player.divergence.category == "target missing"


async def test_a_whole_answer_is_given_at_once_if_asked_for(tmp_path: Path) -> None:
    recording = record(tmp_path, Then([*TYPING, (CLICK, SAVE), (Wait(seconds=9), None)]))
    player = Player(recording, whole=True, waits=False)
    replies = await play(player, Page(SAVE, NAME, focus=NAME))
    assert [len(reply.actions) for reply in replies] == [5, 1]
    assert replies[0].actions[-1] == Wait(seconds=0)


async def test_a_page_that_went_on_gets_the_rest_on_the_next_screen(tmp_path: Path) -> None:
    tried: list[Action] = []

    def refuse(action: Action) -> ActionResult | None:
        tried.append(action)
        late = isinstance(action, Type) and tried.count(action) == 1
        return ActionResult(action=action, status="not_executed") if late else None

    player = Player(record(tmp_path, Then(TYPING)))
    replies = await play(player, Page(NAME, focus=NAME), refuse=refuse)
    assert [len(reply.actions) for reply in replies] == [3, 1, 1]
    assert [did.status for did in player.steps[0].did] == ["done"] * 3


@pytest.mark.parametrize("denied", [False, True])
async def test_a_refusal_ends_it_and_says_by_whom(tmp_path: Path, denied: bool) -> None:
    player = Player(record(tmp_path, Then([(CLICK, SAVE)])))

    def refuse(action: Action) -> ActionResult:
        if denied:
            approval = Approval(decision="deny", by="Ada")
            player.heard(ApprovalGiven(step=1, question="q", approval=approval, seconds=1))
        return ActionResult(action=action, status="refused", message="no", rule="spending")

    await play(player, Page(SAVE), refuse=refuse)
    assert player.divergence is not None
    assert player.divergence.category == ("approval denied" if denied else "refused")
    assert "spending: no" in player.divergence.detail
    assert player.steps[0].did[0].status == "refused"


async def test_what_is_stale_is_tried_again_and_not_for_ever(tmp_path: Path) -> None:
    player = Player(record(tmp_path, Then([(CLICK, SAVE)])))
    replies = await play(
        player,
        Page(SAVE),
        refuse=lambda action: ActionResult(action=action, status="refused", rule="stale", message="changed"),
    )
    assert acted(replies)[:-1] == [CLICK] * 4
    assert player.divergence is not None
    assert player.divergence.category == "refused"


async def test_what_failed_now_and_not_then_ends_it(tmp_path: Path) -> None:
    player = Player(record(tmp_path, Then([(CLICK, SAVE)])))
    await play(
        player, Page(SAVE), refuse=lambda action: ActionResult(action=action, status="failed", message="gone")
    )
    assert player.divergence is not None
    assert player.divergence.category == "failed"


async def test_pictures_that_differ_are_said_and_end_only_a_strict_replay(tmp_path: Path) -> None:
    recording = record(tmp_path, Then([(CLICK, SAVE)]))

    def screens(_: int, __: list[Action]) -> Screenshot:
        return shot((100, 100, 150, 80))

    player = Player(recording)
    await play(player, Page(SAVE), screens)
    assert player.finished
    assert player.divergence is None
    assert player.differs is not None
    assert (player.differs.recorded, player.differs.category) == (1, "page differs")
    assert player.pairs["differs"].boxes == (Box(x=100, y=100, width=150, height=80),)
    strict = Player(recording, strict=True)
    assert [type(one) for one in acted(await play(strict, Page(SAVE), screens))] == [GiveUp]
    assert strict.divergence is not None
    assert strict.divergence.category == "page differs"


async def test_a_clock_is_found_by_looking_twice_and_left_out(tmp_path: Path) -> None:
    recording = record(tmp_path, Then([(CLICK, SAVE)]), Then([(ONWARD, NEXT)]))
    player = Player(recording)
    replies = await play(player, Page(SAVE, NEXT), lambda step, _: shot((200, 150, 20 + step, 20)))
    assert [type(one) for one in acted(replies)].count(TakeScreenshot) == 1
    verdicts = [one.picture.verdict for one in player.steps if one.picture]
    assert verdicts[0] == "differs"
    blinking = Player(recording)
    await play(blinking, Page(SAVE, NEXT), lambda step, _: shot((200, 150, 20, 20)) if step % 2 else shot())
    assert [one.picture.verdict for one in blinking.steps if one.picture] == ["same"] * 3


async def test_what_moved_by_itself_in_the_recording_is_left_out(tmp_path: Path) -> None:
    clock = shot((200, 150, 20, 20))
    recording = record(tmp_path, Then([(Wait(seconds=1), None)]), Then([(CLICK, SAVE)], clock))
    player = Player(recording)
    await play(player, Page(SAVE), lambda _, __: shot((205, 155, 10, 10)))
    assert [one.picture.verdict for one in player.steps if one.picture] == ["same"] * 3


async def test_masks_by_place_and_by_text_are_left_out(tmp_path: Path) -> None:
    recording = record(tmp_path, Then([(CLICK, SAVE)]))
    box = Box(x=100, y=100, width=150, height=80)
    for player in (
        Player(recording, masks=(box,)),
        Player(recording, reader=Words(Line("12:30", box)), hidden=(re.compile(r"\d+:\d+"),)),
    ):
        await play(player, Page(SAVE), lambda _, __: shot((100, 100, 150, 80)))
        assert player.differs is None
        assert [one.picture.verdict for one in player.steps if one.picture] == ["same"] * 2


async def test_a_recording_that_was_cut_off_ends_with_what_it_has(tmp_path: Path) -> None:
    recording = record(tmp_path, Then([(CLICK, SAVE)]))
    cut = type(recording)(recording.trace, recording.task, recording.policy, recording.looks[:1])
    player = Player(cut)
    assert acted(await play(player, Page(SAVE)))[-1] == GiveUp(reason="the recording ends here")
    assert player.finished


async def test_another_address_is_said(tmp_path: Path) -> None:
    player = Player(record(tmp_path, Then([(CLICK, SAVE)])))
    await play(player, Page(SAVE), url="https://a.test/other")
    assert player.steps[0].url == ("https://a.test/", "https://a.test/other")


async def test_another_page_is_an_extra_step_and_another_number_is_not(tmp_path: Path) -> None:
    recording = record(tmp_path, Then([(CLICK, SAVE)], url="https://a.test/orders/17?x=1"))
    for url, category in (
        ("https://a.test/login", "extra/missing step"),
        ("https://a.test/orders/18", "target missing"),
    ):
        player = Player(recording)
        await play(player, Page(), url=url)
        assert player.divergence is not None
        assert player.divergence.category == category


async def test_a_player_without_a_sandbox_cannot_play(tmp_path: Path) -> None:
    player = Player(record(tmp_path, Then([(CLICK, SAVE)])))
    with pytest.raises(SandboxError, match="harness replay"):
        await player.reply(Observation(screenshot=shot(), url="https://a.test/", goal="", step=1))
