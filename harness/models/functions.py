"""Our own vocabulary as tools that any model can call: one function for each kind of action."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from harness.action import (
    KINDS,
    Action,
    Click,
    Drag,
    MouseDown,
    MouseUp,
    Move,
    Point,
    Scroll,
    Zoom,
    parse_action,
)
from harness.models.dialect import JsonObject, Unusable
from harness.models.scaling import Space

EXTRAS: Final = (
    *("goto", "back", "forward", "reload", "new_tab", "switch_tab", "close_tab"),
    *("upload", "ask_user", "answer", "give_up"),
)
"""What vendors' own computer tools do not have."""
DEEPEST: Final = 20
"""Levels of arguments that are read."""

_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)
_CLASSES: Mapping[str, type[BaseModel]] = {
    get_args(one.model_fields["kind"].annotation)[0]: one for one in get_args(get_args(Action)[0])
}


def functions(kinds: Iterable[str] = KINDS) -> list[JsonObject]:
    """Give name, description and JSON schema of the parameters of each kind.

    Coordinates are those of the picture that the model is sent.
    """
    return [
        {
            "name": kind,
            "description": (_CLASSES[kind].__doc__ or "").strip(),
            "parameters": schema(_CLASSES[kind]),
        }
        for kind in kinds
    ]


def schema(model: type[BaseModel], *, kind: bool = False) -> JsonObject:
    """Give the JSON schema of one action's fields, without references, titles and defaults."""
    found = model.model_json_schema()
    properties = {
        name: _plain(one, found.get("$defs", {}))
        for name, one in found["properties"].items()
        if kind or name != "kind"
    }
    required: list[JsonValue] = [name for name in found.get("required", ()) if name in properties]
    if kind:
        required.insert(0, "kind")
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _plain(node: Any, definitions: Mapping[str, Any]) -> Any:
    match node:
        case {"$ref": str(ref)}:
            return _plain(definitions[ref.rsplit("/", 1)[1]], definitions)
        case dict():
            return {
                key: {name: _plain(one, definitions) for name, one in value.items()}
                if key == "properties"
                else _plain(value, definitions)
                for key, value in node.items()
                if key not in ("title", "default")
            }
        case list():
            return [_plain(one, definitions) for one in node]
        case _:
            return node


def arguments(text: object) -> Mapping[str, JsonValue]:
    """Read the arguments of a call, as JSON text or as an object.

    Raises:
        Unusable: if they are no JSON object, or too deep to be meant.
    """
    try:
        found = json.loads(text) if isinstance(text, str) and text.strip() else text or {}
        found = _JSON.validate_python(found)
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, ValidationError, RecursionError) as error:
        said = str(error).splitlines()[0]
        raise Unusable("malformed", f"the arguments are not JSON: {said[:200]}") from error
    if not isinstance(found, dict):
        raise Unusable("bad_arguments", f"the arguments are no object, but {type(found).__name__}")
    if _depth(found) > DEEPEST:
        raise Unusable("bad_arguments", f"the arguments are deeper than {DEEPEST} levels")
    return found


def _depth(value: JsonValue) -> int:
    level, deep = [value], 0
    while level and deep <= DEEPEST:
        deep += 1
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return deep


def call(name: str, given: object, space: Space) -> Action:
    """Make the action that a call of one of our functions stands for.

    Raises:
        Unusable: if there is no such function, its arguments are wrong, or a point is outside the picture.
        ActionError: if a field is wrong.
    """
    if name not in KINDS:
        raise Unusable("unknown_tool", f"there is no function {name[:80]!r}; there are: {', '.join(KINDS)}")
    return placed(parse_action({**arguments(given), "kind": name}), space)


def placed(action: Action, space: Space) -> Action:
    """Move an action's points from the picture that the model saw to the screen; lengths are scaled alike.

    Raises:
        Unusable: if a point is outside the picture.
    """
    match action:
        case Click(x=x, y=y) | Move(x=x, y=y):
            x, y = point(x, y, space)
            return action.model_copy(update={"x": x, "y": y})
        case Scroll(x=x, y=y, dx=dx, dy=dy):
            x, y = point(x, y, space)
            wide, high = length(dx, dy, space)
            return action.model_copy(update={"x": x, "y": y, "dx": wide, "dy": high})
        case MouseDown(x=int(x), y=int(y)) | MouseUp(x=int(x), y=int(y)):
            x, y = point(x, y, space)
            return action.model_copy(update={"x": x, "y": y})
        case Drag(path=path):
            points = (point(one.x, one.y, space) for one in path)
            return action.model_copy(update={"path": tuple(Point(x=x, y=y) for x, y in points)})
        case Zoom(region=(left, top, right, bottom)):
            # A region's corners lie between pixels, the far one behind the last.
            point(left, top, space)
            point(right - 1, bottom - 1, space)
            near, far = length(left, top, space), length(right, bottom, space)
            return action.model_copy(update={"region": (*near, *far)})
        case _:
            return action


def left_at(action: Action) -> tuple[int, int] | None:
    """Say where an action leaves the pointer; nothing if it does not move it."""
    match action:
        case Click(x=x, y=y) | Move(x=x, y=y) | Scroll(x=x, y=y):
            return x, y
        case MouseDown(x=int(x), y=int(y)) | MouseUp(x=int(x), y=int(y)):
            return x, y
        case Drag(path=path):
            return path[-1].x, path[-1].y
        case _:
            return None


def point(x: float, y: float, space: Space) -> tuple[int, int]:
    """Give the pixel of the screen under a point of the picture.

    Raises:
        Unusable: if it is outside the picture.
    """
    if not space.inside(x, y):
        size = f"{space.width} by {space.height}"
        raise Unusable("outside_image", f"({x:g}, {y:g}) is outside the picture, which is {size}")
    return space.to_view(x, y)


def length(dx: float, dy: float, space: Space) -> tuple[int, int]:
    """Give a length of the picture in pixels of the screen."""
    return round(dx * space.view_width / space.width), round(dy * space.view_height / space.height)
