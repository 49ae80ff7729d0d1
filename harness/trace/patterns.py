"""What is masked in a trace before it is shown to others: keys, tokens, numbers and addresses, by their look.

Built-in patterns are bounded in what they repeat, and user patterns run in RE2, so that no text takes long. A
text of 64 hex digits is the name of a blob or a hash and is left as it is; so are numbers that fit no plan:
a card needs a right check digit, an IBAN too, a phone number its country or its usual form.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote_plus

import re2
from pydantic import JsonValue

from harness.errors import InputError

LONGEST_PATTERN = 2_000
"""Characters a user pattern may have."""
_MEMORY = 64 << 20
_HEX = re.compile(r"[0-9a-f]{64}")
_ENCODED = re.compile(r"[^\s\"'<>&=?/#;,]{0,2000}%[0-9A-Fa-f]{2}[^\s\"'<>&=?/#;,]{0,2000}")
_GAP = r"(?:[ .\-\u00a0+]|%20)?"


class Found(NamedTuple):
    """One thing in a text that is to be masked."""

    kind: str
    """What it is: `email`, `card`, or a user pattern's name."""
    start: int
    """Its first character."""
    end: int
    """The one behind its last."""


class _Kind(NamedTuple):
    name: str
    regex: re.Pattern[str]
    right: Callable[[str], bool]


def _always(text: str) -> bool:
    del text
    return True


def _digits(text: str) -> str:
    return "".join(one for one in text.replace("%20", "") if one.isdigit())


def luhn(text: str) -> bool:
    """Whether the digits in a text are those of a card: of a known network, with a right check digit."""
    digits = _digits(text)
    if len(set(digits)) < 2 or not _NETWORK.match(digits):
        return False
    doubled = (int(one) * (2 if place % 2 else 1) for place, one in enumerate(reversed(digits)))
    return sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0


_NETWORK = re.compile(
    r"(?:4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|4[4-9]\d|5\d\d)\d{12}|(?:2131|1800|35\d{3})\d{11}|62\d{14,17}"
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15})$"
)


def iban(text: str) -> bool:
    """Whether a text is an IBAN with right check digits."""
    plain = "".join(one for one in text if one.isalnum()).upper()
    turned = plain[4:] + plain[:4]
    return 15 <= len(plain) <= 34 and int("".join(str(int(one, 36)) for one in turned)) % 97 == 1


def _phone(text: str) -> bool:
    return (11 if text.startswith("00") else 8) <= len(_digits(text)) <= 15


_KINDS = (
    # What is in it cannot be seen: it may be a picture of a card.
    _Kind("data", re.compile(r"data:[\w/+.;=-]{0,100};base64,[A-Za-z0-9+/=_-]{200,}"), _always),
    _Kind(
        "private key",
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
        ),
        _always,
    ),
    _Kind(
        "token",
        re.compile(r"(?<![\w-])eyJ[\w-]{5,4000}\.[\w-]{5,8000}(?:\.[\w-]{0,2000})?(?![\w-])"),
        _always,
    ),
    _Kind(
        "bearer",
        re.compile(r"(?i)\b(?:bearer|basic)[ +]+(?=[^\s\"]{0,500}[\d=])[\w~+/.=-]{16,4000}"),
        _always,
    ),
    _Kind(
        "key",
        re.compile(
            r"(?<![A-Za-z0-9])(?:sk-[\w-]{16,200}|(?:sk|pk|rk)_(?:live|test)_\w{10,200}|(?:AKIA|ASIA)[A-Z0-9]{16}"
            r"|gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_\w{22,255}|glpat-[\w-]{20,100}|xox[abeoprs]-[\w-]{10,250}"
            r"|AIza[\w-]{35}|ya29\.[\w-]{20,500}|npm_[A-Za-z0-9]{36}|hf_[A-Za-z0-9]{30,100})(?![A-Za-z0-9])"
        ),
        _always,
    ),
    _Kind(
        "email",
        re.compile(
            r"(?<![\w.+-])(?<!//)[\w.+'-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}"
            r"(?![\w-])"
        ),
        _always,
    ),
    _Kind(
        "iban", re.compile(rf"(?<![A-Za-z0-9])[A-Z]{{2}}\d\d(?:{_GAP}[A-Z0-9]){{11,30}}(?![A-Za-z0-9])"), iban
    ),
    _Kind("card", re.compile(rf"(?<![\w.:-])\d(?:{_GAP}\d){{11,18}}(?![\w:]|\.\d|-\w)"), luhn),
    _Kind(
        "phone",
        re.compile(
            r"(?<![\w.+/-])(?:"
            r"(?:\+|00)[1-9]\d{0,2}[ .\-/]?(?:\(0?\d{1,4}\)[ .\-]?)?\d{1,4}(?:[ .\-/]?\d{2,4}){1,5}"
            r"|\(\d{3}\) ?\d{3}[ .\-]\d{4}|\d{3}[.\-]\d{3}[.\-]\d{4}"
            r"|0\d{2,4} \d{3,4} ?\d{3,4}|0\d(?:[ .]\d\d){4}|0\d{2,4}/\d{5,8}"
            r")(?![\w/:]|[.\-]\d)"
        ),
        _phone,
    ),
)
KINDS = tuple(kind.name for kind in _KINDS)
"""The names of the built-in patterns."""


