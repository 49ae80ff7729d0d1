import math

import pytest
from harness.errors import InputError
from harness.models.catalogue import ours
from harness.models.images import Claude, Detail, ImageRule, Patches, Smart, Tiles, count, into, seen, smart
from hypothesis import given, settings
from hypothesis import strategies as st

SIDES = st.integers(1, 12_000)
LEVELS = st.sampled_from(["low", "high", "auto", "original"])
RULES = list(
    {facts.image.model_dump_json(): facts.image for facts in ours().models.values() if facts.image}.values()
)


def rule_of(model: str) -> ImageRule:
    rule = ours().find(model).image
    assert rule is not None
    return rule


# https://platform.claude.com/docs/en/build-with-claude/vision and …/vision-coordinates. For 2000x1500 its
# table says 1269 and its own code, which this follows, 1270; the tokens are the same.
@pytest.mark.parametrize(
    ("size", "standard", "high"),
    [
        ((200, 200), ((200, 200), 64), ((200, 200), 64)),
        ((1000, 1000), ((1000, 1000), 1296), ((1000, 1000), 1296)),
        ((1092, 1092), ((1092, 1092), 1521), ((1092, 1092), 1521)),
        ((1920, 1080), ((1456, 819), 1560), ((1920, 1080), 2691)),
        ((2000, 1500), ((1270, 952), 1564), ((2000, 1500), 3888)),
        ((3840, 2160), ((1456, 819), 1560), ((2576, 1449), 4784)),
        ((1075, 1520), ((924, 1307), 1551), ((1075, 1520), 2145)),
    ],
)
def test_anthropics_own_examples(
    size: tuple[int, int], standard: tuple[tuple[int, int], int], high: tuple[tuple[int, int], int]
) -> None:
    for model, (left, tokens) in (("claude-sonnet-4-6", standard), ("claude-opus-4-8", high)):
        assert seen(rule_of(model), *size) == left
        assert count(rule_of(model), *size) == tokens


# https://developers.openai.com/api/docs/guides/images-vision, now and as of gpt-5.5
@pytest.mark.parametrize(
    ("model", "size", "left", "tokens"),
    [
        ("gpt-5.4", (1024, 1024), (1024, 1024), 1229),
        ("gpt-5.4", (2048, 2048), (1600, 1600), 3000),
        ("gpt-4.1-nano", (1024, 1024), (1024, 1024), math.ceil(1024 * 2.46)),
        ("gpt-4.1-nano", (1800, 2400), (1056, 1408), math.ceil(1452 * 2.46)),
        ("o4-mini", (1800, 2400), (1056, 1408), math.ceil(1452 * 1.72)),
        ("gpt-4o", (1024, 1024), (768, 768), 765),
        ("gpt-4o", (2048, 4096), (768, 1536), 1105),
        ("gpt-4.1", (1024, 1024), (768, 768), 765),
    ],
)
def test_openais_own_examples(model: str, size: tuple[int, int], left: tuple[int, int], tokens: int) -> None:
    assert seen(rule_of(model), *size) == left
    assert count(rule_of(model), *size) == tokens


# https://huggingface.co/datasets/JOHNISKING/image-token-cost: somebody's bills, by model and detail
@pytest.mark.parametrize(
    ("size", "gpt_6", "gpt_6_high", "gpt_5_5"),
    [
        ((256, 256), 77, 77, 77),
        ((512, 512), 308, 308, 308),
        ((768, 768), 692, 692, 692),
        ((1024, 1024), 1_229, 1_229, 1_229),
        ((1280, 720), 1_104, 1_104, 1_104),
        ((1920, 1080), 2_448, 2_448, 2_448),
        ((1080, 1920), 2_448, 2_448, 2_448),
        ((2560, 1440), 4_320, 2_931, 4_320),
        ((3840, 2160), 9_792, 2_931, 9_792),
        ((4032, 3024), 14_364, 2_942, 11_868),
    ],
)
def test_what_was_billed_for_pictures_of_gpt_6_and_5_5(
    size: tuple[int, int], gpt_6: int, gpt_6_high: int, gpt_5_5: int
) -> None:
    assert count(rule_of("gpt-6-astra"), *size, "auto") == gpt_6
    assert count(rule_of("gpt-6-astra"), *size, "high") == gpt_6_high
    assert count(rule_of("gpt-5.5"), *size, "auto") == gpt_5_5


