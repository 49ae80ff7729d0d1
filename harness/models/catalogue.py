"""What is known of each model: how it is driven, how it counts pictures, what it takes and what it costs.

The figures stand in `catalogue.yaml` with their dates and sources; a file of the user's, of the same shape,
is laid over it. What nobody published is nothing here, and never zero.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from harness.errors import InputError
from harness.models.images import ImageRule
from harness.yamlfile import Marks, explain, read_yaml

OURS = Path(__file__).with_name("catalogue.yaml")
"""The catalogue that ships with the harness."""

Vendor = Literal["openai", "anthropic", "google", "alibaba", "bytedance", "microsoft", "other"]
Place = Literal["api", "azure", "bedrock", "vertex", "foundry"]
"""Where a model is hosted: its vendor's own API, or somebody's cloud."""

Speaks = Literal[
    "functions",
    "json",
    "computer",
    "computer_use_preview",
    "computer_20250124",
    "computer_20251124",
    "computer_toolset_20260801",
    "gemini_current",
    "gemini_legacy",
    "ui-tars",
    "qwen-vl",
    "qwen3-vl",
    "fara",
    "fara-next",
]
"""How a model is driven: its vendor's computer tool, its own text format, or our actions as plain functions,
or as JSON where it has no functions."""

Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Rates(_Part):
    """US dollars per million tokens."""

    input: Dollars
    """Tokens read, neither from the cache nor into it."""
    cached_input: Dollars | None = None
    """Tokens read from the cache; nothing where unknown."""
    cache_write: Dollars | None = None
    """Tokens read and written to the cache for its shortest life; nothing where unknown."""
    output: Dollars
    """Tokens written, thinking among them."""

    def times(self, factor: float) -> "Rates":
        """These rates, so many times as dear."""
        said = self.model_dump(include=set(Rates.model_fields), exclude_none=True)
        return Rates(**{name: round(value * factor, 9) for name, value in said.items()})


class Tier(Rates):
    """What every token of a long question costs."""

    above: PositiveInt
    """Tokens read above which this holds."""


class Price(Rates):
    """What a model costs; without a tier or a date, always the same."""

    tiers: tuple[Tier, ...] = ()
    """For long questions, from the shortest to the longest."""
    until: date | None = None
    """The first day on which these rates no longer hold."""
    then: Rates | None = None
    """What holds from that day on; nothing if nobody has said."""
    source: str = ""
    """Where the rates come from: a key of `sources`, or words."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if [tier.above for tier in self.tiers] != sorted({tier.above for tier in self.tiers}):
            raise ValueError("write tiers from the shortest question to the longest, each once")
        if self.then is not None and self.until is None:
            raise ValueError("'then' needs 'until', the day from which it holds")
        return self

    def scaled(self, factor: float) -> "Price":
        """This price, so many times as dear."""
        return Price(
            **self.times(factor).model_dump(exclude_none=True),
            tiers=tuple(
                Tier(**tier.times(factor).model_dump(exclude_none=True), above=tier.above)
                for tier in self.tiers
            ),
            until=self.until,
            then=self.then and self.then.times(factor),
            source=self.source,
        )


class Entry(_Part):
    """One model, as a catalogue file has it under its name."""

    aliases: tuple[str, ...] = ()
    """Other names for the same model at the same price."""
    family: bool = False
    """Whether names that go on after this one, such as `-7b-instruct`, mean it too."""
    vendor: Vendor | None = None
    """Who made it."""
    speaks: Speaks | None = None
    """How it is driven."""
    speaks_on: dict[Place, Speaks] = Field(default_factory=dict)
    """How it is driven where that is another way."""
    image: str | None = None
    """How it counts pictures: a key of `rules`."""
    context: PositiveInt | None = None
    """Tokens of its context window."""
    output: PositiveInt | None = None
    """Most tokens of one answer."""
    thinks: bool | None = None
    """Whether it writes thinking tokens, which count as output."""
    body: PositiveInt | None = None
    """Most bytes of one request."""
    images: PositiveInt | None = None
    """Most pictures of one request."""
    price: Price | None = None
    """What it costs."""
    regional: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0
    """How many times as dear it is where a Bedrock id asks for a region."""
    source: str = ""
    """Where the rest comes from: a key of `sources`, or words."""


class Source(_Part):
    """Where figures were read."""

    url: str
    """The page, file or package."""
    read: date
    """The day it was read, or was last brought up to date if that is known."""
    note: str = ""
    """What to know about it."""


class CatalogueFile(_Part):
    """A catalogue file, ours or the user's."""

    sources: dict[str, Source] = Field(default_factory=dict)
    """Pages that entries name."""
    rules: dict[str, ImageRule] = Field(default_factory=dict)
    """Ways to count pictures that entries name."""
    models: dict[str, Entry] = Field(default_factory=dict)
    """The models by name."""


@dataclass(frozen=True)
class ModelFacts:
    """What is known of one model. Nothing means unknown, which is not zero."""

    name: str
    """The catalogue's name for it, or the name asked for."""
    known: bool = False
    """Whether the catalogue has it."""
    vendor: Vendor | None = None
    """Who made it."""
    speaks: Speaks | None = None
    """How it is driven at its vendor's."""
    speaks_on: Mapping[Place, Speaks] = field(default_factory=dict)
    """How it is driven where that is another way."""
    image: ImageRule | None = None
    """How it sizes and counts pictures."""
    context: int | None = None
    """Tokens of its context window."""
    output: int | None = None
    """Most tokens of one answer."""
    thinks: bool | None = None
    """Whether it writes thinking tokens."""
    body: int | None = None
    """Most bytes of one request."""
    images: int | None = None
    """Most pictures of one request."""
    price: Price | None = None
    """What it costs."""
    source: str = ""
    """Where the facts were read, and when."""

    def spoken(self, place: Place = "api") -> Speaks | None:
        """How it is driven at a place; nothing if unknown."""
        return self.speaks_on.get(place, self.speaks)


