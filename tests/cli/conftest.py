"""The real command as a child in a folder of its own, and the same command inside the test's process."""

import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from harness.cli.main import main
from harness.cli.signals import SIGNALS
from tests.cli.commands import NO_ENGINE, PAGE, POLICY, Command, Place, Told


@pytest.fixture
def place() -> Iterator[Place]:
    # Not under pytest's own folder: the browser's user must be able to pass through.
    folder = Path(tempfile.mkdtemp(prefix="harness-cli-", dir="/tmp"))
    folder.chmod(0o711)
    found = Place(folder)
    (folder / "site").mkdir()
    (folder / "site" / "index.html").write_text(PAGE)
    (folder / "policy.yaml").write_text(POLICY)
    found.runtime.mkdir(mode=0o711)
    yield found
    for one in found.started:
        if one.process.poll() is None:
            one.process.kill()
        one.close()
    shutil.rmtree(folder)


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, place: Place, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    monkeypatch.chdir(place.folder)
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def run(*arguments: str) -> Told:
        capsys.readouterr()
        code = main(arguments)
        told = capsys.readouterr()
        return Told(code, told.out, told.err)

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)
    structlog.reset_defaults()
