"""The local model: follows sentences with nothing but the pixels of the screen."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import replace

from pydantic import JsonValue

from harness.action import Answer, AskUser, GiveUp, Wait
from harness.clearance import Reply
from harness.errors import ModelError, TaskError
from harness.models.local.follow import Do, Done, Fail, NotYet, Progress, follow, needs_eyes
from harness.models.local.grammar import parse_goal, parse_sentence
from harness.models.local.ocr import Reader, View
from harness.models.local.sentences import AskPerson, SayAnswer, Sentence
from harness.screen import Observation
from harness.task import OutputSpec, Task

_REFUSED = "refused by the policy"
_PAUSES = (0.3, 0.5, 0.7, 1.0)


class LocalModel:
    """Follows a task's sentences, one screen at a time, by what it reads on the screen.

    It takes `task.steps`, else the goal if all of it is sentences. It never guesses between two equal
    places: it gives up and says how to tell them apart.
    """

    def __init__(
        self,
        task: Task,
        *,
        reader: Reader | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the sentences; fill in the task's inputs before.

        Args:
            task: what to do.
            reader: reads the screen; give one to share what it has loaded and read.
            clock: gives seconds; bounds how long a text is waited for.

        Raises:
            TaskError: if a step is not a sentence it knows; the message shows the nearest form.
            ModelError: if there are no steps and the goal is not made of sentences.
        """
        self._sentences = _sentences(task)
        self._outputs = task.outputs
        self._reader = reader if reader is not None else Reader()
        self._clock = clock
        self._place = 0
        self._progress = Progress()
        self._resume: tuple[int, Progress] = (0, Progress())
        self._retried = False
        self._waited = 0.0
        self._since: float | None = None
        self._data: dict[str, JsonValue] = {}
        self._said: list[str] = []

    async def reply(self, observation: Observation) -> Reply:
        """Act on the screen as the sentence in hand wants, or answer after the last one.

        Raises:
            ModelError: if the screen cannot be read.
        """
        stopped = self._after_results(observation)
        before = self._where()
        reply = await self._reply(observation) if stopped is None else stopped
        # Its answer comes with the next screen: who goes on before that has to ask again.
        asked = any(isinstance(action, AskUser) for action in reply.actions)
        after = before if asked else self._where()
        return reply.model_copy(update={"raw": {"before": before, "after": after}})

    def recall(self, place: JsonValue) -> None:
        """Take up a place that `raw` of an earlier reply holds; a sentence that was begun is begun again.

        Raises:
            ModelError: if it is no place in these sentences.
        """
        match place:
            case {"sentence": int(number), "data": dict(data), "said": list(said)} if (
                0 <= number <= len(self._sentences)
            ):
                self._place, self._data, self._said = number, dict(data), [str(one) for one in said]
                self._resume = (number, Progress())
            case _:
                raise ModelError(
                    f"the trace holds no place in the {len(self._sentences)} sentences to go on at"
                )

    def _where(self) -> dict[str, JsonValue]:
        return {"sentence": self._place, "data": dict(self._data), "said": list(self._said)}

    async def _reply(self, observation: Observation) -> Reply:  # noqa: C901
        thoughts: list[str] = []
        view: View | None = None
        while self._place < len(self._sentences):
            text, sentence = self._sentences[self._place]
            if needs_eyes(sentence) and view is None:
                view = await self._look(observation)
            now = view if view is not None else _unread(observation)
            self._resume = (self._place, replace(self._progress))
            outcome = follow(sentence, now, observation, self._progress, self._data)
            match outcome:
                case Done(thought, name, value):
                    thoughts.append(thought)
                    problem = self._keep(sentence, name, value)
                    if problem is not None:
                        return self._give_up(text, problem, thoughts)
                    self._next()
                case Do(actions, thought, again):
                    if again:
                        self._progress.phase += 1
                        self._waited, self._since = 0.0, None
                    else:
                        self._next()
                    return Reply(actions=actions, thought=" ".join((*thoughts, thought)))
                case NotYet(reason, seconds):
                    refusal = _refusal(now)
                    if refusal is not None:
                        return self._give_up(text, f"the page was refused: {refusal}", thoughts)
                    pause = self._pause(seconds)
                    if pause is None:
                        return self._give_up(text, f"{reason} (waited {self._waited:g} s)", thoughts)
                    return Reply(
                        actions=(Wait(seconds=pause),), thought=" ".join((*thoughts, f"Waiting: {reason}."))
                    )
                case Fail(reason):
                    return self._give_up(text, reason, thoughts)
        answer = Answer(text=" ".join(self._said) or _summary(self._data), data=dict(self._data))
        return Reply(actions=(answer,), thought=" ".join((*thoughts, "Every sentence has been followed.")))

    async def _look(self, observation: Observation) -> View:
        try:
            return await asyncio.to_thread(self._reader.view, observation.screenshot)
        except ValueError as error:
            raise ModelError(f"the local model cannot read the screenshot: {error}") from error

    def _after_results(self, observation: Observation) -> Reply | None:
        place, progress = self._resume
        text, sentence = self._sentences[min(place, len(self._sentences) - 1)]
        for result in observation.results:
            match result.status:
                case "refused":
                    rule = f" (rule {result.rule!r})" if result.rule else ""
                    return self._give_up(text, f"it was refused{rule}: {result.message}", [])
                case "failed" if self._retried:
                    return self._give_up(text, f"it failed twice: {result.message}", [])
                case "failed":
                    self._retried = True
                    self._place, self._progress = place, replace(progress)
                    return None
                case "done":
                    if isinstance(result.action, AskUser) and isinstance(sentence, AskPerson):
                        self._data[sentence.name] = result.message
                case "not_executed":
                    pass
        if any(not isinstance(result.action, Wait) for result in observation.results):
            self._retried = False
        return None

    def _keep(self, sentence: Sentence, name: str | None, value: JsonValue) -> str | None:
        if isinstance(sentence, SayAnswer):
            self._said.append(sentence.text)
        if name is not None:
            spec = self._outputs.get(name)
            try:
                self._data[name] = _typed(value, spec)
            except ValueError as error:
                return str(error)
        return None

    def _next(self) -> None:
        self._place += 1
        self._progress = Progress()
        self._waited, self._since = 0.0, None

    def _pause(self, seconds: float) -> float | None:
        now = self._clock()
        if self._since is None:
            self._since = now
        left = seconds - self._waited
        if left <= 0 or now - self._since > 2 * seconds + 10:
            return None
        looks = int(self._waited > 0) + int(self._waited > 0.7) + int(self._waited > 1.4)
        pause = round(min(left, _PAUSES[looks]), 3)
        self._waited = round(self._waited + pause, 3)
        return pause

    def _give_up(self, text: str, reason: str, thoughts: list[str]) -> Reply:
        place = min(self._resume[0], len(self._sentences) - 1) + 1
        said = f"sentence {place} ({text}): {reason}"
        return Reply(actions=(GiveUp(reason=said[:10_000]),), thought=" ".join((*thoughts, said)))


