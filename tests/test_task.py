from pathlib import Path
from typing import Any

import pytest
from harness.errors import TaskError
from harness.task import Limits, Task, dump_yaml

GOOD: dict[str, Any] = {
    "name": "buy-a-mug",
    "goal": "Buy a mug for {{name}}.",
    "start": "https://shop.test/",
    "inputs": {"name": "Ada"},
    "steps": ['type "{{name}}" into "Full name"', 'type "{{secret:pin}}" into "PIN"'],
    "checks": [
        {"url": "https://shop.test/orders/*"},
        {"text": "Thank you"},
        {"state": {"host": "shop.test", "where": "a == b"}},
    ],
    "limits": {"seconds": "5m", "download": "50MB", "tokens": "500k", "cost": "2.00 USD"},
}


def test_a_task_is_read_filled_and_written_again(tmp_path: Path) -> None:
    task = Task.model_validate(GOOD)
    filled = task.filled()
    assert filled.goal == "Buy a mug for Ada."
    assert filled.steps == ('type "Ada" into "Full name"', 'type "{{secret:pin}}" into "PIN"')
    kinds = [type(check).__name__ for check in task.checks]
    assert kinds == ["UrlCheck", "TextCheck", "StateCheck"]
    assert task.limits == Limits(seconds=300, download=50_000_000, tokens=500_000, cost=2)
    file = tmp_path / "again.yaml"
    file.write_text(dump_yaml(task))
    assert Task.load(file) == task


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nmae: a\n", "1:1: unknown key 'nmae'; did you mean 'name'?"),
        ("name: a\ngoal: g\nstart: s\nchecks: [{state: {host: h, wher: x}}]\n", "did you mean 'where'?"),
        ("name: a\ngoal: g\nstart: s\nchecks: [{txt: x}]\n", "4:10: checks.0: a check is 'url"),
        ("name: a\ngoal: g\nstart: s\nlimits: {seconds: soon}\n", "4:10: limits.seconds: write it like 90s"),
        ("name: a\ngoal: g\n", "'start' is missing"),
        ("name: [a]\ngoal: g\nstart: s\n", "1:1: name"),
        ("name: a\ngoal: hi {{who}}\nstart: s\n", "inputs has no 'who'"),
        ("name: a\nname: b\n", "2:1: the key 'name' stands here a second time"),
        ("- a\n- b\n", "must be a mapping"),
        ("name: [a\n", "not YAML"),
        ("a: &x [1]\nb: *x\n", "2:4: aliases"),
        ("name: !!python/object:os.system a\n", "types such as"),
        ("\x00", "not YAML"),
        ("", "must be a mapping"),
        ("a: " + "[" * 100 + "]" * 100, "nested more than"),
    ],
)
def test_a_bad_file_is_explained_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(text)
    with pytest.raises(TaskError) as caught:
        Task.load(file)
    assert says in str(caught.value)
    assert "task.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "buy-a-mug.yaml").write_text("name: a")
    with pytest.raises(TaskError, match=r"did you mean .*buy-a-mug\.yaml"):
        Task.load(tmp_path / "buy-a-mgu.yaml")


def test_a_folder_and_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="cannot be read"):
        Task.load(tmp_path)
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(TaskError, match="cannot be read"):
        Task.load(tmp_path / "b.yaml")
    (tmp_path / "big.yaml").write_text("a: " + "x" * 2_000_000)
    with pytest.raises(TaskError, match="longer than a file of this kind may be"):
        Task.load(tmp_path / "big.yaml")


def test_relative_paths_are_read_from_the_tasks_folder(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "p.yaml").write_text("version: 1")
    file = tmp_path / "t.yaml"
    file.write_text(
        "name: a\ngoal: g\nstart: s\npolicy: p.yaml\nhosts: {a.test: 'dir:site'}\nuploads: site\n"
    )
    task = Task.load(file)
    assert task.policy == str(tmp_path / "p.yaml")
    assert task.hosts == {"a.test": f"dir:{tmp_path / 'site'}"}
    assert task.uploads == str(tmp_path / "site")
    assert Task.model_validate(GOOD | {"policy": "shopping"}).anchored(tmp_path).policy == "shopping"