_BEDROCK = re.compile(r"(?:(us-gov|us|eu|apac|au|jp|ca|global)\.)?anthropic\.(.+)")
_DATED = re.compile(
    r"(?:[-@](?:\d{3,4}|\d{8}|\d{4}-\d{2}-\d{2}|latest|default|preview(?:-\d{2}-\d{2,4})?|v\d+))*(?::\d+k?)*"
)


@dataclass(frozen=True)
class Catalogue:
    """Every model that is known, by name."""

    models: Mapping[str, ModelFacts]
    """The facts by the catalogue's own names."""
    _names: Mapping[str, str]
    _families: frozenset[str]
    _regional: Mapping[str, float]

    @classmethod
    def load(cls, path: Path | None = None, overrides: Path | None = None) -> "Catalogue":
        """Read a catalogue file, ours if none is named, and lay the user's over it.

        An entry of the user's changes what it says of a model and leaves the rest; `price` is replaced whole.

        Raises:
            InputError: with the file, line and column, if a file cannot be read or meant.
        """
        ours, our_marks = _read(path or OURS)
        if overrides is None:
            return _build(ours, {}, path or OURS, our_marks)
        theirs, marks = _read(overrides)
        models = dict(ours.models)
        for name, entry in theirs.models.items():
            told = {field: entry.__dict__[field] for field in entry.model_fields_set}
            models[name] = models.get(name, Entry()).model_copy(update=told)
        merged = CatalogueFile(
            sources=ours.sources | theirs.sources, rules=ours.rules | theirs.rules, models=models
        )
        return _build(merged, theirs.models, overrides, marks)

    def find(self, name: str) -> ModelFacts:
        """Give what is known of a model by any of its names.

        Its catalogue name, an alias, either with a date or version behind (`gpt-4o-2024-08-06`), Bedrock's
        and Vertex's forms of it, with or without what stands before a slash. The longest name that fits wins;
        a name with anything else behind it is another model, and unknown.
        """
        bare = name.strip().lower().rpartition("/")[2]
        bedrock = _BEDROCK.fullmatch(bare)
        found = self._name(bedrock[2] if bedrock else bare)
        if found is None:
            return ModelFacts(name=name)
        facts = self.models[found]
        if not bedrock or bedrock[1] == "global" or facts.price is None:
            return facts
        factor = self._regional.get(found, 1.0)
        price = None if bedrock[1] == "us-gov" else facts.price.scaled(factor)
        return ModelFacts(**(facts.__dict__ | {"price": price}))

    def _name(self, asked: str) -> str | None:
        if asked in self._names:
            return self._names[asked]
        for known in sorted(self._names, key=len, reverse=True):
            if asked.startswith(known):
                rest, canonical = asked[len(known) :], self._names[known]
                if _DATED.fullmatch(rest) or (canonical in self._families and not rest[0].isalnum()):
                    return canonical
        return None


@cache
def ours() -> Catalogue:
    """Our own catalogue, read once."""
    return Catalogue.load()


def _read(file: Path) -> tuple[CatalogueFile, Marks]:
    data, marks = read_yaml(file, InputError)
    try:
        return CatalogueFile.model_validate(data), marks
    except ValidationError as error:
        raise InputError(explain(error, file, marks, CatalogueFile)) from error


def _build(data: CatalogueFile, told: Mapping[str, Entry], file: Path, marks: Marks) -> Catalogue:
    def wrong(name: str, field: str, why: str) -> InputError:
        line, column = marks.get(("models", name, field)) or marks.get(("models", name)) or (1, 1)
        return InputError(f"{file}:{line}:{column}: models.{name}: {why}")

    names: dict[str, str] = {}
    for name, entry in sorted(data.models.items(), key=lambda one: one[0] not in told):
        for known in (name, *entry.aliases):
            other = names.setdefault(known.lower(), name)
            yields = other in told and name not in told and known != name
            if other != name and not yields:
                blamed = name if name in told or other not in told else other
                raise wrong(blamed, "aliases", f"{known!r} already means another model")
    models: dict[str, ModelFacts] = {}
    for name, entry in data.models.items():
        if entry.image is not None and entry.image not in data.rules:
            there = ", ".join(sorted(data.rules))
            raise wrong(name, "image", f"there is no rule {entry.image!r}; the rules are {there}")
        source = data.sources.get(entry.source)
        models[name] = ModelFacts(
            name=name,
            known=True,
            vendor=entry.vendor,
            speaks=entry.speaks,
            speaks_on=MappingProxyType(dict(entry.speaks_on)),
            image=None if entry.image is None else data.rules[entry.image],
            context=entry.context,
            output=entry.output,
            thinks=entry.thinks,
            body=entry.body,
            images=entry.images,
            price=entry.price,
            source=f"{source.url}, {source.read}" if source else entry.source,
        )
    return Catalogue(
        models=MappingProxyType(models),
        _names=MappingProxyType(names),
        _families=frozenset(name for name, entry in data.models.items() if entry.family),
        _regional=MappingProxyType({name: entry.regional for name, entry in data.models.items()}),
    )
