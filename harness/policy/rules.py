"""One rule of a policy: what it speaks of (`on`), when, and what it says.

All conditions of a `when` must hold; a condition that lists several values holds if one of them does. Which
conditions a rule may have depends on what it speaks of, as `FIELDS` says.
"""

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
from harness.clearance import Outcome, Resource
from harness.policy.match import Comparison, Style, Text, read_pattern
from harness.task import Size

On = Literal["action", "request", "navigate", "plan", "signal"]
"""What a rule speaks of. `navigate` is a page in a tab: `goto`, `new_tab`, and the request for it."""

FIELDS: dict[On, tuple[str, ...]] = {
    "action": ("kind", "target", "keys", "text", "url", "page", "button", "files"),
    "request": ("method", "url", "host", "header", "resource", "initiator", "body_size"),
    "navigate": ("url", "host"),
    "plan": ("text",),
    "signal": ("provider", "code", "message"),
}
"""Which conditions there are, by what a rule speaks of."""

STRICTNESS: tuple[Outcome, ...] = ("stop", "deny", "ask", "allow")
"""From the most restrictive to the least."""

RESERVED = ("default", "secrets", "domains.navigate", "domains.load", "engine")
_SIZE: TypeAdapter[int] = TypeAdapter(Size)


def located(path: tuple[str | int, ...], message: str, value: Any) -> ValidationError:
    """Make an error about a value further inside than the validator that found it."""
    what = PydanticCustomError("policy", "{message}", {"message": message})
    return ValidationError.from_exception_data("policy", [InitErrorDetails(type=what, loc=path, input=value)])


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _known(choices: Sequence[str], value: Any) -> Any:
    if isinstance(value, str) and value in choices:
        return value
    near = difflib.get_close_matches(value, choices, n=1, cutoff=0.5) if isinstance(value, str) else []
    raise ValueError(f"did you mean {near[0]!r}?" if near else f"it is one of {', '.join(choices)}")


def _sound(style: Style, pattern: str) -> str:
    read_pattern(pattern, style)
    return pattern


def word(choices: Sequence[str]) -> BeforeValidator:
    """Check a word against those there are, and name the nearest."""
    return BeforeValidator(partial(_known, choices))


def read_size(text: str) -> Comparison:
    """Read a condition on a size, such as `> 10kB`.

    Raises:
        ValueError: if no number of bytes stands in it.
    """
    found = re.fullmatch(r"\s*(>=|<=|>|<|=)?\s*([0-9].*)", text)
    try:
        if found is not None:
            return Comparison(found[1] or "=", _SIZE.validate_python(found[2]))
    except ValidationError:
        pass
    raise ValueError("write a size like '> 10kB', '<= 1MB' or '0'")


def _size(value: Any) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str):
        read_size(text)
    return text


def _not_blank(value: Any) -> Any:
    if value is None:
        raise ValueError("write when: {} if the rule speaks of everything")
    return value


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
Sizes = Annotated[tuple[Annotated[str, BeforeValidator(_size)], ...], _OneOrMore, _Many]
Kinds = Annotated[tuple[Annotated[str, word(KINDS)], ...], _OneOrMore, _Many]
Buttons = Annotated[tuple[Annotated[str, word(get_args(Button))], ...], _OneOrMore, _Many]
Resources = Annotated[tuple[Annotated[str, word(get_args(Resource))], ...], _OneOrMore, _Many]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class _Conditions(_Part):
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


class TargetWhen(_Conditions):
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

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(value is None for _, value in self):
            raise ValueError("it names no condition; leave it out, or write one such as role: button")
        return self


class When(_Conditions):
    """Conditions, all of which must hold."""

    kind: Kinds | None = None
    """Kinds of action."""
    target: TargetWhen | None = None
    """What the action would touch."""
    keys: ChordPatterns | None = None
    """Chords of `press` and `hold`; a `type` presses Enter, Tab and Space where its text has them."""
    text: PagePatterns | None = None
    """What is typed, asked, answered or planned."""
    url: UrlPatterns | None = None
    """Where a `goto`, `new_tab` or request leads."""
    page: UrlPatterns | None = None
    """The address of the tab that is acted on."""
    button: Buttons | None = None
    """Mouse buttons."""
    files: Patterns | None = None
    """Names of files to upload."""
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
    body_size: Sizes | None = None
    """Bytes of the body, such as `> 10kB`."""
    provider: Patterns | None = None
    """Which vendor warns."""
    code: Patterns | None = None
    """The vendor's name for the warning."""
    message: PagePatterns | None = None
    """The vendor's words, folded."""

    def conditions(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Give every condition as a field, such as `target.role` or `header.accept`, with its values."""
        for name, value in self:
            if isinstance(value, tuple):
                yield name, value
            elif isinstance(value, TargetWhen):
                for inner, wanted in value:
                    if isinstance(wanted, bool):
                        yield f"target.{inner}", ("true" if wanted else "false",)
                    elif wanted is not None:
                        yield f"target.{inner}", wanted
            elif isinstance(value, dict):
                for header, wanted in value.items():
                    yield f"header.{header.lower()}", wanted


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
    "message": "page",
}
"""How fields are written, where not exactly."""


def read_condition(field: str, value: str) -> Text:
    """Read one value of one condition; `body_size` is read by `read_size`."""
    return read_pattern(value, STYLES.get(field, "exact"))


class Rule(_Part):
    """One sentence of a policy."""

    name: str = Field(min_length=1, max_length=120)
    """What verdicts and reports call it; no two rules have the same."""
    on: Annotated[tuple[Annotated[On, word(get_args(On))], ...], _OneOrMore, _Many]
    """What it speaks of."""
    when: Annotated[When, BeforeValidator(_not_blank)]
    """Conditions, all of which must hold; `{}` speaks of everything."""
    verdict: Annotated[Outcome, word(STRICTNESS)]
    """What it says."""
    why: str = Field(default="", max_length=500)
    """The reason, for people and models."""

    @model_validator(mode="after")
    def _is_meant(self) -> Self:
        if self.name in RESERVED or not self.name.isprintable() or self.name != self.name.strip():
            raise located(("name",), "a rule needs a name of its own, on one line", self.name)
        for field, value in self.when:
            for on in self.on:
                if value is not None and field not in FIELDS[on]:
                    known = ", ".join(FIELDS[on])
                    article = "an" if on == "action" else "a"
                    what = f"{article} {on} has no {field!r}; it has {known}"
                    raise located(("when", field), what, field)
        return self

    @property
    def reason(self) -> str:
        """Why, in words."""
        return (
            self.why
            or {
                "allow": f"the rule {self.name!r} allows it",
                "ask": f"the rule {self.name!r} wants a person to decide",
                "deny": f"the rule {self.name!r} forbids it",
                "stop": f"the rule {self.name!r} ends the run",
            }[self.verdict]
        )
