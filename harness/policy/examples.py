"""Effects as people write them, and examples: what a policy must say to them, written next to its rules."""

import difflib
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from harness.action import Goto, parse_action
from harness.clearance import (
    Act,
    Effect,
    FileOffer,
    Outcome,
    Plan,
    Request,
    SafetySignal,
    Sight,
    Target,
)
from harness.errors import ActionError
from harness.policy.conditions import located, word
from harness.policy.rules import STRICTNESS

_PLACES: dict[str, dict[str, Any]] = {
    "click": {"x": 0, "y": 0},
    "move": {"x": 0, "y": 0},
    "scroll": {"x": 0, "y": 0},
    "drag": {"path": [[0, 0], [0, 0]]},
    "zoom": {"region": [0, 0, 1, 1]},
    "switch_tab": {"tab": 0},
    "hold": {"seconds": 1},
}


def _action(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value.get("kind") == "action":
        return Act.model_validate(value)
    fields = {name: given for name, given in value.items() if name != "target"}
    try:
        action = parse_action(_PLACES.get(str(fields.get("kind")), {}) | fields)
    except ActionError as error:
        raise ValueError(str(error)) from error
    target = _target(value["target"]) if value.get("target") is not None else None
    return Act(action=action, target=target)


def _target(value: Any) -> Target:
    try:
        return Target.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        near = difflib.get_close_matches(key, Target.model_fields, n=1, cutoff=0.5)
        unknown = f"a target has no such thing{f'; did you mean {near[0]!r}?' if near else ''}"
        what = unknown if first["type"] == "extra_forbidden" else first["msg"]
        raise located(("target", *first["loc"]), what, first["input"]) from error


def _request(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    headers = value.get("headers", {})
    pairs = tuple((str(k).lower(), v) for k, v in headers.items()) if isinstance(headers, dict) else headers
    whole = {"id": "example", "method": "GET"} | value | {"headers": pairs}
    body = whole.pop("body", None)
    if isinstance(body, str):
        whole = {"body_size": len(body.encode("utf-8", "replace"))} | whole | {"body_text": body}
    elif body is not None:
        raise located(("body",), "write the body's text; numbers and mappings need quotes", body)
    return whole


def _written_request(request: Request) -> dict[str, Any]:
    data = request.model_dump(mode="json")
    return data if request.body_text is None else data | {"body": request.body_text}


# An action without its `kind` could not be read back, whatever a caller leaves out of a dump.
_Whole = PlainSerializer(lambda effect: effect.model_dump(mode="json"))


class Past(BaseModel):
    """One effect, as people write it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    action: Annotated[Act, BeforeValidator(_action), _Whole] | None = None
    """An action in its JSON form, with its `target`; a place on the screen may be left out."""
    request: Annotated[Request, BeforeValidator(_request), PlainSerializer(_written_request)] | None = None
    """A request: its `url`, and what matters of `method`, `headers`, `resource`, `body`, `initiator` …"""
    navigate: str | None = None
    """A URL that a tab is sent to: judged as the action and as the request for its document."""
    download: Annotated[FileOffer, _Whole] | None = None
    """A file that a page gives: its `name` and `url`, and the `page`."""
    plan: str | None = None
    """A plan in words."""
    signal: Annotated[SafetySignal, _Whole] | None = None
    """A vendor's warning: `provider`, `code`, `message`."""

    @model_validator(mode="after")
    def _is_one_effect(self) -> Self:
        named = [name for name in Past.model_fields if dict(self)[name] is not None]
        if len(named) != 1:
            raise ValueError(
                "an effect is one of action, request, navigate, download, plan and signal"
                + ("" if not named else f", not {' and '.join(named)} at once")
            )
        return self

    @property
    def summary(self) -> str:
        """The effect in a few words."""
        if self.action is not None:
            target = self.action.target
            touched = ("on", target.role or target.tag, repr(target.name)) if target else ()
            return " ".join(part for part in (self.action.action.kind, *touched) if part)
        if self.request is not None:
            return f"{self.request.method} {self.request.url}"
        if self.navigate is not None:
            return f"navigate to {self.navigate}"
        if self.download is not None:
            return f"download {self.download.name!r}"
        return "plan" if self.plan is not None else "signal"

    def effects(self) -> tuple[Effect, ...]:
        """Give what is to be judged; the strictest of the verdicts counts."""
        if self.navigate is not None:
            document = Request(id="example", method="GET", url=self.navigate, resource="document")
            return (Act(action=Goto(url=self.navigate)), document)
        if self.plan is not None:
            return (Plan(text=self.plan),)
        return tuple(
            one for one in (self.action, self.request, self.download, self.signal) if one is not None
        )


class Example(Past):
    """One effect, what came before it, and the outcome the policy must give it."""

    after: Annotated[
        tuple[Past, ...],
        BeforeValidator(lambda value: [value] if isinstance(value, dict) else value),
        Field(max_length=1_000),
    ] = ()
    """What was cleared before, in order, whatever the policy would have said to it."""
    seen: Sight | None = None
    """What the screen shows: `url`, `title`, `text`, `tabs`; a new run's blank screen, if not given."""
    expect: Annotated[Outcome, word(STRICTNESS)]
    """What the policy must say."""
    rule: str | None = None
    """The rule that must decide, if it matters which."""
