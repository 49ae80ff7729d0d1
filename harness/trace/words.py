"""Says amounts, outcomes and page text in words, with nothing invisible in them."""

import unicodedata

_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0")
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})

OUTCOMES = {
    "done": "Done",
    "failed": "Failed its checks",
    "stopped": "Stopped at a boundary",
    "error": "Ended by an error",
    "interrupted": "Interrupted",
    "unfinished": "Unfinished",
}
"""How a run ended, in words."""


def visible(text: str, *, multiline: bool = False, most: int = 2000) -> str:
    """Give text in which control, direction and invisible characters are seen as `⟨U+202E⟩`.

    Args:
        text: what a page, a model or a person wrote.
        multiline: whether newlines and tabs stay; else they are seen as `⏎` and `⇥`.
        most: characters to keep; how many were left out is said.
    """
    kept = text if len(text) <= most else text[:most]
    if not (kept.isascii() and kept.isprintable()):
        kept = "".join(_seen(kept, place, multiline=multiline) for place in range(len(kept)))
    return kept if len(text) <= most else f"{kept}… and {len(text) - most:,} more characters"


def _seen(text: str, place: int, *, multiline: bool) -> str:
    character = text[place]
    if character in "\n\t":
        return character if multiline else "⏎" if character == "\n" else "⇥"
    if character == "\u200d" and 0 < place < len(text) - 1 and unicodedata.category(text[place + 1]) == "So":
        return character
    if unicodedata.category(character) in _HIDDEN or character in _UNSEEN:
        return f"⟨U+{ord(character):04X}⟩"
    return character


def seconds(amount: float) -> str:
    """Say a duration: `34 ms`, `1.2 s`, `2 min 05 s`."""
    if amount < 0.9995:
        return f"{amount * 1000:.0f} ms"
    if amount < 59.95:
        return f"{amount:.1f} s"
    minutes, rest = divmod(round(amount), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def size(amount: int) -> str:
    """Say an amount of bytes: `512 B`, `12.3 kB`, `4.5 MB`."""
    if amount < 1000:
        return f"{amount} B"
    if amount < 999_950:
        return f"{amount / 1000:.1f} kB"
    return f"{amount / 1_000_000:.1f} MB"


def count(amount: int, one: str, many: str = "") -> str:
    """Say how many: `1 step`, `2 steps`."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"
