"""Traces of a few lines, a second apart."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.clearance import Effect, Question, Request, Verdict, digest
from harness.trace.blobs import BlobStore
from harness.trace.decode import Recorded
from harness.trace.events import Event, Requested, RunStarted
from harness.trace.reader import Trace

BEGUN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def trace(folder: Path, *events: Event) -> Trace:
    header = RunStarted(
        run_id="r", task={}, policy={}, policy_sha256="0", model="m", approver="a", sandbox="s", versions={}
    )
    lines = [
        Recorded(at, BEGUN + timedelta(seconds=at), event, "", "")
        for at, event in enumerate((header, *events))
    ]
    return Trace(folder, header, lines, BlobStore(folder / "blobs"), None)


def verdict(effect: Effect, outcome: str = "allow") -> Verdict:
    return Verdict.model_validate(
        {"outcome": outcome, "rule": "r", "reason": "", "policy": "0" * 64, "effect": digest(effect)}
    )


def request(ident: str, url: str = "https://a.test/", **more: object) -> Request:
    return Request.model_validate({"id": ident, "method": "GET", "url": url, **more})


def requested(one: Request, outcome: str = "allow", step: int = 0) -> Requested:
    return Requested(step=step, request=one, verdict=verdict(one, outcome))


def question(effect: Effect) -> Question:
    return Question(
        id="q", effect=effect, verdict=verdict(effect, "ask"), goal="", step=1, url="", thought="", seconds=1
    )
