"""From text to sentences. A sentence is a verb, quoted texts, and words that say which one is meant.

Quoted texts are taken out first and stand in the patterns below as `Q`, so that nothing inside them is
ever read as grammar.
"""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from harness.errors import ActionError, TaskError
from harness.keys import chord
from harness.models.local.sentences import (
    AskPerson,
    At,
    Browse,
    ClearField,
    ClickOn,
    DragTo,
    Expect,
    Find,
    GoTo,
    HoverOver,
    Kind,
    OpenTab,
    PressKeys,
    ReadBeside,
    ReadTable,
    ReadValue,
    Relation,
    SayAnswer,
    ScrollBy,
    ScrollUntil,
    SelectOption,
    Sentence,
    SetToggle,
    Side,
    SwitchTo,
    TypeInto,
    UploadFiles,
    WaitFor,
    WaitSeconds,
)

_PAIRS = {'"': '"', "'": "'", "“": "”", "‘": "’", "„": "“", "«": "»"}  # noqa: RUF001
_ORDINALS = {
    **{word: place for place, word in enumerate(("first", "second", "third", "fourth", "fifth"), 1)},
    **{word: place for place, word in enumerate(("sixth", "seventh", "eighth", "ninth", "tenth"), 6)},
    "last": -1,
}
_SIDES: dict[str, Side] = {
    "near": "near",
    "next to": "near",
    "beside": "near",
    "below": "below",
    "under": "below",
    "beneath": "below",
    "above": "above",
    "over": "above",
    "right of": "right",
    "to the right of": "right",
    "on the right of": "right",
    "left of": "left",
    "to the left of": "left",
    "on the left of": "left",
    "in the row of": "row",
    "in the same row as": "row",
    "in row": "row",
}
_TIMES = {"once": 1, "twice": 2}

_ORDINAL = r"(?:\d+(?:st|nd|rd|th)|" + "|".join(_ORDINALS) + ")"
_SIDE = "(?:" + "|".join(sorted(_SIDES, key=len, reverse=True)) + ")"
_FIND = (
    rf"(?:(?:the )?(?:{_ORDINAL} )?(?:(?:link|button) )?(?:exactly )?Q"
    rf"|the (?:(?:{_ORDINAL}|only) )?field)(?: {_SIDE} Q)*"
)
_POINT = r"(?:at )?\(?\d+ ?, ?\d+\)?"
_NAME = r"[A-Za-z_][\w-]*"
_NUMBER = r"\d+(?:\.\d+)?"


@dataclass(frozen=True)
class _Found:
    """The named parts of a sentence that fits a pattern."""

    parts: dict[str, str | None]
    quotes: dict[int, str]

    def word(self, name: str) -> str:
        return (self.parts.get(name) or "").lower()

    def raw(self, name: str) -> str:
        return self.parts.get(name) or ""

    def quote(self, name: str) -> str:
        return self.quotes[int((self.parts[name] or "")[1:-1])]

    def all_quotes(self, name: str) -> tuple[str, ...]:
        return tuple(self.quotes[int(number)] for number in re.findall(r"\x02(\d+)\x03", self.raw(name)))

    def number(self, name: str) -> float | None:
        return float(self.raw(name)) if self.parts.get(name) else None

    def find(self, name: str) -> Find:
        text = self.raw(name)
        said = re.search(_ORDINAL, text.split("\x02")[0], re.IGNORECASE)
        ordinal = None
        if said is not None:
            word = said[0].lower()
            ordinal = _ORDINALS[word] if word in _ORDINALS else int(re.sub(r"\D", "", word))
        head = text.split("\x02")[0]
        kind: Kind = "text"
        if re.search(r"\bfield\b", head, re.IGNORECASE):
            kind = "field"
        elif re.search(r"\blink\b", head, re.IGNORECASE):
            kind = "link"
        elif re.search(r"\bbutton\b", head, re.IGNORECASE):
            kind = "button"
        main, *others = ("" if kind == "field" else None, *self.all_quotes(name))
        if main is None:
            main, *others = others
        sides = re.findall(rf"(?<=[\x03d]) ({_SIDE}) \x02", text, re.IGNORECASE)
        return Find(
            main,
            kind=kind,
            exactly=re.search(r"\bexactly\b", text, re.IGNORECASE) is not None,
            ordinal=ordinal,
            relations=tuple(
                Relation(_SIDES[side.lower()], other) for side, other in zip(sides, others, strict=True)
            ),
        )

    def maybe(self, name: str) -> Find | None:
        return self.find(name) if self.parts.get(name) else None

    def place(self, name: str) -> Find | At:
        if "\x02" in self.raw(name) or "field" in self.word(name):
            return self.find(name)
        x, y = re.findall(r"\d+", self.raw(name))
        return At(int(x), int(y))