# The same bills, less the 65 and 77 tokens of the words around each picture. Above 1920x1080 they differ from
# the vendor's page, for reasons unknown: there they are lower for 5.5 and 32 tokens higher for Haiku 4.5.
@pytest.mark.parametrize(
    ("size", "haiku", "opus"),
    [
        ((256, 256), 165 - 65, 177 - 77),
        ((512, 512), 426 - 65, 438 - 77),
        ((768, 768), 849 - 65, 861 - 77),
        ((1024, 1024), 1_434 - 65, 1_446 - 77),
        ((1280, 720), 1_261 - 65, 1_273 - 77),
        ((1920, 1080), 1_625 - 65, 2_768 - 77),
        ((1080, 1920), 1_625 - 65, 2_768 - 77),
    ],
)
def test_what_was_billed_for_pictures_of_claude(size: tuple[int, int], haiku: int, opus: int) -> None:
    assert count(rule_of("claude-haiku-4-5"), *size) == haiku
    assert count(rule_of("claude-opus-5-5"), *size) == opus


@pytest.mark.parametrize(
    ("model", "size", "detail", "tokens"),
    [
        ("computer-use-preview", (1024, 768), "high", 65 + 129 * 4),
        ("computer-use-preview", (1280, 720), "low", 65),
        ("o3", (1280, 720), "high", 75 + 150 * 6),
        ("gpt-5", (1280, 720), "auto", 70 + 140 * 6),
        ("gpt-4-turbo", (1280, 720), "high", 85 + 170 * 6),
        ("gpt-4o", (512, 512), "high", 255),
        ("gpt-4o", (513, 512), "high", 425),
        ("gpt-4o", (1, 1), "high", 255),
        ("gpt-5.6-sol", (1280, 720), "low", math.ceil(16 * 9 * 1.2)),
        ("gpt-5.4", (1920, 1080), "low", math.ceil(60 * 34 * 1.2)),
        ("gpt-5.2", (2048, 2048), "high", math.ceil(4096 * 1.2)),
        ("gpt-5-mini", (1920, 1080), "high", math.ceil(52 * 29 * 1.2)),
        ("gpt-4.1-mini", (1280, 720), "high", math.ceil(920 * 1.62)),
        # https://ai.google.dev/gemini-api/docs/image-understanding: 960x540 has 3 * 2 tiles
        ("gemini-2.5-pro", (960, 540), "high", 6 * 258),
        ("gemini-2.5-pro", (384, 384), "high", 258),
        ("gemini-2.5-pro", (385, 384), "high", 4 * 258),
        ("gemini-2.5-pro", (1280, 720), "low", 64),
        ("gemini-3.5-flash", (1280, 720), "low", 280),
        ("gemini-3.5-flash", (1280, 720), "high", 1120),
        ("gemini-3.5-flash", (4000, 3000), "auto", 1120),
        ("gemini-3.5-flash", (1280, 720), "original", 2240),
        ("qwen2.5-vl-7b-instruct", (1280, 720), "high", 46 * 26),
        ("qwen3-vl-8b-instruct", (1280, 720), "high", 40 * 22),
        ("ui-tars-1.5-7b", (1920, 1080), "high", 69 * 39),
        ("fara-7b", (1440, 900), "high", 51 * 32),
    ],
)
def test_other_sizes_and_details(model: str, size: tuple[int, int], detail: Detail, tokens: int) -> None:
    assert count(rule_of(model), *size, detail) == tokens


