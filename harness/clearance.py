"""The ticket. Nothing happens without a `Cleared`, and only `clear()` makes one.

    effect ──judge──▶ verdict ──ask──▶ approval
       └────────────────┴───────────────┴──────▶ clear() ──▶ Cleared ──redeem()──▶ it happens, once

`clear()` refuses every pair but *allow* and *ask + approve*, and every verdict or approval that was given for
another effect. A ticket is spent by the door that honours it, so it cannot be used twice.
"""

import hashlib
import weakref
from datetime import datetime
from typing import Annotated, Any, Literal, Never, NoReturn, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from harness.action import Action
from harness.errors import NotClearedError
from harness.screen import Screenshot


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _without_none() -> Any:
    # What is not there is left out, so that the digests of effects without it stay what they were.
    return Field(default=None, exclude_if=lambda value: value is None)


class Box(_Part):
    """A rectangle on the screen, in CSS pixels."""

    x: float
    """Left edge."""
    y: float
    """Top edge."""
    width: float
    """Width."""
    height: float
    """Height."""


class Target(_Part):
    """What an action would touch, as the browser and not the page describes it."""

    role: str = ""
    """The computed ARIA role, such as `button` or `textbox`."""
    name: str = ""
    """The computed accessible name: page text, not to be trusted."""
    tag: str = ""
    """The element's tag in lower case; `chrome` for what the harness draws itself."""
    text: str = ""
    """The visible text, shortened to 200 characters: page text, not to be trusted."""
    href: str | None = None
    """Where the nearest link goes, resolved."""
    form_method: str | None = None
    """`get`, `post` or `dialog`, with a submit button's override applied."""
    form_action: str | None = None
    """Where the form goes, resolved, with a submit button's override applied."""
    submits: bool = False
    """Whether activating it submits its form."""
    input_type: str | None = None
    """An input's type, such as `password` or `file`."""
    editable: bool = False
    """Whether text can be typed into it."""
    password: bool = False
    """Whether it hides what is typed."""
    frame_origin: str = ""
    """The origin of the frame it is in, such as `https://shop.test`; `null` if opaque."""
    url: str = ""
    """The address of the tab."""
    dialog: str | None = _without_none()
    """What the harness has drawn over the page and this belongs to, such as `confirm: 'Sure?'`."""
    box: Box | None = None
    """Where it is."""
    submitter: "Target | None" = _without_none()
    """The default button of its form, which Enter here presses."""
    end: "Target | None" = _without_none()
    """For a drag: what is under its last point."""
    behind: "Target | None" = _without_none()
    """What has the focus behind something that the harness drew, which may leave it the keys."""
    fingerprint: str = ""
    """Hex SHA-256 over the element's identity and all of the above but the box's position."""


class Act(_Part):
    """An action at the pointer, with what it would touch."""

    kind: Literal["action"] = "action"
    action: Action
    """What would be done."""
    target: Target | None = None
    """What is under the pointer, or has the focus for keys; nothing for actions without a target."""


Resource = Literal[
    "document", "frame", "script", "style", "image", "font", "media", "fetch", "worker", "websocket", "other"
]
"""`document` is a page in a tab; `frame` a page inside a page."""


LONGEST_BODY = 65_536
"""Bytes of the longest body that rules can read; of a longer one they do not know what it says."""


class Request(_Part):
    """A request that would leave the sandbox."""

    kind: Literal["request"] = "request"
    id: str
    """Names the request within the run."""
    method: str
    """In upper case."""
    url: str
    """As a WHATWG parser writes it, with `wss:` or `ws:` for WebSockets."""
    headers: tuple[tuple[str, str], ...] = ()
    """In order, names in lower case."""
    body_sha256: str | None = None
    """Hex SHA-256 of the whole body; nothing while only the head has been read."""
    body_size: int = 0
    """Bytes of the body; the declared length while only the head has been read."""
    body_text: str | None = Field(default=None, repr=False, exclude=True)
    """The whole body as text, for rules on `body`; nothing if it is longer than `LONGEST_BODY`, compressed,
    not UTF-8, or not read. Left out of JSON, so that no trace holds it: `body_sha256` binds it."""
    resource: Resource = "other"
    """What asks for it."""
    initiator: str | None = None
    """The origin of the page that asks, where the browser says it."""
    leaks: tuple[str, ...] = Field(default=(), exclude_if=lambda value: not value)
    """Names of secrets and canaries that it carries where they may not go; then `url` has no path, and
    `headers` are left out."""


class Plan(_Part):
    """What a model says it will do, to be judged before it does any of it."""

    kind: Literal["plan"] = "plan"
    text: str
    """The plan in words: model text, not to be trusted."""


