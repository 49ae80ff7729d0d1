"""A person at a terminal, or whatever writes into the pipe that stands for one."""

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TextIO, assert_never

from harness.action import AskUser
from harness.approval.picture import marked
from harness.clearance import Act, Approval, FileOffer, Plan, Question, Request, SafetySignal, digest
from harness.lines import Lines
from harness.words import address, describe, host, origin, points, visible

_LONG = 600
_NEARLY = 0.5
_KEYS = "y  yes      n  no      n WORDS  no, and tell the model why      s  stop the run"
_ANSWER = "Type the answer and press Enter.  An empty line refuses,  /stop  stops the run."
_AGAIN = "That is not an answer. Please type y, n or s and press Enter."
_AGAIN_ASKED = "That cannot be sent. Please type plain words and press Enter."


class TerminalApprover:
    """Shows each question, with what, where and why, and reads the answer. One question at a time.

    Everything a page or a model wrote is shown with its invisible characters written out. The end of the
    input, and an input that is neither a terminal nor a pipe, refuse.
    """

    def __init__(
        self,
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        *,
        pictures: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        by: str = "terminal",
        lines: Lines | None = None,
    ) -> None:
        """Ask on a terminal.

        Args:
            stdin: where answers come from; standard input if not given.
            stdout: where questions are shown; standard error if not given, so that output stays clean.
            pictures: a folder for screenshots with the place marked; none are written if not given.
            clock: seconds that only go forward.
            by: who the answers are said to come from.
            lines: what reads answers, instead of `stdin`, where somebody else reads there as well.
        """
        self._lines = lines or Lines(sys.stdin if stdin is None else stdin)
        self._out = sys.stderr if stdout is None else stdout
        self._pictures = pictures
        self._clock = clock
        self._by = by
        self._lock = asyncio.Lock()
        self._turn: str | None = None

    @asynccontextmanager
    async def turn(self, question: Question) -> AsyncIterator[None]:
        """Wait until no other question is on the screen."""
        async with self._lock:
            self._turn = question.id
            try:
                yield
            finally:
                self._turn = None

    async def decide(self, question: Question) -> Approval:
        """Show a question and wait for the answer.

        Raises:
            TimeoutError: if there is none in time.
        """
        if self._turn == question.id:
            return await self._ask(question)
        async with self.turn(question):
            return await self._ask(question)

    async def _ask(self, question: Question) -> Approval:
        deadline = self._clock() + question.seconds
        why_not = self._lines.why_not()
        if why_not:
            self._say(f"Refused without asking: {why_not}. Use --approve deny or --approve auto.\n")
            return question.deny(self._by, note=f"nobody could be asked: {why_not}")
        asked = isinstance(question.effect, Act) and isinstance(question.effect.action, AskUser)
        self._lines.drop()
        self._say(
            "".join(f"{line}\n" for line in self._shown(question)) + (_ANSWER if asked else _KEYS) + "\n"
        )
        try:
            while True:
                self._say(f"{_left(question.seconds, deadline - self._clock())}\n> ")
                line = await self._lines.line(lambda: self._tick(question.seconds, deadline))
                if line is None:
                    self._say("\nThe input has ended: refused.\n")
                    return question.deny(self._by, note="the input ended before an answer")
                if not self._lines.typed:
                    self._say(f"{visible(line, 200)}\n")
                approval = read_answer(line, question, self._by)
                if approval is not None:
                    return approval
                self._say((_AGAIN_ASKED if asked else _AGAIN) + "\n")
        except TimeoutError:
            self._say("\nNo answer in time: refused.\n")
            raise
        except asyncio.CancelledError:
            over = deadline - self._clock() < _NEARLY
            self._say("\nNo answer in time: refused.\n" if over else "\nNo longer asked.\n")
            raise

    def _tick(self, seconds: float, deadline: float) -> float | None:
        left = deadline - self._clock()
        if left <= 0:
            return None
        if not (self._lines.typed and self._out.isatty()):
            return left
        # Only the line above the prompt is redrawn, so what is being typed stays.
        self._say(f"\x1b7\x1b[1A\r\x1b[2K{_left(seconds, left)}\x1b8")
        return min(left, 1.0)

    def _say(self, text: str) -> None:
        encoding = self._out.encoding or "utf-8"
        self._out.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._out.flush()

    def _shown(self, question: Question) -> Iterator[str]:
        effect, verdict = question.effect, question.verdict
        yield ""
        yield f"── Step {question.step}: a person must decide " + "─" * 40
        yield f"What    {describe(effect)}"
        match effect:
            case Act():
                yield from _act(effect)
            case Request():
                yield from _request(effect)
            case FileOffer(page=page):
                yield f"From    {address(page)}"
            case Plan(text=text):
                yield f"Plan    {visible(text, 4000)}"
            case SafetySignal(message=message):
                yield f"Warning {visible(message, _LONG)}"
            case _:
                assert_never(effect)
        picture = self._picture(question)
        if picture:
            yield f"Picture {picture}"
        if question.url:
            yield f"Page    {address(question.url)}"
        yield f"Why     {visible(verdict.reason, _LONG)} (rule: {visible(verdict.rule, 120)})"
        yield f"Goal    {visible(question.goal, _LONG)}"
        if question.thought:
            yield f"Model   says, in its own words, which may be wrong: {visible(question.thought, _LONG)}"

    def _picture(self, question: Question) -> str:
        if self._pictures is None or question.screenshot is None:
            return ""
        name = re.sub(r"[^A-Za-z0-9_-]", "_", question.id)[:80] or "question"
        file = self._pictures / f"{name}.png"
        try:
            self._pictures.mkdir(parents=True, exist_ok=True)
            file.write_bytes(marked(question.screenshot, question.effect))
        except (OSError, ValueError, SyntaxError) as error:
            return f"none: it could not be written ({visible(str(error), 200)})"
        return visible(str(file.resolve()))


