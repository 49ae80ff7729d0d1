"""A person drives, through the same doors as any model: a baseline, and a way to look around."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol, TextIO

from pydantic import JsonValue

from harness.action import Action, Answer, GiveUp
from harness.clearance import Act, Reply
from harness.errors import ActionError, InputError
from harness.lines import Lines
from harness.models.human_lines import HELP, read, split
from harness.screen import Observation
from harness.task import OutputSpec
from harness.words import address, describe, visible

PICTURE: Final = "screen.png"
"""The name of the newest screenshot in the console's folder."""
_FOR_LONG: Final = 3600.0
_TEXT: Final = 600
_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
}


class Console(Protocol):
    """Where a person sees and types."""

    async def show(self, text: str, picture: bytes | None = None) -> None:
        """Show some lines, and a PNG where there is one."""
        ...

    async def ask(self) -> str | None:
        """Give the next line without its end; nothing once there will be no more."""
        ...


class HumanModel:
    """Shows each screen to a person and does what is typed. A `harness.models.base.Model`.

    Args:
        console: where the person sits.
        outputs: what the task wants to be found out.
    """

    def __init__(self, console: Console, *, outputs: Mapping[str, OutputSpec] = MappingProxyType({})) -> None:
        self._console = console
        self._outputs = outputs
        self._data: dict[str, JsonValue] = {}

    async def reply(self, observation: Observation) -> Reply:
        """Show what is seen, and ask until there is something to do; the end of the input gives up."""
        shot = observation.screenshot
        await self._console.show("\n".join(self._told(observation)), shot.png)
        while True:
            line = await self._console.ask()
            if line is None:
                return Reply(actions=(GiveUp(reason="the person's input ended"),))
            try:
                action = self._read(line, (shot.width, shot.height))
            except ActionError as error:
                await self._console.show(f"{visible(str(error), _TEXT)}\nType help to see what can be typed.")
                continue
            if isinstance(action, str):
                await self._console.show(action)
                continue
            return Reply(actions=(action,), raw={"typed": line})

    def _read(self, line: str, size: tuple[int, int]) -> Action | str:
        if not line.isprintable():
            raise ActionError(f"the line holds what cannot be seen: {visible(line, 80)}")
        verb, rest = split(line)
        match verb:
            case "" | "help" | "?":
                return HELP
            case "set":
                return self._set(*rest.strip().partition(" "))
            case _:
                action = read(verb, rest, size)
                return (
                    action.model_copy(update={"data": self._data}) if isinstance(action, Answer) else action
                )

    def _set(self, name: str, _: str, value: str) -> str:
        spec = self._outputs.get(name)
        if spec is None:
            there = ", ".join(self._outputs) or "none"
            raise ActionError(f"the task wants no output called {name[:40]!r}; it wants: {there}")
        self._data[name] = _typed(value.strip(), spec)
        return f"{name} is {visible(json.dumps(self._data[name], ensure_ascii=False), 200)}"

    def _told(self, seen: Observation) -> Iterator[str]:
        yield ""
        yield f"── Step {seen.step} " + "─" * 60
        if seen.step == 1:
            yield f"Goal    {visible(seen.goal, 4000)}"
            for name, spec in self._outputs.items():
                yield f"Wanted  {name} ({spec.type}): set {name} VALUE"
            yield HELP
        for result in seen.results:
            if result.status != "done" or result.message:
                rule = f" by the rule {result.rule!r}" if result.rule else ""
                why = f": {visible(result.message, _TEXT)}" if result.message else ""
                yield f"Before  {describe(Act(action=result.action))}: {result.status}{rule}{why}"
        yield f"Page    {visible(seen.title, 200)} {address(seen.url)}"
        if len(seen.tabs) > 1:
            for tab in seen.tabs:
                yield f"Tab     {tab.id}{'*' if tab.active else ' '} {address(tab.url)}"
        for note in seen.notes:
            yield f"Note    {visible(note, _TEXT)}"
        if not seen.settled:
            yield "Note    the page was still changing when this picture was taken"


def _typed(value: str, spec: OutputSpec) -> JsonValue:
    if spec.type == "string":
        return value
    try:
        found: JsonValue = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ActionError(f"{value[:80]!r} is no JSON, and the output is of the type {spec.type}") from error
    if not isinstance(found, _TYPES[spec.type]) or (isinstance(found, bool) and spec.type != "boolean"):
        raise ActionError(f"{value[:80]!r} is not of the type {spec.type}")
    return found


class TerminalConsole:
    """A terminal, or a pipe that stands for one: questions on standard error, the picture in a folder.

    Args:
        pictures: a folder; the newest screenshot is always `screen.png` there, for a viewer to keep open.
        lines: what reads what is typed; standard input if not given.
        out: where is shown; standard error if not given.

    Raises:
        InputError: if nobody can type there.
    """

    def __init__(self, pictures: Path, *, lines: Lines | None = None, out: TextIO | None = None) -> None:
        self._lines = lines or Lines(sys.stdin)
        self._out = sys.stderr if out is None else out
        self._pictures = pictures
        if why_not := self._lines.why_not():
            raise InputError(
                f"--model human needs a terminal, or a pipe with a line for each step: {why_not}"
            )

    async def show(self, text: str, picture: bytes | None = None) -> None:
        """Show some lines and where the picture is."""
        if picture is not None:
            self._lines.drop()
            text = f"{text}\nPicture {self._written(picture)}"
        self._say(f"{text}\n")

    async def ask(self) -> str | None:
        """Wait for a line; what a pipe sent is shown, as if it had been typed."""
        line = await self._lines.line(self._prompt)
        if line is None:
            self._say("\nThe input has ended.\n")
        elif not self._lines.typed:
            self._say(f"> {visible(line, 200)}\n")
        return None if line is None else line.removesuffix("\r")

    def _prompt(self) -> float:
        if self._lines.typed:
            self._say("> ")
        return _FOR_LONG

    def _written(self, picture: bytes) -> str:
        file, new = self._pictures / PICTURE, self._pictures / f".{PICTURE}"
        try:
            self._pictures.mkdir(parents=True, exist_ok=True)
            # A viewer never sees half of it.
            new.write_bytes(picture)
            new.replace(file)
        except OSError as error:
            return f"none: it could not be written ({visible(str(error), 200)})"
        return visible(str(file.resolve()))

    def _say(self, text: str) -> None:
        encoding = self._out.encoding or "utf-8"
        self._out.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._out.flush()
