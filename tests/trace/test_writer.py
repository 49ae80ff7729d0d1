import math
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from harness.action import Answer, Click, Drag, Goto, Point, Press, Scroll, Type, Zoom
from harness.clearance import Act, Approval, Box, Plan, Request, SafetySignal, Target, Usage, Verdict, digest
from harness.errors import TraceError
from harness.screen import Download, Tab
from harness.trace.events import (
    Acted,
    Acting,
    ApprovalAsked,
    ApprovalGiven,
    AskedModel,
    Checked,
    Event,
    Failed,
    Judged,
    ModelReplied,
    Noted,
    Observed,
    Requested,
    Responded,
    RunFinished,
    RunStarted,
)
from harness.trace.lines import LONGEST, START, lines, sealed_with
from harness.trace.reader import Trace
from harness.trace.redact import Redactor
from harness.trace.verify import verify
from harness.trace.writer import TraceWriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Clock = Callable[[], datetime]

TEXT = st.one_of(
    st.text(max_size=12), st.sampled_from(["", "a", "https://shop.test/", "\u202e", "[secret:x]", "\x00"])
)
HASHES = st.sampled_from(["ab" * 32, "cd" * 32, "00" * 32])
FLOATS = st.floats(allow_nan=False)
SMALL = st.integers(0, 3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
PIXELS = st.integers(-5, 2000)
ACTIONS = st.one_of(
    st.builds(
        Click, x=PIXELS, y=PIXELS, count=st.integers(1, 3), modifiers=st.sampled_from([(), ("Shift",)])
    ),
    st.builds(Drag, path=st.lists(st.builds(Point, x=PIXELS, y=PIXELS), min_size=2, max_size=4).map(tuple)),
    st.builds(Scroll, x=PIXELS, y=PIXELS, dy=PIXELS),
    st.builds(Type, text=TEXT),
    st.builds(Press, keys=st.sampled_from([("Control", "a"), ("Enter",)])),
    st.builds(Zoom, region=st.tuples(PIXELS, PIXELS, PIXELS, PIXELS)),
    st.builds(Goto, url=st.text(min_size=1, max_size=9)),
    st.builds(Answer, text=TEXT, data=st.dictionaries(TEXT, JSON, max_size=2)),
)
TARGETS = st.builds(
    Target,
    role=TEXT,
    name=TEXT,
    text=TEXT,
    url=TEXT,
    href=st.none() | TEXT,
    submits=st.booleans(),
    box=st.none() | st.builds(Box, x=FLOATS, y=FLOATS, width=FLOATS, height=FLOATS),
    fingerprint=TEXT,
)
ACTS = st.builds(Act, action=ACTIONS, target=st.none() | TARGETS)
HEADER = st.tuples(st.sampled_from(["host", "accept", "x-a"]), st.sampled_from(["", "1", "shop.test"]))
REQUESTS = st.builds(
    Request,
    id=TEXT,
    method=st.sampled_from(["GET", "POST"]),
    url=TEXT,
    headers=st.lists(HEADER, max_size=5).map(tuple),
    body_sha256=st.none() | HASHES,
    initiator=st.none() | TEXT,
)
SIGNALS = st.builds(SafetySignal, provider=TEXT, code=TEXT, id=st.none() | TEXT)
EFFECTS = st.one_of(ACTS, REQUESTS, st.builds(Plan, text=TEXT), SIGNALS)
USAGE = st.builds(Usage, input_tokens=st.none() | SMALL, cost_usd=st.none() | st.floats(0, 9))
TABS = st.builds(Tab, id=SMALL, url=TEXT, title=TEXT, active=st.booleans())


@st.composite
def verdicts(draw: st.DrawFn, effect: Any) -> Verdict:
    right = draw(st.booleans())
    return Verdict(
        outcome=draw(st.sampled_from(["allow", "ask", "deny", "stop"])),
        rule=draw(TEXT),
        reason=draw(TEXT),
        policy=draw(HASHES),
        effect=digest(effect) if right else draw(HASHES),
    )


@st.composite
def stories(draw: st.DrawFn) -> list[Event]:
    """Runs of events in which later ones often repeat what earlier ones said."""
    found: list[Event] = []
    for _ in range(draw(st.integers(1, 4))):
        act = draw(ACTS)
        effect = draw(EFFECTS)
        request = draw(REQUESTS)
        step, index = draw(SMALL), draw(SMALL)
        verdict = draw(verdicts(act))
        other = draw(st.booleans())
        action = draw(ACTIONS) if other else act.action
        found += draw(
            st.permutations(
                [
                    Observed(
                        step=step,
                        screenshot=draw(HASHES),
                        size=(draw(SMALL), 2),
                        url=draw(TEXT),
                        title=draw(TEXT),
                        tabs=tuple(draw(st.lists(TABS, max_size=3))),
                        downloads=(Download(name="n", suggested=draw(TEXT), url="u", status="started"),),
                        settled=draw(st.booleans()),
                    ),
                    Judged(step=step, effect=act, verdict=verdict),
                    ApprovalAsked(step=step, question="q", effect=act, verdict=verdict, seconds=draw(FLOATS)),
                    Acting(step=step, index=index, action=action, target=act.target, effect=verdict.effect),
                    Acted(step=step, index=index, action=action, status="done", rule=draw(st.none() | TEXT)),
                    Judged(step=step, effect=effect, verdict=draw(verdicts(effect))),
                    Requested(step=step, request=request, verdict=draw(verdicts(request))),
                    ApprovalAsked(
                        step=step, question="r", effect=request, verdict=draw(verdicts(request)), seconds=1
                    ),
                    Responded(step=step, request=request.id, status=200, messages=(1, 2)),
                    ApprovalGiven(
                        step=step,
                        question="q",
                        seconds=1.5,
                        approval=Approval(
                            decision="edit",
                            by="ada",
                            at=datetime(2026, 1, 2, tzinfo=UTC),
                            effect=draw(EFFECTS),
                        ),
                    ),
                    ModelReplied(
                        step=step,
                        thought=draw(TEXT),
                        actions=(act.action,),
                        signals=(draw(SIGNALS),),
                        usage=draw(USAGE),
                    ),
                    AskedModel(step=step),
                    Noted(text=draw(TEXT)),
                    Checked(check=draw(TEXT), passed=True),
                    Failed(error="E", message=draw(TEXT)),
                    RunFinished(
                        outcome="done",
                        exit_code=0,
                        steps=1,
                        seconds=1,
                        head=START,
                        outputs=draw(st.dictionaries(TEXT, JSON, max_size=2)),
                        verdicts={"allow": 1},
                    ),
                ]
            )
        )
    return found


def begin(policy: str = "ab" * 32, **more: Any) -> RunStarted:
    fields = {
        "run_id": "r",
        "task": {},
        "policy": {},
        "model": "m",
        "approver": "a",
        "sandbox": {},
        "versions": {},
    }
    return RunStarted(policy_sha256=policy, **(fields | more))


@given(events=stories(), task=JSON)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_reading_back_gives_equal_events(
    events: list[Event], task: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run") / "run"
    whole = [begin(task=task), *events]
    writer = TraceWriter.create(folder, now=lambda: datetime(2026, 1, 2, tzinfo=UTC))
    for event in whole:
        writer.write(event)
    head = writer.head
    writer.close()
    found = Trace.open(folder).events
    assert [one.event for one in found] == whole
    assert [one.seq for one in found] == list(range(len(whole)))
    assert [one.prev for one in found] == [START, *(one.hash for one in found[:-1])]
    assert found[-1].hash == head
    written = list(lines(folder / "events.jsonl"))
    assert all(sealed_with(line.raw, one.prev) for line, one in zip(written, found, strict=True))


def test_a_step_repeats_nothing(run: Path) -> None:
    text = (run / "events.jsonl").read_text()
    assert text.count("cd" * 32) <= 3
    assert text.count("ab" * 32) == 1
    assert text.count("Chromium") == 1


def test_words_stand_for_floats_json_has_no_number_for(folder: Path, now: Clock) -> None:
    writer = TraceWriter.create(folder, now=now)
    writer.write(begin())
    writer.write(ModelReplied(step=1, seconds=math.inf))
    writer.write(ModelReplied(step=1, actions=(Answer(data={"x": math.nan}),)))
    writer.close()
    _, first, second = (one.event for one in Trace.open(folder).events)
    assert first == ModelReplied(step=1, seconds=math.inf)
    assert isinstance(second, ModelReplied)
    assert second.actions == (Answer(data={"x": "NaN"}),)


def test_a_lone_surrogate_does_not_end_a_run(folder: Path, now: Clock) -> None:
    writer = TraceWriter.create(folder, now=now)
    writer.write(begin())
    writer.write(Noted(text="\ud800"))
    writer.close()
    assert Trace.open(folder).events[1].event == Noted(text="\ud800")


def test_a_folder_is_never_written_over(run: Path, now: Clock, tmp_path: Path) -> None:
    before = (run / "events.jsonl").read_bytes()
    with pytest.raises(TraceError, match="is not empty"):
        TraceWriter.create(run, now=now)
    assert (run / "events.jsonl").read_bytes() == before
    (tmp_path / "file").write_text("")
    with pytest.raises(TraceError, match="is a file"):
        TraceWriter.create(tmp_path / "file", now=now)
    with pytest.raises(TraceError, match="cannot be started"):
        TraceWriter.create(tmp_path / "file" / "below", now=now)
    (tmp_path / "empty").mkdir()
    TraceWriter.create(tmp_path / "empty", now=now).close()


def test_an_event_is_on_disk_when_write_returns(folder: Path, now: Clock) -> None:
    writer = TraceWriter.create(folder, now=now)
    assert writer.head == START
    writer.write(begin(), sync=True)
    writer.blob(b"x")
    writer.write(Noted(text="two"), sync=True)
    found = Trace.open(folder).events
    assert found[1].event == Noted(text="two")
    assert found[1].hash == writer.head
    writer.close()
    writer.close()
    with pytest.raises(TraceError, match="closed"):
        writer.write(Noted(text="three"))
    with pytest.raises(TraceError, match="closed"):
        writer.blob(b"y")


def test_an_event_that_is_too_long_is_refused_and_the_run_can_still_say_so(folder: Path, now: Clock) -> None:
    writer = TraceWriter.create(folder, now=now)
    writer.write(begin())
    with pytest.raises(TraceError, match="longer than a line may be"):
        writer.write(Noted(text="x" * LONGEST))
    writer.write(Failed(error="TraceError", message="too long"))
    writer.close()
    assert verify(folder).lines == 2


def test_a_vanished_or_replaced_file_ends_the_trace(folder: Path, now: Clock) -> None:
    writer = TraceWriter.create(folder, now=now)
    writer.write(begin())
    folder.rename(folder.with_name("moved"))
    with pytest.raises(TraceError, match=r"events\.jsonl: cannot be written: No such file .*--traces"):
        writer.write(Noted(text="lost"))
    folder.mkdir()
    with pytest.raises(TraceError, match="nothing more is written, because No such file"):
        writer.write(Noted(text="lost"))
    writer.close()
    assert verify(folder.with_name("moved")).ok


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("room", [0, 1, 40, 200])
def test_a_line_that_does_not_fit_is_cut_off_again(folder: Path, now: Clock, room: int) -> None:
    writer = TraceWriter.create(folder, now=now)
    writer.write(begin())
    whole = (folder / "events.jsonl").read_bytes()
    with files_end_at(len(whole) + room), pytest.raises(TraceError) as caught:
        writer.write(Noted(text="x" * 500))
    assert str(folder / "events.jsonl") in str(caught.value)
    assert "File too large" in str(caught.value)
    assert (folder / "events.jsonl").read_bytes() == whole
    with pytest.raises(TraceError, match="nothing more is written"):
        writer.write(Noted(text="there is space again"))
    with pytest.raises(TraceError, match="nothing more is written"):
        writer.blob(b"there is space again")
    writer.close()
    assert verify(folder).ok
    assert verify(folder).recovered is None


def test_a_blob_that_does_not_fit_leaves_nothing(folder: Path, now: Clock) -> None:
    writer = TraceWriter.create(folder, now=now)
    writer.write(begin())
    with files_end_at(1000), pytest.raises(TraceError, match="cannot be written"):
        writer.blob(b"y" * 5000)
    writer.close()
    assert [path for path in (folder / "blobs").rglob("*") if path.is_file()] == []


CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from harness.errors import TraceError
from harness.trace.events import Noted, RunStarted
from harness.trace.verify import verify
from harness.trace.writer import TraceWriter
folder = Path(sys.argv[1])
writer = TraceWriter.create(folder, now=lambda: datetime.now(UTC))
writer.write(RunStarted(run_id="r", task={}, policy={}, policy_sha256="0" * 64, model="m", approver="a",
                        sandbox={}, versions={}))
seq = 0
try:
    while True:
        writer.write(Noted(text="x" * (seq % 700)))
        seq += 1
        print(seq, flush=True)
        if sys.argv[2:] == ["blobs"]:
            writer.blob(str(seq).encode() * 3000)
except TraceError as error:
    print(error)
    writer.close()
    found = verify(folder)
    print(found.ok, found.lines - 1 == seq, found.recovered)
"""


PRIVATE = ("unshare", "--user", "--map-root-user", "--mount")


def test_after_kill_9_every_line_that_was_reported_is_there(tmp_path: Path) -> None:
    for place in range(3):
        folder = tmp_path / str(place)
        with subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            reported = 0
            for line in child.stdout:
                reported = int(line)
                if reported >= 60 * place + 3:
                    break
            child.kill()
        found = verify(folder)
        assert found.ok
        assert found.lines - 1 >= reported
        assert not found.complete


def test_a_full_disk_ends_the_trace_and_leaves_one_that_verifies(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o size=96k none "$1" || exit 77; exec "$2" -c "$3" "$1/run" $4'
    for kind in ("lines", "blobs"):
        done = subprocess.run(
            [*PRIVATE, "sh", "-c", script, "sh", str(disk), sys.executable, CHILD, kind],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 77 or "unshare" in done.stderr:
            pytest.skip(f"no private mount here: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr
        *_, said, verified = done.stdout.splitlines()
        assert "No space left on device" in said
        assert verified == "True True None"


def test_secrets_never_reach_the_disk(folder: Path, now: Clock) -> None:
    writer = TraceWriter.create(folder, now=now, redactor=Redactor({"shop_password": "hunter2!x"}))
    writer.write(begin(task={"goal": "type hunter2!x", "hunter2!x": 1}))
    writer.blob(b'{"text": "hunter2!x"}')
    act = Act(action=Type(text="my hunter2!x"), target=Target(name="hunter2!x"))
    verdict = Verdict(outcome="allow", rule="r", reason="hunter2!x", policy="ab" * 32, effect=digest(act))
    writer.write(Judged(step=1, effect=act, verdict=verdict))
    writer.write(Acting(step=1, index=0, action=act.action, target=act.target, effect=digest(act)))
    writer.close()
    for path in folder.rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes()
    _, judged, acting = (one.event for one in Trace.open(folder).events)
    assert isinstance(judged, Judged)
    assert judged.effect == Act(
        action=Type(text="my [secret:shop_password]"), target=Target(name="[secret:shop_password]")
    )
    assert judged.verdict.effect == digest(act)
    assert isinstance(acting, Acting)
    assert acting.action == Type(text="my [secret:shop_password]")
    assert verify(folder).ok


def test_credentials_are_kept_only_by_their_length(folder: Path, now: Clock) -> None:
    writer = TraceWriter.create(folder, now=now)
    request = Request(id="1", method="GET", url="u", headers=(("cookie", "s=12345"), ("accept", "*/*")))
    verdict = Verdict(outcome="allow", rule="r", reason="", policy="p", effect=digest(request))
    writer.write(begin())
    writer.write(Requested(step=1, request=request, verdict=verdict))
    writer.close()
    found = Trace.open(folder).events[1].event
    assert isinstance(found, Requested)
    assert found.request.headers == (("cookie", "[redacted] 7 characters"), ("accept", "*/*"))
    assert found.verdict == verdict


def test_an_interrupted_write_is_cut_off(folder: Path, now: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = TraceWriter.create(folder, now=now)
    writer.write(begin())
    whole = (folder / "events.jsonl").read_bytes()
    real = os.write

    def half(descriptor: int, data: bytes) -> int:
        real(descriptor, bytes(data)[:20])
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(KeyboardInterrupt):
        writer.write(Noted(text="x"))
    monkeypatch.undo()
    assert (folder / "events.jsonl").read_bytes() == whole
    with pytest.raises(TraceError, match="interrupted"):
        writer.write(Noted(text="x"))
    writer.close()
