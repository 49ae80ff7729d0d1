"""What a hermetic replay came to, from what was seen and done in it."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from harness.action import Click, Goto
from harness.gateway.upstreams.recording import RecordingUpstream, Told
from harness.replay.hermetic_verdict import Again, Ended, Hermetic, conclude
from harness.replay.recording import Recording
from harness.trace.blobs import BlobStore
from harness.trace.decode import Recorded
from harness.trace.events import Acted, Acting, Event, ModelReplied, Observed, RunStarted
from harness.trace.reader import Trace
from PIL import Image
from tests.replay.lines import BEGUN

CLICK = Click(x=1, y=1)
OVER = Ended("over", "the record is over", 0)


def png(grey: int, spot: int | None = None) -> bytes:
    image = Image.new("RGB", (40, 30), (grey, grey, grey))
    if spot is not None:
        image.paste((spot, grey, grey), (5, 5, 25, 25))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    store = BlobStore(tmp_path / "blobs")
    header = RunStarted(
        run_id="r",
        task={"name": "t", "goal": "g", "start": "https://a.test/"},
        policy={"version": 1, "name": "p", "domains": {"navigate": ["a.test"]}},
        policy_sha256="0",
        model="m",
        approver="a",
        sandbox="s",
        versions={},
    )
    events: list[Event] = [
        header,
        Acting(step=0, index=0, action=Goto(url="https://a.test/"), effect="0"),
        Observed(step=1, screenshot=store.put(png(100)), size=(40, 30), url="https://a.test/"),
        ModelReplied(step=1, actions=(CLICK,), seconds=2.0),
        Acting(step=1, index=0, action=CLICK, effect="0"),
        Acted(step=1, index=0, action=CLICK, status="done"),
        Observed(
            step=2, screenshot=store.put(png(100, 200)), size=(40, 30), url="https://a.test/", settled=False
        ),
    ]
    lines = [Recorded(at, BEGUN + timedelta(seconds=at), one, "", "") for at, one in enumerate(events)]
    return Recording.of(Trace(tmp_path, header, lines, store, None))


def concluded(
    recording: Recording,
    first: bytes,
    second: bytes | None,
    *,
    status: str = "done",
    ended: Ended = OVER,
    upstream: RecordingUpstream | None = None,
) -> Hermetic:
    store = BlobStore(recording.trace.folder / "now")
    names = [store.put(one) for one in (first, second) if one is not None]
    done = Acted.model_validate({"step": 1, "index": 0, "action": CLICK, "status": status, "message": "why"})
    again = Again(
        dict(enumerate(names, 1)),
        {(1, 0): done},
        {name: store.get(name) for name in names},
        ended,
    )
    return conclude(recording, again, upstream or RecordingUpstream([]), 1.5)


def test_equal_pictures_are_identical_and_the_times_are_told(recording: Recording) -> None:
    found = concluded(recording, png(100), png(100, 200))
    assert (found.verdict, found.exit_code, found.parted, found.sheet) == ("identical", 0, None, None)
    assert (found.recorded_seconds, found.model_seconds, found.times_faster) == (6.0, 2.0, 4.0)


def test_a_shade_that_no_eye_sees_is_told_and_decides_nothing(recording: Recording) -> None:
    found = concluded(recording, png(102), png(100, 200))
    assert (found.verdict, found.exit_code, found.parted) == ("alike", 0, None)
    assert [one.shade for one in found.shots] == [2, None]
    assert [one.same for one in found.shots] == [False, True]


def test_another_picture_is_where_they_part(recording: Recording) -> None:
    found = concluded(recording, png(100, 250), png(100, 200))
    assert (found.verdict, found.exit_code) == ("diverged", 5)
    assert found.parted is not None
    assert (found.parted.step, found.parted.what) == (1, "picture")
    assert found.sheet is not None
    assert found.sheet.startswith(b"\x89PNG")


def test_a_page_that_was_not_still_decides_nothing(recording: Recording) -> None:
    found = concluded(recording, png(100), png(0))
    assert (found.verdict, found.unsettled) == ("identical", (2,))


def test_an_action_that_went_another_way_is_where_they_part(recording: Recording) -> None:
    found = concluded(recording, png(100), png(100, 200), status="refused")
    assert found.parted is not None
    assert (found.parted.what, "was done, and is refused: why" in found.parted.detail) == ("action", True)


def test_a_step_that_was_not_reached_is_where_they_part(recording: Recording) -> None:
    found = concluded(recording, png(100), None, ended=Ended("error", "the browser died", 0))
    assert found.parted is not None
    assert (found.parted.step, found.parted.what) == (2, "end")
    assert "the browser died" in found.parted.detail


def test_what_was_missing_is_listed(recording: Recording) -> None:
    upstream = RecordingUpstream([])
    upstream.misses.append(Told("GET", "https://a.test/x", "the recorded run never asked for it"))
    found = concluded(recording, png(100), png(100, 200), upstream=upstream)
    assert [one.url for one in found.misses] == ["https://a.test/x"]
    assert found.sent_out == 0
