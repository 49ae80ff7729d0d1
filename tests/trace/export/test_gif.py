from pathlib import Path

from harness.trace.export import gif
from harness.trace.export.frames import frames
from harness.trace.reader import Trace
from PIL import Image


def test_the_film_has_every_frame_for_its_time(trace: Trace, tmp_path: Path) -> None:
    count = gif.export(trace, tmp_path / "a.gif")
    wanted = list(frames(trace))
    with Image.open(tmp_path / "a.gif") as film:
        assert film.info["loop"] == 0
        assert getattr(film, "n_frames") == count == len(wanted)  # noqa: B009 - Pillow types it on some files
        for number, frame in enumerate(wanted):
            film.seek(number)
            assert abs(film.info["duration"] - frame.seconds * 1000) <= 10
            shown, drawn = film.convert("RGB").getpixel((200, 100)), frame.image.getpixel((200, 100))
            assert isinstance(shown, tuple)
            assert isinstance(drawn, tuple)
            assert all(abs(one - two) < 16 for one, two in zip(shown, drawn, strict=True))
