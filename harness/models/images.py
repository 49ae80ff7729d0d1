"""How each vendor sizes a picture and counts its tokens: one rule a class, and no model names.

`seen` is the size that is left after the vendor's own downscaling; `count` is what it is billed as. The
figures of the rules stand in `catalogue.yaml`, with their sources. Read there:

    tiles         https://developers.openai.com/api/docs/guides/images-vision#tile-based-image-tokenization
    patches       https://developers.openai.com/api/docs/guides/images-vision#patch-based-image-tokenization
    claude        https://platform.claude.com/docs/en/build-with-claude/vision-coordinates
    gemini-tiles  https://ai.google.dev/gemini-api/docs/image-understanding (said there to be approximate)
    levels        https://ai.google.dev/gemini-api/docs/media-resolution
    smart         https://github.com/QwenLM/Qwen3-VL/tree/main/qwen-vl-utils (`smart_resize`)
"""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Discriminator, Field, PositiveInt, Tag

from harness.errors import InputError

Detail = Literal["low", "high", "auto", "original"]
"""How closely a picture is looked at. Vendors that have no such choice take them all alike."""

Size = tuple[int, int]
"""Width and height in pixels."""

LARGEST = 1_000_000
"""Pixels of the longest side that is counted at all."""
MOST_OBLONG = 200
"""How many times longer than wide the Qwen family takes a picture."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class _Rule(_Part):
    source: str = ""
    """Where the figures come from: a key of `sources`, or words."""


class Tiles(_Rule):
    """OpenAI's older models: fit the box, bring the short side down, count squares."""

    rule: Literal["tiles"]
    base: PositiveInt
    """Tokens of any picture, and all that one at low detail costs."""
    tile: PositiveInt
    """Tokens of each square."""
    box: PositiveInt = 2048
    """Pixels that no side exceeds."""
    short: PositiveInt = 768
    """Pixels that the shorter side does not exceed."""
    side: PositiveInt = 512
    """Pixels of a square's side."""


class Budget(_Part):
    """What a level of detail leaves of a picture."""

    edge: PositiveInt | None = None
    """Pixels that no side exceeds."""
    patches: PositiveInt | None = None
    """Patches that cover what is left."""


class Patches(_Rule):
    """OpenAI's newer models: cover the picture with patches, times a factor."""

    rule: Literal["patches"]
    factor: Decimal = Field(gt=0, allow_inf_nan=False)
    """Tokens of a patch."""
    low: Budget
    """What `low` leaves."""
    high: Budget
    """What `high` leaves."""
    original: Budget | None = None
    """What `original` leaves; nothing where the model does not take it."""
    auto: Literal["high", "original"] = "high"
    """What `auto` stands for."""
    patch: PositiveInt = 32
    """Pixels of a patch's side."""
    most: PositiveInt | None = None
    """Patches above which the vendor refuses a picture instead of shrinking it."""


class Claude(_Rule):
    """Anthropic: patches within an edge and a budget, the largest size of the same shape that fits both."""

    rule: Literal["claude"]
    edge: PositiveInt
    """Pixels that no side exceeds once padded to whole patches."""
    tokens: PositiveInt
    """Patches, each of them a token."""
    patch: PositiveInt = 28
    """Pixels of a patch's side."""


class GeminiTiles(_Rule):
    """Gemini up to 2.5: one tile, or as many as cover it at two thirds of the shorter side."""

    rule: Literal["gemini-tiles"]
    tile: PositiveInt = 258
    """Tokens of a tile."""
    small: PositiveInt = 384
    """Pixels of a side up to which a picture is one tile."""
    low: PositiveInt
    """Tokens at low media resolution."""


class Levels(_Rule):
    """Gemini from 3 on: so many tokens a picture by media resolution, whatever its size."""

    rule: Literal["levels"]
    low: PositiveInt
    """Tokens at low media resolution."""
    high: PositiveInt
    """Tokens at high media resolution, the default."""
    original: PositiveInt
    """Tokens at ultra high media resolution."""


class Smart(_Rule):
    """The Qwen family: both sides rounded to whole patches, within least and most pixels."""

    rule: Literal["smart"]
    factor: PositiveInt
    """Pixels of a patch's side."""
    least: PositiveInt
    """Pixels below which a picture is enlarged."""
    most: PositiveInt
    """Pixels above which it is shrunk."""


def _tag(value: Any) -> str | None:
    said = value.get("rule") if isinstance(value, dict) else value.rule
    return _TAGS.get(said) if isinstance(said, str) else None


_TAGS = {
    "tiles": "Tiles",
    "patches": "Patches",
    "claude": "Claude",
    "gemini-tiles": "GeminiTiles",
    "levels": "Levels",
    "smart": "Smart",
}
ImageRule = Annotated[
    Annotated[Tiles, Tag("Tiles")]
    | Annotated[Patches, Tag("Patches")]
    | Annotated[Claude, Tag("Claude")]
    | Annotated[GeminiTiles, Tag("GeminiTiles")]
    | Annotated[Levels, Tag("Levels")]
    | Annotated[Smart, Tag("Smart")],
    Discriminator(
        _tag,
        custom_error_type="unknown_rule",
        custom_error_message=f"write 'rule' as one of {', '.join(_TAGS)}",
    ),
]
"""Any rule; in a file, `rule` says which."""


def check(width: object, height: object) -> None:
    """Refuse what is no size of a picture.

    Raises:
        InputError: if a side is not a whole number of pixels from 1 to a million.
    """
    for name, side in (("width", width), ("height", height)):
        if isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= LARGEST:
            raise InputError(
                f"the {name} of a picture is a whole number of pixels from 1 to {LARGEST:,}, not {side!r}"
            )


