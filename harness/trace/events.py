"""What is remembered: the closed union `Event`, one JSON line each, told apart by `kind`.

A writer adds `seq`, `time`, `prev` and `hash` to each line. The intent of an action (`acting`) and of a
request (`requested`) is on disk before it happens; `acted` and `responded` say what came of it.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from harness.action import Action
from harness.clearance import Approval, Effect, Incident, Request, SafetySignal, Target, Usage, Verdict
from harness.screen import Download, Tab

SCHEMA = 2
"""The version of the format; each change adds one, and a converter from the version before."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Resumed(_Part):
    """The run that a run goes on with."""

    run_id: str
    """Names it."""
    head: str
    """Hash of its last whole line."""
    steps: int
    """The number of its last step; those of the run that goes on begin after it."""


class Redacted(_Part):
    """The trace that this one was made of, by masking what must not be shown."""

    run_id: str
    """Names its run."""
    head: str
    """Hash of its last line."""
    lines: int
    """How many it has."""
    counts: dict[str, int]
    """How often each kind of thing was masked; `redaction.json` says where."""


class RunStarted(_Part):
    """A run began."""

    kind: Literal["run_started"] = "run_started"
    schema_: int = Field(default=SCHEMA, alias="schema", serialization_alias="schema")
    """The version of the format."""
    run_id: str
    """Names the run."""
    task: JsonValue
    """The whole task, inputs filled in."""
    policy: JsonValue
    """The whole policy."""
    policy_sha256: str
    """Its hash, as every verdict carries it."""
    model: str
    """Who decides."""
    approver: str
    """Who says yes."""
    sandbox: JsonValue
    """Where it happens, and whether that is isolated."""
    versions: dict[str, str]
    """Of the harness, Python and the browser."""
    seed: int | None = None
    """What pages' `Math.random` was begun with; nothing if the browser chose by itself."""
    resumed: Resumed | None = None
    """The run that died and that this one goes on with."""
    redacted: Redacted | None = None
    """What this trace was made of, if something in it was masked."""

    model_config = ConfigDict(populate_by_name=True)


class Observed(_Part):
    """A screen was seen."""

    kind: Literal["observed"] = "observed"
    step: int
    """The step it opens."""
    screenshot: str
    """Hex SHA-256 of the PNG blob."""
    size: tuple[int, int]
    """Width and height in pixels."""
    url: str
    """The address of the active tab."""
    title: str = ""
    """The page's title."""
    tabs: tuple[Tab, ...] = ()
    """Every open tab."""
    notes: tuple[str, ...] = ()
    """What the model is told beside the picture."""
    downloads: tuple[Download, ...] = ()
    """Downloads whose state changed since the last look."""
    settled: bool = True
    """Whether the screen was still."""
    text: str | None = None
    """Hex SHA-256 of the blob with the visible text; nothing if it was not read."""


class AskedModel(_Part):
    """The model was asked."""

    kind: Literal["asked_model"] = "asked_model"
    step: int
    """The step."""
    request: str | None = None
    """Hex SHA-256 of the blob with what the vendor was sent, as JSON without pictures and keys."""


class ModelReplied(_Part):
    """The model answered."""

    kind: Literal["model_replied"] = "model_replied"
    step: int
    """The step."""
    thought: str = ""
    """Why."""
    actions: tuple[Action, ...] = ()
    """What it wants."""
    signals: tuple[SafetySignal, ...] = ()
    """The vendor's warnings."""
    usage: Usage = Usage()
    """What it cost."""
    incidents: tuple[Incident, ...] = ()
    """What went wrong on the way to the answer."""
    raw: str | None = None
    """Hex SHA-256 of the blob with the vendor's item."""
    seconds: float = 0.0
    """How long it took."""


class Judged(_Part):
    """A policy gave its verdict on an effect that is not a request."""

    kind: Literal["judged"] = "judged"
    step: int
    """The step."""
    effect: Effect
    """What was judged."""
    verdict: Verdict
    """The answer."""


class ApprovalAsked(_Part):
    """A person is asked."""

    kind: Literal["approval_asked"] = "approval_asked"
    step: int
    """The step."""
    question: str
    """Names the question."""
    effect: Effect
    """What they are shown."""
    verdict: Verdict
    """Why they are asked."""
    seconds: float
    """How long there is to answer."""


class ApprovalGiven(_Part):
    """A person answered, or the time was over."""

    kind: Literal["approval_given"] = "approval_given"
    step: int
    """The step."""
    question: str
    """Names the question."""
    approval: Approval
    """The answer."""
    seconds: float
    """How long it took."""


class Acting(_Part):
    """An action is about to be performed."""

    kind: Literal["acting"] = "acting"
    step: int
    """The step."""
    index: int
    """Its place in the reply, from 0."""
    action: Action
    """What."""
    target: Target | None = None
    """On what."""
    effect: str
    """Digest of the effect it was cleared as."""


