"""A film of a run, MP4 with H.264, which every browser and office program plays. Needs the extra `video`."""

from fractions import Fraction
from pathlib import Path

from harness.errors import TraceError
from harness.trace.export.base import missing, whole
from harness.trace.export.frames import frames
from harness.trace.reader import Trace

_CLOCK = Fraction(1, 1000)


def export(trace: Trace, out: Path, *, speed: float = 1.0) -> int:
    """Draw a run as a film, and give how many pictures it has.

    Raises:
        InputError: if the extra `video` is not installed.
        TraceError: if a picture is damaged or there is none, or the file cannot be written.
    """
    try:
        import av  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise missing("video", error) from error
    count, at, last = 0, 0, None
    with whole(out) as path:
        try:
            with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as film:
                stream = film.add_stream("libx264", rate=25, options={"crf": "26", "preset": "veryfast"})
                stream.time_base = _CLOCK
                for one in frames(trace, speed=speed):
                    if last is None:
                        stream.width, stream.height = one.image.size
                        stream.pix_fmt = "yuv420p"
                    last = one
                    picture = av.VideoFrame.from_image(one.image)  # type: ignore[no-untyped-call]
                    picture.pts, picture.time_base = at, _CLOCK
                    film.mux(stream.encode(picture))
                    at += round(one.seconds * 1000)
                    count += 1
                if last is not None:
                    picture = av.VideoFrame.from_image(last.image)  # type: ignore[no-untyped-call]
                    picture.pts, picture.time_base = at, _CLOCK
                    film.mux(stream.encode(picture))
                film.mux(stream.encode())
        except av.FFmpegError as error:
            raise TraceError(
                f"{out}: the film cannot be made: {error}; --format gif needs no encoder"
            ) from error
    return count
