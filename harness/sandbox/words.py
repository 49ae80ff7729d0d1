"""Page text made fit to show: no control characters, no direction overrides, no more than so much."""

import unicodedata

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def clean(text: str, length: int, *, lines: bool = False) -> str:
    """Make page text safe for one line, or for several.

    Args:
        text: what the page wrote.
        length: characters at most; the rest is an ellipsis.
        lines: whether newlines stay.
    """
    kept = "".join(
        character
        if unicodedata.category(character) not in _HIDDEN or (lines and character == "\n")
        else " "
        if character in "\t\n\r"
        else ""
        for character in text[: 4 * length]
    ).strip()
    return kept if len(kept) <= length else f"{kept[: length - 1]}…"


def file_name(suggested: str, taken: frozenset[str]) -> str:
    """Choose a file name: one component, plain characters, at most 100, and none that is taken.

    Args:
        suggested: what the page asked for.
        taken: names in use, in lower case.
    """
    last = clean(suggested, 1000).replace("\\", "/").rpartition("/")[2]
    plain = "".join(c if c.isalnum() or c in " ._-()+,=@" else "_" for c in last).strip(" .") or "download"
    stem, dot, suffix = plain.rpartition(".")
    if not dot or not stem or len(suffix) > 16:
        stem, suffix = plain, ""
    stem = stem[:80].rstrip(" .") or "download"
    ending = f".{suffix}" if suffix else ""
    name, number = f"{stem}{ending}", 1
    while name.lower() in taken:
        number += 1
        name = f"{stem} ({number}){ending}"
    return name
