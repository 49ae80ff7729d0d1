"""Chooses what of a run so far is sent to a model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from harness.clearance import Act
from harness.models.dialect import Call, Heard, Outcome, Picture, Seen, Turn
from harness.models.prompt import LONGEST_TEXT, describe
from harness.models.scaling import Space, shrink
from harness.models.window import Window
from harness.screen import ActionResult, Observation
from harness.words import describe as in_words

LONGEST_STORY: Final = 4_000
"""Characters of what is told of steps that are not sent any more."""


@dataclass(frozen=True, slots=True)
class ContextOptions:
    """What a person may choose."""

    window: Window = Window()  # noqa: RUF009 - frozen
    """Which screenshots are sent."""
    spotlight: bool = False
    """Whether the words of page text are joined by marks."""
    text: int = LONGEST_TEXT
    """Characters of a page's text at each step."""


def plain(sent: tuple[int, int], view: tuple[int, int]) -> Space:
    """Coordinates that count the pixels of what is sent."""
    return Space("pixels", *sent, *view)


class Context:
    """Everything that was seen and heard, and what of it is sent.

    Args:
        prunes: what is left out when there are too many pictures, as the dialect says.
        fit: the size that a screenshot is sent in, from its width and height.
        space: what the model's coordinates mean, from the size that is sent and the size of the screen.
        options: what a person chose.
    """

    def __init__(
        self,
        prunes: Literal["pictures", "turns"],
        fit: Callable[[int, int], tuple[int, int]],
        space: Callable[[tuple[int, int], tuple[int, int]], Space] = plain,
        *,
        options: ContextOptions | None = None,
    ) -> None:
        self._prunes = prunes
        self._fit = fit
        self._space = space
        self._options = options or ContextOptions()
        self._turns: list[Turn] = []
        self._floor = 0

    def see(self, observation: Observation) -> tuple[Turn, ...]:
        """Take what is seen now, and give what is sent. The same step again changes nothing."""
        last = self._turns[-1] if self._turns else None
        if last is None or last.seen.step != observation.step:
            if last is not None and last.heard is None:
                # It was not answered: this one takes its place, and still owes what came of the calls before.
                self._turns.pop()
                seen = replace(self._seen(observation), outcomes=last.seen.outcomes)
                seen = replace(seen, acknowledged=last.seen.acknowledged)
            else:
                seen = self._seen(observation)
                if last is not None and last.heard is not None:
                    came = outcomes(last.heard, observation.results)
                    seen = replace(seen, outcomes=came, acknowledged=observation.acknowledged)
            self._turns.append(Turn(seen))
        return self.sent()

    def hear(self, heard: Heard) -> None:
        """Take the answer to what was seen last."""
        self._turns[-1] = replace(self._turns[-1], heard=heard)

    @property
    def space(self) -> Space:
        """How the coordinates of the newest picture lie on the screen."""
        picture = self._turns[-1].seen.picture
        if picture is None:
            raise AssertionError("the newest step always has its picture")
        return picture.space

    def sent(self) -> tuple[Turn, ...]:
        """Give what is sent, the oldest first; the last is the question that is asked now."""
        sizes = [len(one.seen.picture.png) if one.seen.picture else 0 for one in self._turns]
        first = self._options.window.first_of(sizes)
        self._forget(first)
        floor = max(self._floor, first) if self._prunes == "turns" else self._floor
        shown = list(self._turns[floor:])
        if floor:
            text = f"{shown[0].seen.text}\n{self._story(floor)}"
            shown[0] = replace(shown[0], seen=replace(shown[0].seen, text=text, outcomes=(), acknowledged=()))
        return tuple(shown)

    def cut(self) -> bool:
        """Leave out the older half of what is sent, for good; say whether there was anything to leave out."""
        left = len(self._turns) - self._floor
        if left < 2:
            return False
        self._floor += left // 2
        return True

    @staticmethod
    def marks(turns: Sequence[Turn]) -> tuple[int, ...]:
        """Give the turns up to which a vendor may cache: the last two, one to be read and one written."""
        return tuple(range(max(0, len(turns) - 2), len(turns)))

    def _seen(self, observation: Observation) -> Seen:
        shot = observation.screenshot
        size = self._fit(shot.width, shot.height)
        space = self._space(size, (shot.width, shot.height))
        return Seen(
            step=observation.step,
            text=describe(observation, spotlight=self._options.spotlight, longest=self._options.text),
            picture=Picture(shrink(shot.png, size), size, space),
            url=observation.url,
        )

    def _forget(self, first: int) -> None:
        for place in range(first):
            turn = self._turns[place]
            if turn.seen.picture is not None:
                bare = tuple(replace(one, picture=None) for one in turn.seen.outcomes)
                self._turns[place] = replace(turn, seen=replace(turn.seen, picture=None, outcomes=bare))

    def _story(self, floor: int) -> str:
        lines = []
        for turn, after in zip(self._turns[:floor], self._turns[1 : floor + 1], strict=True):
            if turn.heard is None:
                continue
            for outcome in after.seen.outcomes:
                call, said = outcome.call, turn.heard.actions
                did = "; ".join(
                    in_words(Act(action=one)) for one in said[call.first : call.first + call.count]
                )
                lines.append(f"{turn.seen.step}. {did or call.name}{'' if outcome.ok else ' - not done'}")
        story = "\n".join(lines)
        if len(story) > LONGEST_STORY:
            story = "…" + story[-LONGEST_STORY:]
        return f"Earlier steps are not sent any more. What you did in them:\n{story}".replace("<", "\\u003c")


def outcomes(heard: Heard, results: Sequence[ActionResult]) -> tuple[Outcome, ...]:
    """Say what became of each call of an answer, from what became of its actions."""
    return tuple(_outcome(call, results[call.first : call.first + call.count]) for call in heard.calls)


def _outcome(call: Call, results: Sequence[ActionResult]) -> Outcome:
    if call.problem:
        return Outcome(call, ok=False, text=call.problem)
    if len(results) < call.count:
        return Outcome(call, ok=False, text="not executed")
    texts = [
        f"action {place} ({one.action.kind}): {said}" if call.count > 1 else said
        for place, one in enumerate(results, 1)
        if (said := _told(one))
    ]
    pictures = [one.image.png for one in results if one.image is not None]
    return Outcome(
        call,
        ok=all(one.status == "done" for one in results),
        text="\n".join([*([call.answer] if call.answer else []), *texts]),
        picture=pictures[-1] if pictures else None,
    )


def _told(result: ActionResult) -> str:
    match result.status:
        case "done":
            return result.message
        case "refused":
            rule = f" by the rule {result.rule!r}" if result.rule else ""
            return f"refused{rule}: {result.message}"
        case "failed":
            return f"failed: {result.message}"
        case "not_executed":
            return result.message or "not executed"
