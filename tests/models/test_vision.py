"""What is the same for every vendor; the vendor here is a fake, and says so."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Literal

import harness
import pytest
from harness.action import Action, Answer, Click, Wait
from harness.clearance import Reply, SafetySignal, Usage
from harness.errors import TraceError
from harness.models.base import Foresighted, Telling
from harness.models.catalogue import ModelFacts, ours
from harness.models.context import Context, ContextOptions
from harness.models.dialect import Frame, Heard, Hearing, JsonObject, Trouble, Turn
from harness.models.functions import call
from harness.models.retry import Retry
from harness.models.vision import VisionModel
from harness.models.window import Window
from harness.screen import ActionResult, Observation
from harness.testing import blank
from pydantic import JsonValue


class Plain:
    """A made-up vendor: its answers are lists of calls, words and signals."""

    provider = "plain"
    overhead = "x" * 300

    def __init__(self, prunes: Literal["pictures", "turns"] = "pictures") -> None:
        self.prunes: Literal["pictures", "turns"] = prunes
        self.turns: list[tuple[Turn, ...]] = []

    def request(self, turns: Sequence[Turn], marks: Sequence[int]) -> JsonObject:
        self.turns.append(tuple(turns))
        return {"turns": len(turns), "marks": list(marks)}

    def read(self, answer: JsonValue, frame: Frame) -> Heard:
        if not isinstance(answer, dict):
            raise Trouble("malformed", "not an object", again=True, ends=False)
        hearing = Hearing()
        calls = answer.get("calls", [])
        assert isinstance(calls, list)
        for number, one in enumerate(calls):
            assert isinstance(one, dict)
            name, given = str(one["kind"]), {key: value for key, value in one.items() if key != "kind"}
            hearing.call(str(number), name, partial(_one, name, given, frame))
        signals = [SafetySignal(provider="plain", code="odd", id="s1")] if answer.get("odd") else []
        usage = Usage(input_tokens=10, output_tokens=2)
        return hearing.heard(str(answer.get("words", "")), usage=usage, signals=signals, items=[answer])


def _one(name: str, given: JsonObject, frame: Frame) -> list[Action]:
    return [call(name, given, frame.space)]


class Answers:
    """Gives what it was given, one after the other; raises what is a trouble."""

    def __init__(self, *answers: JsonValue | Trouble) -> None:
        self.asked: list[JsonObject] = []
        self._answers = list(answers)

    async def send(self, request: JsonObject) -> JsonValue:
        self.asked.append(request)
        found = self._answers.pop(0)
        if isinstance(found, Trouble):
            raise found
        return found

    async def ready(self) -> None:
        await self.send({})

    def secrets(self) -> Sequence[str]:
        return ("", *(f"token-{number}" for number, _ in enumerate(self.asked, 1)))

    async def close(self) -> None:
        pass


RULE = ours().find("gpt-4o").image
CLICK: JsonValue = {"kind": "click", "x": 5, "y": 6}
CALLED: JsonValue = {"calls": [CLICK]}


def seen(step: int, *results: ActionResult, **said: object) -> Observation:
    fields = {"screenshot": blank(40, 30), "url": "https://shop.test/", "goal": "Buy", "step": step}
    return Observation.model_validate({**fields, "results": results, **said})


class Vendor:
    """A model of the made-up vendor, and what it waited."""

    def __init__(
        self,
        *answers: JsonValue | Trouble,
        prunes: Literal["pictures", "turns"] = "pictures",
        scale: int = 1,
        keys: Sequence[str] = (),
        context_window: int | None = None,
        counted: bool = True,
    ) -> None:
        self.waited: list[float] = []
        self.dialect, self.line = Plain(prunes), Answers(*answers)

        async def sleep(seconds: float) -> None:
            self.waited.append(seconds)

        context = Context(
            prunes, lambda w, h: (w // scale, h // scale), options=ContextOptions(window=Window(4, 2))
        )
        self.model = VisionModel(
            self.dialect,
            self.line,
            context,
            Retry(sleep, lambda: 0.0),
            facts=ModelFacts(name="plain", context=context_window, image=RULE if counted else None),
            output_tokens=5,
            today=lambda: date(2026, 11, 21),
            keys=keys,
        )

    async def reply(self, observation: Observation) -> Reply:
        return await self.model.reply(observation)


async def test_calls_become_actions_in_pixels_of_the_screen() -> None:
    vendor = Vendor({"calls": [CLICK]}, scale=2)
    reply = await vendor.reply(seen(1))
    assert reply.actions == (Click(x=11, y=13),)
    assert reply.raw is not None
    assert (reply.usage.input_tokens, reply.usage.cost_usd) == (10, None)


async def test_words_alone_are_the_answer() -> None:
    assert (await Vendor({"words": "It is done."}).reply(seen(1))).actions == (Answer(text="It is done."),)


async def test_words_beside_a_call_are_a_thought() -> None:
    reply = await Vendor({"words": "I click.", "calls": [CLICK]}).reply(seen(1))
    assert (reply.thought, reply.actions) == ("I click.", (Click(x=5, y=6),))


async def test_nothing_at_all_is_an_incident_and_no_answer() -> None:
    reply = await Vendor({}).reply(seen(1))
    assert (reply.actions, [one.fault for one in reply.incidents]) == ((), ["empty"])


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ({"kind": "click", "x": 40, "y": 1}, "outside_image"),
        ({"kind": "click", "x": "a", "y": 1}, "bad_arguments"),
        ({"kind": "explode"}, "unknown_tool"),
    ],
)
async def test_what_comes_after_an_unusable_call_is_not_executed_and_the_model_is_told(
    bad: dict[str, JsonValue], fault: str
) -> None:
    vendor = Vendor({"calls": [{"kind": "wait", "seconds": 1}, bad, CLICK]}, {"words": "ok"})
    reply = await vendor.reply(seen(1))
    assert reply.actions == (Wait(seconds=1),)
    assert [one.fault for one in reply.incidents] == [fault]
    await vendor.reply(seen(2, ActionResult(action=Wait(seconds=1), status="done")))
    came = vendor.dialect.turns[-1][-1].seen.outcomes
    assert [one.ok for one in came] == [True, False, False]
    assert came[2].text.startswith("not executed")


async def test_what_became_of_each_call_is_told_with_the_rule() -> None:
    vendor = Vendor({"calls": [CLICK, CLICK]}, {"words": "ok"})
    await vendor.reply(seen(1))
    click = Click(x=5, y=6)
    await vendor.reply(
        seen(
            2,
            ActionResult(action=click, status="refused", message="It spends money.", rule="spending"),
            ActionResult(action=click, status="not_executed"),
        )
    )
    first, second = vendor.dialect.turns[-1][-1].seen.outcomes
    assert (first.ok, first.text) == (False, "refused by the rule 'spending': It spends money.")
    assert (second.ok, second.text) == (False, "not executed")


async def test_only_what_was_let_pass_is_handed_on_for_acknowledgement() -> None:
    vendor = Vendor({"odd": True, "calls": [CLICK]}, {"words": "ok"})
    reply = await vendor.reply(seen(1))
    assert [one.id for one in reply.signals] == ["s1"]
    await vendor.reply(seen(2, ActionResult(action=Click(x=5, y=6), status="done"), acknowledged=("s1",)))
    assert vendor.dialect.turns[-1][-1].seen.acknowledged == ("s1",)


async def test_a_busy_vendor_is_asked_again_after_what_it_says_and_it_is_recorded() -> None:
    busy = Trouble("rate_limited", "slow down", again=True, after=7.0)
    vendor = Vendor(busy, busy, {"words": "ok"})
    reply = await vendor.reply(seen(1))
    assert vendor.waited == [7.0, 7.0]
    assert [(one.fault, one.waited) for one in reply.incidents] == [("rate_limited", 7.0)] * 2
    assert reply.actions
    assert vendor.line.asked[0] == vendor.line.asked[2]


async def test_a_vendor_that_wants_to_be_left_alone_too_long_ends_the_run() -> None:
    reply = await Vendor(Trouble("rate_limited", "tomorrow", again=True, after=80_000)).reply(seen(1))
    assert reply.failure == "plain: rate_limited: tomorrow"
    assert reply.actions == ()


async def test_what_is_no_answer_at_last_is_told_to_the_loop_and_ends_nothing() -> None:
    vendor = Vendor(*["nonsense"] * 6)
    reply = await vendor.reply(seen(1))
    assert (reply.failure, len(reply.incidents), reply.actions) == ("", 6, ())
    assert len(vendor.waited) == 5


async def test_what_was_not_answered_is_asked_again_with_what_came_of_the_calls_before() -> None:
    vendor = Vendor({"calls": [CLICK]}, *["nonsense"] * 6, {"words": "ok"})
    await vendor.reply(seen(1))
    await vendor.reply(seen(2, ActionResult(action=Click(x=5, y=6), status="done")))
    await vendor.reply(seen(3))
    turns = vendor.dialect.turns[-1]
    assert [one.seen.step for one in turns] == [1, 3]
    assert [one.ok for one in turns[-1].seen.outcomes] == [True]


async def test_a_key_is_in_no_message_and_in_no_raw_item() -> None:
    vendor = Vendor(
        Trouble("server_error", "no sk-123 today", again=True), {"words": "sk-123"}, keys=["sk-123"]
    )
    reply = await vendor.reply(seen(1))
    assert "sk-123" not in str(reply.raw)
    assert "sk-123" not in reply.incidents[0].message


async def test_a_token_of_the_line_is_in_no_message_and_in_no_raw_item_even_if_it_was_renewed() -> None:
    vendor = Vendor(Trouble("server_error", "no token-1 today", again=True), {"words": "token-2"})
    reply = await vendor.reply(seen(1))
    assert "token-2" not in str(reply.raw)
    assert reply.incidents[0].message == "no (key) today"
    reply = await Vendor(Trouble("unauthorized", "no token-1 today")).reply(seen(1))
    assert (reply.failure, "token-1" in str(reply)) == ("plain: unauthorized: no (key) today", False)


async def test_what_is_missing_before_the_first_question_is_an_error_without_any_key() -> None:
    vendor = Vendor(None, Trouble("unauthorized", "no token for sk-123"), keys=["sk-123"])
    await vendor.model.ready()
    with pytest.raises(harness.ModelError, match=r"^plain: unauthorized: no token for \(key\)$"):
        await vendor.model.ready()


async def test_old_pictures_are_left_out_many_at_once() -> None:
    vendor = Vendor(*[CALLED] * 9)
    for step in range(1, 10):
        await vendor.reply(seen(step, *[ActionResult(action=Click(x=5, y=6), status="done")] * (step > 1)))
    shown = [[turn.seen.picture is not None for turn in turns].count(True) for turns in vendor.dialect.turns]
    assert shown == [1, 2, 3, 4, 2, 3, 4, 2, 3]
    assert [len(turns) for turns in vendor.dialect.turns] == list(range(1, 10))


async def test_where_a_picture_cannot_be_left_out_its_turn_is_and_its_story_is_told() -> None:
    vendor = Vendor(*[CALLED] * 5, prunes="turns")
    for step in range(1, 6):
        await vendor.reply(seen(step, *[ActionResult(action=Click(x=5, y=6), status="done")] * (step > 1)))
    turns = vendor.dialect.turns[-1]
    assert [one.seen.step for one in turns] == [4, 5]
    assert turns[0].seen.outcomes == ()
    assert "3. click at 5, 6" in turns[0].seen.text
    assert turns[1].seen.outcomes != ()


async def test_what_does_not_fit_any_more_is_cut_in_half() -> None:
    vendor = Vendor(*[CALLED] * 4, context_window=220)
    for step in range(1, 5):
        await vendor.reply(seen(step, *[ActionResult(action=Click(x=5, y=6), status="done")] * (step > 1)))
    assert len(vendor.dialect.turns[-1]) < 4
    assert vendor.dialect.turns[-1][-1].seen.step == 4


async def test_what_a_question_costs_is_known_beforehand_and_asking_changes_nothing() -> None:
    vendor = Vendor({"calls": [CLICK]}, {"words": "ok"})
    assert isinstance(vendor.model, Foresighted)
    before = vendor.model.expected(seen(1)).input_tokens
    assert before == vendor.model.expected(seen(1)).input_tokens
    await vendor.reply(seen(1))
    after = vendor.model.expected(seen(2, ActionResult(action=Click(x=5, y=6), status="done"))).input_tokens
    assert before is not None
    assert after is not None
    assert after > before > 100


async def test_what_is_not_known_is_not_zero() -> None:
    assert Vendor(counted=False).model.expected(seen(1)) == Usage(output_tokens=5)


async def test_an_answer_that_no_trace_can_hold_is_none() -> None:
    reply = await Vendor({"words": "a\ud800b"}, {"words": "ab"}).reply(seen(1))
    assert (reply.thought, [one.fault for one in reply.incidents]) == ("ab", ["malformed"])
    assert reply.model_dump_json()
    deep: JsonValue = []
    for _ in range(300):
        deep = [deep]
    reply = await Vendor(*[deep] * 6).reply(seen(1))
    assert {one.fault for one in reply.incidents} == {"malformed"}


async def test_what_is_sent_is_told_once_before_it_is_and_without_keys() -> None:
    vendor = Vendor(Trouble("server_error", "busy", again=True), {"words": "done"})
    assert isinstance(vendor.model, Telling)
    told: list[tuple[JsonObject, int]] = []
    vendor.model.tell(lambda request: told.append((request, len(vendor.line.asked))))
    await vendor.reply(seen(1))
    assert told == [({"turns": 1, "marks": [0]}, 0)]
    assert len(vendor.line.asked) == 2


async def test_keys_in_what_is_sent_are_not_told() -> None:
    vendor = Vendor({"words": "done"}, keys=["sk-1"])
    vendor.dialect.request = lambda turns, marks: {"user": "my sk-1"}  # type: ignore[method-assign]
    told: list[JsonObject] = []
    vendor.model.tell(told.append)
    await vendor.reply(seen(1))
    assert told == [{"user": "my (key)"}]
    assert vendor.line.asked == [{"user": "my sk-1"}]


async def test_what_cannot_be_told_is_not_sent() -> None:
    def broken(request: JsonObject) -> None:
        raise TraceError(f"disk full: {len(request)}")

    vendor = Vendor({"words": "done"})
    vendor.model.tell(broken)
    with pytest.raises(TraceError, match="disk full"):
        await vendor.reply(seen(1))
    assert vendor.line.asked == []
