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
from pydantic_core import from_json

from harness.clearance import Act, Effect, Outcome, Request, Sight
from harness.errors import TraceError
from harness.replay.effects import Context, Effects, Heard
from harness.screen import Tab
from harness.trace.blobs import FOLDER, BlobStore
from harness.trace.compact import Fields, Memory
from harness.trace.lines import START, as_line, events_file, follows, parse, raw_lines
from harness.trace.migrate import Converter, converters
from harness.trace.verify import torn

_KIND: Final = re.compile(rb'\{"seq":([0-9]+),"time":"[0-9:.TZ-]+","kind":"([a-z_]+)"')
_UNREAD: Final = frozenset(
    {
        *(b"asked_model", b"acting", b"responded", b"messaged"),
        *(b"console", b"dialog", b"checked", b"noted", b"failed", b"run_finished"),
    }
)
_STALE: Final = b'"rule":"stale"'
_EFFECT: TypeAdapter[Effect] = TypeAdapter(Effect)
# To find the kind in a union takes longer than to check what is of it.
_REQUEST = TypeAdapter(Request).validator
_ACT = TypeAdapter(Act).validator
_TABS: TypeAdapter[tuple[Tab, ...]] = TypeAdapter(tuple[Tab, ...])
_OUTCOMES: Final[dict[JsonValue, Outcome]] = {"allow": "allow", "ask": "ask", "deny": "deny", "stop": "stop"}


class Look(NamedTuple):
    """A screen was seen."""

    sight: Sight
    """What it showed, without its text."""
    text: str | None
    """Names the blob with its text; nothing if it was not read."""


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


