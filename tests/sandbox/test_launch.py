"""The life of one driver and one browser."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.errors import SandboxError
from harness.sandbox import launch
from harness.sandbox.chromium import find_chromium
from harness.sandbox.launch import Launch, preamble
from harness.sandbox.rundir import RunFolder
from tests.sandbox.places import descendants, running, until

ROOT = os.geteuid() == 0


@pytest.fixture
def run() -> Iterator[RunFolder]:
    with RunFolder.create() as folder:
        yield folder


def failing(run: RunFolder, says: str, more: str = "exit 3") -> str:
    return f"#!/bin/sh\n{preamble(run.path, '/nowhere')}echo '{says}' >&2\n{more}\n"


async def fails(run: RunFolder, script: str) -> str:
    before = set(descendants(os.getpid()))
    browser = Launch(run.path)
    with pytest.raises(SandboxError) as caught:
        await browser.start(lambda: script, (), chromium_sandbox=not ROOT)
    ours = set(descendants(os.getpid())) - before
    await browser.stop()
    await until(lambda: not any(map(running, ours)))
    return str(caught.value)


async def test_playwrights_folders_are_the_runs_and_none_are_left_elsewhere(run: RunFolder) -> None:
    temporary = Path(tempfile.gettempdir())
    script = f'#!/bin/sh\n{preamble(run.path, str(run.path / "profile"))}exec {find_chromium()} "$@"\n'
    browser = Launch(run.path)
    await browser.start(lambda: script, (), chromium_sandbox=not ROOT)
    try:
        assert browser.alive
        assert (run.path / "profile").is_dir()
        words = (run.path / "browser.pid").read_text().strip()
        line = Path(f"/proc/{words}/cmdline").read_text().split("\0")
        given = [word.partition("=")[2] for word in line if word.startswith("--user-data-dir=")]
        assert given[-1] == str(run.path / "profile")
        assert given[0].startswith(str(temporary))
        assert not Path(given[0]).exists()
        assert "--disable-popup-blocking" not in line
    finally:
        await browser.stop()
    await browser.stop()
    gone = browser.alive
    assert not gone


async def test_the_end_of_what_the_browser_said_is_in_the_error(run: RunFolder) -> None:
    said = await fails(run, failing(run, "line\nof trouble \x1b[31m"))
    assert said.startswith("Chromium did not start")
    assert "of trouble ·[31m" in said


@pytest.mark.parametrize(
    ("sign", "reason"),
    [
        ("FATAL: No usable sandbox! Update your kernel", "run `harness doctor`"),
        ("bwrap: Creating new namespace failed: Operation not permitted", "forbids user namespaces"),
        ("write failed: No space left on device", "the disk is full"),
        ("x: error while loading shared libraries: libnss3.so", "apt-get install --reinstall chromium"),
    ],
)
async def test_a_known_reason_is_said_in_words(sign: str, reason: str, run: RunFolder) -> None:
    assert reason in await fails(run, failing(run, sign))


async def test_a_browser_that_never_answers_is_given_up(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "LAUNCH_SECONDS", 2.0)
    said = await fails(run, failing(run, "thinking", "exec /bin/sleep 600"))
    assert "did not start" in said
    assert "thinking" in said


async def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    browser = Launch(tmp_path / "none")
    with pytest.raises(SandboxError, match="the sandbox's files cannot be made"):
        await browser.start(lambda: "", (), chromium_sandbox=not ROOT)
    await browser.stop()


async def test_stopping_what_never_started_does_nothing(tmp_path: Path) -> None:
    await Launch(tmp_path).stop()


async def test_what_is_wanted_no_more_is_ended_without_being_asked(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(descendants(os.getpid()))
    script = f'#!/bin/sh\n{preamble(run.path, str(run.path / "profile"))}exec {find_chromium()} "$@"\n'
    browser = Launch(run.path)
    opened = await browser.start(lambda: script, (), chromium_sandbox=not ROOT)
    asked: list[None] = []
    monkeypatch.setattr(opened, "close", lambda: asked.append(None))
    ours = set(descendants(os.getpid())) - before
    assert ours
    await browser.stop(at_once=True)
    await until(lambda: not any(map(running, ours)))
    assert asked == []
