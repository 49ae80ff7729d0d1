"""What a trace leaves out: secrets, by their values, and credentials in headers."""

import re
from typing import Protocol

from harness.secrets import SHORTEST, Redactor

__all__ = ["SHORTEST", "Redactor", "Replaces", "header"]

_SETS = "set-cookie"
_CREDENTIALS = frozenset({"authorization", "cookie", _SETS, "proxy-authorization"})
_HIDDEN = re.compile(r"\[redacted\] \d+ characters|\[redacted-\d+-characters\]")


class Replaces(Protocol):
    """Puts marks in the place of what a text must not say."""

    def text(self, text: str) -> str:
        """Give the text with every such thing replaced."""
        ...


def credential(name: str) -> bool:
    """Whether a header of this name carries a credential."""
    return name.lower() in _CREDENTIALS


def header(name: str, value: str) -> str:
    """Give a header's value as a trace may keep it: credentials only by their length.

    A cookie that is set keeps its name and attributes, `sid=[redacted-26-characters]; Path=/`, so that a
    recording can set one of that name again.
    """
    if name.lower() == _SETS:
        return _set_cookie(value)
    return (
        f"[redacted] {len(value)} characters" if credential(name) and not _HIDDEN.fullmatch(value) else value
    )


def _set_cookie(value: str) -> str:
    pair, semicolon, attributes = value.partition(";")
    name, equals, worth = pair.partition("=")
    if not equals:
        name, worth = "", pair
    if _HIDDEN.fullmatch(worth):
        return value
    return f"{name}{equals}[redacted-{len(worth.strip())}-characters]{semicolon}{attributes}"
