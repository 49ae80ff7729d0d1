"""One rule of a policy: what it speaks of (`on`), when, and what it says.

All conditions of a `when` must hold; a condition that lists several values holds if one of them does. Which
conditions a rule may have depends on what it speaks of, as `FIELDS` says.
"""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from harness.clearance import Outcome
from harness.policy.conditions import RUN, When, located, word

On = Literal["action", "request", "navigate", "download", "upload", "dialog", "plan", "signal"]
"""What a rule speaks of.

`navigate` is a page in a tab: `goto`, `new_tab`, and the request for it. `upload` is an action that gives
files to a page, by name or in the file chooser. `dialog` is an action while a box of the browser is open.
"""
Says = Literal["allow", "ask", "deny", "stop", "note"]
"""What a rule may say; `note` says nothing, and is remembered for `after` and `before`."""

_SO_FAR = ("seen", *RUN)
FIELDS: dict[On, tuple[str, ...]] = {
    "action": (
        *("kind", "target", "keys", "text", "url", "page", "button", "modifiers", "files", "tab"),
        *_SO_FAR,
    ),
    "request": (
        *("method", "url", "host", "header", "resource", "initiator", "url_size", "body_size", "body"),
        *_SO_FAR,
    ),
    "navigate": ("url", "host", *_SO_FAR),
    "download": ("url", "host", "page", "name", *_SO_FAR),
    "upload": ("files", "target", "page", *_SO_FAR),
    "dialog": ("dialog", "text", "answer", "page", *_SO_FAR),
    "plan": ("text", *_SO_FAR),
    "signal": ("provider", "code", "message", *_SO_FAR),
}
"""Which conditions there are, by what a rule speaks of."""

STRICTNESS: tuple[Outcome, ...] = ("stop", "deny", "ask", "allow")
"""From the most restrictive to the least."""

RESERVED = (
    *("default", "secrets", "domains.navigate", "domains.load"),
    *("engine", "limits", "stale", "ask_user"),
)


def rank(says: Says) -> int:
    """0 for the most restrictive; a `note` restricts nothing."""
    return len(STRICTNESS) if says == "note" else STRICTNESS.index(says)


def _not_blank(value: Any) -> Any:
    if value is None:
        raise ValueError("write when: {} if the rule speaks of everything")
    return value


class Rule(BaseModel):
    """One sentence of a policy."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str = Field(min_length=1, max_length=120)
    """What verdicts and reports call it; no two rules have the same."""
    on: Annotated[
        tuple[Annotated[On, word(get_args(On))], ...],
        BeforeValidator(lambda value: value if isinstance(value, list | tuple) else [value]),
        Field(min_length=1, max_length=1_000),
    ]
    """What it speaks of."""
    when: Annotated[When, BeforeValidator(_not_blank)]
    """Conditions, all of which must hold; `{}` speaks of everything."""
    verdict: Annotated[Says, word(get_args(Says))]
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
                    article = "an" if on in ("action", "upload") else "a"
                    what = f"{article} {on} has no {field!r}; it has {known}"
                    raise located(("when", field), what, field)
        if self.name in (self.when.after or ()):
            raise located(("when", "after"), "a rule that waits for itself never speaks", self.name)
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
                "note": f"the rule {self.name!r} remembers it",
            }[self.verdict]
        )