class Patterns:
    """Masks texts. It remembers what it masked, so that the same can be looked for in pictures."""

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        """Take user patterns: RE2 expressions by name.

        Raises:
            InputError: if one cannot be used.
        """
        self._own = {name: _compiled(name, source) for name, source in (own or {}).items()}
        self.names = (*KINDS, *self._own)
        """What is looked for."""
        self.values: dict[str, str] = {}
        """What was masked so far, and what kind it is."""

    def find(self, text: str) -> list[Found]:
        """Say what is to be masked in a text, in order, nothing twice."""
        if len(text) < 4 or _HEX.fullmatch(text):
            return []
        found: list[Found] = []
        for one in self._all(text):
            if not any(one.start < other.end and other.start < one.end for other in found):
                found.append(one)
        return sorted(found, key=lambda one: one.start)

    def text(self, text: str) -> str:
        """Give a text with what is found in it masked, percent-encoded parts as well."""
        masked = self._masked(text)
        if "%" in masked:
            return _ENCODED.sub(self._encoded, masked)
        return masked

    def json(self, value: JsonValue) -> JsonValue:
        """Give a JSON value with its texts, its members' names and its long numbers masked."""
        match value:
            case str():
                return self.text(value)
            case bool():
                return value
            case int():
                return self._number(value)
            case list():
                return [self.json(one) for one in value]
            case dict():
                return {self.text(name): self.json(one) for name, one in value.items()}
            case _:
                return value

    def numbers(self, value: JsonValue) -> JsonValue:
        """Give a JSON value whose texts are masked already with its long numbers masked too."""
        match value:
            case bool():
                return value
            case int():
                return self._number(value)
            case list():
                return [self.numbers(one) for one in value]
            case dict():
                return {name: self.numbers(one) for name, one in value.items()}
            case _:
                return value

    def _number(self, value: int) -> JsonValue:
        masked = self._masked(str(value)) if abs(value) > 10**6 else ""
        return masked if "[" in masked else value

    def _all(self, text: str) -> Iterator[Found]:
        for name, regex in self._own.items():
            spans = (one.span() for one in regex.finditer(text))
            yield from (Found(name, start, end) for start, end in spans if end > start)
        for kind in _KINDS:
            for match in kind.regex.finditer(text):
                if kind.right(match[0]):
                    yield Found(kind.name, match.start(), match.end())

    def _masked(self, text: str) -> str:
        pieces, last = [], 0
        for one in self.find(text):
            self.values.setdefault(text[one.start : one.end], one.kind)
            pieces += [text[last : one.start], mark(one.kind)]
            last = one.end
        return "".join((*pieces, text[last:]))

    def _encoded(self, match: re.Match[str]) -> str:
        plain = unquote_plus(match[0])
        masked = self._masked(plain)
        return match[0] if masked == plain else quote(masked, safe="[]: ").replace(" ", "+")


def mark(kind: str) -> str:
    """Give what stands where something was masked."""
    return f"[redacted:{kind}]"


def _compiled(name: str, source: str) -> "re2._Regexp":
    if not re.fullmatch(r"[A-Za-z][\w -]{0,39}", name) or name in KINDS:
        raise InputError(
            f"--pattern {name[:60]!r}: a name has letters, digits, - and _, and is not {', '.join(KINDS)}"
        )
    if not source or len(source) > LONGEST_PATTERN:
        raise InputError(f"--pattern {name}: has 1 to {LONGEST_PATTERN:,} characters, not {len(source):,}")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return re2.compile(source, options)
    except re2.error as error:
        said = error.args[0] if error.args else error
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise InputError(
            f"--pattern {name}: not a regular expression: {words}; RE2 has no look-around or back-references"
        ) from error
