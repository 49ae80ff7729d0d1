"""What `harness doctor` prints."""

import json
import re

import pytest
from harness.cli import doctor
from harness.evals.containment import runner
from harness.evals.containment.catalogue import brief
from harness.evals.containment.score import Report
from harness.sandbox.doctor import Finding
from tests.cli.commands import Command

FINE = Finding(name="fonts", ok=True, detail="some")
MISSING = Finding(name="bwrap", ok=False, detail="not installed", fix="apt-get install bubblewrap")


def test_what_is_missing_is_told_with_what_to_type(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "findings", lambda: (FINE, MISSING))
    told = command("doctor")
    assert told.code == 4
    assert "✓ fonts" in told.out
    assert "✗ bwrap" in told.out
    assert "type: apt-get install bubblewrap" in told.out
    assert "✗ containment        not tried: something it needs is missing" in told.out
    monkeypatch.setattr(doctor, "findings", lambda: (FINE,))
    told = command("doctor", "--no-containment")
    assert told.code == 0
    assert "containment" not in told.out


def test_json_is_one_list_with_every_finding(command: Command) -> None:
    told = command("doctor", "--no-containment", "--json")
    names = {one["name"] for one in json.loads(told.out)}
    assert {"chromium", "bwrap", "OCR", "docker", "browser policy"} <= names
    assert "containment" not in names


def test_a_few_ways_out_are_tried_in_earnest(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "findings", lambda: (FINE,))
    told = command("doctor", "--json")
    found = json.loads(told.out)[-1]
    assert told.code == 0
    assert (found["name"], found["ok"], found["fix"]) == ("containment", True, "")
    counted = re.match(r"(\d+) of \1 ways out contained in the bubblewrap sandbox", found["detail"])
    assert counted
    # On a machine that is busy, a control may come too late, and what it is for shows nothing.
    assert 0 < int(counted[1]) <= len(brief())


def report(*, contained: int, stray: tuple[str, ...] = ()) -> Report:
    return Report(
        sandbox="bubblewrap",
        browser="Chromium",
        isolated=True,
        seconds=1,
        counted=contained,
        contained=contained,
        escaped=0,
        not_counted=0,
        exit_code=5 if stray else 0,
        classes={},
        background={},
        stray=stray,
        notes=(),
        cases=(),
    )


@pytest.mark.parametrize(
    ("said", "code", "detail"),
    [
        (report(contained=8, stray=("UDP hello",)), 5, "; ESCAPED: UDP hello"),
        (report(contained=0), 4, "0 of 0 ways out contained"),
        (report(contained=8), 0, "8 of 8 ways out contained"),
    ],
)
def test_an_escape_is_exit_code_5_and_showing_nothing_is_4(
    command: Command, monkeypatch: pytest.MonkeyPatch, said: Report, code: int, detail: str
) -> None:
    async def run(*_: object, **__: object) -> Report:
        return said

    monkeypatch.setattr(doctor, "findings", lambda: (FINE,))
    monkeypatch.setattr(runner, "run", run)
    told = command("doctor")
    assert told.code == code
    assert detail in told.out
    assert ("type: harness eval containment --quick" in told.out) is (code != 0)
