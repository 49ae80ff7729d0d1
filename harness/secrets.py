"""What a run knows and does not show: the task's secrets, and how they are kept out of all that is read.

A model writes `{{secret:name}}` where a value belongs; the sandbox alone puts the value in its place, and
only on pages of the secret's hosts. Wherever a value stands in what is shown, kept or told, in the forms in
which it travels, there is `[secret:name]` instead.
"""

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, quote_plus

from pydantic import JsonValue

SHORTEST = 4
"""A shorter secret is only seen where it is the whole text: inside text it would be everywhere."""
PLACEHOLDER: Final = re.compile(r"\{\{\s*secret:([A-Za-z_][\w-]{0,79})\s*\}\}")
"""Where a secret belongs, in text that a model types."""
_STRONG = 16
_ROOM = 10_000
_HEX = re.compile(r"[0-9a-f]{64}")
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")


class Redactor:
    """Replaces secrets wherever they stand: plain, base64, hex, percent-encoded, JSON- or HTML-escaped.

    A digest of 64 hex digits is kept unless a form of 16 characters or more stands in it, so that a short
    secret cannot break the references of a trace.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """Take the secrets by name; empty ones are left out."""
        self._exact = {value: f"[secret:{name}]" for name, value in secrets.items() if value}
        self._names: dict[str, str] = {}
        for value, mark in self._exact.items():
            if len(value) >= SHORTEST:
                self._names |= {form: mark for form in forms(value) if form not in self._names}
        self._any = _either(self._names)
        self._strong = _either([form for form in self._names if len(form) >= _STRONG])
        self._raw = tuple(_bytes(form) for form in self._names)
        self._whole = frozenset(_bytes(value) for value in self._exact)

    @property
    def active(self) -> bool:
        """Whether there is any secret to replace."""
        return bool(self._exact)

    def text(self, text: str) -> str:
        """Give the text with every secret replaced.

        A long text never grows: one that would is named by its secrets and its length alone.
        """
        return self._replaced(text, max(_ROOM, len(text)))

    def _replaced(self, text: str, most: int) -> str:
        if text in self._exact:
            return self._exact[text]
        pattern = self._strong if _HEX.fullmatch(text) else self._any
        if pattern is None:
            return text
        found = pattern.sub(lambda match: self._names[match[0]], text)
        if len(found) > most:
            marks = " ".join(sorted({self._names[match[0]] for match in pattern.finditer(text)}))
            return f"{marks[:200]} among {len(text):,} characters"
        return found

    def json(self, value: JsonValue) -> JsonValue:
        """Give a JSON value with every secret replaced in its texts and member names."""
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.json(one) for one in value]
            case dict():
                return {self.text(key): self.json(one) for key, one in value.items()}
            case _:
                return value

    def data(self, data: bytes) -> bytes:
        """Give a text or JSON body with every secret replaced; pictures are given back as they are.

        One that would become more than twice as long is named by its secrets and its length alone.
        """
        if not self._exact or data.startswith(_PICTURES) or not self._stands_in(data):
            return data
        text = data.decode("utf-8", "surrogateescape")
        return self._replaced(text, 2 * len(text) + _ROOM).encode("utf-8", "surrogateescape")

    def _stands_in(self, data: bytes) -> bool:
        # Many times as fast as the pattern, which would hold up a run for seconds on a long body.
        return data in self._whole or any(form in data for form in self._raw)


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Held:
    """One secret."""

    name: str
    """What models and policies call it."""
    value: str = field(repr=False)
    """What nobody is shown."""
    may: Callable[[str], bool] = field(repr=False)
    """Whether it may be typed into the page at a URL."""
    goes: Callable[[str], bool] = field(repr=False)
    """Whether a request to a URL may carry it."""
    hosts: str = ""
    """Its hosts, in words."""


class Vault:
    """The secrets of one run. It never shows a value by itself: not in its `repr`, not in an error."""

    def __init__(self, held: Iterable[Held] = ()) -> None:
        """Take the secrets."""
        self._held = {one.name: one for one in held}
        self.redactor = Redactor({one.name: one.value for one in self._held.values()})

    def __repr__(self) -> str:
        return f"Vault({', '.join(self._held)})"

    def __bool__(self) -> bool:
        return bool(self._held)

    def __iter__(self) -> Iterator[Held]:
        return iter(self._held.values())

    def get(self, name: str) -> Held | None:
        """Give a secret by its name."""
        return self._held.get(name)

    def hide(self, text: str) -> str:
        """Give a text with every secret replaced."""
        return self.redactor.text(text) if self._held else text


def named(text: str) -> tuple[str, ...]:
    """Give the names of the secrets that a text asks for, in order."""
    return tuple(found[1] for found in PLACEHOLDER.finditer(text))


def _either(forms: Mapping[str, str] | list[str]) -> re.Pattern[str] | None:
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(re.escape(form) for form in longest_first)) if longest_first else None


def forms(value: str) -> list[str]:
    """Give a value in the forms in which it travels: plain, percent-encoded, escaped, hex and base64."""
    raw = value.encode("utf-8", "surrogatepass")
    percent = "".join(f"%{byte:02X}" for byte in raw)
    quoted = (quote(raw, safe=""), quote(raw), quote_plus(raw), percent)
    escaped = (
        html.escape(value),
        html.escape(value, quote=False),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
    )
    return [
        value,
        *quoted,
        *(re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text) for text in quoted),
        *escaped,
        raw.hex(),
        raw.hex().upper(),
        *_base64(raw),
    ]


def _base64(raw: bytes) -> list[str]:
    """The characters that base64 gives for certain, wherever the secret begins in what is encoded."""
    found = [base64.b64encode(raw).decode().rstrip("=")]
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode()
        first, last = (0, 2, 3)[before], len(raw + b"\0" * before) * 8 // 6
        if last - first >= 8:
            found.append(encoded[first:last])
    return [form for text in found for form in (text, text.replace("+", "-").replace("/", "_"))]
