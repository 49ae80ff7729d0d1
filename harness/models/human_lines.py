"""What a person who drives can type, read as one of our actions."""

import difflib
import shlex
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import JsonValue

from harness.action import Action, parse_action
from harness.errors import ActionError

HELP: Final = """\
click X Y             also double-click, triple-click, right-click, middle-click
move X Y              mouse-down X Y, mouse-up X Y, drag X Y X Y
scroll down 300       up, down, left, right; by pixels; then X Y, or else in the middle
type WORDS            where the focus is, as they stand; {{secret:NAME}} for a secret
press ctrl+a          hold ctrl+a 2
wait 1                look
goto URL              back, forward, reload
new-tab URL           tab NUMBER, close-tab NUMBER
upload NAME           several names, in quotes if they hold blanks
set NAME VALUE        keep an output for the answer
answer WORDS          done
give-up WORDS         it cannot be done"""
"""What can be typed."""
VERBS: Final = (
    *(
        "click",
        "double-click",
        "triple-click",
        "right-click",
        "middle-click",
        "move",
        "mouse-down",
        "mouse-up",
    ),
    *("drag", "scroll", "type", "press", "hold", "wait", "look", "goto", "back", "forward", "reload"),
    *("new-tab", "tab", "close-tab", "upload", "set", "answer", "give-up", "help"),
)
_CLICKS: Final[Mapping[str, Mapping[str, JsonValue]]] = {
    "click": {},
    "double-click": {"count": 2},
    "triple-click": {"count": 3},
    "right-click": {"button": "right"},
    "middle-click": {"button": "middle"},
}
_BARE: Final = {"look": "screenshot", "back": "back", "forward": "forward", "reload": "reload"}
_PLACED: Final = {"move": "move", "mouse-down": "mouse_down", "mouse-up": "mouse_up"}
_WAYS: Final = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}


def split(line: str) -> tuple[str, str]:
    """Give the verb of a line and what stands after the blank behind it."""
    verb, _, rest = line.lstrip().partition(" ")
    if verb.lower() == "give" and rest.split(" ", 1)[0].lower() == "up":
        return "give-up", rest.partition(" ")[2]
    return verb.strip().lower(), rest


def read(verb: str, rest: str, size: tuple[int, int]) -> Action:
    """Make the action that a person typed.

    Args:
        verb: its first word.
        rest: what stands after it.
        size: width and height of the screenshot, in pixels.

    Raises:
        ActionError: saying what is wrong with it.
    """
    words = rest.split()
    if verb in _CLICKS:
        return _made("click", **_point(words, size), **_CLICKS[verb])
    if verb in _PLACED:
        return _made(_PLACED[verb], **_point(words, size))
    if verb in _BARE:
        _none(verb, words)
        return _made(_BARE[verb])
    match verb, words:
        case "drag", [_, _, _, _, *_] if len(words) % 2 == 0:
            pairs = [words[at : at + 2] for at in range(0, len(words), 2)]
            return _made("drag", path=[[*_point(pair, size).values()] for pair in pairs])
        case "scroll", [way, *more] if way in _WAYS and len(more) in (1, 3):
            across, down = _WAYS[way]
            far = _number(more[0])
            where = _point(more[1:], size) if more[1:] else {"x": size[0] // 2, "y": size[1] // 2}
            return _made("scroll", **where, dx=across * far, dy=down * far)
        case "press", [_, *_]:
            return _made("press", keys="+".join(words))
        case "hold", [keys, seconds]:
            return _made("hold", keys=keys, seconds=_number(seconds))
        case _:
            return _other(verb, rest, words)


def _other(verb: str, rest: str, words: Sequence[str]) -> Action:
    match verb, words:
        case "type", _ if rest:
            return _made("type", text=rest)
        case "wait", [] | [_]:
            return _made("wait", seconds=_number(words[0]) if words else 1)
        case "goto", [url]:
            return _made("goto", url=url)
        case "new-tab", [] | [_]:
            return _made("new_tab", url=words[0] if words else None)
        case "tab", [number]:
            return _made("switch_tab", tab=_number(number))
        case "close-tab", [] | [_]:
            return _made("close_tab", tab=_number(words[0]) if words else None)
        case "upload", [_, *_]:
            return _made("upload", files=_names(rest))
        case "answer", _:
            return _made("answer", text=rest.strip())
        case "give-up", _:
            return _made("give_up", reason=rest.strip())
        case _:
            raise _unknown(verb)


def _unknown(verb: str) -> ActionError:
    if verb in VERBS:
        form = next(line for line in HELP.splitlines() if verb in line.replace(",", " ").split())
        return ActionError(f"{verb!r} is typed otherwise: {form}")
    near = difflib.get_close_matches(verb, VERBS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return ActionError(f"nothing is called {verb[:40]!r} here{hint}")


def _made(kind: str, **fields: JsonValue) -> Action:
    return parse_action({"kind": kind, **fields})


def _none(verb: str, words: Sequence[str]) -> None:
    if words:
        raise ActionError(f"{verb!r} stands alone, without {' '.join(words)[:80]!r}")


def _point(words: Sequence[str], size: tuple[int, int]) -> dict[str, int]:
    if len(words) != 2:
        raise ActionError("a place is two numbers: pixels from the left and from the top, such as 100 200")
    x, y = (_number(word.strip(",")) for word in words)
    if not (0 <= x < size[0] and 0 <= y < size[1]):
        raise ActionError(f"{x:g} {y:g} is outside the picture, which is {size[0]} by {size[1]}")
    return {"x": round(x), "y": round(y)}


def _number(word: str) -> float:
    digits = word.removeprefix("-").replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit()) or len(word) > 12:
        raise ActionError(f"{word[:40]!r} is no number")
    return float(word) if "." in word else int(word)


def _names(rest: str) -> list[JsonValue]:
    try:
        return [*shlex.split(rest)]
    except ValueError as error:
        raise ActionError(f"the names of files cannot be read: {error}") from error
