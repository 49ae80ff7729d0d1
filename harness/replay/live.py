"""A run done again against the live site or world: what it came to, and the picture of where it parts."""

import json
from pathlib import Path
from typing import Final

from harness.errors import TraceError
from harness.replay.find import Category
from harness.replay.picture import side_by_side
from harness.replay.player import Player
from harness.replay.recording import Recording
from harness.replay.verdict import Divergence, Replayed
from harness.result import Result

PICTURE: Final = "divergence.png"
"""The picture's name in the new trace's folder."""
VERDICT: Final = "replay.json"
"""The verdict's name there."""
DIVERGED: Final = 5
"""The exit code of a replay that diverged."""


def conclude(recording: Recording, player: Player, result: Result) -> Replayed:
    """Say what a run came to whose model was the player; write verdict and picture into its folder.

    Raises:
        TraceError: if they cannot be written.
    """
    player.end()
    parted = player.divergence or _ended(recording, player, result)
    if parted is not None:
        verdict, pair = "diverged", player.pairs.get("divergence")
    else:
        parted, pair = player.differs, player.pairs.get("differs")
        verdict = "found" if parted is not None or _elsewhere(player) else "same"
    folder = Path(result.trace)
    if parted is not None and pair is not None:
        title = f"step {parted.recorded}: {parted.category}: {parted.detail}"
        png = side_by_side(pair.recorded, pair.live, boxes=pair.boxes, title=title)
        parted = parted.model_copy(update={"picture": str(folder / PICTURE)})
        _write(folder / PICTURE, png)
    found = Replayed.model_validate(
        {
            "verdict": verdict,
            "exit_code": DIVERGED if verdict == "diverged" else 0,
            "of": recording.run_id,
            "steps": player.steps,
            "divergence": parted,
            "result": result,
        }
    )
    text = json.dumps(found.model_dump(mode="json"), indent=2, ensure_ascii=False)
    _write(folder / VERDICT, f"{text}\n".encode())
    return found


def _ended(recording: Recording, player: Player, result: Result) -> Divergence | None:
    """Say that a run ended before, or otherwise than, the recorded one; nothing if it did not."""
    live = result.steps
    if not player.finished:
        why = f"the run ended: {result.outcome}: {result.reason}"
        by_rule = result.outcome == "stopped" and not result.reason.startswith("limit reached")
        category: Category = "refused" if by_rule else "failed"
        return Divergence(category=category, recorded=player.reached, live=live, detail=why)
    was = recording.finish
    if was is None or (was.outcome, result.outcome) == (was.outcome, was.outcome):
        return None
    if was.outcome not in ("done", "failed"):
        # The player says at the end of such a recording that it is over.
        return None
    why = f"the recorded run was {was.outcome}, this one is {result.outcome}: {result.reason}"
    return Divergence(category="failed", recorded=player.reached, live=live, detail=why)


def _elsewhere(player: Player) -> bool:
    return any(did.found not in (None, "same place") for step in player.steps for did in step.did)


def _write(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as error:
        raise TraceError(f"{file}: cannot be written: {error.strerror or error}") from error