def seen(rule: ImageRule, width: int, height: int, detail: Detail = "high") -> Size:
    """Say in what size the model sees a picture of `width` by `height` pixels.

    Raises:
        InputError: for a bad size, a detail the rule does not have, or a shape the vendor refuses.
    """
    check(width, height)
    match rule:
        case Tiles():
            _level(rule, detail)
            return _tiled(rule, width, height)
        case Patches():
            return _patched(rule, width, height, detail)
        case Claude():
            return _claude(rule, width, height)
        case GeminiTiles() | Levels():
            return width, height
        case Smart():
            return smart(rule, width, height)
        case _:
            assert_never(rule)


def count(rule: ImageRule, width: int, height: int, detail: Detail = "high") -> int:
    """Count the tokens of a picture of `width` by `height` pixels.

    Raises:
        InputError: for a bad size, a detail the rule does not have, or a picture the vendor refuses.
    """
    size = seen(rule, width, height, detail)
    match rule:
        case Tiles():
            return rule.base if detail == "low" else rule.base + rule.tile * _cover(size, rule.side)
        case Patches():
            patches = _cover(size, rule.patch)
            if rule.most is not None and patches > rule.most:
                raise InputError(
                    f"a picture of {width}x{height} has {patches:,} patches; the model takes {rule.most:,}"
                )
            return math.ceil(patches * rule.factor)
        case Claude():
            return _cover(size, rule.patch)
        case GeminiTiles():
            if detail == "low":
                return rule.low
            if max(size) <= rule.small:
                return rule.tile
            return rule.tile * _cover(size, max(1, min(size) * 2 // 3))
        case Levels():
            return {"low": rule.low, "original": rule.original}.get(detail, rule.high)
        case Smart():
            return _cover(size, rule.factor)
        case _:
            assert_never(rule)


def smart(rule: Smart, width: int, height: int) -> Size:
    """The size the Qwen family makes of a picture: the frame its coordinates are in.

    Raises:
        InputError: if one side is more than two hundred times the other.
    """
    if max(width, height) > MOST_OBLONG * min(width, height):
        raise InputError(f"a picture of {width}x{height} is too oblong: at most {MOST_OBLONG} to 1")
    across, down = (max(rule.factor, round(side / rule.factor) * rule.factor) for side in (width, height))
    if across * down > rule.most:
        scale = math.sqrt(width * height / rule.most)
        across, down = (
            max(rule.factor, math.floor(side / scale / rule.factor) * rule.factor) for side in (width, height)
        )
    elif across * down < rule.least:
        scale = math.sqrt(rule.least / (width * height))
        across, down = (math.ceil(side * scale / rule.factor) * rule.factor for side in (width, height))
    return across, down


def into(size: Size, patch: int, patches: int) -> Size:
    """Shrink a picture until so many patches cover it, by OpenAI's formula; never enlarge it."""
    if _cover(size, patch) <= patches:
        return size
    scale = min(1.0, math.sqrt(patch * patch * patches / (size[0] * size[1])))
    fitted = scale
    for side in size:
        whole = side * scale / patch
        fitted = min(fitted, scale * max(1, math.floor(whole)) / whole)
    across, down = (max(1, math.floor(side * fitted + 1e-6)) for side in size)
    if _cover((across, down), patch) <= patches:
        return across, down
    # Strips thinner than a patch are beyond the formula: there the long side alone pays.
    if across > down:
        return min(across, patches * patch), min(down, patch)
    return min(across, patch), min(down, patches * patch)


def _cover(size: Size, side: int) -> int:
    return -(-size[0] // side) * -(-size[1] // side)


def _level(rule: Tiles | Patches, detail: Detail) -> Detail:
    match rule:
        case Tiles():
            level: Detail = "high" if detail == "auto" else detail
            there = detail != "original"
        case Patches():
            level = rule.auto if detail == "auto" else detail
            there = level != "original" or rule.original is not None
        case _:
            assert_never(rule)
    if not there:
        raise InputError("this model has no detail 'original'; write low, high or auto")
    return level


def _within(size: Size, edge: int) -> tuple[Fraction, Fraction]:
    scale = min(Fraction(1), Fraction(edge, max(size)))
    return size[0] * scale, size[1] * scale


def _tiled(rule: Tiles, width: int, height: int) -> Size:
    across, down = _within((width, height), rule.box)
    scale = min(Fraction(1), rule.short / min(across, down))
    return max(1, math.floor(across * scale)), max(1, math.floor(down * scale))


def _patched(rule: Patches, width: int, height: int, detail: Detail) -> Size:
    level = _level(rule, detail)
    budget = rule.low if level == "low" else rule.original if level == "original" else rule.high
    size = (width, height)
    if budget is not None and budget.edge is not None:
        across, down = _within(size, budget.edge)
        size = (max(1, round(across)), max(1, round(down)))
    if budget is None or budget.patches is None:
        return size
    return into(size, rule.patch, budget.patches)


def _claude(rule: Claude, width: int, height: int) -> Size:
    def fits(size: Size) -> bool:
        padded = max(-(-side // rule.patch) * rule.patch for side in size)
        return padded <= rule.edge and _cover(size, rule.patch) <= rule.tokens

    if fits((width, height)):
        return width, height
    if height > width:
        down, across = _claude(rule, height, width)
        return across, down

    # In floating point and with ties to the even neighbour, as the vendor does it.
    shape = width / height

    def shaped(long: int) -> Size:
        return long, max(1, round(long / shape))

    fitting, over = 1, width
    while fitting + 1 < over:
        middle = (fitting + over) // 2
        if fits(shaped(middle)):
            fitting = middle
        else:
            over = middle
    return shaped(fitting)
