from pathlib import Path

import pytest
from harness.errors import SandboxError
from harness.sandbox import chromium

ELF = b"\x7fELF" + bytes(60)


def program(path: Path, content: bytes = ELF) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def revision() -> str:
    own = chromium._playwrights_own({"PLAYWRIGHT_BROWSERS_PATH": "/browsers"})
    assert own
    return own.name


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No browser where packages put one."""
    monkeypatch.setattr(chromium, "_KNOWN", ())


def test_playwrights_own_browser_comes_first(tmp_path: Path) -> None:
    own = program(tmp_path / revision() / "chrome-linux64" / "chrome")
    assert chromium.find_chromium({"PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}) == own


def test_playwrights_own_browser_is_looked_for_in_the_home_cache(tmp_path: Path) -> None:
    own = program(tmp_path / ".cache" / "ms-playwright" / revision() / "chrome-linux64" / "chrome")
    assert chromium.find_chromium({"HOME": str(tmp_path)}) == own


@pytest.mark.usefixtures("bare")
def test_the_systems_browser_is_found_through_its_link(tmp_path: Path) -> None:
    real = program(tmp_path / "opt" / "chrome")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "google-chrome").symlink_to(real)
    assert chromium.find_chromium({"PATH": str(tmp_path / "bin")}) == real


def test_the_packages_script_is_passed_over_for_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = program(tmp_path / "chromium", b"#!/bin/sh\n")
    real = program(tmp_path / "lib" / "chromium")
    monkeypatch.setattr(chromium, "_KNOWN", (str(script), str(real)))
    assert chromium.find_chromium({"PATH": str(tmp_path)}) == real


@pytest.mark.usefixtures("bare")
def test_a_script_or_a_snap_is_refused_with_the_reason(tmp_path: Path) -> None:
    program(tmp_path / "chromium", b"#!/bin/sh\nexec snap run chromium\n")
    with pytest.raises(SandboxError, match=r"script or a snap.*apt-get install chromium"):
        chromium.find_chromium({"PATH": str(tmp_path)})


@pytest.mark.usefixtures("bare")
def test_without_a_browser_it_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="apt-get install chromium, or playwright install chromium"):
        chromium.find_chromium({"PATH": str(tmp_path)})


@pytest.mark.usefixtures("bare")
def test_a_browser_that_its_owner_alone_can_reach_is_not_shared(tmp_path: Path) -> None:
    own = program(tmp_path / "cache" / revision() / "chrome-linux64" / "chrome")
    env = {"PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "cache"), "PATH": ""}
    (tmp_path / "cache").chmod(0o700)
    assert chromium.find_chromium(env) == own
    with pytest.raises(SandboxError, match="set PLAYWRIGHT_BROWSERS_PATH"):
        chromium.find_chromium(env, shared=True)


def test_the_flags_leave_no_way_past_the_proxy() -> None:
    flags = chromium.flags(3128, "key=")
    assert "--proxy-server=http://127.0.0.1:3128" in flags
    assert "--proxy-bypass-list=<-loopback>" in flags
    assert "--ignore-certificate-errors-spki-list=key=" in flags
    assert not any(flag.startswith("--js-flags") for flag in flags)
    assert "--js-flags=--random-seed=5" in chromium.flags(3128, "key=", 5)
    assert not any(flag.startswith(("--no-sandbox", "--disable-web-security")) for flag in flags)