def read_answer(line: str, question: Question, by: str) -> Approval | None:
    """Read one typed line as an answer; nothing if it is not one."""
    text = line.strip()
    if not text.isprintable():
        return None
    if isinstance(question.effect, Act) and isinstance(question.effect.action, AskUser):
        if text == "/stop":
            return Approval(decision="stop", by=by, shown=digest(question.effect))
        if not text:
            return question.deny(by, note="the person did not answer")
        return question.approve(by, note=text)
    word, _, rest = text.partition(" ")
    match word.lower():
        case "y" | "yes" if not rest:
            return question.approve(by)
        case "n" | "no":
            return question.deny(by, note=rest.strip())
        case "s" | "stop":
            return Approval(decision="stop", by=by, shown=digest(question.effect), note=rest.strip())
        case _:
            return None


def _act(effect: Act) -> Iterator[str]:
    places = [f"{x}, {y}" for x, y in points(effect.action)]
    where = " to ".join((places[:1] + places[-1:])[: len(places)])
    target = effect.target
    box = target.box if target else None
    if box is not None:
        size = f"a box of {box.width:.0f} by {box.height:.0f} at {box.x:.0f}, {box.y:.0f}"
        where = f"{where} in {size}" if where else size
    if where:
        yield f"Where   {where} on the screen"
    if target is None:
        return
    if target.href:
        yield f"Leads   to {address(target.href)}"
    if target.submits and target.form_action:
        method = visible(target.form_method or "get", 20).upper()
        yield f"Sends   its form by {method} to {address(target.form_action)}"


def _request(effect: Request) -> Iterator[str]:
    yield f"Host    {host(effect.url)}"
    kind = next((value for name, value in effect.headers if name == "content-type"), "")
    if effect.body_size:
        digested = f", SHA-256 {effect.body_sha256}" if effect.body_sha256 else ""
        yield f"Body    {effect.body_size:,} bytes of {visible(kind, 120) or 'unknown type'}{digested}"
    by = f", asked for by {origin(effect.initiator)}" if effect.initiator else ""
    yield f"Kind    {effect.resource}{by}"


def _left(seconds: float, left: float) -> str:
    whole = max(0, round(min(left, seconds)))
    return f"Refused in {whole // 60}:{whole % 60:02d} unless you answer."
