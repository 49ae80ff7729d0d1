"""What a trace leaves out: secrets, by their values, and credentials in headers."""

from harness.secrets import SHORTEST, Redactor

__all__ = ["SHORTEST", "Redactor", "header"]

_CREDENTIALS = frozenset({"authorization", "cookie", "set-cookie", "proxy-authorization"})


def credential(name: str) -> bool:
    """Whether a header of this name carries a credential."""
    return name.lower() in _CREDENTIALS


def header(name: str, value: str) -> str:
    """Give a header's value as a trace may keep it: credentials only by their length."""
    return f"[redacted] {len(value)} characters" if credential(name) else value
