"""Says nothing twice: the fields of an event as a line has them, and back.

What a reader can put back is left out of a line, so that a step stays small and a line stays readable:

- a field that has its default (`kind` and `schema` are always there);
- a verdict's `policy`, if it is the run's, and its `effect`, if it is the digest of the same line's effect;
- in `approval_asked`, `acting` and `acted`: the effect, verdict, action, target and digest that the last
  `judged` line says too; `of` is that line's `seq`;
- the action of an effect, if it is one of those of the last `model_replied` line: its place there, from 0,
  stands for it;
- a target's `url`, if it is that of the last `observed` line, and its `text`, if it is its `name`;
- the `url` and `title` of the active tab, if they are those of the `observed` line itself;
- a request's header that stood in an earlier line: its number stands for it. Headers are numbered from 0 in
  the order in which they were first written, up to 4,096;
- an answer's header (of `responded`) likewise, by numbers of their own. Those that hardly come twice are not
  numbered: `age`, `content-length`, `date`, `etag`, `expires`, `last-modified`, `location` and `set-cookie`;
- what its model leaves out of JSON, such as a request's `body_text`;
- the SHA-256 of no bytes, as a request's `body_sha256`: it is written as 0;
- the name of a body's blob, where the same line says it as the body's SHA-256: a request's `body` and an
  answer's `sha256` are written as 0 then.

A float that JSON has no number for is written as a word: `"NaN"`, `"Infinity"`, `"-Infinity"`.
"""

import hashlib
import math
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Literal, NamedTuple, get_origin

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from harness.clearance import Effect, Request, digest
from harness.trace.events import Responded
from harness.trace.redact import Replaces, header

_EFFECT: TypeAdapter[Effect] = TypeAdapter(Effect)
_HEADERS = 4096
_ONCE = frozenset(
    {"age", "content-length", "date", "etag", "expires", "last-modified", "location", "set-cookie"}
)
_NO_BYTES = hashlib.sha256(b"").hexdigest()
_ALWAYS = frozenset({"kind", "schema_"})
_FIXED = frozenset({"keys", "modifiers"})

Fields = dict[str, JsonValue]


class _Field(NamedTuple):
    name: str
    default: object
    free: bool
    kept: bool


def plain(event: BaseModel, redactor: Replaces | None = None) -> Fields:
    """Give an event as JSON values, without fields that have their default, secrets replaced.

    Raises:
        ValueError: if something in it has no JSON form.
    """
    return _fields(event, redactor)


def _plain(value: object, redactor: Replaces | None) -> JsonValue:
    if type(value) is str:
        return value if redactor is None else redactor.text(value)
    match value:
        case BaseModel():
            return _fields(value, redactor)
        case dict():
            return {str(_simple(key, redactor)): _plain(one, redactor) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one, redactor) for one in value]
        case _:
            return _simple(value, redactor)


def _simple(value: object, redactor: Replaces | None) -> str | float | None:
    match value:
        case str():
            return redactor.text(value) if redactor is not None else value
        case float() if not math.isfinite(value):
            return _word(value)
        case None | bool() | int() | float():
            return value
        case datetime():
            return value.isoformat()
        case _:
            raise ValueError(f"{type(value).__name__} has no JSON form")


def _fields(model: BaseModel, redactor: Replaces | None) -> Fields:
    specs = _specs(type(model))
    found: Fields = {}
    for name, value in model:
        spec = specs[name]
        if not spec.kept or (
            name not in _ALWAYS and type(value) is type(spec.default) and value == spec.default
        ):
            continue
        if isinstance(model, Request | Responded) and name == "headers":
            found["headers"] = _kept(model.headers, redactor)
        else:
            found[spec.name] = _plain(value, redactor if spec.free else None)
    return found


@cache
def _specs(model: type[BaseModel]) -> dict[str, _Field]:
    return {
        name: _Field(
            name=info.serialization_alias or name,
            default=info.get_default(call_default_factory=True, validated_data={}),
            free=get_origin(info.annotation) is not Literal and name not in _FIXED,
            kept=not info.exclude,
        )
        for name, info in model.model_fields.items()
    }


