"""What was read of other runs makes reading faster, and never says anything else."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness.action import Click
from harness.clearance import Act, Effect, Request, Target, Verdict, digest
from harness.errors import TraceError
from harness.replay.effects import Context, Effects, Heard
from harness.replay.folder import traces_in
from harness.replay.moments import recording
from harness.trace.events import Event, Judged, ModelReplied, Observed, Requested
from harness.trace.lines import START, lines, parse, seal
from harness.trace.writer import TraceWriter
from tests.replay.conftest import Played, policy
from tests.trace.test_compact import start

EXAMPLE = Path(__file__).resolve().parents[2] / "traces" / "examples" / "buy-a-mug"


def allowed(effect: Effect) -> Verdict:
    return Verdict(
        outcome="allow", rule="default", reason="", policy=start().policy_sha256, effect=digest(effect)
    )


def written(folder: Path, events: list[Event]) -> Path:
    writer = TraceWriter.create(folder, now=lambda: datetime(2026, 1, 2, tzinfo=UTC))
    for event in (start(), *events):
        writer.write(event)
    writer.close()
    return folder


def effects(folder: Path, known: Effects) -> list[Effect]:
    return [one.effect for one in recording(folder, known).moments if isinstance(one, Heard)]


@pytest.mark.parametrize("folder", traces_in(EXAMPLE.parent), ids=lambda folder: folder.name)
def test_a_run_is_read_the_same_whatever_was_read_before(folder: Path) -> None:
    known = Effects()
    alone = recording(folder).moments
    for path in (*traces_in(EXAMPLE.parent), folder):
        recording(path, known)
    assert recording(folder, known).moments == alone


def test_what_was_read_is_not_made_again(tmp_path: Path) -> None:
    request = Request(id="1", method="GET", url="https://shop.test/")
    event = Requested(step=1, request=request, verdict=allowed(request))
    known = Effects()
    first, second = (effects(written(tmp_path / name, [event]), known) for name in "ab")
    assert first[0] is second[0]


def test_the_same_words_mean_something_else_after_other_headers(tmp_path: Path) -> None:
    def run(value: str) -> list[Event]:
        found: list[Event] = []
        for name in "12":
            request = Request(id=name, method="GET", url="https://shop.test/", headers=(("x-a", value),))
            found.append(Requested(step=1, request=request, verdict=allowed(request)))
        return found

    known = Effects()
    for value in "ABA":
        folder = written(tmp_path / f"run-{len(list(tmp_path.iterdir()))}", run(value))
        found = effects(folder, known)
        assert [one.headers for one in found if isinstance(one, Request)] == [(("x-a", value),)] * 2


def test_the_same_words_mean_something_else_after_another_reply_or_on_another_page(tmp_path: Path) -> None:
    def run(url: str, x: int) -> list[Event]:
        act = Act(action=Click(x=x, y=1), target=Target(role="button", url=url))
        return [
            Observed(step=1, screenshot="ab" * 32, size=(10, 10), url=url, title=""),
            ModelReplied(step=1, actions=(act.action,), raw="cd" * 32, seconds=0.1),
            Judged(step=1, effect=act, verdict=allowed(act)),
        ]

    known = Effects()
    cases = [("https://shop.test/", 1), ("https://shop.test/b", 1), ("https://shop.test/", 2)]
    for number, (url, x) in enumerate((*cases, *cases)):
        (found,) = effects(written(tmp_path / f"run-{number}", run(url, x)), known)
        assert isinstance(found, Act)
        assert found.target is not None
        assert (found.action, found.target.url) == (Click(x=x, y=1), url)


def test_a_wrong_number_is_told_of_a_line_that_is_known(tmp_path: Path) -> None:
    request = Request(id="1", method="GET", url="https://shop.test/")
    event = Requested(step=1, request=request, verdict=allowed(request))
    known = Effects()
    folder = written(tmp_path / "a", [event])
    recording(folder, known)
    file, before = folder / "events.jsonl", START
    changed = bytearray()
    for line in list(lines(file)):
        fields = parse(line.raw)
        time, seq = str(fields.pop("time")), fields.pop("seq")
        rest = {name: value for name, value in fields.items() if name not in ("prev", "hash")}
        raw, before = seal(7 if seq == 1 else 0, time, rest, before)
        changed += raw
    file.write_bytes(bytes(changed))
    with pytest.raises(TraceError, match="line 2: ValueError: seq is 7, not 1"):
        recording(file, known)


@pytest.mark.parametrize(
    "raw", [b'{"kind":"requested","step":1}\n', b'{"kind":"requested"' + b"x" * 100 + b"\n"]
)
def test_a_line_of_another_shape_is_not_remembered(raw: bytes) -> None:
    assert Context().key(b"requested", 19, raw) is None


async def test_judging_again_is_the_same_with_what_was_learnt(play: Callable[..., Played]) -> None:
    run = play(policy())
    await run.do(*(Request(id=str(n), method="GET", url="https://shop.test/") for n in range(3)))
    folder, known = run.finish(), Effects()
    assert recording(folder, known).moments == recording(folder, known).moments == recording(folder).moments
