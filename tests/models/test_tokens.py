import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from harness.clearance import Usage
from harness.errors import InputError
from harness.models.catalogue import Catalogue, ModelFacts, Price, Rates, Tier, ours
from harness.models.images import Detail
from harness.models.tokens import cost, estimate, image_tokens, text_tokens
from hypothesis import given
from hypothesis import strategies as st


# Azure's own examples, in its overview of Azure OpenAI under image tokens
@pytest.mark.parametrize(
    ("model", "size", "detail", "tokens"),
    [
        ("gpt-4o", (4096, 8192), "low", 85),
        ("gpt-4o-mini", (4096, 8192), "low", 2833),
        ("gpt-4o", (2048, 4096), "high", 1105),
        ("gpt-4o-mini", (2048, 4096), "high", 36835),
    ],
)
def test_azures_own_examples(model: str, size: tuple[int, int], detail: Detail, tokens: int) -> None:
    assert image_tokens(model, *size, detail) == tokens
    assert image_tokens(f"azure/{model}", *size, detail=detail) == tokens


def test_the_default_is_high_and_auto_is_the_same_for_tiles() -> None:
    assert image_tokens("gpt-4o-2024-08-06", 1280, 720) == image_tokens("gpt-4o", 1280, 720, "auto") == 1105


def test_a_model_without_a_rule_has_no_number_and_not_zero() -> None:
    assert image_tokens("somebodys-model", 1280, 720) is None
    assert image_tokens("gpt-6.2-astra", 1280, 720) is None


@pytest.mark.parametrize(
    ("width", "height"), [(0, 10), (10, -1), (10, 1_000_001), (10.5, 10), (True, 10), ("10", 10), (None, 1)]
)
@pytest.mark.parametrize("model", ["gpt-4o", "unknown"])
def test_a_bad_size_is_refused(model: str, width: Any, height: Any) -> None:
    with pytest.raises(InputError, match="whole number of pixels from 1 to 1,000,000"):
        image_tokens(model, width, height)


def test_a_bad_detail_is_refused() -> None:
    detail: Any = "medium"
    with pytest.raises(InputError, match="low, high, auto or original, not 'medium'"):
        image_tokens("unknown", 10, 10, detail)


def test_a_catalogue_of_ones_own_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text("rules: {mine: {rule: tiles, base: 1, tile: 2}}\nmodels: {mine: {image: mine}}\n")
    assert image_tokens("mine", 512, 512, catalogue=Catalogue.load(overrides=file)) == 3


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("click the button", 2 + 1 + 2),
        ("x = 10\n", 5),
        ("12345", 5),
        ("        return", 2 + 2),
        ("a" * 24, 6),
        ("a1" * 32, 48),
        ("Grüße", 1 + 1 + 1 + 1),
        ("買い物", 6),
        ("🛒", 3),
        ("\ud800", 2),
    ],
)
def test_text_is_estimated(text: str, tokens: int) -> None:
    assert text_tokens(text) == tokens


@given(st.text(), st.text())
def test_the_estimate_of_text_grows_with_it(one: str, other: str) -> None:
    assert text_tokens(one + other) <= text_tokens(one) + text_tokens(other) + 18
    assert text_tokens(one) <= 3 * len(one)
    assert text_tokens(one + "\n" + other) >= text_tokens(one)


def priced(price: Price | None) -> ModelFacts:
    return dataclasses.replace(ours().find("claude-opus-5"), price=price)


def test_each_tier_of_the_cache_has_its_price() -> None:
    facts = ours().find("claude-sonnet-4-6")
    usage = Usage(input_tokens=10_000, cached_tokens=7_000, cache_write_tokens=2_000, output_tokens=500)
    assert cost(facts, usage) == pytest.approx((1_000 * 3 + 7_000 * 0.3 + 2_000 * 3.75 + 500 * 15) / 1e6)
    assert cost(facts, Usage(input_tokens=10_000, output_tokens=500)) == pytest.approx(0.0375)
    assert cost(facts, Usage(input_tokens=0, output_tokens=0)) == 0