def _click(found: _Found) -> Sentence:
    match found.word("how").replace(" ", "").replace("-", ""):
        case "double":
            return ClickOn(found.place("place"), count=2)
        case "triple":
            return ClickOn(found.place("place"), count=3)
        case "right":
            return ClickOn(found.place("place"), button="right")
        case "middle":
            return ClickOn(found.place("place"), button="middle")
        case _:
            return ClickOn(found.place("place"))


def _press(found: _Found) -> Sentence:
    keys = found.quote("quoted") if found.parts.get("quoted") else found.raw("keys")
    said = found.word("times")
    times = _TIMES.get(said) or int(re.sub(r"\D", "", said) or 1)
    if not 1 <= times <= 100:
        raise ActionError(f"a key is pressed 1 to 100 times, not {times}")
    return PressKeys(chord(keys.replace(" + ", "+")), times)


def _scroll(found: _Found) -> Sentence:
    over = found.maybe("over")
    unit = found.word("unit")
    amount = found.number("amount")
    way: Literal["up", "down", "left", "right"]
    match found.word("way"):
        case "up":
            way = "up"
        case "left":
            way = "left"
        case "right":
            way = "right"
        case _:
            way = "down"
    if amount is not None and unit.startswith(("px", "pixel")):
        return ScrollBy(way, pixels=int(amount), over=over)
    return ScrollBy(way, pages=amount if amount is not None else 0.8, over=over)


def _browse(found: _Found) -> Sentence:
    match found.word("what"):
        case "back":
            return Browse("back")
        case "forward":
            return Browse("forward")
        case _:
            return Browse("reload")


def _wait(found: _Found) -> Sentence:
    gone = found.word("state") in {"is gone", "disappears", "vanishes", "is not there"}
    seconds = found.number("seconds")
    return WaitFor(found.find("find"), gone=gone, seconds=seconds if seconds is not None else 15.0)


def _beside(found: _Found) -> Sentence:
    match _SIDES[found.word("side")]:
        case "above":
            return ReadBeside("above", found.find("find"), found.raw("name"))
        case "right":
            return ReadBeside("right", found.find("find"), found.raw("name"))
        case "left":
            return ReadBeside("left", found.find("find"), found.raw("name"))
        case _:
            return ReadBeside("below", found.find("find"), found.raw("name"))


@dataclass(frozen=True)
class _Form:
    example: str
    pattern: str
    make: Callable[[_Found], Sentence]


