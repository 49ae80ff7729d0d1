"""Traces that may be shown: they verify, say what was removed, and hold nothing of it."""

import json
import re
from pathlib import Path

import pytest
from harness.action import Click, Type
from harness.clearance import Act, Request, Target, Usage, digest
from harness.errors import TraceError
from harness.trace.events import (
    AskedModel,
    Console,
    Messaged,
    ModelReplied,
    Noted,
    Observed,
    Requested,
    Responded,
    RunFinished,
)
from harness.trace.patterns import Patterns
from harness.trace.reader import Trace
from harness.trace.redacted import redacted
from harness.trace.report import write_report
from harness.trace.show import lines
from harness.trace.verify import verify
from tests.trace.conftest import SHOP, Story, picture
from tests.trace.test_redact_pictures import Fake

MAIL, CARD, PHONE = "ada@example.org", "4111111111111111", "+442079460018"
SECRETS = (MAIL, CARD, PHONE, "ada%40example", "4111+1111", "Q-77")
OWN = {"ticket": r"Q-\d\d"}


@pytest.fixture
def told(story: Story, folder: Path) -> Path:
    """A run that is full of what must not be shown."""
    writer = story.writer
    story.start(goal=f"Send it to {MAIL}.")
    address = f"{SHOP}?m=ada%40example.org"
    field = Target(
        role="textbox", name=f"Card of {MAIL}", url=f"{SHOP}?m=ada%40example.org", fingerprint="cd" * 32
    )
    story.write(
        Observed(
            step=1,
            screenshot=writer.blob(picture("white")),
            size=(320, 200),
            url=address,
            title="Q-77",
            text=writer.blob(f"card {CARD}".encode()),
        ),
        AskedModel(step=1, request=writer.blob(json.dumps({"goal": MAIL}).encode())),
        ModelReplied(
            step=1, thought=f"call {PHONE}", actions=(Type(text=CARD),), raw=writer.blob(b'{"raw":"Q-77"}')
        ),
    )
    story.act(1, Type(text=CARD), field, outcome="ask")
    story.act(1, Click(x=1, y=1), Target(name="Pay", fingerprint="ab" * 32), index=1)
    sent = f"card=4111+1111+1111+1111&mail={MAIL}".encode()
    request = Request(
        id="r1",
        method="POST",
        url=SHOP,
        headers=(("cookie", "x" * 40), ("referer", f"{SHOP}?q=Q-77")),
        body_sha256="12" * 32,
        body_size=len(sent),
    )
    quiet = request.model_copy(update={"id": "r2", "headers": (), "body_size": 2})
    story.write(
        Requested(step=1, request=request, verdict=story.verdict(request), body=writer.blob(sent)),
        Responded(
            step=1,
            request="r1",
            status=200,
            headers=(("content-type", "application/json"), ("set-cookie", "s=1")),
            body=writer.blob(json.dumps({"phone": PHONE, "card": int(CARD)}).encode()),
            sha256="34" * 32,
        ),
        Requested(step=1, request=quiet, verdict=story.verdict(quiet), body=writer.blob(b"ok")),
        Responded(step=1, request="r2", status=200, body=writer.blob(b"\0\1\2"), sha256="56" * 32),
        Messaged(step=1, request="r1", direction="out", size=3, sha256="78" * 32),
        Messaged(
            step=1, request="r1", direction="in", size=9, sha256="9a" * 32, blob=writer.blob(b"Q-77 and so")
        ),
        Console(step=1, level="error", text=f"no such user {MAIL}"),
        Noted(step=1, text="Q-77"),
    )
    writer.write(
        RunFinished(
            outcome="done",
            exit_code=0,
            steps=1,
            outputs={"card": int(CARD), "order": 10042},
            usage=Usage(),
            seconds=1.0,
            head=writer.head,
        )
    )
    writer.close()
    assert verify(folder).ok
    return folder