def _sentences(task: Task) -> tuple[tuple[str, Sentence], ...]:
    found = []
    for number, step in enumerate(task.steps, 1):
        try:
            found.append((step, parse_sentence(step)))
        except TaskError as error:
            raise TaskError(f"task {task.name!r}, step {number}: {error}") from error
    if found:
        return tuple(found)
    try:
        goal = parse_goal(task.goal)
    except TaskError as error:
        raise ModelError(
            f"the local model follows sentences, and the goal of task {task.name!r} is not made of them: "
            f"{error}. "
            'Write steps, such as click "Sign in", or use another --model'
        ) from error
    if not goal:
        raise ModelError(f"task {task.name!r} has neither steps nor a goal that the local model can follow")
    return goal


def _refusal(view: View) -> str | None:
    """Give what the harness's own page says that stands in for a refused one."""
    if not view.lines or view.lines[0].text.casefold() != _REFUSED:
        return None
    return " ".join(line.text for line in view.lines[1:])[:500]


def _typed(value: JsonValue, spec: OutputSpec | None) -> JsonValue:
    if spec is None or not isinstance(value, str) or spec.type in ("string", "array", "object"):
        return value
    if spec.type == "boolean":
        word = value.strip().casefold()
        if word in ("yes", "true", "on", "1"):
            return True
        if word in ("no", "false", "off", "0"):
            return False
        raise ValueError(f"{value!r} was read, but the output is a boolean: yes or no, true or false")
    digits = re.search(r"-?\d[\d,' ]*(?:\.\d+)?", value)
    if digits is None:
        raise ValueError(f"{value!r} was read, but the output is a number of type {spec.type}")
    number = float(re.sub(r"[,' ]", "", digits[0]))
    if spec.type == "integer":
        if not number.is_integer():
            raise ValueError(f"{value!r} was read, but the output is an integer")
        return int(number)
    return number


def _summary(data: dict[str, JsonValue]) -> str:
    if not data:
        return "Done."
    return "Done: " + "; ".join(f"{name} is {str(value)[:200]}" for name, value in data.items()) + "."


def _unread(observation: Observation) -> View:
    return View(observation.screenshot.width, observation.screenshot.height, (), (), ())