class Acted(_Part):
    """What became of an action of a reply, performed or not."""

    kind: Literal["acted"] = "acted"
    step: int
    """The step."""
    index: int
    """Its place in the reply, from 0."""
    action: Action
    """What."""
    status: Literal["done", "refused", "failed", "not_executed"]
    """What became of it."""
    message: str = ""
    """Why."""
    rule: str | None = None
    """The rule that refused it."""
    image: str | None = None
    """Hex SHA-256 of the PNG blob a zoom gave."""
    seconds: float = 0.0
    """How long it took."""


class Requested(_Part):
    """A request was judged; an allowed one is about to leave."""

    kind: Literal["requested"] = "requested"
    step: int
    """The step in flight."""
    request: Request
    """What was asked for."""
    verdict: Verdict
    """The answer."""
    body: str | None = None
    """Hex SHA-256 of the blob with its body, secrets replaced; nothing if it has none or is too long."""


class Responded(_Part):
    """What became of a request that left."""

    kind: Literal["responded"] = "responded"
    step: int
    """The step in flight when it ended."""
    request: str
    """The request's id."""
    status: int | None = None
    """HTTP status."""
    sent: int = 0
    """Bytes of the body that went out."""
    received: int = 0
    """Bytes of the body that came in."""
    messages: tuple[int, int] | None = None
    """WebSocket messages out and in."""
    seconds: float = 0.0
    """How long it took."""
    error: str | None = None
    """What went wrong."""
    headers: tuple[tuple[str, str], ...] = ()
    """The answer's, in order, names in lower case, credentials by their length only."""
    body: str | None = None
    """Hex SHA-256 of the blob with the answer's body as it came; nothing if it has none or is too long."""
    sha256: str | None = None
    """Hex SHA-256 of the body that came; nothing if there is none, it broke off, or secrets were replaced."""


class Console(_Part):
    """A page wrote to its console, or raised what it did not catch."""

    kind: Literal["console"] = "console"
    step: int
    """The step in flight."""
    level: Literal["debug", "info", "warning", "error", "uncaught"]
    """How bad."""
    text: str
    """What: page text, not to be trusted."""
    url: str = ""
    """The script."""
    line: int | None = None
    """Its line, from 1."""


class Dialogued(_Part):
    """A page opened an alert, a question or a prompt, and it was answered."""

    kind: Literal["dialog"] = "dialog"
    step: int
    """The step in flight."""
    type: Literal["alert", "confirm", "prompt", "beforeunload"]
    """What it was."""
    message: str
    """What it said: page text, not to be trusted."""
    accepted: bool
    """Whether it was accepted."""
    answer: str | None = None
    """What was typed into a prompt."""


class Messaged(_Part):
    """A message of a WebSocket is about to be passed on, or was refused."""

    kind: Literal["messaged"] = "messaged"
    step: int
    """The step in flight."""
    request: str
    """The id of the request that opened the socket."""
    direction: Literal["out", "in"]
    """Whether it leaves the sandbox."""
    text: bool = True
    """Whether it is text and not binary."""
    size: int
    """Bytes."""
    sha256: str | None = None
    """Hex SHA-256 of the message; nothing if it was not taken whole, or secrets were replaced in the blob."""
    blob: str | None = None
    """Hex SHA-256 of the blob that holds it, secrets replaced; nothing if it is too long to be kept."""
    refused: str | None = None
    """Why it was not passed on."""


class Checked(_Part):
    """A check or an output was looked at after the last step."""

    kind: Literal["checked"] = "checked"
    check: str
    """What had to be true."""
    passed: bool
    """Whether it was."""
    detail: str = ""
    """What was found."""


class Noted(_Part):
    """Something worth knowing happened."""

    kind: Literal["noted"] = "noted"
    step: int = 0
    """The step in flight."""
    text: str
    """What."""


class Failed(_Part):
    """Something the run relies on failed."""

    kind: Literal["failed"] = "failed"
    step: int = 0
    """The step in flight."""
    error: str
    """The error's class."""
    message: str
    """What it says."""


class RunFinished(_Part):
    """A run ended."""

    kind: Literal["run_finished"] = "run_finished"
    outcome: Literal["done", "failed", "stopped", "error", "interrupted"]
    """How."""
    exit_code: int
    """The command's exit code."""
    reason: str = ""
    """Why it ended so."""
    steps: int
    """Questions to the model, with those of the runs it goes on with; so are usage and seconds."""
    outputs: dict[str, JsonValue] = Field(default_factory=dict)
    """What was found out."""
    usage: Usage = Usage()
    """What the model cost in all."""
    verdicts: dict[str, int] = Field(default_factory=dict)
    """How many verdicts of each outcome."""
    seconds: float
    """From start to end."""
    head: str
    """Hash of the line before, so that a copy of this line pins the whole trace."""


Event = Annotated[
    RunStarted
    | Observed
    | AskedModel
    | ModelReplied
    | Judged
    | ApprovalAsked
    | ApprovalGiven
    | Acting
    | Acted
    | Requested
    | Responded
    | Messaged
    | Console
    | Dialogued
    | Checked
    | Noted
    | Failed
    | RunFinished,
    Field(discriminator="kind"),
]
"""One line of a trace."""
