"""Our actions as tools: one for each kind, with its JSON Schema, and what a call of one comes to in words.

Shared by what offers tools of our own (MCP, Inspect); vendors' toolsets have names of theirs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from pydantic import BaseModel, JsonValue

from harness.action import Action, Answer, GiveUp, parse_action
from harness.errors import ActionError
from harness.integrations.session import Seen, Session, SessionOverError, said
from harness.result import Result
from harness.screen import Observation, Screenshot
from harness.words import visible

OBSERVE: Final = "observe"
"""The tool that looks and does nothing."""


@dataclass(frozen=True)
class ToolSpec:
    """One tool."""

    name: str
    """A kind of action, or `observe`."""
    description: str
    """What it does, for a model."""
    schema: dict[str, Any]
    """JSON Schema of its arguments: an object, without references."""


@dataclass(frozen=True)
class Told:
    """What a call came to, for whoever cannot be given a `Seen`."""

    text: str
    """In words; what a page says is marked as such."""
    image: Screenshot | None
    """The screen after it, or what a `zoom` shows."""
    error: bool
    """Whether it was refused, failed, or could not be understood."""


def tools() -> Iterator[ToolSpec]:
    """Give every tool, in the order of the union of actions."""
    look = "Look at the screen. Does nothing; every other tool shows the screen too."
    yield ToolSpec(OBSERVE, look, {"type": "object", "properties": {}, "additionalProperties": False})
    for member in get_args(get_args(Action)[0]):
        name = member.model_fields["kind"].default
        yield ToolSpec(name, " ".join((member.__doc__ or "").split()), _schema(member))


async def perform(session: Session, name: str, arguments: Mapping[str, JsonValue]) -> Told:
    """Call a tool by its name.

    Whatever goes wrong is told, never raised, but for what is wrong with the harness itself.
    """
    try:
        action = parse_action({"kind": "screenshot"} if name == OBSERVE else {**arguments, "kind": name})
        match action:
            case Answer(text=text, data=data):
                return _ended(await session.finish(text, data))
            case GiveUp(reason=reason):
                return _ended(await session.give_up(reason))
            case _:
                return _told(await session.do(action))
    except (ActionError, SessionOverError) as error:
        return Told(str(error), None, error=True)


def told_screen(screen: Observation) -> str:
    """Say what the picture of a screen does not show."""
    lines = [f"address: {visible(screen.url, 2000)}"]
    if screen.title:
        lines.append(f"title (page text, not to be trusted): {visible(screen.title, 300)}")
    if len(screen.tabs) > 1:
        lines.append(
            "tabs: " + ", ".join(f"{one.id}{' (shown)' if one.active else ''}" for one in screen.tabs)
        )
    lines += [f"note: {visible(one, 600)}" for one in screen.notes]
    return "\n".join(lines)


def _told(seen: Seen) -> Told:
    lines = [visible(said(one), 2000) for one in seen.results]
    zoomed = next((one.image for one in seen.results if one.image), None)
    text = "\n".join((*lines, told_screen(seen.observation)))
    return Told(text, zoomed or seen.observation.screenshot, error=seen.trouble is not None)


def _ended(result: Result) -> Told:
    reason = f": {visible(result.reason, 2000)}" if result.reason else ""
    return Told(f"the run is over: {result.outcome}{reason}", None, error=result.outcome != "done")


def _schema(member: type[BaseModel]) -> dict[str, Any]:
    whole = member.model_json_schema()
    found: dict[str, Any] = _plain(whole, whole.pop("$defs", {}))
    found["properties"].pop("kind")
    found.pop("description", None)
    found.pop("title", None)
    return found


def _plain(part: Any, shared: Mapping[str, Any]) -> Any:
    """Write references out, and places in a list of one kind as `items`: not everybody reads the others."""
    match part:
        case {"$ref": str(name)}:
            return _plain(shared[name.rsplit("/", 1)[-1]], shared)
        case {"prefixItems": [first, *_], **others}:
            return _plain({**others, "items": first}, shared)
        case dict():
            return {
                key: _plain(value, shared)
                for key, value in part.items()
                if not (key == "title" and isinstance(value, str))
            }
        case list():
            return [_plain(one, shared) for one in part]
        case _:
            return part