@pytest.mark.parametrize(
    ("model", "usage"),
    [
        ("somebodys-model", Usage(input_tokens=5, output_tokens=5)),
        ("ui-tars", Usage(input_tokens=5, output_tokens=5)),
        ("gpt-4o", Usage(input_tokens=5)),
        ("gpt-4o", Usage(output_tokens=5)),
        ("gpt-4-turbo", Usage(input_tokens=5, cached_tokens=1, output_tokens=5)),
        ("gpt-4o", Usage(input_tokens=5, cache_write_tokens=1, output_tokens=5)),
    ],
)
def test_a_cost_with_anything_unknown_in_it_is_unknown(model: str, usage: Usage) -> None:
    assert cost(ours().find(model), usage) is None


def test_a_long_question_costs_its_tier_throughout() -> None:
    facts = ours().find("gpt-5.4")
    assert cost(facts, Usage(input_tokens=272_000, output_tokens=1_000)) == pytest.approx(0.695)
    assert cost(facts, Usage(input_tokens=272_001, output_tokens=1_000)) == pytest.approx(1.382505)


def test_the_highest_tier_that_is_passed_holds() -> None:
    tiers = (Tier(above=10, input=2, output=2), Tier(above=20, input=3, output=3))
    facts = priced(Price(input=1, output=1, tiers=tiers))
    for read, rate in ((10, 1), (11, 2), (20, 2), (21, 3)):
        assert cost(facts, Usage(input_tokens=read, output_tokens=0)) == pytest.approx(read * rate / 1e6)


def test_a_price_that_changes_on_a_day() -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=0)
    soon = priced(Price(input=1, output=1, until=date(2026, 12, 1), then=Rates(input=2, output=2)))
    assert cost(soon, usage) == cost(soon, usage, on=date(2026, 11, 30)) == 1
    assert cost(soon, usage, on=date(2026, 12, 1)) == 2
    ends = priced(Price(input=1, output=1, until=date(2026, 12, 1)))
    assert cost(ends, usage, on=date(2027, 1, 1)) is None


def test_a_cached_part_beside_the_input_never_makes_a_cost_negative() -> None:
    facts = priced(Price(input=100, cached_input=1, output=1))
    assert cost(facts, Usage(input_tokens=10, cached_tokens=1_000_000, output_tokens=0)) == pytest.approx(1.0)


@given(
    read=st.integers(0, 10**6),
    share=st.floats(0, 1),
    written=st.integers(0, 10**5),
    name=st.sampled_from(["claude-opus-5-5", "claude-haiku-5-5", "gpt-6-sol", "gpt-5.6-luna"]),
)
def test_an_estimate_is_no_less_than_any_use_of_the_cache(
    read: int, share: float, written: int, name: str
) -> None:
    facts = ours().find(name)
    most = estimate(facts, read, [], written)
    cached = int(read * share)
    for usage in (
        Usage(input_tokens=read, cached_tokens=cached, output_tokens=written),
        Usage(input_tokens=read, cache_write_tokens=cached, output_tokens=written),
        Usage(input_tokens=read, cached_tokens=cached, cache_write_tokens=read - cached, output_tokens=0),
    ):
        spent = cost(facts, usage)
        assert spent is not None
        assert most.cost_usd is not None
        assert spent <= most.cost_usd + 1e-9


def test_an_estimate_counts_text_and_pictures() -> None:
    found = estimate(ours().find("gpt-4o"), 1_000, [(1280, 720)] * 3, 2_000)
    assert (found.input_tokens, found.output_tokens) == (1_000 + 3 * 1105, 2_000)
    assert found.cost_usd == pytest.approx((4_315 * 2.5 + 20_000) / 1e6)


def test_an_estimate_of_what_is_unknown_is_unknown() -> None:
    unknown = ours().find("somebodys-model")
    assert estimate(unknown, 10, [], 5) == Usage(input_tokens=10, output_tokens=5)
    assert estimate(unknown, 10, [(10, 10)], 5) == Usage(output_tokens=5)
    with pytest.raises(InputError):
        estimate(unknown, 10, [(0, 10)], 5)
