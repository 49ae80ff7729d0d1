"""What holds for every test."""

import signal
from collections.abc import Generator

import pytest

# A shell that starts this in the background, and nohup, ignore signals for all that is started below;
# programs under test must meet signals as they do in front of a person.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
    """Name and count the tests of containers that did not run: a green line must not hide them."""
    yield
    skipped = terminalreporter.stats.get("skipped", ())
    names = [one.nodeid for one in skipped if "needs a Docker engine" in str(one.longrepr)]
    for name in names:
        terminalreporter.write_line(f"skipped without a Docker engine: {name}")
    if names:
        terminalreporter.write_line(
            f"{len(names)} tests of the Docker sandbox were skipped: `harness doctor` says what is missing",
            yellow=True,
        )