class SafetySignal(_Part):
    """A warning by the model's vendor."""

    kind: Literal["signal"] = "signal"
    provider: str
    """Which vendor."""
    code: str
    """The vendor's name for it."""
    message: str = ""
    """The vendor's words."""
    id: str | None = None
    """What to acknowledge, if a person approves."""


class FileOffer(_Part):
    """A file that a page gives, before it is kept."""

    kind: Literal["download"] = "download"
    name: str
    """The name the page asked for: page text, not to be trusted."""
    url: str
    """Where it comes from; `blob:` and `data:` addresses are shortened."""
    page: str = ""
    """The address of the tab that gives it."""


Effect = Annotated[Act | Request | FileOffer | Plan | SafetySignal, Field(discriminator="kind")]
"""Anything a policy judges."""

Outcome = Literal["allow", "ask", "deny", "stop"]


class Verdict(_Part):
    """A policy's answer to one effect."""

    outcome: Outcome
    """`stop` ends the run; `deny` refuses this effect alone."""
    rule: str
    """The name of the rule that decided, or `default`."""
    reason: str
    """Why, in words a person understands."""
    policy: str
    """Hex SHA-256 of the policy."""
    effect: str
    """Digest of the effect it was given for."""


class Question(_Part):
    """What a person is asked, built from the real bytes and never from the model's words alone."""

    id: str
    """Names the question within the run."""
    effect: Effect
    """What would happen."""
    verdict: Verdict
    """Why a person is asked."""
    goal: str
    """What the run is for."""
    step: int
    """The step in flight."""
    url: str = ""
    """The address of the active tab."""
    thought: str = ""
    """Why the model wants it: model text, not to be trusted."""
    screenshot: Screenshot | None = None
    """The screen at that moment."""
    seconds: float
    """How long there is to answer; then it is refused."""

    def approve(self, by: str, at: datetime | None = None, note: str = "") -> "Approval":
        """Say yes to exactly this."""
        return Approval(decision="approve", by=by, at=at, shown=digest(self.effect), note=note)

    def deny(self, by: str, at: datetime | None = None, note: str = "") -> "Approval":
        """Say no to exactly this; the run goes on."""
        return Approval(decision="deny", by=by, at=at, shown=digest(self.effect), note=note)


class Approval(_Part):
    """An answer to a question."""

    decision: Literal["approve", "edit", "deny", "stop"]
    """`edit` offers `effect` instead, which is judged again; `stop` ends the run."""
    by: str
    """Who decided: a person's name, or `deny`, `auto`, `deadline` …"""
    at: datetime | None = None
    """When; the harness fills it in where an approver does not."""
    shown: str | None = None
    """Digest of the effect that was shown; the harness fills it in where an approver does not."""
    note: str = ""
    """What to tell the model, or the answer to its question."""
    effect: Effect | None = None
    """What to do instead, for `edit`."""


class Sight(_Part):
    """What the screen showed at the last look, for rules about the state of the page."""

    url: str = ""
    """The address of the active tab."""
    title: str = ""
    """Its title: page text, not to be trusted."""
    text: str | None = None
    """Its visible text, not to be trusted; nothing if it was not read."""
    tab: int | None = None
    """The number of the active tab."""
    tabs: int = 1
    """How many tabs are open."""


class Judge(Protocol):
    """Whatever answers for a policy. Pure: the same effects in the same order get the same verdicts."""

    @property
    def sha256(self) -> str:
        """Hex SHA-256 of the policy."""
        ...

    def judge(self, effect: Effect) -> Verdict:
        """Give the verdict on one effect."""
        ...


@runtime_checkable
class Witness(Judge, Protocol):
    """A judge whose rules look at the run so far; pure too: the same calls in order, the same answers.

    It is told of what was *cleared* (allowed, or approved by a person), never of what was merely asked about,
    and of each look at the screen. Without these calls it judges as if nothing had happened yet.
    """

    def happened(self, effect: Effect) -> None:
        """Remember an effect that was cleared. Raising refuses it."""
        ...

    def saw(self, sight: Sight) -> None:
        """Remember what the screen shows now."""
        ...

    def foresee(self, request: Request) -> Verdict | None:
        """Refuse on a request's head alone what no body could change; nothing if the body may decide."""
        ...


class Approver(Protocol):
    """Whoever says yes."""

    async def decide(self, question: Question) -> Approval:
        """Answer one question. Raising, or answering late, is a refusal."""
        ...


class Refusal(_Part):
    """Why an effect may not happen."""

    rule: str
    """The rule that refused it."""
    reason: str
    """Why, in words a model or a person can act on."""
    stop: bool = False
    """Whether the run ends."""


