import re
from datetime import date
from pathlib import Path

import pytest
from harness.errors import InputError
from harness.models.catalogue import OURS, Catalogue, CatalogueFile, Place, ours
from harness.models.images import Tiles
from harness.yamlfile import read_yaml

KNOWN = CatalogueFile.model_validate(read_yaml(OURS, InputError)[0])


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("gpt-4o", "gpt-4o"),
        ("GPT-4o", "gpt-4o"),
        (" gpt-4o ", "gpt-4o"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("azure/gpt-4.1-mini", "gpt-4.1-mini"),
        ("gpt-4-turbo-2024-04-09", "gpt-4-turbo"),
        ("gpt-4-vision-preview", "gpt-4-turbo"),
        ("gpt-5.6", "gpt-5.6-sol"),
        ("gpt-5.6-sol-2026-07-09", "gpt-5.6-sol"),
        ("gpt-5-pro-2025-10-06", "gpt-5-pro"),
        ("computer-use-preview-2025-03-11", "computer-use-preview"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("claude-opus-4-8@default", "claude-opus-4-8"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
        ("anthropic.claude-haiku-4-5-20251001-v1:0:200k", "claude-haiku-4-5"),
        ("arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-opus-5-5", "claude-opus-5-5"),
        ("models/gemini-3.8-flash", "gemini-3.8-flash"),
        ("gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash"),
        ("gemini-2.5-computer-use-preview-10-2025", "gemini-2.5-computer-use-preview-10-2025"),
        ("gemini-3-flash-preview", "gemini-3-flash-preview"),
        ("Qwen/Qwen2.5-VL-72B-Instruct", "qwen2.5-vl"),
        ("qwen2.5vl:7b", "qwen2.5-vl"),
        ("Qwen/Qwen3-VL-30B-A3B-Instruct", "qwen3-vl"),
        ("ByteDance-Seed/UI-TARS-1.5-7B", "ui-tars"),
        ("microsoft/Fara-7B", "fara-7b"),
    ],
)
def test_a_model_is_found_by_any_of_its_names(asked: str, name: str) -> None:
    found = ours().find(asked)
    assert found.known
    assert found.name == name


@pytest.mark.parametrize(
    "asked",
    [
        "gpt-4o-audio-preview",
        "gpt-4o-mini-tts",
        "gpt-5.7",
        "gpt-50",
        "claude-sonnet-4-9",
        "claude-opus-5-5-fast",
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
        "ft:gpt-4o-2024-08-06:me::1",
        "qwen2.5-vlx",
        "my-deployment",
        "",
    ],
)
def test_another_model_is_unknown_and_so_is_all_of_it(asked: str) -> None:
    found = ours().find(asked)
    assert not found.known
    assert found.name == asked
    assert (found.price, found.image, found.context, found.output, found.speaks) == (None,) * 5


def test_every_figure_has_a_source_and_every_source_a_date() -> None:
    for name, entry in KNOWN.models.items():
        assert entry.source in KNOWN.sources, name
        assert entry.price is None or entry.price.source in KNOWN.sources, name
        assert entry.vendor is not None, name
        assert entry.image is None or KNOWN.rules[entry.image].source in KNOWN.sources, name
        assert name == name.lower()
    for rule in KNOWN.rules.values():
        assert rule.source in KNOWN.sources
    assert set(KNOWN.rules) == {entry.image for entry in KNOWN.models.values()} - {None}
    for source in KNOWN.sources.values():
        assert source.url.startswith("https://")
        assert source.read >= date(2026, 11, 21)
    assert re.fullmatch(r"https://\S+, \d{4}-\d{2}-\d{2}", ours().find("gpt-4o").source)


def test_no_price_of_ours_is_zero_and_reading_the_cache_is_cheaper() -> None:
    for name, entry in KNOWN.models.items():
        if entry.price is None:
            continue
        for rates in (entry.price, *entry.price.tiers):
            assert 0 < rates.input < rates.output, name
            assert rates.cached_input is None or 0 < rates.cached_input <= rates.input / 2, name
            assert rates.cache_write is None or rates.cache_write == pytest.approx(1.25 * rates.input), name
        for tier in entry.price.tiers:
            assert tier.input > entry.price.input, name


@pytest.mark.parametrize(
    ("asked", "place", "speaks"),
    [
        ("claude-haiku-4-5", "api", "computer_20250124"),
        ("claude-opus-4-7", "bedrock", "computer_20251124"),
        ("claude-opus-5-5", "api", "computer_toolset_20260801"),
        ("claude-opus-5-5", "vertex", "computer_toolset_20260801"),
        ("us.anthropic.claude-opus-5-5", "bedrock", "computer_20251124"),
        ("claude-sonnet-5-5", "foundry", "computer_20251124"),
        ("gpt-4o", "azure", "functions"),
        ("gpt-5.4-nano", "api", "functions"),
        ("gpt-5.4", "api", "computer"),
        ("gemini-3.1-pro-preview", "api", "gemini_legacy"),
        ("gemini-3.5-flash", "vertex", "gemini_current"),
        ("unheard-of", "api", None),
    ],
)
def test_how_a_model_is_driven_depends_on_where(asked: str, place: Place, speaks: str | None) -> None:
    assert ours().find(asked).spoken(place) == speaks


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("claude-sonnet-4-5", 3.0),
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", 3.0),
        ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", 3.3),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", 3.3),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", 15.0),
        ("us-gov.anthropic.claude-sonnet-5", None),
    ],
)
def test_bedrock_asks_more_for_a_region(asked: str, read: float | None) -> None:
    price = ours().find(asked).price
    assert (price and price.input) == read


