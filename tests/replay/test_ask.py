"""Another model, asked about a recorded run."""

from pathlib import Path
from typing import Any

import harness
import pytest
from harness.action import Action, Click, Scroll, Type, Wait, parse_action
from harness.clearance import Reply, Target, Usage
from harness.errors import ModelError
from harness.limits import Budget, tightest
from harness.models.anthropic.factory import build
from harness.models.assemble import ModelOptions
from harness.models.base import Foresighted
from harness.models.catalogue import ModelFacts
from harness.models.dialect import Brief
from harness.models.local.model import LocalModel
from harness.replay.ask import Asked, ask, same
from harness.replay.recording import Recording
from harness.screen import Observation
from harness.task import Limits
from harness.testing import FakeClock, ScriptedModel
from harness.trace.reader import Trace
from tests.replay.pages import button, deed, shot
from tests.replay.runs import Then, record
from vendors.anthropic import KEY, Server, thoughtful
from vendors.brain import TASK, Brain
from vendors.serve import served

EXAMPLE = Path(__file__).parents[2] / "traces" / "examples" / "buy-a-mug"
SAVE = button("Save", 10, 10)
CLICK = Click(x=50, y=20)


async def asked(recording: Recording, model: Any, limits: Limits | None = None, **more: Any) -> Asked:
    clock = FakeClock()
    budget = Budget(tightest(limits or Limits()), clock)
    return await ask(recording, model, name="m", budget=budget, clock=clock, **more)


@pytest.mark.parametrize(
    ("recorded", "answered", "agrees"),
    [
        ({"kind": "click", "x": 50, "y": 20}, {"kind": "click", "x": 11, "y": 29}, True),
        ({"kind": "click", "x": 50, "y": 20}, {"kind": "click", "x": 9, "y": 20}, False),
        ({"kind": "click", "x": 89, "y": 20}, {"kind": "click", "x": 97, "y": 20}, True),
        ({"kind": "click", "x": 50, "y": 20}, {"kind": "click", "x": 50, "y": 20, "count": 2}, False),
        ({"kind": "click", "x": 50, "y": 20}, {"kind": "click", "x": 50, "y": 20, "button": "right"}, False),
        ({"kind": "click", "x": 50, "y": 20}, {"kind": "move", "x": 50, "y": 20}, False),
        ({"kind": "mouse_up"}, {"kind": "mouse_up"}, True),
        ({"kind": "mouse_up"}, {"kind": "mouse_up", "x": 50, "y": 20}, False),
        ({"kind": "drag", "path": [[50, 20], [9, 9]]}, {"kind": "drag", "path": [[20, 15], [9, 12]]}, True),
        ({"kind": "drag", "path": [[50, 20], [9, 9]]}, {"kind": "drag", "path": [[20, 15], [9, 92]]}, False),
        ({"kind": "scroll", "x": 1, "y": 1, "dy": 9}, {"kind": "scroll", "x": 7, "y": 9, "dy": 200}, True),
        ({"kind": "scroll", "x": 1, "y": 1, "dy": 9}, {"kind": "scroll", "x": 1, "y": 1, "dy": -9}, False),
        ({"kind": "type", "text": "Ada"}, {"kind": "type", "text": "Ada"}, True),
        ({"kind": "type", "text": "Ada"}, {"kind": "type", "text": "Ada "}, False),
        ({"kind": "press", "keys": "ctrl+a"}, {"kind": "press", "keys": ["Control", "a"]}, True),
        ({"kind": "press", "keys": "Tab"}, {"kind": "press", "keys": "Enter"}, False),
        ({"kind": "goto", "url": "https://a.test/"}, {"kind": "goto", "url": "https://b.test/"}, False),
        ({"kind": "switch_tab", "tab": 1}, {"kind": "switch_tab", "tab": 2}, False),
        ({"kind": "upload", "files": ["a"]}, {"kind": "upload", "files": ["a"]}, True),
        ({"kind": "answer", "data": {"id": "1"}}, {"kind": "answer", "data": {"id": "2"}}, False),
        ({"kind": "answer", "text": "Done."}, {"kind": "answer", "text": "It is done"}, True),
        ({"kind": "wait", "seconds": 1}, {"kind": "wait", "seconds": 2}, True),
        ({"kind": "back"}, {"kind": "back"}, True),
    ],
)
def test_an_action_agrees_that_is_of_the_same_kind_and_has_the_same_target(
    recorded: dict[str, Any], answered: dict[str, Any], agrees: bool
) -> None:
    one = parse_action(recorded)
    assert same(deed(one, SAVE), one, parse_action(answered)) is agrees


async def test_the_recorded_actions_agree_with_themselves() -> None:
    recording = Recording.of(Trace.open(EXAMPLE))
    model = ScriptedModel([Reply(actions=look.replied.actions) for look in recording.looks if look.replied])
    found = await asked(recording, model)
    assert (found.agreement, found.first, found.left, found.ended) == (1.0, 1.0, 0, "")
    assert len(found.steps) == 12
    assert [one.step for one in model.seen] == list(range(1, 13))
    assert all(one.notes == () for one in model.seen)
    assert {result.status for one in model.seen for result in one.results} == {"done"}
    first = recording.looks[0].seen
    assert first is not None
    assert model.seen[0].screenshot.sha256 == first.screenshot
    assert "blue mug" in model.seen[0].goal


