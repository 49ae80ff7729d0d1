r"""Conditions on text and numbers, and how many of them are tried at once.

A pattern is a literal (whole, case-sensitive), a glob when it has `*` or `?`, or after `re:` a regular
expression that is searched for. Regular expressions run in RE2, whose time is linear in the text. What a page
or a model wrote is folded before it is compared, so that `Pay\u200b now` is `Pay now`.

A value is a tuple of spellings: none means that the effect has no such thing, and no condition on it holds;
`None` means that it is not known. Where spellings differ, or a thing is not known, a rule that restricts
matches if any spelling might, and a rule that allows only if all do: doubt never grants anything.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import re2

from harness.errors import ActionError
from harness.keys import MODIFIERS, chord
from harness.policy.urls import spellings

Style = Literal["exact", "page", "url", "lower", "upper", "chord"]
"""How a field is written: page text is folded, URLs and chords have one spelling, hosts are in lower case."""
Values = tuple[str, ...] | None
"""The spellings of one value."""

LONGEST_PATTERN = 2_000
_ONE_BY_ONE = 6
_MEMORY = 64 << 20
_FILLERS = dict.fromkeys((0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10)))
_BLANKS = {0x2800: " "}


class Text(NamedTuple):
    """A pattern that was read: a literal, or the source of a regular expression."""

    literal: str | None
    regex: str | None


class Comparison(NamedTuple):
    """A condition on a number, such as `> 10kB`."""

    sign: str
    number: int

    def holds(self, value: int) -> bool:
        """Whether a number satisfies it."""
        match self.sign:
            case ">":
                return value > self.number
            case ">=":
                return value >= self.number
            case "<":
                return value < self.number
            case "<=":
                return value <= self.number
            case _:
                return value == self.number


def _unfold(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    folded = unicodedata.normalize("NFKC", text).translate(_FILLERS).translate(_BLANKS)
    kept = []
    for char in folded:
        if char.isspace():
            kept.append(" ")
        elif unicodedata.category(char) not in ("Cf", "Cc", "Cs", "Cn", "Co"):
            kept.append(char)
    return unicodedata.normalize("NFKC", "".join(kept))


def fold(text: str) -> str:
    """Give page text as a person sees it: NFKC, no invisible characters, one space for any run of blanks."""
    return " ".join(_unfold(text).split())


def chord_name(keys: Sequence[str]) -> str:
    """Give a chord's one spelling: modifiers in order, then keys; small letters, and `Space` for the bar."""
    held = [key for key in MODIFIERS if key in keys]
    rest = [
        "Space" if key == " " else key.lower() if len(key) == 1 else key for key in keys if key not in held
    ]
    return "+".join(held + rest)


def engine_options() -> Any:
    """The options every regular expression runs under."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    return options


def read_pattern(pattern: str, style: Style) -> Text:
    """Read one pattern as a policy writes it.

    Raises:
        ValueError: with what is wrong and what to write instead.
    """
    if not pattern:
        raise ValueError("an empty pattern matches only what is empty; write re:^$ if that is meant")
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"a pattern has at most {LONGEST_PATTERN:,} characters, not {len(pattern):,}")
    if pattern.startswith("re:"):
        return Text(None, _regex(pattern[3:]))
    if style == "url":
        return _url_pattern(pattern)
    if "*" in pattern or "?" in pattern:
        return Text(None, _anchored(_glob(_styled(pattern, style), ".")))
    if style == "chord":
        try:
            return Text(chord_name(chord(pattern)), None)
        except ActionError as error:
            raise ValueError(str(error)) from error
    return Text(fold(pattern) if style == "page" else _styled(pattern, style), None)


def _regex(source: str) -> str:
    if not source:
        raise ValueError("re: needs a regular expression behind it")
    try:
        re2.compile(source, engine_options())
    except re2.error as error:
        said = error.args[0] if error.args else error
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        hint = "; RE2 has no look-around and no back-references" if "(?" in source or "\\" in source else ""
        raise ValueError(f"not a regular expression: {words}{hint}") from error
    return source


def _styled(pattern: str, style: Style) -> str:
    match style:
        case "page":
            return re.sub(r"\s+", " ", _unfold(pattern))
        case "lower":
            return pattern.lower()
        case "upper":
            return pattern.upper()
        case "exact" | "url" | "chord":
            return pattern


def _url_pattern(pattern: str) -> Text:
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|[*?]", pattern):
        raise ValueError("a URL pattern begins with a scheme such as https://, or with *")
    if "*" not in pattern and "?" not in pattern:
        return Text(spellings(pattern)[0], None)
    parts = re.fullmatch(r"([A-Za-z*]+)://([^/]*)(/.*)?", pattern, re.DOTALL)
    if parts is None:
        return Text(None, _anchored(_glob(pattern, ".")))
    scheme = _glob(parts[1].lower(), "[a-z]")
    host = _glob(parts[2].lower(), "[^/?#@]")
    return Text(None, _anchored(f"{scheme}://{host}" + (_glob(parts[3], ".") if parts[3] else "/.*")))


def _glob(pattern: str, anything: str) -> str:
    pieces = re.split(r"([*?])", pattern)
    wild = {"*": f"{anything}*", "?": anything}
    return "".join(wild[piece] if piece in wild else re2.escape(piece) for piece in pieces)


def _anchored(source: str) -> str:
    # What begins or ends with anything needs no anchor there, and RE2 runs many such patterns far faster.
    start = "" if source.startswith(".*") else r"\A"
    end = "" if source.endswith(".*") else r"\z"
    return f"(?s){start}(?:{source.removeprefix('.*').removesuffix('.*')}){end}"


class RuleFailedError(Exception):
    """Trying one rule's pattern went wrong."""

    def __init__(self, bit: int, cause: Exception) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")
        self.bit = bit


