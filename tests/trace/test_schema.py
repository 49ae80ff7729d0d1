"""The published schema is the one that is written by, and says what lines look like."""

import json
from pathlib import Path
from typing import Any

import pytest
from harness.trace.events import SCHEMA
from harness.trace.schema import line_schema
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def validator() -> Any:
    found = line_schema()
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


def test_the_published_schema_is_current() -> None:
    published = (ROOT / "docs" / "trace.schema.json").read_text()
    assert json.loads(published) == line_schema(), "harness trace schema > docs/trace.schema.json"
    assert json.loads(published)["title"].endswith(f"schema {SCHEMA}")


def test_every_line_that_is_written_is_of_the_schema(validator: Any, run: Path) -> None:
    raw = (run / "events.jsonl").read_text().splitlines()
    assert len(raw) > 30
    for line in raw:
        validator.validate(json.loads(line))


@pytest.mark.parametrize(
    "folder", sorted((ROOT / "traces" / "examples").glob("*/")), ids=lambda one: one.name
)
def test_every_line_of_the_examples_is_of_the_schema(validator: Any, folder: Path) -> None:
    for line in (folder / "events.jsonl").read_text().splitlines():
        validator.validate(json.loads(line))


def test_every_member_says_what_it_is(validator: Any) -> None:
    parts = validator.schema["$defs"]
    without = [
        f"{name}.{member}"
        for name, part in parts.items()
        for member, said in part.get("properties", {}).items()
        if "description" not in said and "const" not in said and "$ref" not in said
    ]
    assert without == []


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "no_such_kind"},
        {"more": 1},
        {"seq": -1},
        {"time": "yesterday"},
        {"hash": "ab"},
        {"step": "one"},
        {"text": None},
    ],
)
def test_what_is_no_line_is_not(validator: Any, change: dict[str, Any]) -> None:
    line = {
        "seq": 1,
        "time": "2026-01-02T03:04:05.678Z",
        "kind": "noted",
        "step": 1,
        "text": "x",
        "prev": "0" * 8,
        "hash": "0" * 64,
    }
    assert validator.is_valid(line)
    assert not validator.is_valid({**line, **change})
    assert not any(
        validator.is_valid({key: line[key] for key in line if key != left}) for left in line if left != "step"
    )