def _word(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _kept(headers: tuple[tuple[str, str], ...], redactor: Replaces | None) -> JsonValue:
    if redactor is None:
        return [[name, header(name, value)] for name, value in headers]
    return [[redactor.text(name), header(name, redactor.text(value))] for name, value in headers]


def _pair(value: JsonValue) -> tuple[str, str] | None:
    if isinstance(value, list) and len(value) == 2:
        name, text = value
        if isinstance(name, str) and isinstance(text, str):
            return name, text
    return None


class _Headers:
    """Headers that stood in a line, by their numbers."""

    def __init__(self, unnumbered: frozenset[str]) -> None:
        self._unnumbered = unnumbered
        self._numbers: dict[tuple[str, str], int] = {}
        self._headers: list[tuple[str, str]] = []
        self._wholes: dict[tuple[JsonValue, ...], list[JsonValue]] = {}

    def learn(self, headers: list[JsonValue]) -> None:
        for pair in map(_pair, headers):
            if pair is None or pair in self._numbers or pair[0] in self._unnumbered:
                continue
            if len(self._headers) < _HEADERS:
                self._numbers[pair] = len(self._headers)
                self._headers.append(pair)

    def number(self, one: JsonValue) -> JsonValue:
        pair = _pair(one)
        return one if pair is None else self._numbers.get(pair, one)

    def whole(self, headers: list[JsonValue]) -> list[JsonValue]:
        # A browser sends the same few sets of headers again and again.
        if set(map(type, headers)) != {int}:
            return [self.header(one) for one in headers]
        numbers = tuple(headers)
        known = self._wholes.get(numbers)
        if known is None:
            known = [self.header(one) for one in headers]
            if len(self._wholes) < _HEADERS:
                self._wholes[numbers] = known
        return known

    def header(self, one: JsonValue) -> JsonValue:
        if isinstance(one, bool) or not isinstance(one, int):
            return one
        if not 0 <= one < len(self._headers):
            raise ValueError(f"header {one} stands in no line before")
        return list(self._headers[one])


class Memory:
    """What earlier lines said. A writer and a reader that saw the same lines have the same memory."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._policy: JsonValue = None
        self._url: JsonValue = None
        self._replied: list[JsonValue] = []
        self._judged: tuple[int, Fields, Fields] | None = None
        self._asked = _Headers(frozenset())
        self._answered = _Headers(_ONCE)

    def learn(self, seq: int, fields: Mapping[str, JsonValue]) -> None:
        """Remember a line, given its whole fields."""
        match fields:
            case {"kind": "run_started", "policy_sha256": policy}:
                self._policy = policy
            case {"kind": "observed", "url": url}:
                self._url = url
            case {"kind": "model_replied"}:
                actions = fields.get("actions")
                self._replied = actions if isinstance(actions, list) else []
            case {"kind": "judged", "effect": dict(effect), "verdict": dict(verdict)}:
                self._judged = (seq, effect, verdict)
            case {"kind": "requested", "request": {"headers": list(headers)}}:
                self._asked.learn(headers)
            case {"kind": "responded", "headers": list(headers)}:
                self._answered.learn(headers)

    def shrink(self, fields: Mapping[str, JsonValue], known: str | None = None) -> Fields:
        """Leave out of an event's fields what a reader can put back.

        Args:
            fields: the event's, as `plain` gives them.
            known: the digest of their effect, where the caller has it already.
        """
        short = dict(fields)
        if isinstance(effect := fields.get("effect"), dict):
            short["effect"] = self._short_effect(effect)
        if isinstance(request := fields.get("request"), dict):
            short["request"] = self._short_effect(request)
        if isinstance(headers := fields.get("headers"), list):
            short["headers"] = [self._answered.number(pair) for pair in headers]
        short |= {place.name: 0 for place in _body_of(fields) if fields[place.name] == place.value}
        if isinstance(verdict := fields.get("verdict"), dict):
            short["verdict"] = self._short_verdict(verdict, known or _digest(effect or fields.get("request")))
        if isinstance(target := fields.get("target"), dict):
            short["target"] = self._short_target(target)
        if isinstance(tabs := fields.get("tabs"), list):
            short["tabs"] = [_short_tab(tab, fields) for tab in tabs]
        if self._judged is not None:
            seq, effect, verdict = self._judged
            said = _said(str(fields.get("kind")), effect, verdict)
            if said and all(fields.get(name) == value for name, value in said.items()):
                short = {name: value for name, value in short.items() if name not in said} | {"of": seq}
        return short

    def grow(self, fields: Mapping[str, JsonValue]) -> Fields:
        """Put back what was left out of a line. Lists of headers are shared with other lines.

        Raises:
            ValueError: if it refers to a line that does not say it.
        """
        whole = dict(fields)
        seq = whole.pop("of", None)
        if isinstance(effect := whole.get("effect"), dict):
            whole["effect"] = self.whole_effect(effect)
        if isinstance(request := whole.get("request"), dict):
            whole["request"] = self.whole_effect(request)
        if isinstance(headers := whole.get("headers"), list):
            whole["headers"] = self._answered.whole(headers)
        whole |= {place.name: place.value for place in _body_of(whole) if whole[place.name] == 0}
        if isinstance(target := whole.get("target"), dict):
            whole["target"] = self._whole_target(target)
        if isinstance(verdict := whole.get("verdict"), dict):
            kept: Fields = {"policy": self._policy}
            if "effect" not in verdict:
                kept["effect"] = _digest(whole.get("effect") or whole.get("request"))
            whole["verdict"] = kept | verdict
        if isinstance(tabs := whole.get("tabs"), list):
            whole["tabs"] = [_whole_tab(tab, whole) for tab in tabs]
        if "of" in fields:
            if self._judged is None or isinstance(seq, bool) or seq != self._judged[0]:
                raise ValueError(f"'of' names seq {seq}, which is not the last judged line")
            whole |= _said(str(fields.get("kind")), self._judged[1], self._judged[2])
        return whole

    def _short_verdict(self, verdict: Fields, effect: JsonValue) -> Fields:
        known: Fields = {"policy": self._policy, "effect": effect}
        return {name: one for name, one in verdict.items() if name not in known or known[name] != one}

    def _short_effect(self, effect: Fields) -> Fields:
        short = dict(effect)
        if "action" in effect and effect["action"] in self._replied:
            short["action"] = self._replied.index(effect["action"])
        if isinstance(target := effect.get("target"), dict):
            short["target"] = self._short_target(target)
        if isinstance(headers := effect.get("headers"), list):
            short["headers"] = [self._asked.number(pair) for pair in headers]
        if effect.get("body_sha256") == _NO_BYTES:
            short["body_sha256"] = 0
        return short

    def whole_effect(self, effect: Fields) -> Fields:
        """Put back what was left out of the effect of a line; raises as `grow`."""
        whole = dict(effect)
        if isinstance(place := effect.get("action"), int):
            if not 0 <= place < len(self._replied):
                raise ValueError(f"action {place} is none of the last reply's")
            whole["action"] = self._replied[place]
        if isinstance(target := effect.get("target"), dict):
            whole["target"] = self._whole_target(target)
        if isinstance(headers := effect.get("headers"), list):
            whole["headers"] = self._asked.whole(headers)
        if effect.get("body_sha256") == 0:
            whole["body_sha256"] = _NO_BYTES
        return whole

    def _short_target(self, target: Fields) -> Fields:
        short = {"url": "", "text": "", **target}
        if self._url is not None and short["url"] == self._url:
            del short["url"]
        if short["text"] == target.get("name", ""):
            del short["text"]
        return short

    def _whole_target(self, target: Fields) -> Fields:
        kept: Fields = {} if self._url is None else {"url": self._url}
        return _without_empty({**kept, "text": target.get("name", ""), **target}, "url", "text")


class _Body(NamedTuple):
    name: str
    value: JsonValue


def _body_of(fields: Mapping[str, JsonValue]) -> tuple[_Body, ...]:
    """The member that may name the same bytes as another of its line, and what that one says."""
    match fields:
        case {"kind": "responded", "sha256": _, "body": str(body)}:
            return (_Body("sha256", body),)
        case {"kind": "requested", "body": _, "request": {"body_sha256": str(sha256)}}:
            return (_Body("body", sha256),)
        case _:
            return ()


def _said(kind: str, effect: Fields, verdict: Fields) -> Fields:
    """What a line of this kind says that the judged line said."""
    if kind == "approval_asked":
        return {"effect": effect, "verdict": verdict}
    if effect.get("kind") != "action" or kind not in ("acting", "acted"):
        return {}
    action: Fields = {"action": effect.get("action")}
    if kind == "acted":
        return action
    target = {"target": effect["target"]} if "target" in effect else {}
    return {**action, **target, "effect": verdict.get("effect")}


def _digest(effect: JsonValue) -> JsonValue:
    try:
        return digest(_EFFECT.validate_python(effect))
    except (ValidationError, ValueError):
        return None


def _short_tab(tab: JsonValue, fields: Mapping[str, JsonValue]) -> JsonValue:
    if not isinstance(tab, dict) or not tab.get("active"):
        return tab
    short: Fields = {"title": "", **tab}
    if short["title"] == fields.get("title", ""):
        del short["title"]
    if short.get("url") == fields.get("url"):
        short.pop("url", None)
    return short


def _whole_tab(tab: JsonValue, fields: Mapping[str, JsonValue]) -> JsonValue:
    if not isinstance(tab, dict) or not tab.get("active"):
        return tab
    return _without_empty({"url": fields.get("url"), "title": fields.get("title", ""), **tab}, "title")


def _without_empty(fields: Fields, *names: str) -> Fields:
    return {name: value for name, value in fields.items() if name not in names or value != ""}