def test_a_regional_price_is_dearer_in_every_tier() -> None:
    price = ours().find("us.anthropic.claude-haiku-5-5").price
    assert price is not None
    assert (price.input, price.cached_input, price.cache_write, price.output) == (0.11, 0.011, 0.1375, 0.55)
    assert [(tier.above, tier.input, tier.output) for tier in price.tiers] == [(100_000, 0.55, 2.75)]


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "models.yaml"
    file.write_text(text)
    return file


def test_the_users_file_changes_what_it_says_and_adds_what_is_new(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "rules: {mine: {rule: tiles, base: 10, tile: 20}}\n"
        "models:\n"
        "  gpt-4o: {price: {input: 9, output: 99, source: our contract}}\n"
        "  house-model: {aliases: [house], image: mine, price: {input: 0, output: 0}, source: ours}\n"
        "  gpt-5.6: {vendor: other}\n",
    )
    mine, theirs = Catalogue.load(overrides=file), ours().find("gpt-4o")
    found = mine.find("gpt-4o-2024-11-20")
    assert found.price is not None
    assert (found.price.input, found.price.output, found.price.cached_input) == (9, 99, None)
    assert (found.image, found.context) == (theirs.image, theirs.context)
    house = mine.find("house")
    assert house.image == Tiles(rule="tiles", base=10, tile=20)
    assert house.price is not None
    assert house.price.output == 0
    assert house.source == "ours"
    assert mine.find("gpt-5.6").vendor == "other"
    assert mine.find("gpt-5.6-sol").vendor == "openai"
    assert theirs.price != found.price


def test_a_file_of_ones_own_can_stand_alone(tmp_path: Path) -> None:
    alone = Catalogue.load(written(tmp_path, "models: {one: {context: 5}}\n"))
    assert alone.find("one").context == 5
    assert not alone.find("gpt-4o").known


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("models:\n  m: {prize: 3}\n", ":2:7: unknown key 'models.m.prize'; did you mean 'price'?"),
        ("models:\n  m:\n    price: {input: -1, output: 2}\n", ":3:13: models.m.price.input: "),
        ("models:\n  m:\n    price: {input: 1}\n", ":3:5: 'models.m.price.output' is missing"),
        ("models:\n  m:\n    price: {input: .nan, output: 2}\n", ":3:13: models.m.price.input: "),
        ("models:\n  m:\n    image: tiles-9\n", ":3:5: models.m: there is no rule 'tiles-9'; the rules are "),
        ("models:\n  m:\n    aliases: [gpt-4o]\n", ":3:5: models.m: 'gpt-4o' already means another model"),
        ("models:\n  a: {aliases: [x]}\n  b: {aliases: [x]}\n", ":3:7: models.b: 'x' already means another"),
        ("models:\n  m: {speaks: french}\n", ":2:7: models.m.speaks: "),
        ("rules:\n  r:\n    rule: circles\n", ":2:3: rules.r: write 'rule' as one of tiles, patches, claude"),
        ("rules:\n  r:\n    rule: tiles\n    base: few\n    tile: 1\n", ":4:5: rules.r.base: write a whole"),
        (
            "models:\n  m:\n    price: {input: 1, output: 2, then: {input: 1, output: 2}}\n",
            "'then' needs 'until'",
        ),
        ("models: [a]\n", ":1:1: models: write a mapping"),
        ("", ":1:1: the file must be a mapping"),
    ],
)
def test_a_mistake_is_shown_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(InputError) as raised:
        Catalogue.load(overrides=file)
    assert str(raised.value).startswith(f"{file}:")
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        Catalogue.load(overrides=tmp_path / "none.yaml")


def test_tiers_out_of_order_are_refused(tmp_path: Path) -> None:
    tiers = "[{above: 20, input: 2, output: 2}, {above: 10, input: 3, output: 3}]"
    file = written(tmp_path, f"models:\n  m:\n    price: {{input: 1, output: 1, tiers: {tiers}}}\n")
    with pytest.raises(InputError, match="write tiers from the shortest question to the longest"):
        Catalogue.load(overrides=file)
