"""What a trace leaves out: secrets, by their values, and credentials in headers."""

import re
from typing import Protocol

from harness.secrets import SHORTEST, Redactor

__all__ = ["SHORTEST", "Redactor", "Replaces", "header"]


class Replaces(Protocol):
    """Puts marks in the place of what a text must not say."""

    def text(self, text: str) -> str:
        """Give the text with every such thing replaced."""
        ...


_REDACTED = re.compile(r"\[redacted\] \d+ characters")
_CREDENTIALS = frozenset({"authorization", "cookie", "set-cookie", "proxy-authorization"})


def credential(name: str) -> bool:
    """Whether a header of this name carries a credential."""
    return name.lower() in _CREDENTIALS


def header(name: str, value: str) -> str:
    """Give a header's value as a trace may keep it: credentials only by their length."""
    if not credential(name) or _REDACTED.fullmatch(value):
        return value
    return f"[redacted] {len(value)} characters"