def recording(path: Path, effects: Effects | None = None) -> Recording:
    """Read a trace.

    Args:
        path: its folder or its events file.
        effects: what was read in other runs, which makes this faster where it does the same.

    Raises:
        TraceError: naming the line, if there is no trace, its chain is broken, or a newer harness wrote it.
    """
    file = events_file(path)
    reader = _Reader(str(file), effects or Effects())
    before, recovered = START.encode(), None
    for seq, raw in enumerate(raw_lines(file)):
        if not follows(raw, before):
            line = as_line(raw, seq + 1)
            if not line.whole and not line.huge:
                recovered = torn(line)
                break
            raise TraceError(
                f"{file}: line {line.number} was changed, or does not follow the line before; "
                "`harness trace verify` lists all that is wrong"
            )
        before = raw[-67:-3]
        try:
            reader.take(raw, seq)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            what = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            raise TraceError(
                f"{file}: line {seq + 1}: {what}; `harness trace verify` lists all that is wrong"
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
    def __init__(self, where: str, effects: Effects) -> None:
        self.header: Fields | None = None
        self.moments: list[Moment] = []
        self._where = where
        self._memory = Memory()
        self._effects = effects
        self._context = Context()
        self._converters: Sequence[Converter] = ()
        self._tabs: dict[str, tuple[int | None, int]] = {}

    def take(self, raw: bytes, seq: int) -> None:
        found = _KIND.match(raw)
        if found is None or self.header is None:
            self._parsed(parse(raw), seq)
            return
        kind = found[2]
        if kind in _UNREAD or (kind == b"acted" and _STALE not in raw):
            return
        if not raw.isascii():
            raise ValueError("it is not ASCII")
        key = None if self._converters else self._context.key(kind, found.end(), raw)
        known = None if key is None else self._effects.find(key, seq)
        if known is not None and int(found[1]) == seq:
            self.moments.append(known)
            return
        self._parsed(_decoded(raw), seq)
        if key is not None and key == self._context.key(kind, found.end(), raw):
            last = self.moments[-1]
            if isinstance(last, Heard):
                self._effects.keep(key, last)

    def _parsed(self, fields: Fields, seq: int) -> None:
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
        match fields.get("kind"):
            case "requested":
                self._requested(fields, _object(fields["request"]), seq)
            case "judged":
                self._heard(fields, self._memory.whole_effect(_object(fields["effect"])), None, seq)
            case "observed":
                self._observed(fields, seq)
            case "model_replied":
                self._memory.learn(seq, fields)
                self._context.replied(fields.get("actions"))
            case "approval_asked":
                self._asked(fields, seq)
            case "approval_given":
                given = _object(fields["approval"])
                question = _text(fields["question"])
                self.moments.append(Answered(seq, question, str(given["decision"]), str(given["by"])))
            case "acted":
                if fields.get("rule") == "stale":
                    self.moments.append(Stale())
            case str(kind) if kind.encode() in _UNREAD:
                pass
            case kind:
                raise ValueError(f"no event is called {str(kind)[:80]!r}")

    def _observed(self, fields: Fields, seq: int) -> None:
        self._memory.learn(seq, fields)
        url, title = _text(fields["url"]), _text(fields.get("title", ""))
        self._context.saw(url)
        # What a tab leaves out, address and title, was just found to be text.
        key = repr(fields.get("tabs"))
        if key not in self._tabs:
            tabs = _TABS.validate_python(self._memory.grow(fields).get("tabs", []))
            self._tabs[key] = next((tab.id for tab in tabs if tab.active), None), max(1, len(tabs))
        active, count = self._tabs[key]
        text = fields.get("text")
        sight = Sight(url=url, title=title, tab=active, tabs=count)
        self.moments.append(Look(sight, text if isinstance(text, str) else None))

    def _requested(self, fields: Fields, request: Fields, seq: int) -> None:
        whole = self._memory.whole_effect(request)
        self._learn(request.get("headers"))
        if _without_body(whole):
            whole["body_text"] = ""
        body = fields.get("body")
        self._heard(fields, whole, whole["body_sha256"] if body == 0 else body, seq)

    def _heard(self, fields: Fields, effect: Fields, body: JsonValue, seq: int) -> None:
        step, verdict = fields["step"], _object(fields["verdict"])
        self.moments.append(
            Heard(
                seq,
                step if isinstance(step, int) else 0,
                _effect(effect),
                _OUTCOMES[verdict["outcome"]],
                str(verdict["rule"]),
                str(verdict["reason"]),
                body if isinstance(body, str) else None,
            )
        )

    def _asked(self, fields: Fields, seq: int) -> None:
        own = None
        if "of" not in fields and _by_model(fields):
            own = _effect(_object(self._memory.grow(fields)["effect"]))
        self.moments.append(Asked(seq, _text(fields["question"]), own))

    def _learn(self, headers: JsonValue) -> None:
        # A header that stands as a number is known already; lines that refer to effects are not read.
        new = [one for one in headers if type(one) is not int] if isinstance(headers, list) else []
        if new:
            self._memory.learn(0, {"kind": "requested", "request": {"headers": new}})
            self._context.taught(new)


def _decoded(raw: bytes) -> Fields:
    try:
        found = from_json(raw)
    except ValueError:
        # Half a pair of surrogates, of which pages may be made, is known to the slower one alone.
        found = json.loads(raw)
    return _object(found)


def _object(value: JsonValue) -> Fields:
    if not isinstance(value, dict):
        raise ValueError(f"{str(value)[:80]!r} stands where a JSON object should")
    return value


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{str(value)[:80]!r} stands where a text should")
    return value


def _resumed(value: JsonValue) -> str | None:
    name = value.get("run_id") if isinstance(value, dict) else None
    return name if isinstance(name, str) else None


def _by_model(fields: Fields) -> bool:
    verdict = fields.get("verdict")
    return isinstance(verdict, dict) and verdict.get("rule") == "ask_user"


def _effect(value: Fields) -> Effect:
    found: Effect
    try:
        match value.get("kind"):
            case "request":
                found = _REQUEST.validate_python(value)
            case "action":
                found = _ACT.validate_python(value)
            case _:
                found = _EFFECT.validate_python(value)
    except ValidationError as error:
        raise ValueError(error.errors(include_url=False)[0]["msg"][:200]) from error
    return found


def _without_body(request: Fields) -> bool:
    """Whether a request was read whole and says nothing, so that rules know its text."""
    if request.get("body_sha256") is None or request.get("body_size"):
        return False
    headers = request.get("headers")
    if not isinstance(headers, list):
        return True
    return "content-type" not in {one[0] for one in headers if isinstance(one, list) and one}
