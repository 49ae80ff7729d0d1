"""A trace as answers to what its pages asked for."""

from pathlib import Path

import pytest
from harness.clearance import Approval
from harness.errors import TraceError
from harness.replay.tape import tape
from harness.trace.blobs import BlobStore
from harness.trace.events import ApprovalAsked, ApprovalGiven, Messaged, Requested, Responded
from tests.replay.lines import request, requested, trace, verdict

HEADERS = (("content-type", "text/html"),)


def test_what_was_let_out_is_on_the_tape_and_what_was_refused_is_not(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")
    page = store.put(b"page")
    asked, said_no = request("c", "https://a.test/c"), request("d", "https://a.test/d")
    found = tape(
        trace(
            tmp_path,
            requested(request("a", headers=(("range", "bytes=0-1"),))),
            Responded(step=0, request="a", status=206, headers=HEADERS, body=page, received=4),
            requested(request("b", "https://a.test/b"), "deny"),
            requested(asked, "ask"),
            ApprovalAsked(step=0, question="1", effect=asked, verdict=verdict(asked, "ask"), seconds=9),
            ApprovalGiven(step=0, question="1", approval=Approval(decision="approve", by="p"), seconds=1),
            requested(said_no, "ask"),
            ApprovalAsked(step=0, question="2", effect=said_no, verdict=verdict(said_no, "ask"), seconds=9),
            ApprovalGiven(step=0, question="2", approval=Approval(decision="deny", by="p"), seconds=1),
        )
    )
    assert [(one.url, one.status, one.range) for one in found] == [
        ("https://a.test/", 206, "bytes=0-1"),
        ("https://a.test/c", None, None),
    ]
    assert found[0].body is not None
    assert found[0].body() == b"page"
    assert found[1].cut


def test_ends_are_told_apart(tmp_path: Path) -> None:
    def one(ident: str, **answer: object) -> tuple[Requested, Responded]:
        answered = Responded.model_validate({"step": 0, "request": ident, "headers": HEADERS, **answer})
        return requested(request(ident)), answered

    found = tape(
        trace(
            tmp_path,
            *one("long", status=200, received=99, sha256="0" * 64),
            *one("cut", status=200, received=9, error="the browser hung up"),
            *one("broken", status=200, received=9, error="the server broke off"),
            *one("empty", status=204),
            *one("slow", status=200, step=4),
        )
    )
    assert [(one.lost, one.cut, one.step) for one in found] == [
        (True, False, 0),
        (False, True, 0),
        (False, False, 0),
        (False, False, 0),
        (False, False, 4),
    ]


def test_messages_of_a_socket_are_on_the_tape(tmp_path: Path) -> None:
    blob = BlobStore(tmp_path / "blobs").put(b"hello")
    found = tape(
        trace(
            tmp_path,
            requested(request("w", "wss://a.test/")),
            Messaged(step=1, request="w", direction="in", size=5, sha256=blob, blob=blob),
            Messaged(step=2, request="w", direction="out", size=5, refused="limits: too many"),
            Responded(step=2, request="w", status=101, headers=HEADERS, messages=(0, 1)),
        )
    )
    assert [(one.out, one.step) for one in found[0].messages] == [(False, 1)]
    assert found[0].messages[0].data is not None
    assert found[0].messages[0].data() == b"hello"


def test_a_trace_from_before_there_were_answers_is_refused(tmp_path: Path) -> None:
    old = trace(tmp_path, requested(request("a")), Responded(step=0, request="a", status=200, received=9))
    with pytest.raises(TraceError, match=r"kept no answers.*--live"):
        tape(old)
