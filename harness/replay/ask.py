"""Another model, asked about what a run saw: what it would have done, beside what was done.

Nothing is performed and no browser is started. The model is shown each recorded screen in order. Of its own
answers it is told the truth: what agrees with the record came out as the record says, the rest was not done,
and what the record went on with instead is in the notes.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.action import (
    Action,
    Answer,
    Click,
    CloseTab,
    Drag,
    Goto,
    Hold,
    MouseDown,
    MouseUp,
    Move,
    NewTab,
    Press,
    Scroll,
    SwitchTab,
    Type,
    Upload,
)
from harness.clearance import Act, Box, Reply, Usage
from harness.errors import ActionError, HarnessError
from harness.limits import Budget
from harness.models.base import Foresighted, Model
from harness.replay.find import place
from harness.replay.recording import Deed, Look, Recording
from harness.screen import ActionResult, Observation, Screenshot
from harness.words import describe

NEAR: Final = 10
"""Pixels: a point this near the recorded one is the same target."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class AskedStep(_Part):
    """One recorded step, and what the model said to it."""

    step: int
    """The recorded step."""
    recorded: tuple[str, ...]
    """What was asked for then, in words."""
    answered: tuple[str, ...]
    """What the model asked for, in words."""
    agrees: tuple[bool, ...]
    """Whether each of its actions is the recorded one in its place."""
    first: bool
    """Whether the first is."""
    agreement: float
    """Of the longer of the two answers, the part that agrees, 0 to 1."""
    thought: str = ""
    """Why: model text, not to be trusted."""
    usage: Usage = Usage()
    """What it cost."""
    failure: str = ""
    """Why there is no answer."""


class Asked(_Part):
    """A whole run, asked about."""

    of: str
    """The recorded run."""
    model: str
    """Who was asked."""
    steps: tuple[AskedStep, ...]
    """What was said, step by step."""
    agreement: float
    """The mean of the steps' agreement, 0 to 1; 0 without a step."""
    first: float
    """Of the steps, the part whose first action agrees, 0 to 1."""
    left: int
    """Recorded steps that were not asked about."""
    ended: str
    """Why no more was asked; nothing if all was."""
    limited: bool
    """Whether that was a limit of task or policy."""
    failed: bool
    """Whether that was the model."""
    usage: Usage
    """What it cost in all."""
    seconds: float
    """From the first question to the last answer."""


async def ask(
    recording: Recording,
    model: Model,
    *,
    name: str,
    budget: Budget,
    clock: Callable[[], float],
    steps: int | None = None,
    tell: Callable[[AskedStep], None] = lambda _: None,
) -> Asked:
    """Ask a model about every step of a recording that has a screenshot and an answer.

    Args:
        recording: the run.
        model: who is asked.
        name: what the model is called.
        budget: what may be used: seconds, tokens and cost; the recorded answers cost nothing.
        clock: seconds, monotonic.
        steps: how many are asked about at most.
        tell: is told of each answer as it comes.

    Raises:
        TraceError: if a recorded screenshot is missing or was changed.
    """
    started = clock()
    looks = [look for look in recording.looks if look.seen is not None and look.replied is not None]
    wanted = looks if steps is None else looks[:steps]
    found: list[AskedStep] = []
    ended, limited, failed = "", False, False
    results: tuple[ActionResult, ...] = ()
    notes: tuple[str, ...] = ()
    for look in wanted:
        observation = _seen(recording, look, results, notes)
        reached = budget.reached("seconds", "tokens", "cost")
        if reached is None and isinstance(model, Foresighted):
            reached = budget.would_pass(model.expected(observation))
        if reached is not None:
            ended, limited = reached, True
            break
        budget.steps += 1
        reply, failure = await _reply(model, observation, budget.left)
        budget.spend(reply.usage)
        one = _compared(look, reply, failure)
        found.append(one)
        tell(one)
        if failure:
            ended, failed = failure, True
            break
        results, notes = _told(look, reply, one.agrees)
    return Asked(
        of=recording.run_id,
        model=name,
        steps=tuple(found),
        agreement=_mean([one.agreement for one in found]),
        first=_mean([float(one.first) for one in found]),
        left=len(looks) - len(found),
        ended=ended or ("" if len(wanted) == len(looks) else f"no more than {len(wanted)} were asked for"),
        limited=limited,
        failed=failed,
        usage=budget.usage,
        seconds=round(clock() - started, 3),
    )


