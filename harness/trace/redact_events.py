"""Masks one event after the other: its texts, the blobs it names, and hashes that could tell of them."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue, TypeAdapter, ValidationError

from harness.clearance import Effect, digest
from harness.errors import TraceError
from harness.trace.base import Recorder
from harness.trace.blobs import BlobStore
from harness.trace.compact import Fields, plain
from harness.trace.events import (
    Acted,
    AskedModel,
    Event,
    Messaged,
    ModelReplied,
    Observed,
    Requested,
    Responded,
)
from harness.trace.patterns import Patterns
from harness.trace.redact_bodies import Headers, masked_body, masked_text
from harness.trace.redact_pictures import Painted, Pictures
from harness.trace.redact_typed import Typed

_EFFECT: TypeAdapter[Effect] = TypeAdapter(Effect)
_MARK = re.compile(r"\[redacted:([\w +-]+)\]")
_FREE = frozenset({"task", "policy", "sandbox", "outputs", "data"})
_UNREADABLE = b"[redacted: it is no text]"
_REPEATS = b"[redacted: it repeats what was typed in several goes]"


@dataclass(frozen=True)
class Removal:
    """What was removed in one place."""

    line: int
    """The line, from 1; it has the same number in both traces."""
    kind: str
    """A pattern's name; `picture` or `body` for one that cannot be looked into, `digest` for a hash, `typed`
    for what repeats something that was typed in several goes."""
    count: int
    """How often."""
    place: str
    """Where: a member of the event, a blob that it names, or a part of a picture."""


class Masking:
    """Masks the events of one trace, in order: `texts` of all of them first, then `pictures` of all."""

    def __init__(
        self, blobs: BlobStore, out: Recorder, patterns: Patterns, pictures: Pictures, typed: Typed
    ) -> None:
        """Read blobs here and put masked ones there."""
        self._typed = typed
        self.removals: list[Removal] = []
        """What was removed so far."""
        self._blobs, self._out = blobs, out
        self._patterns, self._pictures = patterns, pictures
        self._effects: dict[str, str] = {}
        self._kept: dict[tuple[str, str], tuple[str | None, tuple[tuple[str, int, str], ...]]] = {}

    def texts(self, number: int, event: Event) -> Fields:
        """Give the fields of the event in a line, its texts and the texts it names masked.

        Raises:
            TraceError: if a pattern leaves of it what is no event.
        """
        before = plain(event)
        event = self._typed.masked(event)
        fields = plain(event, self._patterns)
        _numbers(fields, self._patterns)
        self.removals += [
            Removal(number, kind, count, place) for place, kind, count in _changes(before, fields)
        ]
        _forget(before, fields)
        self._named(number, event, fields)
        effect = fields.get("effect", fields.get("request"))
        old = before.get("verdict")
        if (
            isinstance(effect, dict)
            and isinstance(old, dict)
            and effect != before.get("effect", before.get("request"))
        ):
            try:
                self._effects[str(old.get("effect"))] = digest(_EFFECT.validate_python(effect))
            except ValidationError as error:
                raise unfit(number, error) from error
        return fields

    def pictures(self, number: int, event: Event, fields: Fields) -> Fields:
        """Give a line's fields with its screenshots masked, and the digests of masked effects renewed."""
        match event:
            case Observed(screenshot=str(name)):
                fields["screenshot"] = self._picture(number, name, "screenshot")
            case Acted(image=str(name)):
                fields["image"] = self._picture(number, name, "image")
            case _:
                pass
        renewed = _renewed(fields, self._effects)
        assert isinstance(renewed, dict)  # noqa: S101 - it was one before
        return renewed

    def _named(self, number: int, event: Event, fields: Fields) -> None:
        """Mask the texts that an event names."""
        match event:
            case Observed(text=str(name)):
                fields["text"] = self._text(number, name, "text")
            case ModelReplied(raw=str(name), step=step):
                fields["raw"] = self._words(number, name, "raw", repeats=self._typed.said(step))
            case AskedModel(request=str(name), step=step):
                fields["request"] = self._words(number, name, "request", repeats=self._typed.told(step))
            case _:
                self._bodies(number, event, fields)

    def _bodies(self, number: int, event: Event, fields: Fields) -> None:
        """Mask the bodies that an event names, and forget their hashes where something was masked."""
        match event:
            case Requested(request=request, body=name):
                changed = request.body_size > 0
                if name is not None:
                    changed = self._body(number, name, request.headers, fields, "body")
                inner = fields.get("request")
                if changed and isinstance(inner, dict) and inner.pop("body_sha256", None) is not None:
                    self.removals.append(Removal(number, "digest", 1, "request.body_sha256"))
            case Responded(body=str(name), headers=headers):
                if self._body(number, name, headers, fields, "body"):
                    fields.pop("sha256", None)
            case Messaged(blob=str(name)):
                if self._body(number, name, (), fields, "blob"):
                    fields.pop("sha256", None)
            case Messaged(sha256=str()) | Responded(sha256=str()):
                del fields["sha256"]
                self.removals.append(Removal(number, "digest", 1, "sha256"))
            case _:
                pass

    def _text(self, number: int, name: str, member: str) -> str:
        if (name, "") not in self._kept:
            data = self._blobs.get(name)
            masked = masked_text(data, self._patterns)
            if masked is None:
                self._kept[name, ""] = self._out.blob(_UNREADABLE), (("body", 1, ""),)
            else:
                self._kept[name, ""] = self._out.blob(masked), tuple(_marks(data, masked))
        return str(self._noted(number, (name, ""), f"blob of {member}"))

    def _words(self, number: int, name: str, member: str, *, repeats: bool) -> str:
        if not repeats:
            return self._text(number, name, member)
        self.removals.append(Removal(number, "typed", 1, f"blob of {member} left out"))
        return self._out.blob(_REPEATS)

    def _body(self, number: int, name: str, headers: Headers, fields: Fields, member: str) -> bool:
        """Mask a body; give whether it is another now."""
        given = dict(headers)
        key = (name, f"{given.get('content-encoding', '')} {given.get('content-type', '')} body")
        if key not in self._kept:
            data = self._blobs.get(name)
            masked, found = masked_body(data, headers, self._patterns, self._pictures)
            if masked is None:
                kinds = Counter(one.kind for one in found) or Counter(["body"])
                self._kept[key] = None, tuple((kind, count, " left out") for kind, count in kinds.items())
            else:
                self._kept[key] = self._out.blob(masked), tuple(_marks(data, masked))
        kept = self._noted(number, key, f"blob of {member}")
        if kept is None:
            del fields[member]
        else:
            fields[member] = kept
        return kept != name

    def _picture(self, number: int, name: str, member: str) -> str:
        key = (name, "picture")
        if key not in self._kept:
            png, found = self._pictures.masked(self._blobs.get(name))
            self._kept[key] = self._out.blob(png), tuple((one.kind, 1, _place(one)) for one in found)
        return str(self._noted(number, key, member))

    def _noted(self, number: int, key: tuple[str, str], place: str) -> str | None:
        kept, found = self._kept[key]
        self.removals += [Removal(number, kind, count, f"{place}{where}") for kind, count, where in found]
        return kept