class TextIndex:
    """The conditions of many rules on one field. Rules are bits, so that sets of them are integers."""

    def __init__(self, conditions: Sequence[tuple[int, Text]]) -> None:
        self.conditioned = 0
        self.literals: dict[str, int] = {}
        sources: dict[str, int] = {}
        for bit, text in conditions:
            self.conditioned |= bit
            if text.literal is not None:
                self.literals[text.literal] = self.literals.get(text.literal, 0) | bit
            elif text.regex is not None:
                sources[text.regex] = sources.get(text.regex, 0) | bit
        options = engine_options()
        self.regexes = [(bits, re2.compile(source, options)) for source, bits in sources.items()]
        self.by_regex = 0
        for bits in sources.values():
            self.by_regex |= bits
        self.together: Any = None
        if len(sources) > _ONE_BY_ONE:
            self.together = re2.Set.SearchSet(options)
            for source in ("", *sources):
                self.together.Add(source)
            self.together.Compile()

    def matching(self, text: str, alive: int) -> int:
        """Give the rules, of those alive, whose condition this text satisfies.

        Raises:
            RuleFailedError: if a pattern cannot be tried.
        """
        found = self.literals.get(text, 0)
        wanted = alive & self.by_regex & ~found
        if not wanted:
            return found
        if self.together is not None and wanted.bit_count() > _ONE_BY_ONE:
            matched = self.together.Match(text)
            # The empty pattern always matches: without it, the set ran out of memory and said nothing at all.
            if 0 in matched:
                for index in matched:
                    found |= self.regexes[index - 1][0] if index else 0
                return found
        for bits, regex in self.regexes:
            if bits & wanted & ~found:
                try:
                    found |= bits if regex.search(text) else 0
                except Exception as error:
                    raise RuleFailedError(bits & wanted, error) from error
        return found


class NumberIndex:
    """The conditions of many rules on one number.

    Between two of their thresholds all numbers satisfy the same ones, so that these are tried once each.
    """

    def __init__(self, conditions: Sequence[tuple[int, Comparison]]) -> None:
        self.conditioned = 0
        for bit, _ in conditions:
            self.conditioned |= bit
        self.conditions = tuple(conditions)
        self._thresholds = sorted({comparison.number for _, comparison in conditions})
        self._satisfied: dict[tuple[int, bool], int] = {}

    def matching(self, number: int, alive: int) -> int:
        """Give the rules, of those alive, whose condition this number satisfies."""
        place = bisect_left(self._thresholds, number)
        key = place, place < len(self._thresholds) and self._thresholds[place] == number
        found = self._satisfied.get(key)
        if found is None:
            found = 0
            for bit, comparison in self.conditions:
                found |= bit if comparison.holds(number) else 0
            self._satisfied[key] = found
        return found & alive