def same(deed: Deed, asked: Action, answer: Action) -> bool:
    """Whether a model's action is the recorded one: of the same kind, and with the same target or text.

    Args:
        deed: what became of the recorded action; its target tells how near is near enough.
        asked: the recorded action, as its model asked for it.
        answer: the other model's.
    """
    box = deed.target.box if deed.target is not None else None
    match asked:
        case Click() if isinstance(answer, Click):
            how, wanted = ((one.button, one.count, one.modifiers) for one in (asked, answer))
            return how == wanted and _near(asked, answer, box)
        case Drag() if isinstance(answer, Drag):
            end = deed.target.end if deed.target is not None else None
            last, other = (Move(x=one.path[-1].x, y=one.path[-1].y) for one in (asked, answer))
            return _near(asked, answer, box) and _near(last, other, end.box if end else None)
        case Scroll() if isinstance(answer, Scroll):
            return (_sign(asked.dx), _sign(asked.dy)) == (_sign(answer.dx), _sign(answer.dy))
        case Move() | MouseUp() | MouseDown():
            return asked.kind == answer.kind and _near(asked, answer, box)
        case Hold() if isinstance(answer, Hold):
            return asked.keys == answer.keys
        case Answer() if isinstance(answer, Answer):
            return not asked.data or asked.data == answer.data
        case Type() | Press() | Goto() | NewTab() | SwitchTab() | CloseTab() | Upload():
            return asked == answer
        case _:
            # Of the rest there is one way each, or their words are nobody's target.
            return asked.kind == answer.kind


def _near(asked: Action, answer: Action, box: Box | None) -> bool:
    one, other = place(asked), place(answer)
    if one is None or other is None:
        return one == other
    x, y = other
    inside = box is not None and box.x <= x < box.x + box.width and box.y <= y < box.y + box.height
    return inside or (x - one[0]) ** 2 + (y - one[1]) ** 2 <= NEAR**2


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _seen(
    recording: Recording, look: Look, results: tuple[ActionResult, ...], notes: tuple[str, ...]
) -> Observation:
    seen, png = look.seen, recording.png(look)
    assert seen is not None and png is not None  # noqa: S101, PT018 - only such looks are asked about
    text = None if seen.text is None else recording.trace.blobs.get(seen.text).decode("utf-8", "replace")
    return Observation(
        screenshot=Screenshot.of(png),
        url=seen.url,
        title=seen.title,
        text=text,
        tabs=seen.tabs,
        notes=(*seen.notes, *notes),
        downloads=seen.downloads,
        settled=seen.settled,
        goal=recording.task.goal,
        step=look.step,
        results=results,
    )


async def _reply(model: Model, observation: Observation, left: float | None) -> tuple[Reply, str]:
    try:
        async with asyncio.timeout(left):
            reply = Reply.model_validate(await model.reply(observation))
    except TimeoutError:
        return Reply(), "no answer within the run's time"
    except (ActionError, ValidationError) as error:
        return Reply(thought=f"(not usable: {str(error).splitlines()[0]})"), ""
    except HarnessError as error:
        return Reply(), str(error)
    except Exception as error:  # noqa: BLE001 - a model that fails ends the asking and nothing else
        return Reply(), f"the model failed: {type(error).__name__}: {error}"
    return reply, reply.failure


def _compared(look: Look, reply: Reply, failure: str) -> AskedStep:
    asked = look.replied.actions if look.replied is not None else ()
    pairs = zip(look.deeds, asked, reply.actions, strict=False)
    agrees = [same(deed, one, other) for deed, one, other in pairs]
    agrees += [False] * (len(reply.actions) - len(agrees))
    longer = max(len(asked), len(reply.actions))
    return AskedStep(
        step=look.step,
        recorded=tuple(
            describe(Act(action=one, target=deed.target)) for deed, one in zip(look.deeds, asked, strict=True)
        ),
        answered=tuple(describe(Act(action=one)) for one in reply.actions),
        agrees=tuple(agrees),
        first=bool(agrees and agrees[0]) or longer == 0,
        agreement=round(sum(agrees) / longer, 4) if longer else 1.0,
        thought=reply.thought,
        usage=reply.usage,
        failure=failure,
    )


def _told(
    look: Look, reply: Reply, agrees: Sequence[bool]
) -> tuple[tuple[ActionResult, ...], tuple[str, ...]]:
    """Say what became of a model's own actions, and what was done in their place."""
    done = [deed for deed in look.deeds if deed.again]
    results = tuple(
        ActionResult(action=action, status="done")
        if agreed and look.deeds[index].again
        else ActionResult(action=action, status="not_executed", message="not done: this is a recorded run")
        for index, (action, agreed) in enumerate(zip(reply.actions, agrees, strict=True))
    )
    if all(one.status == "done" for one in results) and len(results) == len(done):
        return results, ()
    words = "; ".join(describe(Act(action=deed.action, target=deed.target)) for deed in done) or "nothing"
    return results, (f"This is a recorded run, which went on with: {words}.",)


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0
