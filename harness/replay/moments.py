"""Reads of a trace only what a policy is told of: looks, effects, questions and answers.

Other lines are passed over unread, which makes this several times as fast as reading the whole trace. Every
line's place in the chain is checked all the same.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import JsonValue, TypeAdapter, ValidationError

from harness.clearance import Effect, Outcome, Sight
from harness.errors import TraceError
from harness.screen import Tab
from harness.trace.blobs import FOLDER, BlobStore
from harness.trace.compact import Fields, Memory
from harness.trace.lines import START, events_file, lines, parse, sealed_with
from harness.trace.migrate import Converter, converters
from harness.trace.verify import torn

_KIND: Final = re.compile(rb'\{"seq":[0-9]+,"time":"[0-9:.TZ-]+","kind":"([a-z_]+)"')
_UNREAD: Final = frozenset(
    {
        *(b"asked_model", b"acting", b"responded", b"messaged"),
        *(b"console", b"dialog", b"checked", b"noted", b"failed", b"run_finished"),
    }
)
_STALE: Final = b'"rule":"stale"'
_EFFECT: TypeAdapter[Effect] = TypeAdapter(Effect)
_OUTCOMES: Final[dict[JsonValue, Outcome]] = {"allow": "allow", "ask": "ask", "deny": "deny", "stop": "stop"}
_JSON: Final = json.JSONDecoder()
_TABS: TypeAdapter[tuple[Tab, ...]] = TypeAdapter(tuple[Tab, ...])


class Look(NamedTuple):
    """A screen was seen."""

    sight: Sight
    """What it showed, without its text."""
    text: str | None
    """Names the blob with its text; nothing if it was not read."""


class Heard(NamedTuple):
    """A policy gave its verdict."""

    seq: int
    """The line's place, from 0."""
    step: int
    """The step in flight."""
    effect: Effect
    """On what."""
    outcome: Outcome
    """What it said."""
    rule: str
    """What decided."""
    reason: str
    """Why."""
    body: str | None
    """Names the blob with a request's body; nothing if there is none."""


class Asked(NamedTuple):
    """A person was asked."""

    seq: int
    """The line's place, from 0."""
    question: str
    """Names the question."""
    effect: Effect | None
    """What the model asked by itself; nothing if a policy asked, about the effect of the line before."""


class Answered(NamedTuple):
    """A person answered, or the time was over."""

    seq: int
    """The line's place, from 0."""
    question: str
    """Names the question."""
    decision: str
    """`approve`, `edit`, `deny` or `stop`."""
    by: str
    """Who."""


class Stale(NamedTuple):
    """The action that was cleared last was not performed: its target had changed."""


Moment = Look | Heard | Asked | Answered | Stale


@dataclass(frozen=True, slots=True)
class Recording:
    """What a policy is told of a run, in order."""

    folder: Path
    """The run's folder."""
    run_id: str
    """Names the run."""
    policy: JsonValue
    """The policy it ran under."""
    policy_sha256: str
    """Its hash."""
    blobs: BlobStore
    """Its bodies and texts."""
    moments: Sequence[Moment] = field(repr=False)
    """In the order in which they happened."""
    recovered: str | None = None
    """What was left out of the end, if a last line was torn."""
    resumed: str | None = None
    """The run it goes on with."""


def recording(path: Path) -> Recording:
    """Read a trace, given its folder or its events file.

    Raises:
        TraceError: naming the line, if there is no trace, its chain is broken, or a newer harness wrote it.
    """
    file = events_file(path)
    reader = _Reader(str(file))
    before, recovered = START, None
    for line in lines(file):
        if not line.whole and not line.huge:
            recovered = torn(line)
            break
        if line.huge or not sealed_with(line.raw, before):
            raise TraceError(
                f"{file}: line {line.number} was changed, or does not follow the line before; "
                "`harness trace verify` lists all that is wrong"
            )
        before = line.raw[-66:-2].decode("ascii")
        try:
            reader.take(line.raw, line.number - 1)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            what = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            raise TraceError(
                f"{file}: line {line.number}: {what}; `harness trace verify` lists all that is wrong"
            ) from error
    if reader.header is None:
        raise TraceError(f"{file}: holds no event; the run ended before it began")
    folder, header = file.parent, reader.header
    return Recording(
        folder,
        str(header["run_id"]),
        header["policy"],
        str(header["policy_sha256"]),
        BlobStore(folder / FOLDER),
        tuple(reader.moments),
        recovered,
        _resumed(header.get("resumed")),
    )


