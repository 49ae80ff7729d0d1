from pathlib import Path

import pytest
from harness.sandbox import chromium, doctor
from harness.sandbox.doctor import Finding, findings


def named(name: str) -> Finding:
    return next(one for one in findings() if one.name == name)


def test_everything_a_sandbox_needs_is_looked_at() -> None:
    names = {one.name for one in findings()}
    assert {
        "chromium",
        "bwrap",
        "socat",
        "user namespaces",
        "fonts",
        "colour emoji",
        "OCR",
        "docker",
    } <= names
    assert sum(name.startswith("disk at ") for name in names) >= 1


def test_what_is_well_needs_no_fix() -> None:
    for one in findings():
        assert one.detail
        assert not (one.ok and one.fix), one
        assert one.ok or one.fix, one


def test_the_browser_is_given_with_its_version() -> None:
    found = named("chromium")
    assert found.ok
    assert "Chrom" in found.detail
    assert any(char.isdigit() for char in found.detail)


def test_namespaces_are_tried() -> None:
    assert named("user namespaces").ok


def test_missing_programs_are_findings_and_not_errors(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    wrong = {one.name: one.fix for one in findings() if not one.ok}
    assert wrong["bwrap"] == "apt-get install bubblewrap"
    assert wrong["socat"] == "apt-get install socat"
    assert wrong["fonts"] == "apt-get install fontconfig"
    assert "apt-get install bubblewrap" in wrong["user namespaces"]


def test_a_missing_browser_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "_candidates", lambda _env: ())
    found = named("chromium")
    assert not found.ok
    assert "apt-get install chromium" in found.fix


def test_a_browser_that_does_not_start_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "_candidates", lambda _env: (Path("/usr/bin/false"),))
    found = named("chromium")
    assert not found.ok
    assert "does not start" in found.detail


def test_too_little_disk_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_DISK_BYTES", 10**18)
    found = next(one for one in findings() if one.name.startswith("disk at "))
    assert not found.ok
    assert found.fix.startswith("free ")


def test_docker_is_good_to_know_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    found = named("docker")
    assert found.ok
    assert "no engine answers" in found.detail


def test_where_the_browsers_policy_cannot_be_mounted_is_said(tmp_path: Path) -> None:
    found = doctor._managed(tmp_path)
    assert found.ok
    assert "process: it cannot be mounted, none applies" in found.detail
    folder = tmp_path / "chromium" / "policies" / "managed"
    folder.mkdir(parents=True)
    (folder / "theirs.json").write_text("{}")
    assert "this machine's own 1 apply" in doctor._managed(tmp_path).detail
    assert named("browser policy").ok
