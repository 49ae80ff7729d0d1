"""What a sentence can mean: the closed union `Sentence`."""

from dataclasses import dataclass
from typing import Literal

Side = Literal["near", "below", "above", "right", "left", "row"]
"""`row`: at the same height."""


@dataclass(frozen=True)
class Relation:
    """Where a text stands, said by another text."""

    side: Side
    """On which side of the other text."""
    text: str
    """The other text."""


Kind = Literal["text", "link", "button", "field"]
"""What a text looks like: coloured or underlined, in the middle of a box; or a field without a text."""


@dataclass(frozen=True)
class Find:
    """A text, or a field without one, to be found on the screen."""

    text: str
    """What it says; nothing for a field."""
    kind: Kind = "text"
    """What it looks like."""
    exactly: bool = False
    """Whether only a whole line with just these letters will do."""
    ordinal: int | None = None
    """Which one in reading order, from 1; -1 is the last."""
    relations: tuple[Relation, ...] = ()
    """Where it stands."""

    def __str__(self) -> str:
        """Say it as a sentence would."""
        count = {None: "", -1: "the last "}.get(self.ordinal, f"no. {self.ordinal} of ")
        words = {"right": "right of", "left": "left of", "row": "in the row of"}
        where = "".join(f' {words.get(one.side, one.side)} "{one.text}"' for one in self.relations)
        named = f'"{self.text}"' if self.kind == "text" else f'the {self.kind} "{self.text}"'
        if self.kind == "field":
            named = "the field"
        return f"{count}{'exactly ' if self.exactly else ''}{named}{where}"


@dataclass(frozen=True)
class At:
    """A point, in CSS pixels."""

    x: int
    """Pixels from the left edge."""
    y: int
    """Pixels from the top edge."""


@dataclass(frozen=True)
class ClickOn:
    """Click a text or a point."""

    place: Find | At
    button: Literal["left", "middle", "right"] = "left"
    count: int = 1


@dataclass(frozen=True)
class HoverOver:
    """Move the pointer to a text or a point."""

    place: Find | At


@dataclass(frozen=True)
class TypeInto:
    """Type into the field of a label, or where the focus is."""

    text: str
    label: Find | None = None
    read: bool = False
    """Whether `text` names a value that was read before."""


@dataclass(frozen=True)
class ClearField:
    """Empty the field of a label."""

    label: Find


@dataclass(frozen=True)
class SelectOption:
    """Pick an option from the menu of a label, or from the only menu."""

    option: str
    label: Find | None = None


@dataclass(frozen=True)
class SetToggle:
    """Make a tick box or radio button checked or not."""

    label: Find
    on: bool


@dataclass(frozen=True)
class PressKeys:
    """Press a chord some times."""

    keys: tuple[str, ...]
    times: int = 1


@dataclass(frozen=True)
class ScrollBy:
    """Turn the wheel: `pages` of the screen's height or width, or `pixels`, at a text or in the middle."""

    direction: Literal["down", "up", "right", "left"]
    pages: float = 0.8
    pixels: int | None = None
    over: Find | None = None


@dataclass(frozen=True)
class ScrollUntil:
    """Scroll until a text shows."""

    target: Find
    up: bool = False
    over: Find | None = None


@dataclass(frozen=True)
class DragTo:
    """Drag from one place to another."""

    start: Find | At
    end: Find | At


@dataclass(frozen=True)
class GoTo:
    """Load a URL."""

    url: str


@dataclass(frozen=True)
class Browse:
    """Use the browser's own buttons."""

    what: Literal["back", "forward", "reload", "close_tab"]


@dataclass(frozen=True)
class OpenTab:
    """Open a tab."""

    url: str | None = None


@dataclass(frozen=True)
class SwitchTo:
    """Look at another tab: by its place in the row of tabs, from 1, or by its title."""

    tab: int | str


@dataclass(frozen=True)
class WaitFor:
    """Wait until a text shows, or until it is gone."""

    target: Find
    gone: bool = False
    seconds: float = 15.0


@dataclass(frozen=True)
class WaitSeconds:
    """Wait."""

    seconds: float


@dataclass(frozen=True)
class ReadValue:
    """Read what stands after a label."""

    label: Find
    name: str


@dataclass(frozen=True)
class ReadBeside:
    """Read the line on one side of a text."""

    side: Literal["below", "above", "right", "left"]
    anchor: Find
    name: str


@dataclass(frozen=True)
class ReadTable:
    """Read the table below a heading."""

    heading: Find
    name: str


@dataclass(frozen=True)
class Expect:
    """Fail unless a text shows, or does not."""

    target: Find
    present: bool = True


@dataclass(frozen=True)
class UploadFiles:
    """Give files to the file chooser that is open."""

    files: tuple[str, ...]


@dataclass(frozen=True)
class SayAnswer:
    """Say the result in words."""

    text: str


@dataclass(frozen=True)
class AskPerson:
    """Ask the person, and keep the answer."""

    question: str
    name: str


Sentence = (
    ClickOn
    | HoverOver
    | TypeInto
    | ClearField
    | SelectOption
    | SetToggle
    | PressKeys
    | ScrollBy
    | ScrollUntil
    | DragTo
    | GoTo
    | Browse
    | OpenTab
    | SwitchTo
    | WaitFor
    | WaitSeconds
    | ReadValue
    | ReadBeside
    | ReadTable
    | Expect
    | UploadFiles
    | SayAnswer
    | AskPerson
)
"""What a sentence can mean."""
