"""What the `when` of a rule may say: patterns, numbers, names of other rules, and how each is written."""

import difflib
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from harness.action import KINDS, Button
from harness.clearance import Resource
from harness.errors import ActionError
from harness.keys import modifier
from harness.policy.match import Comparison, Style, Text, read_pattern
from harness.task import Count, Size

DialogType = Literal["alert", "confirm", "prompt", "files"]
"""Which of the boxes that the harness draws; `files` is the file chooser."""
DialogAnswer = Literal["accept", "dismiss", "other"]
"""What an action does to it; `other` fills a field, chooses a file, or does nothing."""
RUN = ("after", "before", "count", "once")
"""Conditions on what has happened so far."""
NUMBERS = ("url_size", "body_size", "seen.tabs", "count")
"""Conditions on numbers; all others but names of rules are on text."""

_SIZE: TypeAdapter[int] = TypeAdapter(Size)
_COUNT: TypeAdapter[int] = TypeAdapter(Count)


def located(path: tuple[str | int, ...], message: str, value: Any) -> ValidationError:
    """Make an error about a value further inside than the validator that found it."""
    what = PydanticCustomError("policy", "{message}", {"message": message})
    return ValidationError.from_exception_data("policy", [InitErrorDetails(type=what, loc=path, input=value)])


def nearest(value: object, choices: Sequence[str]) -> str:
    """Say which word was meant, or which there are."""
    near = difflib.get_close_matches(value, choices, n=1, cutoff=0.5) if isinstance(value, str) else []
    return f"did you mean {near[0]!r}?" if near else f"it is one of {', '.join(choices)}"


def word(choices: Sequence[str]) -> BeforeValidator:
    """Check a word against those there are, and name the nearest."""
    return BeforeValidator(partial(_known, choices))


def _known(choices: Sequence[str], value: Any) -> Any:
    if isinstance(value, str) and value in choices:
        return value
    raise ValueError(nearest(value, choices))


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _sound(style: Style, pattern: str) -> str:
    read_pattern(pattern, style)
    return pattern


def _comparison(text: str, unit: TypeAdapter[int], example: str) -> Comparison:
    found = re.fullmatch(r"\s*(>=|<=|>|<|=)?\s*([0-9].*)", text)
    try:
        if found is not None:
            return Comparison(found[1] or "=", unit.validate_python(found[2]))
    except ValidationError:
        pass
    raise ValueError(f"write {example}")


def read_size(text: str) -> Comparison:
    """Read a condition on a size, such as `> 10kB`.

    Raises:
        ValueError: if no number of bytes stands in it.
    """
    return _comparison(text, _SIZE, "a size like '> 10kB', '<= 1MB' or '0'")


def read_count(text: str) -> Comparison:
    """Read a condition on a number, such as `> 3`.

    Raises:
        ValueError: if no whole number stands in it.
    """
    return _comparison(text, _COUNT, "a number like '> 3', '<= 10' or '2'")


def read_number(field: str, text: str) -> Comparison:
    """Read a condition on one of `NUMBERS`."""
    return read_size(text) if field in ("url_size", "body_size") else read_count(text)


def _number(field: str, value: Any) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        return text
    found = read_number(field, text)
    if field in ("count", "seen.tabs"):
        places = (1, found.number, found.number + 1)
        if not any(one >= 1 and found.holds(one) for one in places):
            first = "the first time" if field == "count" else "the first tab"
            raise ValueError(f"that never holds; {first} is number 1")
    return text


def _held(pattern: str) -> str:
    if pattern.startswith("re:") or "*" in pattern or "?" in pattern:
        return _sound("exact", pattern)
    try:
        return modifier(pattern)
    except ActionError as error:
        raise ValueError(str(error)) from error