def everything(folder: Path) -> str:
    return "\n".join(path.read_text(errors="replace") for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_copy_verifies_and_holds_nothing_of_what_was_removed(told: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    removals = redacted(Trace.open(told), out, Patterns(OWN), Fake(f"mail {MAIL}", "nothing here"))
    found, before = verify(out), verify(told)
    assert (found.ok, found.complete, found.lines, found.beside) == (True, True, before.lines, ())
    assert found.redacted == before.head
    write_report(Trace.open(out), out / "report.html")
    assert f"Made of run run-1, whose trace ends in {before.head}." in (out / "report.html").read_text()
    assert next(lines(Trace.open(out))).endswith("redacted, made of run run-1")
    whole = everything(out)
    for secret in SECRETS:
        assert secret in everything(told)
        assert secret not in whole, secret
    header = Trace.open(out).header
    assert header.redacted is not None
    assert (header.run_id, header.redacted.run_id) == ("run-1-redacted", "run-1")
    assert (header.redacted.head, header.redacted.lines) == (before.head, before.lines)
    assert header.redacted.counts["email"] > 5
    kept = json.loads((out / "redaction.json").read_text())
    assert kept["from"] == {"run_id": "run-1", "head": before.head, "lines": before.lines}
    assert kept["patterns"][-1] == "ticket"
    assert len(kept["removed"]) == len(removals)
    assert [one.time for one in Trace.open(out).events] == [one.time for one in Trace.open(told).events]


def test_what_was_removed_is_said_with_its_line_and_place(told: Path, tmp_path: Path) -> None:
    removals = redacted(Trace.open(told), tmp_path / "out", Patterns(OWN), Fake(MAIL))
    found = {(one.line, one.kind, one.place): one.count for one in removals}
    events = Trace.open(told).events
    kinds = [one.event.kind for one in events]
    asked = kinds.index("requested") + 1
    assert found[1, "email", "task.goal"] == 1
    assert found[2, "email", "url"] == 1
    assert found[2, "card", "blob of text"] == 1
    assert found[2, "email", "screenshot at 0,20 size 30x10"] == 1
    assert found[3, "email", "blob of request"] == 1
    assert found[4, "ticket", "blob of raw"] == 1
    assert found[4, "card", "actions[0].text"] == 1
    assert found[asked, "card", "blob of body"] == 1
    assert found[asked, "digest", "request.body_sha256"] == 1
    assert found[asked + 1, "card", "blob of body"] == 1
    assert (asked + 2, "digest", "request.body_sha256") not in found
    assert found[asked + 3, "body", "blob of body left out"] == 1
    assert found[len(events), "card", "outputs.card"] == 1


def test_hashes_that_could_be_tried_are_gone_and_what_agrees_still_agrees(told: Path, tmp_path: Path) -> None:
    redacted(Trace.open(told), tmp_path / "out", Patterns(OWN), Fake(MAIL))
    whole = everything(tmp_path / "out")
    for one in Trace.open(told).events:
        event = one.event
        if event.kind == "judged" and isinstance(event.effect, Act) and event.effect.action.kind == "type":
            assert event.verdict.effect not in whole
    for gone in ("cd" * 32, "34" * 32, "56" * 32, "78" * 32, "9a" * 32):
        assert gone not in whole
    assert "ab" * 32 in whole
    events = [one.event for one in Trace.open(tmp_path / "out").events]
    judged = next(one for one in events if one.kind == "judged")
    acting = next(one for one in events if one.kind == "acting")
    answered = next(one for one in events if one.kind == "approval_given")
    assert judged.verdict.effect == digest(judged.effect) == acting.effect == answered.approval.shown
    requests = [one for one in events if isinstance(one, Requested)]
    assert [one.request.body_sha256 for one in requests] == [None, "12" * 32]
    assert requests[0].request.headers[0] == ("cookie", "[redacted] 40 characters")


def test_without_a_reader_every_picture_is_painted_over(told: Path, tmp_path: Path) -> None:
    removals = redacted(Trace.open(told), tmp_path / "out", Patterns(), None)
    assert [one.place for one in removals if one.kind == "picture"] == ["screenshot at 0,0 size 320x200"]
    screen = next(one.event for one in Trace.open(tmp_path / "out").events if isinstance(one.event, Observed))
    assert Trace.open(tmp_path / "out").blobs.get(screen.screenshot) != picture("white")


def test_an_unfinished_trace_is_redacted_as_far_as_it_goes(told: Path, tmp_path: Path) -> None:
    file = told / "events.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:6]) + b'{"seq":6')
    redacted(Trace.open(told), tmp_path / "out", Patterns(), None)
    found = verify(tmp_path / "out")
    assert (found.ok, found.complete, found.lines) == (True, False, 6)


def test_a_copy_of_a_copy_verifies(told: Path, tmp_path: Path) -> None:
    redacted(Trace.open(told), tmp_path / "a", Patterns(), None)
    redacted(Trace.open(tmp_path / "a"), tmp_path / "b", Patterns(OWN), None)
    assert verify(tmp_path / "b").ok
    assert "Q-77" not in everything(tmp_path / "b")
    header = Trace.open(tmp_path / "b").header
    assert header.redacted is not None
    assert header.redacted.run_id == "run-1-redacted"


def test_what_cannot_be_done_is_said_and_leaves_nothing(
    told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def refused(why: str, place: Path = out, own: dict[str, str] | None = None) -> None:
        with pytest.raises(TraceError, match=why):
            redacted(Trace.open(told), place, Patterns(own), None)

    refused("is inside the trace", told / "copy")
    refused("is not empty", told.parent)
    (tmp_path / "file").touch()
    refused("is a file", tmp_path / "file")
    monkeypatch.setattr("harness.trace.redacted.put", lambda *_: (_ for _ in ()).throw(TraceError("full")))
    refused("full")
    assert list(out.iterdir()) == []
    blob = next(path for path in sorted((told / "blobs").rglob("*")) if path.is_file())
    blob.write_bytes(b"changed")
    refused("does not verify, so no copy is made: line")


def test_a_run_with_something_of_everything_stays_readable(run: Path, tmp_path: Path) -> None:
    removals = redacted(Trace.open(run), tmp_path / "out", Patterns(), Fake("Blue mug"))
    assert {one.kind for one in removals} == set()
    assert verify(tmp_path / "out").ok
    old, new = ([one.event for one in Trace.open(place).events] for place in (run, tmp_path / "out"))
    assert old[1:-1] == new[1:-1]
    assert re.fullmatch("[0-9a-f]{64}", verify(tmp_path / "out").head)
