import sys
from pathlib import Path

import av
import pytest
from harness.errors import InputError
from harness.trace.export import mp4
from harness.trace.export.frames import frames
from harness.trace.reader import Trace


def test_the_film_plays_every_frame_at_its_time(trace: Trace, tmp_path: Path) -> None:
    count = mp4.export(trace, tmp_path / "a.mp4")
    wanted = list(frames(trace))
    with av.open(str(tmp_path / "a.mp4")) as film:
        stream = film.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 320, 234)
        times = [float(frame.time or 0) for frame in film.decode(stream)]
    assert len(times) == count + 1 == len(wanted) + 1
    at = [sum(one.seconds for one in wanted[:number]) for number in range(count + 1)]
    assert times == pytest.approx(at, abs=0.05)


def test_without_the_extra_it_is_said_what_to_install(
    trace: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match=r"computer-use-harness\[video\]"):
        mp4.export(trace, tmp_path / "a.mp4")