# As qwen_vl_utils.smart_resize gives them
@pytest.mark.parametrize(
    ("model", "size", "left"),
    [
        ("qwen2.5-vl", (1280, 720), (1288, 728)),
        ("qwen2.5-vl", (1920, 1080), (1932, 1092)),
        ("qwen2.5-vl", (10, 10), (56, 56)),
        ("qwen2.5-vl", (8000, 6000), (4116, 3080)),
        ("qwen3-vl", (1280, 720), (1280, 704)),
        ("qwen3-vl", (1920, 1080), (1920, 1088)),
        ("qwen3-vl", (100, 100), (256, 256)),
    ],
)
def test_smart_resize(model: str, size: tuple[int, int], left: tuple[int, int]) -> None:
    assert seen(rule_of(model), *size) == left


def test_what_a_vendor_would_refuse_is_refused_before() -> None:
    with pytest.raises(InputError, match="too oblong: at most 200 to 1"):
        seen(rule_of("qwen3-vl"), 2_010, 10)
    with pytest.raises(InputError, match=r"7952x5304 has 41,334 patches; the model takes 30,000"):
        count(rule_of("gpt-5.6"), 7952, 5304, "original")
    assert count(rule_of("gpt-5.6"), 7952, 5304, "high") <= 3_000
    for model in ("gpt-4o", "gpt-5-mini"):
        with pytest.raises(InputError, match="no detail 'original'; write low, high or auto"):
            count(rule_of(model), 100, 100, "original")


@settings(max_examples=500, deadline=None)
@given(rule=st.sampled_from(RULES), width=SIDES, height=SIDES, detail=LEVELS)
def test_every_rule_counts_every_size(rule: ImageRule, width: int, height: int, detail: Detail) -> None:
    try:
        left, tokens = seen(rule, width, height, detail), count(rule, width, height, detail)
    except InputError:
        refuses = isinstance(rule, Smart) or (isinstance(rule, Patches) and rule.most is not None)
        assert refuses or detail == "original"
        return
    assert tokens >= 1
    assert min(left) >= 1
    if not isinstance(rule, Smart):
        assert left[0] <= width
        assert left[1] <= height
    match rule:
        case Claude():
            assert tokens <= rule.tokens
            assert max(left) <= rule.edge
        case Tiles():
            assert max(left) <= rule.box
            assert min(left) <= rule.short
            assert tokens <= rule.base + 8 * rule.tile
        case Smart():
            assert left[0] % rule.factor == left[1] % rule.factor == 0
            if max(width, height) < 150 * min(width, height):
                assert smart(rule, *left) == left
        case _:
            pass


@given(width=SIDES, height=SIDES, patches=st.sampled_from([256, 1536, 2500, 10_000]))
def test_a_budget_of_patches_is_kept_and_nearly_used(width: int, height: int, patches: int) -> None:
    left = into((width, height), 32, patches)
    used = math.ceil(left[0] / 32) * math.ceil(left[1] / 32)
    assert used <= patches
    assert left[0] <= width
    assert left[1] <= height
    if left != (width, height) and max(width, height) < 4 * min(width, height):
        assert used > 0.8 * patches
        assert abs(left[0] / left[1] - width / height) < 0.05 * width / height


@given(width=st.integers(29, 6000), height=st.integers(29, 6000))
def test_anthropics_size_is_the_largest_of_its_shape(width: int, height: int) -> None:
    rule = rule_of("claude-haiku-4-5")
    assert isinstance(rule, Claude)
    left = seen(rule, width, height)
    if left == (width, height):
        return
    assert seen(rule, *left) == left
    long, short = max(width, height), min(width, height)
    wider = max(left) + 1
    other = max(1, round(wider / (long / short)))
    padded = math.ceil(wider / 28) * 28
    assert padded > rule.edge or math.ceil(wider / 28) * math.ceil(other / 28) > rule.tokens
