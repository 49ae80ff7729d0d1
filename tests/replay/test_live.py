"""What a run done again came to."""

import json
from pathlib import Path

import pytest
from harness.action import Click
from harness.errors import TraceError
from harness.replay.live import conclude
from harness.replay.player import Player
from harness.replay.verdict import Replayed
from harness.result import EXIT_CODES, Result, RunOutcome
from tests.replay.pages import Page, button, shot
from tests.replay.runs import Then, record
from tests.replay.test_player import Screens, play, still

SAVE = button("Save", 10, 10)
CLICK = Click(x=50, y=20)


async def played(
    folder: Path,
    page: Page,
    screens: Screens = still,
    outcome: RunOutcome = "done",
    was: str = "done",
    *,
    strict: bool = False,
) -> Replayed:
    (folder / "live").mkdir()
    recording = record(folder / "then", Then([(CLICK, SAVE)]), outcome=was)
    player = Player(recording, strict=strict)
    await play(player, page, screens)
    code = EXIT_CODES[outcome]
    result = Result(
        run_id="r2", trace=str(folder / "live"), outcome=outcome, exit_code=code, steps=2, seconds=1
    )
    return conclude(recording, player, result)


async def test_the_same_pictures_and_places_are_the_same_run(tmp_path: Path) -> None:
    found = await played(tmp_path, Page(SAVE))
    assert (found.verdict, found.exit_code, found.divergence, found.of) == ("same", 0, None, "r1")
    written = json.loads((tmp_path / "live" / "replay.json").read_text())
    assert Replayed.model_validate(written) == found
    assert not (tmp_path / "live" / "divergence.png").exists()


async def test_targets_elsewhere_are_a_run_that_was_found(tmp_path: Path) -> None:
    found = await played(tmp_path, Page(button("Save", 100, 100)))
    assert (found.verdict, found.exit_code, found.divergence) == ("found", 0, None)


async def test_the_first_other_picture_of_a_run_that_was_found_is_kept(tmp_path: Path) -> None:
    found = await played(tmp_path, Page(SAVE), lambda _, __: shot((100, 100, 150, 80)))
    assert (found.verdict, found.exit_code) == ("found", 0)
    assert found.divergence is not None
    assert found.divergence.picture == str(tmp_path / "live" / "divergence.png")
    assert (tmp_path / "live" / "divergence.png").read_bytes().startswith(b"\x89PNG")


async def test_a_lost_target_is_a_divergence_with_its_picture(tmp_path: Path) -> None:
    found = await played(tmp_path, Page(), outcome="failed")
    assert (found.verdict, found.exit_code) == ("diverged", 5)
    assert found.divergence is not None
    assert found.divergence.category == "target missing"
    assert (tmp_path / "live" / "divergence.png").is_file()


@pytest.mark.parametrize(
    ("was", "now", "verdict"),
    [
        ("done", "failed", "diverged"),
        ("failed", "failed", "same"),
        ("failed", "done", "diverged"),
        ("stopped", "failed", "same"),
        ("error", "done", "same"),
    ],
)
async def test_another_end_is_a_divergence(tmp_path: Path, was: str, now: RunOutcome, verdict: str) -> None:
    found = await played(tmp_path, Page(SAVE), outcome=now, was=was)
    assert found.verdict == verdict
    assert found.exit_code == (5 if verdict == "diverged" else 0)


@pytest.mark.parametrize(
    ("reason", "category"), [("limit reached: steps (3)", "failed"), ("No orders today.", "refused")]
)
async def test_a_run_that_ended_before_the_recording_did_diverged(
    tmp_path: Path, reason: str, category: str
) -> None:
    recording = record(tmp_path / "then", Then([(CLICK, SAVE)]))
    result = Result(
        run_id="r2", trace=str(tmp_path), outcome="stopped", exit_code=3, reason=reason, steps=0, seconds=1
    )
    found = conclude(recording, Player(recording), result)
    assert (found.verdict, found.exit_code) == ("diverged", 5)
    assert found.divergence is not None
    assert found.divergence.category == category
    assert found.divergence.detail == f"the run ended: stopped: {reason}"
    assert [did.status for step in found.steps for did in step.did] == ["not_reached"] * 2


async def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    recording = record(tmp_path / "then", Then([(CLICK, SAVE)]))
    result = Result(
        run_id="r2", trace=str(tmp_path / "no"), outcome="stopped", exit_code=3, steps=0, seconds=1
    )
    with pytest.raises(TraceError, match=r"replay\.json: cannot be written"):
        conclude(recording, Player(recording), result)
