"""`kill -9` in the middle of a run: what anybody was told is in the trace, and the trace verifies."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from harness.trace.reader import Trace
from harness.trace.redact import header
from harness.trace.verify import verify

CHILD = """
import asyncio, os, sys
from harness.action import Goto, Scroll, Wait
from harness.cli.compose import Run
from harness.task import Limits, Task
from harness.testing import ScriptedModel

def told(event):
    os.write(1, event.model_dump_json(by_alias=True).encode() + b"\\n")

task = Task(
    name="walk", goal="Look around.", start="https://shop.test/", policy="shopping", limits=Limits(steps=40),
    hosts={"shop.test": "harness.worlds.shop:app"},
)
script = [
    act
    for _ in range(9)
    for act in (Goto(url="https://shop.test/"), Scroll(x=9, y=9, dy=200), Wait(seconds=0))
]
model = ScriptedModel(script)
run = Run(task, model=model, sandbox="bubblewrap", approver="deny", traces=sys.argv[1], watch=told)
asyncio.run(run.go())
"""


def killed(folder: Path, moment: int) -> None:
    reported = []
    command = [sys.executable, "-c", CHILD, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        for line in child.stdout:
            reported.append(json.loads(line))
            if len(reported) >= moment:
                break
        child.kill()
        reported += [json.loads(line) for line in child.stdout.read().split(b"\n")[:-1]]
    (run,) = folder.iterdir()
    found = verify(run)
    assert found.ok, found.problems
    recorded = [json.loads(one.event.model_dump_json(by_alias=True)) for one in Trace.open(run).events]
    assert len(reported) >= moment
    for event in reported:
        if event["kind"] == "requested":
            event["request"]["headers"] = [
                [name, header(name, value)] for name, value in event["request"]["headers"]
            ]
    assert recorded[: len(reported)] == reported
    assert len(recorded) <= len(reported) + 1


@pytest.mark.parametrize("number", range(3))
def test_what_was_reported_is_there(number: int, tmp_path: Path) -> None:
    killed(tmp_path, random.Random(number).randrange(2, 90))  # noqa: S311 - no secret


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(50))
def test_what_was_reported_is_there_at_any_moment(number: int, tmp_path: Path) -> None:
    killed(tmp_path, random.Random(1000 + number).randrange(1, 150))  # noqa: S311 - no secret
