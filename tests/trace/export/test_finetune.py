import base64
import json
from pathlib import Path
from typing import Any

import pytest
from harness.action import parse_action
from harness.errors import InputError, TraceError
from harness.trace.export import finetune
from harness.trace.reader import Trace
from tests.trace.conftest import picture


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_only_what_was_done_is_in_it_with_its_picture_and_history(trace: Trace, tmp_path: Path) -> None:
    told = finetune.export([trace], tmp_path / "set")
    pairs = read(tmp_path / "set" / "pairs.jsonl")
    assert [parse_action(one["action"]).kind for one in pairs] == ["click", "type"]
    assert told == (2, 2, 0, 0)
    assert pairs[0]["history"] == []
    assert pairs[1]["history"] == ["click 'Buy' (button) in https://shop.test at 16, 22"]
    assert pairs[1]["action"]["text"] == "{{secret:shop_password}}"
    assert (tmp_path / "set" / pairs[0]["screenshot"]).read_bytes() == picture("white")


def test_a_chat_has_the_shape_that_openai_takes(trace: Trace, tmp_path: Path) -> None:
    finetune.export([trace], tmp_path / "set")
    for line, pair in zip(
        read(tmp_path / "set" / "openai.jsonl"), read(tmp_path / "set" / "pairs.jsonl"), strict=True
    ):
        assert list(line) == ["messages"]
        system, user, assistant = line["messages"]
        assert [one["role"] for one in (system, user, assistant)] == ["system", "user", "assistant"]
        text, image = user["content"]
        assert "Goal: Buy one blue mug." in text["text"]
        head, _, data = image["image_url"]["url"].partition(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(data) == (tmp_path / "set" / pair["screenshot"]).read_bytes()
        assert json.loads(assistant["content"])["action"] == pair["action"]


def test_the_same_example_is_there_once(trace: Trace, tmp_path: Path) -> None:
    told = finetune.export([trace, trace], tmp_path / "set")
    assert (told.examples, told.repeated) == (2, 2)
    assert len(read(tmp_path / "set" / "openai.jsonl")) == 2


def test_a_run_that_did_not_pass_is_left_out_unless_asked_for(trace: Trace, tmp_path: Path) -> None:
    cut = Trace(trace.folder, trace.header, trace.events[:-1], trace.blobs, None)
    assert finetune.export([trace, cut], tmp_path / "set").left_out == 1
    with pytest.raises(InputError, match="--failed takes the others too"):
        finetune.export([cut], tmp_path / "other")
    assert not (tmp_path / "other").exists()
    assert finetune.export([cut], tmp_path / "other", failed=True).examples == 2


def test_nothing_is_left_when_a_picture_is_damaged(trace: Trace, tmp_path: Path) -> None:
    for blob in (trace.folder / "blobs").rglob("*"):
        if blob.is_file():
            blob.write_bytes(b"no")
    with pytest.raises(TraceError, match="the blob was changed"):
        finetune.export([trace], tmp_path / "set")
    assert [one.name for one in tmp_path.iterdir()] == ["traces"]
