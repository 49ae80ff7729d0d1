"""A trace, read as what is to be done again."""

import shutil
from pathlib import Path

import pytest
from harness.action import Answer, Click, Type
from harness.errors import TraceError
from harness.replay.recording import Recording
from harness.trace.reader import Trace

EXAMPLE = Path(__file__).parents[2] / "traces" / "examples" / "buy-a-mug"


def test_a_recorded_run_is_read_step_by_step() -> None:
    recording = Recording.of(Trace.open(EXAMPLE))
    assert recording.task.name == "buy-a-mug"
    assert recording.policy.name == "shopping"
    assert [look.step for look in recording.looks] == list(range(1, 13))
    assert [type(deed.action) for deed in recording.looks[4].deeds] == [Click, Type]
    assert isinstance(recording.looks[-1].deeds[0].action, Answer)
    assert all(deed.again for deed in recording.deeds)
    first = recording.looks[0]
    assert first.deeds[0].target is not None
    assert first.deeds[0].target.name == "Blue mug $12.50"
    png = recording.png(first)
    assert png is not None
    assert png.startswith(b"\x89PNG")


def edited(tmp_path: Path, old: str, new: str) -> Path:
    folder = tmp_path / "t"
    shutil.copytree(EXAMPLE, folder)
    events = folder / "events.jsonl"
    text = events.read_text()
    assert old in text
    events.write_text(text.replace(old, new))
    return folder


def test_what_was_refused_or_never_tried_is_not_done_again(tmp_path: Path) -> None:
    folder = edited(tmp_path, '"status":"done"', '"status":"refused"')
    deeds = list(Recording.of(Trace.open(folder)).deeds)
    assert [deed.again for deed in deeds[:-1]] == [False] * (len(deeds) - 1)


def test_an_action_under_way_when_the_run_died_is_unknown_and_what_followed_was_not_done(
    tmp_path: Path,
) -> None:
    folder = edited(tmp_path, "x", "x")
    events = folder / "events.jsonl"
    lines = events.read_text().splitlines(keepends=True)
    last = max(
        number for number, line in enumerate(lines) if '"kind":"acting"' in line and '"step":4' in line
    )
    events.write_text("".join(lines[:last]))
    deeds = Recording.of(Trace.open(folder)).looks[3].deeds
    assert [deed.status for deed in deeds] == ["done", "done", "not_executed"]
    events.write_text("".join(lines[: last + 1]))
    deeds = Recording.of(Trace.open(folder)).looks[3].deeds
    assert [deed.status for deed in deeds] == ["done", "done", "unknown"]


def test_the_secrets_that_were_typed_are_named(tmp_path: Path) -> None:
    folder = edited(tmp_path, '"text":"London"', '"text":"{{secret:b}}{{secret:a}}"')
    assert Recording.of(Trace.open(folder)).secrets == ("a", "b")


def test_a_run_without_an_answer_cannot_be_done_again(tmp_path: Path) -> None:
    folder = edited(tmp_path, "x", "x")
    events = folder / "events.jsonl"
    lines = events.read_text().splitlines(keepends=True)
    events.write_text("".join(lines[:20]))
    with pytest.raises(TraceError, match="no model answered"):
        Recording.of(Trace.open(folder))


def test_a_task_that_is_none_is_said(tmp_path: Path) -> None:
    folder = edited(tmp_path, '"start":"https://shop.test/"', '"begin":"https://shop.test/"')
    with pytest.raises(TraceError, match="its task cannot be read: start"):
        Recording.of(Trace.open(folder))
