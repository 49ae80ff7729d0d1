"""Which text on the screen is meant. A better reading wins; between equal ones nothing is guessed."""

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz

from harness.clearance import Box
from harness.models.local.ocr import Line, Word
from harness.models.local.sentences import Find, Relation

_CONFUSED = str.maketrans("li|!oq“”’", '11110g""\'')  # noqa: RUF001
_EDGES = " .,:;!?*()[]{}<>|\"'`-–—•·›»→"  # noqa: RUF001

WHOLE, WHOLE_ALIKE, WHOLE_FOLDED, PART, PART_FOLDED, WITHIN_WORD, FUZZY_WHOLE, FUZZY_PART = range(8)


@dataclass(frozen=True)
class Match:
    """A place where a text was read."""

    text: str
    """As read."""
    box: Box
    """Where: for a text that wraps, its first part."""
    score: float
    """How alike it is to what was looked for, 0 to 1."""
    level: int
    """How it fits, from `WHOLE` (best) to `FUZZY_PART`."""
    line: Line
    """The line it begins in."""
    after: tuple[Word, ...] = ()
    """The words that follow it in its line."""

    @property
    def centre(self) -> tuple[int, int]:
        """The point to act on, in CSS pixels."""
        return round(self.box.x + self.box.width / 2), round(self.box.y + self.box.height / 2)

    def __str__(self) -> str:
        """Say what was read and where."""
        return f"{self.text!r} at {self.centre[0]}, {self.centre[1]}"


@dataclass(frozen=True)
class Missing:
    """A text that was not read."""

    text: str
    """What was looked for, or why its place does not exist."""
    nearest: tuple[str, ...]
    """What was read instead, most alike first."""


@dataclass(frozen=True)
class Ambiguous:
    """A text that was read in several places, none of them better."""

    text: str
    """What was looked for."""
    places: tuple[Match, ...]
    """Where it was read, in reading order."""


def resolve(
    lines: Sequence[Line], find: Find, accept: Callable[[Match], bool] = lambda _: True
) -> Match | Missing | Ambiguous:
    """Find the one place that a sentence means, among those that `accept` takes."""
    found = [match for match in matches(lines, find.text, exactly=find.exactly) if accept(match)]
    return choose(lines, find, found)


def choose(lines: Sequence[Line], find: Find, found: Sequence[Match]) -> Match | Missing | Ambiguous:
    """Take the one place that a sentence means, by how well it fits, where it stands and which in order."""
    anchors: list[tuple[Relation, Match]] = []
    for relation in find.relations:
        anchor = _best(matches(lines, relation.text))
        if not anchor:
            return Missing(relation.text, nearest(lines, relation.text))
        if len(anchor) > 1:
            return Ambiguous(relation.text, tuple(anchor))
        anchors.append((relation, anchor[0]))
        found = [
            match
            for match in found
            if match.box != anchor[0].box and _stands(match.box, relation, anchor[0].box)
        ]
    best = _best(found)
    if not best:
        return Missing(_name(find), nearest(lines, find.text))
    if find.ordinal is not None:
        place = find.ordinal - 1 if find.ordinal > 0 else len(best) + find.ordinal
        if 0 <= place < len(best):
            return best[place]
        return Missing(f"{find} (there are {len(best)})", tuple(str(match) for match in best[:5]))
    for relation, anchor_match in anchors:
        if len(best) > 1 and relation.side != "row":
            far = {id(match): _distance(match.box, relation, anchor_match.box) for match in best}
            least = min(far.values()) + 3
            best = [match for match in best if far[id(match)] <= least]
    if len(best) > 1:
        return Ambiguous(_name(find), tuple(sorted(best, key=lambda match: (match.box.y, match.box.x))))
    return best[0]


def matches(lines: Sequence[Line], text: str, *, exactly: bool = False) -> list[Match]:
    """Find every place where a text may be meant, in reading order, one for each place."""
    wanted = " ".join(text.split())
    if not wanted:
        return []
    found: list[Match] = []
    for line in lines:
        whole = _whole(line, wanted)
        if whole is not None:
            found.append(whole)
        if not exactly and (whole is None or whole.level > PART_FOLDED):
            found += _parts(line, line.words, wanted)
    if not exactly and " " in wanted:
        for line, below in _wrapped(lines):
            found += [
                match
                for match in _parts(line, (*line.words, *below.words), wanted)
                if len(match.after) < len(below.words) and match.box.y == line.box.y
            ]
    if exactly:
        return [match for match in found if match.level <= WHOLE_ALIKE]
    return _one_for_each_place(found)


def nearest(lines: Sequence[Line], text: str, count: int = 5) -> tuple[str, ...]:
    """Give the texts on the screen that are most alike."""
    wanted = _folded(text)
    ranked = sorted(lines, key=lambda line: -fuzz.ratio(wanted, _folded(line.text)))
    return tuple(dict.fromkeys(line.text[:80] for line in ranked[: count * 2]))[:count]


def gap(one: Box, other: Box) -> float:
    """Pixels between two boxes; 0 if they touch."""
    across = max(0.0, other.x - one.x - one.width, one.x - other.x - other.width)
    down = max(0.0, other.y - one.y - one.height, one.y - other.y - other.height)
    return math.hypot(across, down)


def same_row(one: Box, other: Box) -> bool:
    """Whether two boxes stand side by side: half of the lower one's height is shared."""
    shared = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return shared >= 0.5 * min(one.height, other.height)