def unfit(number: int, error: ValidationError) -> TraceError:
    """Say that a pattern left of a line what is no event; nothing of the line is shown."""
    where = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
    return TraceError(
        f"line {number}: what the patterns leave of {where[:200]} is not what a trace holds; "
        "make the user pattern match less"
    )


def _place(one: Painted) -> str:
    left, top, width, height = one.box
    return f" at {left},{top} size {width}x{height}"


def _marks(before: bytes, after: bytes) -> Iterator[tuple[str, int, str]]:
    if before != after:
        new = Counter(_MARK.findall(after.decode("utf-8", "replace")))
        new.subtract(_MARK.findall(before.decode("utf-8", "replace")))
        known = [(kind, count, "") for kind, count in new.items() if count > 0]
        yield from known or [("compressed text", 1, "")]


def _numbers(fields: Fields, patterns: Patterns) -> None:
    """Mask long numbers where a value may be anything."""
    for name, value in fields.items():
        if name in _FREE:
            fields[name] = patterns.numbers(value)
        elif isinstance(value, dict):
            _numbers(value, patterns)
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    _numbers(one, patterns)


def _changes(before: JsonValue, after: JsonValue, place: str = "") -> Iterator[tuple[str, str, int]]:
    """Say where two values of the same shape differ, by what was masked."""
    if before == after:
        return
    if (
        isinstance(before, dict)
        and isinstance(after, dict)
        and len(before) == len(after)
        and ("keys" in before) == ("keys" in after)
    ):
        for (name, one), (other, new) in zip(before.items(), after.items(), strict=True):
            inside = f"{place}.{other}" if place else other
            yield from _changes(name, other, f"{place} (a member's name)")
            yield from _changes(one, new, inside)
    elif isinstance(before, list) and isinstance(after, list):
        for index, (one, new) in enumerate(zip(before, after, strict=True)):
            yield from _changes(one, new, f"{place}[{index}]")
    else:
        known = [(kind, count) for kind, count, _ in _marks(str(before).encode(), str(after).encode())]
        yield from ((place, kind, count) for kind, count in known)


def _forget(before: JsonValue, after: JsonValue) -> None:
    """Take out fingerprints of elements in which something was masked."""
    match before, after:
        case dict(), dict():
            if "fingerprint" in after and before != after:
                del after["fingerprint"]
            for one, new in zip(before.values(), list(after.values()), strict=False):
                _forget(one, new)
        case list(), list():
            for one, new in zip(before, after, strict=False):
                _forget(one, new)
        case _:
            pass


def _renewed(value: JsonValue, known: dict[str, str]) -> JsonValue:
    match value:
        case str():
            return known.get(value, value)
        case list():
            return [_renewed(one, known) for one in value]
        case dict():
            return {name: _renewed(one, known) for name, one in value.items()}
        case _:
            return value