async def test_a_model_is_told_the_truth_about_what_it_wanted(tmp_path: Path) -> None:
    typing: list[tuple[Action, Target | None]] = [(CLICK, SAVE), (Type(text="Ada"), None)]
    model = ScriptedModel([Reply(actions=(Click(x=60, y=25), Wait()), usage=Usage(cost_usd=0.5))])
    found = await asked(record(tmp_path, Then(typing)), model)
    assert [(one.agrees, one.first, one.agreement) for one in found.steps] == [
        ((True, False), True, 0.5),
        ((True,), True, 1.0),
    ]
    assert (found.agreement, found.first) == (0.75, 1.0)
    assert found.usage.cost_usd == 0.5
    told = model.seen[1]
    assert [(one.status, one.message) for one in told.results] == [
        ("done", ""),
        ("not_executed", "not done: this is a recorded run"),
    ]
    assert "went on with: click 'Save' (button)" in told.notes[-1]
    assert "type 'Ada'" in told.notes[-1]


async def test_no_more_than_asked_for_is_asked(tmp_path: Path) -> None:
    model = ScriptedModel([CLICK])
    found = await asked(record(tmp_path, Then([(CLICK, SAVE)]), Then([(CLICK, SAVE)])), model, steps=1)
    assert (len(found.steps), found.left, len(model.seen)) == (1, 2, 1)
    assert found.ended == "no more than 1 were asked for"
    assert not found.limited


class Dear(ScriptedModel):
    """Knows what it costs."""

    def expected(self, observation: Observation) -> Usage:
        del observation
        return Usage(cost_usd=0.4)

    async def reply(self, observation: Observation) -> Reply:
        found = await super().reply(observation)
        return found.model_copy(update={"usage": Usage(cost_usd=0.4)})


async def test_the_limit_on_money_holds_before_it_is_passed(tmp_path: Path) -> None:
    steps = [Then([(CLICK, SAVE)])] * 4
    model = Dear([CLICK] * 9)
    assert isinstance(model, Foresighted)
    found = await asked(record(tmp_path, *steps), model, Limits(cost=1.0))
    assert (len(found.steps), found.limited, found.ended) == (2, True, "limit reached: cost (1)")
    assert found.usage.cost_usd == pytest.approx(0.8)


async def test_a_model_that_fails_ends_the_asking(tmp_path: Path) -> None:
    class Broken:
        async def reply(self, observation: Observation) -> Reply:
            if observation.step == 1:
                return Reply(actions=(Scroll(x=1, y=1, dy=5),))
            raise ModelError("nobody is there")

    found = await asked(record(tmp_path, Then([(CLICK, SAVE)]), Then([(CLICK, SAVE)])), Broken())
    assert (found.failed, found.ended, found.agreement) == (True, "nobody is there", 0.0)
    assert [one.failure for one in found.steps] == ["", "nobody is there"]


async def test_an_answer_that_cannot_be_used_is_no_answer(tmp_path: Path) -> None:
    class Wild:
        async def reply(self, observation: Observation) -> Any:
            del observation
            return {"actions": [{"kind": "fly"}]}

    found = await asked(record(tmp_path, Then([(CLICK, SAVE)], shot())), Wild())
    assert (found.failed, found.agreement) == (False, 0.0)
    assert "not usable" in found.steps[0].thought


async def test_the_local_model_agrees_with_its_own_recording() -> None:
    recording = Recording.of(Trace.open(EXAMPLE))
    found = await asked(recording, LocalModel(recording.task), steps=2)
    assert (found.agreement, found.failed) == (1.0, False)


@pytest.mark.long
async def test_the_local_model_agrees_with_the_whole_of_it() -> None:
    recording = Recording.of(Trace.open(EXAMPLE))
    found = await asked(recording, LocalModel(recording.task))
    assert (found.agreement, found.left) == (1.0, 0)


@pytest.mark.parametrize("steps", [2, pytest.param(None, marks=pytest.mark.long)])
async def test_a_vendor_s_model_is_asked_over_its_own_wire(steps: int | None) -> None:
    recording = Recording.of(Trace.open(EXAMPLE))
    task = harness.Task.load(TASK).filled()
    server = Server(thoughtful(Brain(task)))
    async with served(server.app) as base:
        model = build(
            "claude-opus-5-5",
            Brief(task.goal, task.inputs, task.outputs),
            facts=ModelFacts(name="claude-opus-5-5"),
            environment={"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": base},
            options=ModelOptions(),
            provider="anthropic",
            tool=None,
        )
        try:
            found = await asked(recording, model, steps=steps)
        finally:
            await model.close()
    assert server.refused == []
    assert not found.failed, found.ended
    assert len(found.steps) == (steps or 12)
    assert found.first == 1.0
    assert found.usage.input_tokens