def digest(effect: Effect) -> str:
    """Hex SHA-256 of an effect's canonical JSON."""
    return hashlib.sha256(effect.model_dump_json().encode()).hexdigest()


class Cleared:
    """A ticket for one effect, made by `clear()` and spent by `redeem()`: never built, copied or pickled."""

    __slots__ = ("__weakref__", "approval", "effect", "verdict")

    effect: Effect
    verdict: Verdict
    approval: Approval | None

    def __init__(self) -> None:
        raise NotClearedError("a Cleared is made by clear(effect, verdict, approval) and by nothing else")

    def __init_subclass__(cls) -> None:
        raise TypeError("Cleared has no subclasses: a door must know what it is given")

    def __setattr__(self, name: str, value: object) -> Never:
        raise NotClearedError(f"a ticket is not changed: {name} stays as it was judged")

    def __copy__(self) -> NoReturn:
        raise NotClearedError("a ticket is not copied: it is good for one effect, once")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise NotClearedError("a ticket is not copied: it is good for one effect, once")

    def __reduce__(self) -> NoReturn:
        raise NotClearedError("a ticket is not stored: it is good for one effect, once")

    def __repr__(self) -> str:
        return f"Cleared({self.effect!r}, {self.verdict.outcome})"


_unspent: weakref.WeakSet[Cleared] = weakref.WeakSet()


def clear(effect: Effect, verdict: Verdict, approval: Approval | None = None) -> Cleared:
    """Make the ticket for an effect that may happen.

    Raises:
        NotClearedError: unless the verdict is *allow*, or *ask* with an *approve*, and both were given for
            exactly this effect.
    """
    seen = digest(effect)
    if verdict.effect != seen:
        raise NotClearedError("the verdict was given for another effect")
    match verdict.outcome:
        case "allow":
            pass
        case "ask":
            if approval is None or approval.decision != "approve":
                raise NotClearedError(f"{verdict.rule!r} asks for a person, and none approved")
            if approval.shown != seen:
                raise NotClearedError("the approval was given for another effect")
        case "deny" | "stop":
            raise NotClearedError(f"{verdict.rule!r} refuses it: {verdict.reason}")
    ticket = object.__new__(Cleared)
    object.__setattr__(ticket, "effect", effect)
    object.__setattr__(ticket, "verdict", verdict)
    object.__setattr__(ticket, "approval", approval)
    _unspent.add(ticket)
    return ticket


def redeem(ticket: Cleared) -> Effect:
    """Spend a ticket at a door, and give the effect it was made for.

    Raises:
        NotClearedError: if `clear()` did not make it, or it was spent before.
    """
    if type(ticket) is not Cleared or ticket not in _unspent:
        raise NotClearedError(f"not a ticket, or one already spent: {type(ticket).__name__}")
    _unspent.discard(ticket)
    return ticket.effect


class Usage(_Part):
    """What an answer cost. Nothing means unknown, which is not zero."""

    input_tokens: int | None = None
    """Tokens read."""
    cached_tokens: int | None = _without_none()
    """Those of `input_tokens` that were read from the vendor's cache."""
    cache_write_tokens: int | None = _without_none()
    """Those of `input_tokens` that were written to the vendor's cache."""
    output_tokens: int | None = None
    """Tokens written."""
    cost_usd: float | None = None
    """US dollars."""


Fault = Literal[
    "timeout",
    "connection",
    "cut_off",
    "rate_limited",
    "server_error",
    "unauthorized",
    "rejected",
    "malformed",
    "too_large",
    "empty",
    "truncated",
    "refused",
    "content_filter",
    "unknown_action",
    "unknown_tool",
    "bad_arguments",
    "outside_image",
]
"""What can be wrong with an answer, or keep it from coming."""


class Incident(_Part):
    """Something that was wrong with an answer, or kept it from coming."""

    fault: Fault
    """What it was."""
    message: str = ""
    """In words, the vendor's or ours; not to be trusted."""
    waited: float | None = None
    """Seconds that were waited before the model was asked again; nothing if it was not."""


class Reply(_Part):
    """What a model answers to an observation."""

    actions: tuple[Action, ...] = ()
    """What to do, in order; each is judged alone."""
    thought: str = ""
    """Why: model text, not to be trusted."""
    plan: Plan | None = None
    """What it means to do over several steps, if it says so."""
    signals: tuple[SafetySignal, ...] = ()
    """The vendor's warnings, judged before any action."""
    usage: Usage = Usage()
    """What it cost."""
    incidents: tuple[Incident, ...] = ()
    """What went wrong on the way to it, in order."""
    failure: str = ""
    """Why there is no answer and none can be had: the run ends with exit code 4."""
    raw: JsonValue = Field(default=None, repr=False)
    """The vendor's item, word for word, for the trace."""
