"""What can be done: the closed union `Action`, told apart by `kind`.

Coordinates are CSS pixels of the screenshot the model was sent, from the top left corner; `scroll` has
positive `dy` down and positive `dx` right. The union covers the OpenAI, Anthropic, Gemini and open-model
vocabularies. What a model writes is parsed here, never evaluated.
"""

import difflib
import math
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from harness.errors import ActionError
from harness.keys import chord, modifier


def _whole(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a coordinate is a number, not a truth value")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"a coordinate is a finite number, not {value}")
        return round(value)
    return value


def _chord(value: Any) -> Any:
    return _said(chord, value) if isinstance(value, str) or _names(value) else value


def _modifiers(value: Any) -> Any:
    if isinstance(value, str):
        value = [part for part in value.split("+") if part]
    return tuple(_said(modifier, one) for one in value) if _names(value) else value


def _names(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _said(read: Any, value: Any) -> Any:
    try:
        return read(value)
    except ActionError as error:
        raise ValueError(str(error)) from error


def _point(value: Any) -> Any:
    if isinstance(value, list | tuple) and len(value) == 2:
        return {"x": value[0], "y": value[1]}
    return value


Pixel = Annotated[int, BeforeValidator(_whole), Field(ge=-1_000_000, le=1_000_000)]
Button = Literal["left", "middle", "right", "back", "forward"]
Modifiers = Annotated[
    tuple[Literal["Alt", "Control", "Meta", "Shift"], ...], BeforeValidator(_modifiers), Field(max_length=4)
]
Keys = Annotated[tuple[str, ...], BeforeValidator(_chord), Field(min_length=1, max_length=8)]
Seconds = Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)]
Url = Annotated[str, Field(min_length=1, max_length=65_536)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Point(_Part):
    """A place on the screen, in CSS pixels."""

    x: Pixel
    """Pixels from the left edge."""
    y: Pixel
    """Pixels from the top edge."""


class Click(_Part):
    """Press and release a mouse button."""

    kind: Literal["click"] = "click"
    x: Pixel
    """Pixels from the left edge."""
    y: Pixel
    """Pixels from the top edge."""
    button: Button = "left"
    """Which button."""
    count: int = Field(default=1, ge=1, le=3)
    """1 for a click, 2 for a double click, 3 for a triple click."""
    modifiers: Modifiers = ()
    """Keys held meanwhile."""


class Move(_Part):
    """Move the pointer."""

    kind: Literal["move"] = "move"
    x: Pixel
    """Pixels from the left edge."""
    y: Pixel
    """Pixels from the top edge."""


class MouseDown(_Part):
    """Press a mouse button and keep it down."""

    kind: Literal["mouse_down"] = "mouse_down"
    x: Pixel | None = None
    """Pixels from the left edge; where the pointer is, if not given."""
    y: Pixel | None = None
    """Pixels from the top edge; where the pointer is, if not given."""
    button: Button = "left"
    """Which button."""


class MouseUp(_Part):
    """Release a mouse button."""

    kind: Literal["mouse_up"] = "mouse_up"
    x: Pixel | None = None
    """Pixels from the left edge; where the pointer is, if not given."""
    y: Pixel | None = None
    """Pixels from the top edge; where the pointer is, if not given."""
    button: Button = "left"
    """Which button."""


class Drag(_Part):
    """Press the left button at the first point, move through all of them, release at the last."""

    kind: Literal["drag"] = "drag"
    path: Annotated[
        tuple[Annotated[Point, BeforeValidator(_point)], ...], Field(min_length=2, max_length=1000)
    ]
    """The points, in order; `[x, y]` pairs are read too."""
    modifiers: Modifiers = ()
    """Keys held meanwhile."""


class Scroll(_Part):
    """Turn the wheel at a point."""

    kind: Literal["scroll"] = "scroll"
    x: Pixel
    """Pixels from the left edge."""
    y: Pixel
    """Pixels from the top edge."""
    dx: Annotated[int, BeforeValidator(_whole), Field(ge=-100_000, le=100_000)] = 0
    """CSS pixels to the right."""
    dy: Annotated[int, BeforeValidator(_whole), Field(ge=-100_000, le=100_000)] = 0
    """CSS pixels down."""
    modifiers: Modifiers = ()
    """Keys held meanwhile."""


class Type(_Part):
    """Type text where the focus is; a newline is the Enter key."""

    kind: Literal["type"] = "type"
    text: str = Field(max_length=100_000)
    """What to type."""


class Press(_Part):
    """Press a chord: the keys go down in order and up in reverse."""

    kind: Literal["press"] = "press"
    keys: Keys
    """Canonical key names; `"ctrl+a"` is read too."""


class Hold(_Part):
    """Hold a chord down for a while."""

    kind: Literal["hold"] = "hold"
    keys: Keys
    """Canonical key names; `"ctrl+a"` is read too."""
    seconds: Seconds
    """How long."""


class Wait(_Part):
    """Do nothing for a while."""

    kind: Literal["wait"] = "wait"
    seconds: Seconds = 1.0
    """How long."""


class TakeScreenshot(_Part):
    """Look again."""

    kind: Literal["screenshot"] = "screenshot"


class Zoom(_Part):
    """Look at a part of the screen at native resolution."""

    kind: Literal["zoom"] = "zoom"
    region: tuple[Pixel, Pixel, Pixel, Pixel]
    """Left, top, right, bottom."""


class Goto(_Part):
    """Load a URL in the current tab."""

    kind: Literal["goto"] = "goto"
    url: Url
    """An absolute URL."""


class Back(_Part):
    """Go back in the tab's history."""

    kind: Literal["back"] = "back"


class Forward(_Part):
    """Go forward in the tab's history."""

    kind: Literal["forward"] = "forward"


class Reload(_Part):
    """Load the page again."""

    kind: Literal["reload"] = "reload"


class NewTab(_Part):
    """Open a tab and look at it."""

    kind: Literal["new_tab"] = "new_tab"
    url: Url | None = None
    """What to load in it; a blank page, if not given."""


class SwitchTab(_Part):
    """Look at another tab."""

    kind: Literal["switch_tab"] = "switch_tab"
    tab: int
    """The tab's id, as the observation lists it."""


class CloseTab(_Part):
    """Close a tab."""

    kind: Literal["close_tab"] = "close_tab"
    tab: int | None = None
    """The tab's id; the current one, if not given."""


class Upload(_Part):
    """Give files to the file chooser that is open."""

    kind: Literal["upload"] = "upload"
    files: tuple[str, ...] = Field(min_length=1, max_length=100)
    """Names of files in the task's upload folder, without a path."""


class AskUser(_Part):
    """Ask the person a question."""

    kind: Literal["ask_user"] = "ask_user"
    question: str = Field(min_length=1, max_length=10_000)
    """What to ask."""


class Answer(_Part):
    """Say that the task is done, with its result."""

    kind: Literal["answer"] = "answer"
    text: str = Field(default="", max_length=100_000)
    """The answer in words."""
    data: dict[str, JsonValue] = Field(default_factory=dict)
    """Values for the task's outputs, by name."""


class GiveUp(_Part):
    """Say that the task cannot be done."""

    kind: Literal["give_up"] = "give_up"
    reason: str = Field(default="", max_length=10_000)
    """Why not."""


Action = Annotated[
    Click
    | Move
    | MouseDown
    | MouseUp
    | Drag
    | Scroll
    | Type
    | Press
    | Hold
    | Wait
    | TakeScreenshot
    | Zoom
    | Goto
    | Back
    | Forward
    | Reload
    | NewTab
    | SwitchTab
    | CloseTab
    | Upload
    | AskUser
    | Answer
    | GiveUp,
    Field(discriminator="kind"),
]
"""What can be done."""

_ADAPTER: TypeAdapter[Action] = TypeAdapter(Action)
KINDS: tuple[str, ...] = tuple(
    get_args(member.model_fields["kind"].annotation)[0] for member in get_args(get_args(Action)[0])
)
"""Every `kind`, in the order of the union."""


def parse_action(data: object) -> Action:
    """Make an action from its JSON form, such as `{"kind": "click", "x": 10, "y": 20}`.

    Raises:
        ActionError: with one line that says what is wrong and the nearest right thing.
    """
    if not isinstance(data, dict):
        raise ActionError(f"an action is an object with a 'kind', not {type(data).__name__}")
    kind = data.get("kind")
    if kind not in KINDS:
        near = difflib.get_close_matches(str(kind), KINDS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; it is one of {', '.join(KINDS)}"
        raise ActionError(f"no action is called {str(kind)[:80]!r}{hint}")
    try:
        return _ADAPTER.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        what = first["msg"].removeprefix("Value error, ")
        shown = f", not {str(first['input'])[:80]!r}" if where and first["type"] != "missing" else ""
        raise ActionError(f"{kind}: {where + ': ' if where else ''}{what}{shown}") from error