def _name(find: Find) -> str:
    return find.text if find.kind == "text" else str(replace(find, ordinal=None, relations=()))


def _distance(box: Box, relation: Relation, anchor: Box) -> float:
    # People say "near" of what stands in the same row, however far the row reaches.
    return 0.5 * gap(box, anchor) if relation.side == "near" and same_row(box, anchor) else gap(box, anchor)


def _stands(box: Box, relation: Relation, anchor: Box) -> bool:
    match relation.side:
        case "near":
            return True
        case "below":
            return box.y >= anchor.y + anchor.height - 3
        case "above":
            return box.y + box.height <= anchor.y + 3
        case "right":
            return same_row(box, anchor) and box.x >= anchor.x + anchor.width - 3
        case "left":
            return same_row(box, anchor) and box.x + box.width <= anchor.x + 3
        case "row":
            return same_row(box, anchor)


def _best(found: Sequence[Match]) -> list[Match]:
    if not found:
        return []
    level = min(match.level for match in found)
    best = [match for match in found if match.level == level]
    if level >= FUZZY_WHOLE:
        likest = max(match.score for match in best)
        best = [match for match in best if match.score >= likest - 0.03]
    return best


def _whole(line: Line, wanted: str) -> Match | None:
    if line.text == wanted:
        level, score = WHOLE, 1.0
    elif _alike(line.text) == _alike(wanted):
        level, score = WHOLE_ALIKE, 0.99
    elif _folded(line.text) == _folded(wanted):
        level, score = WHOLE_FOLDED, 0.98
    else:
        likeness = _likeness(wanted, line.text)
        if likeness is None:
            return None
        level, score = FUZZY_WHOLE, likeness
    return Match(line.text, line.box, score, level, line)


def _parts(line: Line, words: tuple[Word, ...], wanted: str) -> list[Match]:
    aim, plain = _folded(wanted), _stripped(wanted)
    count = len(wanted.split())
    found = []
    for first in range(len(words)):
        for last in range(first, min(len(words), first + count + 2)):
            window = words[first : last + 1]
            text = " ".join(word.text for word in window)
            folded = _folded(text)
            if not folded or len(folded) > 1.5 * len(aim) + 2:
                continue
            if folded == aim:
                level, score = (PART, 1.0) if _stripped(text) == plain else (PART_FOLDED, 0.98)
            else:
                likeness = _likeness(wanted, text)
                if likeness is None:
                    continue
                level, score = FUZZY_PART, likeness
            found.append(Match(text, _around(window), score, level, line, words[last + 1 :]))
    if not found and len(aim) >= 3:
        found = [match for word in words if (match := _inside(line, words, word, wanted)) is not None]
    return found


def _inside(line: Line, words: tuple[Word, ...], word: Word, wanted: str) -> Match | None:
    for hit in re.finditer(re.escape(wanted), word.text):
        before, after = word.text[: hit.start()], word.text[hit.end() :]
        starts = not before or not before[-1].isalnum() or (before[-1].islower() and wanted[0].isupper())
        ends = not after or not after[0].isalnum() or (wanted[-1].islower() and after[0].isupper())
        if starts and ends:
            step = word.box.width / len(word.text)
            box = Box(
                x=word.box.x + step * hit.start(),
                y=word.box.y,
                width=step * len(wanted),
                height=word.box.height,
            )
            rest = words[words.index(word) + 1 :]
            return Match(wanted, box, 0.95, WITHIN_WORD, line, rest)
    return None


def _wrapped(lines: Sequence[Line]) -> list[tuple[Line, Line]]:
    pairs = []
    for line in lines:
        box = line.box
        for below in lines:
            if below is line:
                continue
            down = below.box.y - box.y - box.height
            beside = below.box.x < box.x + box.width and below.box.x + below.box.width > box.x
            if (
                -0.4 * box.height <= down < 1.3 * box.height
                and beside
                and below.box.x < box.x + 2 * box.height
            ):
                pairs.append((line, below))
    return pairs


def _one_for_each_place(found: Sequence[Match]) -> list[Match]:
    kept: list[Match] = []
    for match in sorted(found, key=lambda one: (one.level, -one.score, len(one.text))):
        if all(gap(match.box, other.box) > 0 for other in kept):
            kept.append(match)
    return sorted(kept, key=lambda one: (round(one.box.y / 8), one.box.x))


def _around(words: Sequence[Word]) -> Box:
    first = words[0].box
    beside = [word.box for word in words if word.box.y == first.y]
    right = max(box.x + box.width for box in beside)
    return Box(x=first.x, y=first.y, width=max(1.0, right - first.x), height=first.height)


def _stripped(text: str) -> str:
    return text.strip(_EDGES) or text


def _alike(text: str) -> str:
    return re.sub(r"\s+", "", text).replace("I", "l").replace("|", "l").replace("1", "l").replace("0", "O")


def _folded(text: str) -> str:
    # Accents are lost or invented where letters are small.
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    plain = re.sub(r"\s+", "", plain.strip(_EDGES) or plain)
    return plain.replace("rn", "m").replace("vv", "w").translate(_CONFUSED)


def _likeness(wanted: str, text: str) -> float | None:
    one, other = _folded(wanted), _folded(text)
    if len(one) < 4 or re.findall(r"\d", wanted) != re.findall(r"\d", text):
        return None
    least = 80.0 if len(one) <= 5 else 85.0
    ratio = fuzz.ratio(one, other, score_cutoff=least)
    return ratio / 100 if ratio else None
