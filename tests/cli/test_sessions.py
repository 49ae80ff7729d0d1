"""What a session is made from, and what cannot be one."""

from pathlib import Path

import harness
import pytest
from harness.cli.sessions import task_of
from harness.errors import PolicyError, TaskError
from harness.task import Task


def test_a_task_is_itself_a_file_a_bundled_one_or_a_place_to_start(tmp_path: Path) -> None:
    own = Task(name="t", goal="g", start="https://a.test/")
    assert task_of(own) is own
    assert task_of("shop/find-a-tea").name == "find-a-tea"
    found = task_of("https://a.test/x")
    assert (found.start, found.checks) == ("https://a.test/x", ())
    file = tmp_path / "t.yaml"
    file.write_text("name: t\ngoal: g\nstart: https://a.test/\n")
    assert task_of(file).goal == "g"


def test_what_cannot_be_a_session_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="did you mean 'shop/find-a-tea'"):
        harness.session("shop/find-a-te", traces=tmp_path)
    with pytest.raises(PolicyError, match="names no policy"):
        harness.session("https://a.test/", traces=tmp_path)
    with pytest.raises(TaskError, match="outside the policy"):
        harness.session("https://a.test/", policy="shopping", traces=tmp_path)
    assert list(tmp_path.iterdir()) == []