class _Reader:
    def __init__(self, where: str) -> None:
        self.header: Fields | None = None
        self.moments: list[Moment] = []
        self._where = where
        self._memory = Memory()
        self._converters: Sequence[Converter] = ()

    def take(self, raw: bytes, seq: int) -> None:
        found = _KIND.match(raw)
        kind = found[1] if found else b""
        if kind in _UNREAD or (kind == b"acted" and _STALE not in raw):
            return
        fields: Fields = _JSON.decode(raw.decode("ascii")) if found and self.header else parse(raw)
        if fields.get("seq") != seq:
            raise ValueError(f"seq is {fields.get('seq')}, not {seq}")
        if self.header is None:
            self._begin(fields)
            return
        for convert in self._converters:
            fields = convert(fields)
        self._event(fields, seq)

    def _begin(self, fields: Fields) -> None:
        if fields.get("kind") != "run_started":
            raise ValueError("it is not run_started, so this is not a trace")
        self._converters = converters(fields.get("schema"), self._where)
        self._memory.learn(0, fields)
        self.header = {name: fields[name] for name in ("run_id", "policy", "policy_sha256")}
        self.header["resumed"] = fields.get("resumed")

    def _event(self, fields: Fields, seq: int) -> None:
        match fields:
            case {"kind": "judged" | "requested", "verdict": dict(verdict)}:
                # Its digest, which a line leaves out, costs more than all the rest and is not needed.
                whole = self._memory.grow({**fields, "verdict": {"effect": None, **verdict}})
                self._learn(fields)
                self.moments.append(_heard(whole, verdict, seq))
            case {"kind": "observed"}:
                whole = self._memory.grow(fields)
                self._memory.learn(seq, whole)
                self.moments.append(_look(whole))
            case {"kind": "model_replied"}:
                self._memory.learn(seq, fields)
            case {"kind": "approval_asked", "question": str(question)}:
                own = None
                if "of" not in fields and _by_model(fields):
                    own = _effect(self._memory.grow(fields)["effect"])
                self.moments.append(Asked(seq, question, own))
            case {"kind": "approval_given", "question": str(question), "approval": dict(given)}:
                self.moments.append(Answered(seq, question, str(given["decision"]), str(given["by"])))
            case {"kind": "acted"}:
                if fields.get("rule") == "stale":
                    self.moments.append(Stale())
            case {"kind": str(kind)} if kind.encode() in _UNREAD:
                pass
            case _:
                raise ValueError(f"no event is called {str(fields.get('kind'))[:80]!r}")

    def _learn(self, fields: Fields) -> None:
        match fields:
            case {"kind": "requested", "request": {"headers": list(headers)}}:
                # A header that stands as a number is known already; lines that refer to effects are not read.
                new: list[JsonValue] = [one for one in headers if not isinstance(one, int)]
                if new:
                    self._memory.learn(0, {"kind": "requested", "request": {"headers": new}})
            case _:
                pass


def _resumed(value: JsonValue) -> str | None:
    name = value.get("run_id") if isinstance(value, dict) else None
    return name if isinstance(name, str) else None


def _by_model(fields: Fields) -> bool:
    verdict = fields.get("verdict")
    return isinstance(verdict, dict) and verdict.get("rule") == "ask_user"


def _effect(value: JsonValue) -> Effect:
    try:
        return _EFFECT.validate_python(value)
    except ValidationError as error:
        raise ValueError(error.errors(include_url=False)[0]["msg"][:200]) from error


def _heard(whole: Fields, verdict: Fields, seq: int) -> Heard:
    body, step = whole.get("body"), whole["step"]
    effect = whole.get("effect")
    if isinstance(request := whole.get("request"), dict):
        effect = {**request, "body_text": ""} if _without_body(request) else request
    return Heard(
        seq,
        step if isinstance(step, int) else 0,
        _effect(effect),
        _OUTCOMES[verdict["outcome"]],
        str(verdict["rule"]),
        str(verdict["reason"]),
        body if isinstance(body, str) else None,
    )


def _without_body(request: Fields) -> bool:
    """Whether it was read whole and says nothing, so that rules know its text."""
    if request.get("body_size") or request.get("body_sha256") is None:
        return False
    headers = request.get("headers")
    names = [one[0] for one in headers if isinstance(one, list) and one] if isinstance(headers, list) else []
    return "content-type" not in names


def _look(whole: Fields) -> Look:
    tabs = _TABS.validate_python(whole.get("tabs", []))
    text = whole.get("text")
    sight = Sight(
        url=str(whole["url"]),
        title=str(whole.get("title", "")),
        tab=next((tab.id for tab in tabs if tab.active), None),
        tabs=max(1, len(tabs)),
    )
    return Look(sight, text if isinstance(text, str) else None)