_Many = Field(min_length=1, max_length=1_000)
_OneOrMore = BeforeValidator(_listed)
Patterns = Annotated[tuple[Annotated[str, AfterValidator(partial(_sound, "exact"))], ...], _OneOrMore, _Many]
PagePatterns = Annotated[
    tuple[Annotated[str, AfterValidator(partial(_sound, "page"))], ...], _OneOrMore, _Many
]
UrlPatterns = Annotated[tuple[Annotated[str, AfterValidator(partial(_sound, "url"))], ...], _OneOrMore, _Many]
ChordPatterns = Annotated[
    tuple[Annotated[str, AfterValidator(partial(_sound, "chord"))], ...], _OneOrMore, _Many
]
HeldPatterns = Annotated[tuple[Annotated[str, AfterValidator(_held)], ...], _OneOrMore, _Many]
TabPatterns = Annotated[
    tuple[Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)], ...],
    _OneOrMore,
    _Many,
]
Sizes = Annotated[
    tuple[Annotated[str, BeforeValidator(partial(_number, "body_size"))], ...], _OneOrMore, _Many
]
Counts = Annotated[tuple[Annotated[str, BeforeValidator(partial(_number, "count"))], ...], _OneOrMore, _Many]
Tabs = Annotated[
    tuple[Annotated[str, BeforeValidator(partial(_number, "seen.tabs"))], ...], _OneOrMore, _Many
]
Names = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=120)], ...], _OneOrMore, _Many]
Kinds = Annotated[tuple[Annotated[str, word(KINDS)], ...], _OneOrMore, _Many]
Buttons = Annotated[tuple[Annotated[str, word(get_args(Button))], ...], _OneOrMore, _Many]
Resources = Annotated[tuple[Annotated[str, word(get_args(Resource))], ...], _OneOrMore, _Many]
Boxes = Annotated[tuple[Annotated[str, word(get_args(DialogType))], ...], _OneOrMore, _Many]
Answers = Annotated[tuple[Annotated[str, word(get_args(DialogAnswer))], ...], _OneOrMore, _Many]


class _Conditions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _none_is_blank(cls, data: Any) -> Any:
        for name, value in data.items() if isinstance(data, dict) else ():
            if value is None and name in cls.model_fields:
                raise located((name,), "nothing stands behind it; write a value, or leave it out", None)
        return data

    @model_serializer(mode="wrap")
    def _without_blanks(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}


class _Inner(_Conditions):
    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(value is None for _, value in self):
            example = "url: https://shop.test/cart*" if isinstance(self, SeenWhen) else "role: button"
            raise ValueError(f"it names no condition; leave it out, or write one such as {example}")
        return self


class TargetWhen(_Inner):
    """Conditions on what an action would touch."""

    role: Patterns | None = None
    """The computed ARIA role."""
    name: PagePatterns | None = None
    """The computed accessible name, folded."""
    text: PagePatterns | None = None
    """The visible text, folded."""
    tag: Patterns | None = None
    """The element's tag in lower case."""
    href: UrlPatterns | None = None
    """Where the nearest link goes."""
    form_method: Patterns | None = None
    """`get`, `post` or `dialog`."""
    form_action: UrlPatterns | None = None
    """Where the form goes."""
    frame_origin: Patterns | None = None
    """The origin of the frame it is in."""
    editable: bool | None = None
    """Whether text can be typed into it."""
    password: bool | None = None
    """Whether it hides what is typed."""
    submits: bool | None = None
    """Whether activating it submits its form."""
    input_type: Patterns | None = None
    """An input's type."""


class SeenWhen(_Inner):
    """Conditions on what the screen showed at the last look, which is what the model decided by."""

    url: UrlPatterns | None = None
    """The address of the active tab."""
    title: PagePatterns | None = None
    """Its title, folded."""
    text: PagePatterns | None = None
    """Its visible text, folded."""
    tabs: Tabs | None = None
    """How many tabs are open, such as `> 3`."""