_FORMS: tuple[_Form, ...] = (
    _Form(
        'click "text"',
        rf"(?:(?P<how>double|triple|right|middle|left)[- ]?)?click (?:on )?(?P<place>{_FIND}|{_POINT})",
        _click,
    ),
    _Form("click at 120, 300", rf"click (?P<place>{_POINT})", _click),
    _Form('double-click "text"', rf"(?P<how>double)[- ]click (?:on )?(?P<place>{_FIND})", _click),
    _Form('right-click "text"', rf"(?P<how>right)[- ]click (?:on )?(?P<place>{_FIND})", _click),
    _Form(
        'hover "text"',
        rf"(?:hover(?: over)?|(?:move|point)(?: the mouse)? to) (?P<place>{_FIND}|{_POINT})",
        lambda found: HoverOver(found.place("place")),
    ),
    _Form(
        'type "…" into "label"',
        rf"(?:type|enter|write|fill in) (?P<text>Q) (?:in|into|in the field) (?P<label>{_FIND})",
        lambda found: TypeInto(found.quote("text"), found.find("label")),
    ),
    _Form(
        'type the value of name into "label"',
        rf"type (?:the )?(?:value|text) (?:of|read as) (?P<name>{_NAME})(?: (?:in|into) (?P<label>{_FIND}))?",
        lambda found: TypeInto(found.raw("name"), found.maybe("label"), read=True),
    ),
    _Form('type "…"', r"(?:type|enter|write) (?P<text>Q)", lambda found: TypeInto(found.quote("text"))),
    _Form('clear "label"', rf"clear (?P<label>{_FIND})", lambda found: ClearField(found.find("label"))),
    _Form(
        'select "option" from "label"',
        rf"(?:select|choose|pick) (?P<option>Q) (?:from|in) (?P<label>{_FIND})",
        lambda found: SelectOption(found.quote("option"), found.find("label")),
    ),
    _Form(
        'select "option"',
        r"(?:select|choose|pick) (?P<option>Q)(?: from the (?:menu|list))?",
        lambda found: SelectOption(found.quote("option")),
    ),
    _Form(
        'check "label"', rf"(?:check|tick) (?P<label>{_FIND})", lambda f: SetToggle(f.find("label"), on=True)
    ),
    _Form(
        'uncheck "label"',
        rf"(?:uncheck|untick) (?P<label>{_FIND})",
        lambda found: SetToggle(found.find("label"), on=False),
    ),
    _Form(
        "press Enter",
        r"press (?:(?P<quoted>Q)|(?P<keys>[^\s\x02]+(?: \+ [^\s\x02]+)*))"
        r"(?: (?P<times>once|twice|\d+ times))?",
        _press,
    ),
    _Form(
        'scroll until "text"',
        rf"scroll(?: (?P<way>down|up))?(?: over (?P<over>{_FIND}))? (?:until|to) (?P<find>{_FIND})"
        r"(?: (?:shows|appears|is visible|is shown))?",
        lambda found: ScrollUntil(found.find("find"), found.word("way") == "up", found.maybe("over")),
    ),
    _Form(
        "scroll to the bottom",
        r"scroll to the (?P<end>bottom|top|end)",
        lambda found: PressKeys(("Control", "Home" if found.word("end") == "top" else "End")),
    ),
    _Form(
        "scroll down",
        rf"scroll (?P<way>down|up|left|right)"
        rf"(?: (?:by )?(?P<amount>{_NUMBER}) ?(?P<unit>px|pixels?|pages?|screens?))?"
        rf"(?: (?:over|at) (?P<over>{_FIND}))?",
        _scroll,
    ),
    _Form(
        'drag "a" to "b"',
        rf"drag (?P<start>{_FIND}|{_POINT}) (?:on)?to (?P<end>{_FIND}|{_POINT})",
        lambda found: DragTo(found.place("start"), found.place("end")),
    ),
    _Form(
        "go to https://example.test/",
        r"(?:go to|open|visit|load) (?:(?P<quoted>Q)|(?P<url>[a-zA-Z][\w+.-]*:\S+))",
        lambda found: GoTo(found.quote("quoted") if found.parts.get("quoted") else found.raw("url")),
    ),
    _Form("go back", r"go (?P<what>back|forward)|(?P<reload>reload|refresh)(?: the page)?", _browse),
    _Form("go forward", r"go (?P<what>forward)", _browse),
    _Form("reload", r"(?P<what>reload)", _browse),
    _Form(
        "open a new tab",
        r"open (?:a )?new tab(?: (?:at|with|on) (?:(?P<quoted>Q)|(?P<url>[a-zA-Z][\w+.-]*:\S+)))?",
        lambda found: OpenTab(
            found.quote("quoted") if found.parts.get("quoted") else found.raw("url") or None
        ),
    ),
    _Form(
        "switch to tab 2",
        r"switch to (?:the )?tab (?:(?P<quoted>Q)|(?P<number>\d+))",
        lambda found: SwitchTo(
            found.quote("quoted") if found.parts.get("quoted") else int(found.raw("number"))
        ),
    ),
    _Form("close the tab", r"close (?:the|this) tab", lambda _: Browse("close_tab")),
    _Form(
        'wait until "text" is gone',
        rf"wait until (?P<find>{_FIND})"
        r"(?: (?P<state>is gone|disappears|vanishes|is not there|shows|appears|is visible))?"
        rf"(?:,? (?:for )?(?:up to|at most|for) (?P<seconds>{_NUMBER}) seconds?)?",
        _wait,
    ),
    _Form(
        'wait for "text"',
        rf"wait for (?P<find>{_FIND})(?:,? (?:for )?(?:up to|at most|for) (?P<seconds>{_NUMBER}) seconds?)?",
        _wait,
    ),
    _Form(
        "wait 2 seconds",
        rf"wait (?:for )?(?P<seconds>{_NUMBER}) ?(?:s|seconds?)",
        lambda found: WaitSeconds(min(60.0, found.number("seconds") or 0.0)),
    ),
    _Form(
        'read "label" as name',
        rf"read (?P<find>{_FIND}) as (?P<name>{_NAME})",
        lambda found: ReadValue(found.find("find"), found.raw("name")),
    ),
    _Form(
        'read table below "heading" as name',
        rf"read (?:the )?table (?:below|under) (?P<find>{_FIND}) as (?P<name>{_NAME})",
        lambda found: ReadTable(found.find("find"), found.raw("name")),
    ),
    _Form(
        'read text below "text" as name',
        r"read (?:the )?text (?P<side>below|under|above|(?:to the |on the )?(?:right|left) of) "
        rf"(?P<find>{_FIND}) as (?P<name>{_NAME})",
        _beside,
    ),
    _Form(
        'expect "text"',
        rf"expect (?P<no>no )?(?P<find>{_FIND})",
        lambda found: Expect(found.find("find"), present=not found.parts.get("no")),
    ),
    _Form(
        'expect no "text"',
        rf"expect (?P<no>no )(?P<find>{_FIND})",
        lambda f: Expect(f.find("find"), present=False),
    ),
    _Form(
        'upload "file"',
        r"upload (?P<files>Q(?:(?:,| and|, and) Q)*)",
        lambda found: UploadFiles(found.all_quotes("files")),
    ),
    _Form('answer "…"', r"(?:answer|say) (?P<text>Q)", lambda found: SayAnswer(found.quote("text"))),
    _Form(
        'ask "question" as name',
        rf"ask (?P<text>Q) as (?P<name>{_NAME})",
        lambda found: AskPerson(found.quote("text"), found.raw("name")),
    ),
)


