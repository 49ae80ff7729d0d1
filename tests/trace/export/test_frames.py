import pytest
from harness.errors import TraceError
from harness.trace.export import frames as module
from harness.trace.export.frames import BAR, LAST, LONGEST, SHORTEST, frames
from harness.trace.reader import Trace


def test_a_frame_an_action_with_its_point_and_the_end(trace: Trace) -> None:
    found = list(frames(trace))
    assert len(found) == 5
    assert {one.image.size for one in found} == {(320, 200 + BAR)}
    press = found[0].image
    assert press.getpixel((16, 22)) == (0x1A, 0x7F, 0x37)
    assert press.getpixel((200, 100)) == (255, 255, 255)
    assert found[2].image.getpixel((2, 210)) == (0xCF, 0x22, 0x2E)
    assert len({press.getpixel((x, 217)) for x in range(16, 120)}) > 3
    assert found[-1].seconds == LAST


def test_times_are_real_ones_within_bounds(trace: Trace) -> None:
    assert all(SHORTEST <= one.seconds <= LONGEST for one in list(frames(trace))[:-1])
    assert max(one.seconds for one in list(frames(trace, speed=0.01))[:-1]) == LONGEST
    assert {one.seconds for one in list(frames(trace, speed=100))[:-1]} == {SHORTEST}


def test_a_long_run_is_thinned_out_and_ends_with_its_end(
    plain: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(frames(plain))
    monkeypatch.setattr(module, "MOST", 3)
    thin = list(frames(plain))
    assert len(whole) > 5 > len(thin)
    assert thin[-1].image.tobytes() == whole[-1].image.tobytes()


def test_a_run_without_pictures_says_so(trace: Trace) -> None:
    blind = Trace(trace.folder, trace.header, trace.events[:1], trace.blobs, None)
    with pytest.raises(TraceError, match="nothing was seen"):
        list(frames(blind))
