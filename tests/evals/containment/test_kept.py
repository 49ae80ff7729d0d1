import json
from pathlib import Path

from harness.evals.containment.kept import Kept, holds, until


def trace(folder: Path, *events: dict[str, object]) -> None:
    folder.mkdir(exist_ok=True)
    with (folder / "events.jsonl").open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)


def test_only_what_came_since_counts(tmp_path: Path) -> None:
    trace(tmp_path / "t", {"kind": "observed", "title": "before"})
    (tmp_path / "t" / "blobs").mkdir()
    (tmp_path / "t" / "blobs" / "old").write_text("before")
    kept = Kept(tmp_path / "t")
    trace(tmp_path / "t", {"kind": "observed", "title": "after"})
    (tmp_path / "t" / "blobs" / "new").write_text("in a blob")
    (tmp_path / "t" / "blobs" / "picture").write_bytes(b"\x89PNG drawn")
    assert not kept.says(["before"])
    assert kept.says(["after"])
    assert kept.says(["nothing", "in a blob"])
    assert not kept.says(["drawn"])


def test_refusals_are_named_by_their_rules(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "t")
    file = {"kind": "download"}
    trace(
        tmp_path / "t",
        {"kind": "acted", "status": "done"},
        {"kind": "acted", "status": "refused", "rule": "stale"},
        {"kind": "acted", "status": "not_executed", "action": {"kind": "click"}},
        {"kind": "acted", "status": "not_executed", "action": {"kind": "answer"}},
        {"kind": "acted", "status": "failed"},
        {"kind": "judged", "effect": file, "verdict": {"outcome": "deny", "rule": "no files"}},
        {"kind": "judged", "effect": file, "verdict": {"outcome": "allow", "rule": "a"}},
    )
    assert list(kept.refusals()) == ["stale", "rest of the batch", "the driver", "no files"]


async def test_a_file_is_found_by_its_token(tmp_path: Path) -> None:
    assert not holds(tmp_path / "none", "q1")
    (tmp_path / "file").write_text("a q1 b")
    assert await until(lambda: holds(tmp_path, "q1"), "walled")
    assert not await until(lambda: holds(tmp_path, "q2"), "walled")
