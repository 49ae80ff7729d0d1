"""What `harness doctor` prints."""

import json

import pytest
from harness.cli import doctor
from harness.sandbox.doctor import Finding
from tests.cli.commands import Command


def test_what_is_missing_is_told_with_what_to_type(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    found = (
        Finding(name="fonts", ok=True, detail="some"),
        Finding(name="bwrap", ok=False, detail="not installed", fix="apt-get install bubblewrap"),
    )
    monkeypatch.setattr(doctor, "findings", lambda: found)
    told = command("doctor")
    assert told.code == 4
    assert "✓ fonts" in told.out
    assert "✗ bwrap" in told.out
    assert "type: apt-get install bubblewrap" in told.out
    monkeypatch.setattr(doctor, "findings", lambda: found[:1])
    assert command("doctor").code == 0
    assert command("doctor", "--json").code == 0


def test_json_is_one_list_with_every_finding(command: Command) -> None:
    told = command("doctor", "--json")
    names = {one["name"] for one in json.loads(told.out)}
    assert {"chromium", "bwrap", "OCR", "docker"} <= names