class When(_Conditions):
    """Conditions, all of which must hold."""

    kind: Kinds | None = None
    """Kinds of action."""
    target: TargetWhen | None = None
    """What the action would touch."""
    keys: ChordPatterns | None = None
    """Chords of `press` and `hold`; a `type` presses Enter, Tab and Space where its text has them."""
    text: PagePatterns | None = None
    """What is typed, asked, answered or planned; on a dialog, what it says."""
    url: UrlPatterns | None = None
    """Where a `goto`, `new_tab` or request leads; where a download comes from."""
    page: UrlPatterns | None = None
    """The address of the tab that is acted on, or that gives a file."""
    button: Buttons | None = None
    """Mouse buttons."""
    modifiers: HeldPatterns | None = None
    """Keys held during a click, drag or scroll: Alt, Control, Meta, Shift."""
    files: Patterns | None = None
    """Names of files to upload."""
    tab: TabPatterns | None = None
    """The number of the tab that is acted on, switched to or closed."""
    method: Patterns | None = None
    """HTTP methods, in any case."""
    host: Patterns | None = None
    """Hosts of requests; `*` crosses dots."""
    header: Annotated[dict[str, Patterns], Field(min_length=1, max_length=50)] | None = None
    """Headers by name, in any case."""
    resource: Resources | None = None
    """What asks for it: document, frame, script, fetch, websocket …"""
    initiator: Patterns | None = None
    """The origin of the page that asks."""
    url_size: Sizes | None = None
    """Bytes of the address, such as `> 2kB`."""
    body_size: Sizes | None = None
    """Bytes of the body, such as `> 10kB`."""
    body: Patterns | None = None
    """The body as text; also percent-decoded, and with JSON's escapes undone."""
    name: PagePatterns | None = None
    """The name a page asks for its file, folded."""
    dialog: Boxes | None = None
    """Which box is open: alert, confirm, prompt, or files."""
    answer: Answers | None = None
    """What the action does to it: accept, dismiss, or other."""
    provider: Patterns | None = None
    """Which vendor warns."""
    code: Patterns | None = None
    """The vendor's name for the warning."""
    message: PagePatterns | None = None
    """The vendor's words, folded."""
    seen: SeenWhen | None = None
    """What the screen showed at the last look."""
    after: Names | None = None
    """Holds once one of these rules has matched something that was cleared."""
    before: Names | None = None
    """Holds until all of these rules have matched something that was cleared."""
    count: Counts | None = None
    """How many times this is: what was cleared and met the other conditions, and this one; such as `> 3`."""
    once: Literal[True] | None = None
    """Holds until something was cleared that met the other conditions: the same as `count: 1`."""

    @model_validator(mode="after")
    def _one_number(self) -> Self:
        if self.once and self.count:
            raise located(
                ("once",), "count says how many times already; leave one of the two out", value=True
            )
        return self

    def conditions(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Give every condition as a field, such as `target.role` or `header.accept`, with its values."""
        for name, value in self:
            if isinstance(value, tuple):
                yield name, value
            elif isinstance(value, TargetWhen | SeenWhen):
                for inner, wanted in value:
                    if isinstance(wanted, bool):
                        yield f"{name}.{inner}", ("true" if wanted else "false",)
                    elif wanted is not None:
                        yield f"{name}.{inner}", wanted
            elif isinstance(value, dict):
                for header, wanted in value.items():
                    yield f"header.{header.lower()}", wanted
            elif value is True:
                yield "count", ("1",)


STYLES: dict[str, Style] = {
    "target.name": "page",
    "target.text": "page",
    "target.href": "url",
    "target.form_action": "url",
    "keys": "chord",
    "text": "page",
    "url": "url",
    "page": "url",
    "method": "upper",
    "host": "lower",
    "name": "page",
    "message": "page",
    "seen.url": "url",
    "seen.title": "page",
    "seen.text": "page",
}
"""How fields are written, where not exactly."""


def read_condition(field: str, value: str) -> Text:
    """Read one value of one condition on text; those on `NUMBERS` are read by `read_number`."""
    return read_pattern(value, STYLES.get(field, "exact"))
