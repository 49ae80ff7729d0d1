"""How many recorded effects are judged by another policy in a second: judging alone, and with reading."""

import hashlib
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.bench_trace import HEADERS, allowed, start, step
from benchmarks.figures import Figure, Figures, main
from harness.clearance import Request, Resource
from harness.cli.rejudge import judged
from harness.policy import Policy, ready_made
from harness.replay.effects import Heard
from harness.replay.folder import judge, traces_in
from harness.replay.moments import recording
from harness.replay.rejudge import Rejudge
from harness.trace.events import Requested, Responded
from harness.trace.writer import TraceWriter

EFFECTS_A_SECOND = 20_000
STEPS = 60
ASKED: tuple[Resource, ...] = ("document", "style", "image")
FORM = b"sku=MUG-BLUE&quantity=1"


def write(folder: Path, steps: int, run: int = 0) -> None:
    """A run as the loop records it: an action and three requests a step, one of them with a body.

    One request in three has an address of this run's own; the rest is the same in every run of the task.
    """
    own = f"?session={run}"
    writer = TraceWriter.create(folder, now=lambda: datetime.now(UTC))
    writer.write(start())
    for number in range(1, steps + 1):
        for event in step(number, "ab" * 32, "cd" * 32, 0):
            writer.write(event)
        for index, resource in enumerate(ASKED):
            body = FORM if index == 0 else b""
            request = Request(
                id=f"{number}-{index}",
                method="POST" if body else "GET",
                url=f"https://shop.test/cart/items/{number}/{index}{own if index == 1 else ''}",
                headers=HEADERS if body else tuple(one for one in HEADERS if one[0] != "content-type"),
                body_sha256=hashlib.sha256(body).hexdigest(),
                body_size=len(body),
                resource=resource,
            )
            kept = writer.blob(body) if body else None
            writer.write(Requested(step=number, request=request, verdict=allowed(request), body=kept))
            writer.write(Responded(step=number, request=request.id, status=200, seconds=0.004))
    writer.close()


def policy(name: str) -> Policy:
    file = ready_made(name)
    if file is None:
        raise FileNotFoundError(name)
    return Policy.load(file)


def measure(*, quick: bool = False) -> Figures:
    """Take the figures."""
    runs, repeats = (4, 1) if quick else (300, 3)
    new = policy("shopping")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for number in range(runs):
            write(folder / f"run-{number:03}", STEPS, number)
        paths = traces_in(folder)
        one = recording(paths[0])
        effects = sum(isinstance(moment, Heard) for moment in one.moments)
        rejudge = Rejudge(new)
        alone, read, whole = [], [], []
        for _ in range(repeats):
            began = time.perf_counter()
            for _ in range(runs):
                rejudge.run(one)
            alone.append(runs * effects / (time.perf_counter() - began))
            began = time.perf_counter()
            judge(paths, new)
            read.append(runs * effects / (time.perf_counter() - began))
            began = time.perf_counter()
            judged(paths, new)
            whole.append(runs * effects / (time.perf_counter() - began))
    return {
        "rejudge_us": Figure(
            "one recorded effect judged by another policy, reading and all processes included",
            "us",
            1e6 / max(whole),
            bar=1e6 / EFFECTS_A_SECOND,
            detail={
                "effects_a_second": max(whole),
                "effects_a_second_in_one_process": max(read),
                "effects_a_second_judging_alone": max(alone),
                "traces": runs,
                "effects": runs * effects,
            },
        )
    }


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
