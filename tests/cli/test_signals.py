"""What a signal does while a command begins, and to those who are told."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from harness.cli.signals import SIGNALS, Interrupts, unwind


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    found = Interrupts()
    found.install()
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_innermost_is_told_at_every_signal(interrupts: Interrupts) -> None:
    told: list[str] = []
    with interrupts.told(lambda: told.append("outer")):
        with interrupts.told(lambda: told.append("inner")):
            for number in SIGNALS:
                os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGTERM)
    assert told == ["inner", "inner", "inner", "outer"]


def test_what_must_take_something_away_is_unwound(interrupts: Interrupts) -> None:
    gone = False
    try:
        with interrupts.told(unwind):
            os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        gone = True
    assert gone


def test_signals_that_were_ignored_stay_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    others = {number: signal.getsignal(number) for number in SIGNALS if number != signal.SIGHUP}
    try:
        Interrupts().install()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
        for number, handler in others.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_nothing_has_begun_ends_the_command_at_once(number: signal.Signals) -> None:
    code = (
        "import os, signal\n"
        "from harness.cli.signals import Interrupts\n"
        "Interrupts().install()\n"
        "try:\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "except BaseException:\n"
        "    print('swallowed')\n"
        "print('went on')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "harness: interrupted\n")
