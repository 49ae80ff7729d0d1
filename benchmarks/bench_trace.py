"""What a trace costs: bytes a step beyond the pictures, and time a line and a step as it grows.

Bodies of requests and answers, text of screens and what models are sent are blobs of their own, each once:
the bytes of a step are those of its lines.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import Figure, Figures, main, median, percentile
from harness.action import Click, Type
from harness.clearance import Act, Box, Request, Target, Verdict, digest
from harness.screen import Tab
from harness.trace.events import (
    Acted,
    Acting,
    AskedModel,
    Event,
    Judged,
    ModelReplied,
    Observed,
    Requested,
    Responded,
    RunStarted,
)
from harness.trace.verify import verify
from harness.trace.writer import TraceWriter

POLICY = "3f" * 32
HEADERS = (
    ("host", "shop.test"),
    ("connection", "keep-alive"),
    ("content-type", "application/x-www-form-urlencoded"),
    ("upgrade-insecure-requests", "1"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("cookie", "session=0123456789abcdef"),
)


ANSWERED = (
    ("cache-control", "private, no-cache"),
    ("content-length", "3267"),
    ("content-type", "text/html; charset=utf-8"),
    ("set-cookie", "session=0123456789abcdef; HttpOnly; Path=/; SameSite=lax; Secure"),
    ("content-security-policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'"),
    ("date", "Sun, 22 Nov 2026 02:10:57 GMT"),
)


def start() -> RunStarted:
    return RunStarted(
        run_id="bench",
        task={"name": "bench"},
        policy={"name": "bench"},
        policy_sha256=POLICY,
        model="scripted",
        approver="deny",
        sandbox={"kind": "bubblewrap", "isolated": True},
        versions={"harness": "0"},
    )


def allowed(effect: Act | Request) -> Verdict:
    return Verdict(
        outcome="allow", rule="default", reason="No rule speaks of it.", policy=POLICY, effect=digest(effect)
    )


def step(number: int, screenshot: str, raw: str, requests: int) -> Iterator[Event]:
    """One step as the loop records it: look, ask, reply, judge, act, and what the page asks for."""
    url = f"https://shop.test/products/{number % 40}?page={number}"
    title = f"Blue mug {number} · The Mug Shop"
    action = Click(x=412, y=number % 700) if number % 3 else Type(text=f"Ada Lovelace {number}")
    target = Target(
        role="button",
        name="Add to cart",
        tag="button",
        text="Add to cart",
        form_method="post",
        form_action="https://shop.test/cart/items",
        submits=True,
        frame_origin="https://shop.test",
        url=url,
        box=Box(x=320.5, y=number % 700, width=180.25, height=44),
        fingerprint=digest(Act(action=action)),
    )
    act = Act(action=action, target=target)
    tabs = (Tab(id=1, url=url, title=title, active=True),)
    yield Observed(step=number, screenshot=screenshot, size=(1280, 720), url=url, title=title, tabs=tabs)
    yield AskedModel(step=number, request=raw)
    yield ModelReplied(
        step=number,
        thought=f'click "Add to cart" on page {number}',
        actions=(action,),
        raw=raw,
        seconds=0.214,
    )
    yield Judged(step=number, effect=act, verdict=allowed(act))
    yield Acting(step=number, index=0, action=action, target=target, effect=digest(act))
    for index in range(requests):
        request = Request(
            id=f"{number}-{index}",
            method="POST",
            url=f"https://shop.test/cart/items/{number}",
            headers=HEADERS,
            body_sha256=digest(act),
            body_size=33,
            resource="document",
        )
        body = digest(request)
        yield Requested(step=number, request=request, verdict=allowed(request), body=request.body_sha256)
        yield Responded(
            step=number,
            request=request.id,
            status=200,
            sent=33,
            received=3267,
            seconds=0.004,
            headers=ANSWERED,
            body=body,
            sha256=body,
        )
    yield Acted(step=number, index=0, action=action, status="done", seconds=0.041)


def bytes_a_step(folder: Path, requests: int, steps: int = 200) -> float:
    writer = TraceWriter.create(folder, now=lambda: datetime.now(UTC))
    writer.write(start())
    file = folder / "events.jsonl"
    before = file.stat().st_size
    blob = writer.blob(b"a picture")
    for number in range(1, steps + 1):
        for event in step(number, blob, blob, requests):
            writer.write(event)
    writer.close()
    return (file.stat().st_size - before) / steps


def steps(folder: Path, marks: tuple[int, ...], *, sync: bool = False) -> dict[int, float]:
    """Milliseconds of a step with a request that nothing disturbs, among the 500 steps before each mark."""
    writer = TraceWriter.create(folder, now=lambda: datetime.now(UTC))
    writer.write(start())
    taken: list[float] = []
    for number in range(1, max(marks) + 1):
        events = [*step(number, "ab" * 32, "cd" * 32, 1)]
        began = time.perf_counter()
        for event in events:
            writer.write(event, sync=sync and event.kind in ("acting", "acted"))
        taken.append((time.perf_counter() - began) * 1e3)
    writer.close()
    return {mark: percentile(taken[max(0, mark - 500) : mark], 10) for mark in marks}


def writes(folder: Path, count: int, *, sync: bool) -> list[float]:
    """Microseconds of each write; with `sync`, of those that wait for the medium."""
    writer = TraceWriter.create(folder, now=lambda: datetime.now(UTC))
    writer.write(start())
    taken: list[float] = []
    number = 0
    while len(taken) < count:
        number += 1
        for event in step(number, "ab" * 32, "cd" * 32, number % 2):
            wait = sync and event.kind == "acting"
            began = time.perf_counter()
            writer.write(event, sync=wait)
            if wait == sync:
                taken.append((time.perf_counter() - began) * 1e6)
    writer.close()
    return taken[:count]


def measure(*, quick: bool = False) -> Figures:
    """Take the figures."""
    runs, count, synced = (2, 300, 5) if quick else (20, 10_000, 50)
    marks = (10, 100, 200) if quick else (10, 1_000, 10_000)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        plain, one = bytes_a_step(root / "0", 0), bytes_a_step(root / "1", 1)
        few = median(median(writes(root / f"few-{run}", 10, sync=False)) for run in range(runs))
        many = writes(root / "many", count, sync=False)
        last = median(many[-count // 10 :])
        waited = median(writes(root / "sync", synced, sync=True))
        lines = (root / "many" / "events.jsonl").read_bytes().count(b"\n")
        grown = steps(root / "steps", marks)
        synced_step = steps(root / "synced", (50,), sync=True)[50]
        began = time.perf_counter()
        verify(root / "many")
        checked = lines / (time.perf_counter() - began)
    return {
        "trace_typical_bytes_a_step": Figure(
            "trace beyond screenshots, a typical step",
            "B",
            plain,
            bar=2000,
            detail={"with_one_request_B": one, "verify_lines_a_second": checked},
        ),
        "trace_step_ms": Figure(
            f"all lines of one step with a request, after {marks[2]:,} steps",
            "ms",
            grown[marks[2]],
            grown[marks[0]],
            f"after {marks[0]} steps",
            1.25,
            "ratio",
            {f"after_{marks[1]}_ms": grown[marks[1]], "on_the_medium_ms": synced_step},
        ),
        "trace_write_us": Figure(
            f"one trace line, after {count:,} lines",
            "us",
            last,
            few,
            "after 10 lines",
            1.25,
            "ratio",
            {"sync_us": waited},
        ),
    }


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