def parse_sentence(text: str) -> Sentence:
    """Read one sentence.

    Raises:
        TaskError: if it is none; the message shows the nearest form.
    """
    plain, quotes = _without_quotes(text)
    for form in _FORMS:
        found = _compiled(form.pattern).fullmatch(plain)
        if found is not None:
            try:
                return form.make(_Found(found.groupdict(), quotes))
            except ActionError as error:
                raise TaskError(f"{text.strip()!r}: {error}") from error
    raise TaskError(
        f"{text.strip()[:200]!r} is not a sentence the local model knows; "
        f"the nearest form is: {_nearest(plain)}"
    )


def parse_goal(goal: str) -> tuple[tuple[str, Sentence], ...]:
    """Read a goal written as sentences: one a line, or divided by a full stop, a semicolon or "then".

    Raises:
        TaskError: if one of them is no sentence; the message names it and shows the nearest form.
    """
    plain, quotes = _without_quotes(goal, keep_lines=True)
    pieces = re.split(r"\n+|\.(?:\s+|$)|;\s*|,? (?:and )?then (?=\w)", plain)
    found = []
    for piece in pieces:
        whole = re.sub(r"\x02(\d+)\x03", lambda mark: _quoted(quotes[int(mark[1])]), piece).strip()
        whole = re.sub(r"^(?:and then|then|and)\b,?\s*", "", whole, flags=re.IGNORECASE)
        if whole:
            found.append((whole, parse_sentence(whole)))
    return tuple(found)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("Q", "\x02\\d+\x03"), re.IGNORECASE)


def _nearest(plain: str) -> str:
    said = re.sub(r"\x02\d+\x03", '"text"', plain).lower()
    examples = [form.example for form in _FORMS]
    verb = said.split(" ", maxsplit=1)[0]
    same = [example for example in examples if example.split(" ", maxsplit=1)[0] == verb]
    near = difflib.get_close_matches(said, same or examples, n=1, cutoff=0.0)
    return near[0]


def _without_quotes(text: str, *, keep_lines: bool = False) -> tuple[str, dict[int, str]]:
    plain: list[str] = []
    quotes: dict[int, str] = {}
    place = 0
    while place < len(text):
        opening = text[place]
        starts = not plain or not (plain[-1].isalnum() or plain[-1] == "\x03")
        end = _closing(text, place) if opening in _PAIRS and starts else None
        if end is None:
            plain.append(" " if opening in "\x02\x03" else opening)
            place += 1
        else:
            quotes[len(quotes)] = re.sub(r"\\(.)", r"\1", text[place + 1 : end], flags=re.DOTALL)
            plain += ["\x02", str(len(quotes) - 1), "\x03"]
            place = end + 1
    joined = "".join(plain).strip()
    if keep_lines:
        return re.sub(r"[^\S\n]+", " ", joined), quotes
    return re.sub(r"\s+", " ", joined).rstrip("."), quotes


def _closing(text: str, start: int) -> int | None:
    closing = _PAIRS[text[start]]
    place = start + 1
    while place < len(text):
        if text[place] == "\\":
            place += 2
            continue
        after = text[place + 1 : place + 2]
        if text[place] == closing and not (closing == "'" and after.isalnum()):
            return place
        place += 1
    return None
