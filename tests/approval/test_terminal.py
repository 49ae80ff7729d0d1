import asyncio
import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import IO, Any, TextIO

import pytest
from harness.action import AskUser, Click
from harness.approval.base import ask
from harness.approval.terminal import TerminalApprover
from harness.clearance import (
    Act,
    Approval,
    Box,
    Effect,
    FileOffer,
    Plan,
    Question,
    Request,
    SafetySignal,
    Target,
    Verdict,
    digest,
)
from harness.testing import FakeClock, blank

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
TARGET = Target(
    role="button",
    name="Place order\u202e\x1b[2J",
    frame_origin="https://shop.test",
    submits=True,
    form_method="post",
    form_action="https://shop.test/orders",
    box=Box(x=20, y=30, width=100, height=40),
)
CLICK = Act(action=Click(x=60, y=50), target=TARGET)
ASKS = Act(action=AskUser(question="Which colour?"))


def question(effect: Effect = CLICK, seconds: float = 30.0, name: str = "q1") -> Question:
    verdict = Verdict(
        outcome="ask",
        rule="spending needs a person",
        reason="It spends money.",
        policy="0" * 64,
        effect=digest(effect),
    )
    return Question(
        id=name,
        effect=effect,
        verdict=verdict,
        goal="Buy one blue mug.",
        step=9,
        url="https://shop.test/checkout",
        thought="All is \u200bwell.\nWhat    nothing",
        screenshot=blank(200, 100),
        seconds=seconds,
    )


async def asked(approver: TerminalApprover, one: Question) -> Approval:
    return await ask(approver, one, clock=asyncio.get_running_loop().time, now=lambda: NOON)


class Shown(StringIO):
    """What is shown, and a way to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Event()

    def write(self, text: str) -> int:
        self._more.set()
        return super().write(text)

    async def shows(self, text: str) -> None:
        while text not in self.getvalue():
            self._more.clear()
            await self._more.wait()


class Pipe:
    """A pipe for answers and a buffer for what is shown."""

    def __init__(self) -> None:
        read, self._write = os.pipe()
        self.stdin: TextIO = os.fdopen(read)
        self.out = Shown()

    def send(self, text: str) -> None:
        os.write(self._write, text.encode())

    def end(self) -> None:
        if self._write >= 0:
            os.close(self._write)
            self._write = -1


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    one = Pipe()
    yield one
    one.end()
    one.stdin.close()


class Terminal:
    """A pseudo-terminal: what a person sees and types at one end, the program at the other."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        os.set_blocking(self.master, False)
        self.stdin: TextIO = os.fdopen(slave)
        self.stdout: TextIO = os.fdopen(os.dup(slave), "w", encoding="utf-8")
        self.seen = ""
        self._more = asyncio.Event()

    def read(self) -> None:
        try:
            self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
        except OSError:
            return
        self._more.set()

    async def shows(self, text: str) -> None:
        while text not in self.seen:
            self._more.clear()
            await self._more.wait()

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())


@asynccontextmanager
async def terminal() -> AsyncIterator[Terminal]:
    one = Terminal()
    loop = asyncio.get_running_loop()
    loop.add_reader(one.master, one.read)
    try:
        yield one
    finally:
        loop.remove_reader(one.master)
        one.stdin.close()
        one.stdout.close()
        os.close(one.master)


@pytest.mark.parametrize(
    ("line", "decision", "note"),
    [
        ("y", "approve", ""),
        (" YES ", "approve", ""),
        ("n", "deny", ""),
        ("no too dear, look on", "deny", "too dear, look on"),
        ("s", "stop", ""),
        ("stop now", "stop", "now"),
    ],
)
async def test_a_typed_line_is_the_answer(line: str, decision: str, note: str) -> None:
    async with terminal() as one:
        approver = TerminalApprover(one.stdin, one.stdout)
        task = asyncio.ensure_future(asked(approver, question()))
        await one.shows("> ")
        one.type(line + "\r")
        approval = await task
    assert (approval.decision, approval.note, approval.by) == (decision, note, "terminal")
    assert (approval.at, approval.shown) == (NOON, digest(CLICK))


async def test_the_question_says_what_where_and_why_with_nothing_hidden(pipe: Pipe, tmp_path: Path) -> None:
    pipe.send("y\n")
    approver = TerminalApprover(pipe.stdin, pipe.out, pictures=tmp_path / "pictures")
    await asked(approver, question(name="../../q 1"))
    shown = pipe.out.getvalue()
    assert "What    click 'Place order\\u{202e}\\e[2J' (button) in https://shop.test at 60, 50\n" in shown
    assert "Where   60, 50 in a box of 100 by 40 at 20, 30 on the screen\n" in shown
    assert "Sends   its form by POST to https://shop.test/orders\n" in shown
    assert "Page    https://shop.test/checkout\n" in shown
    assert "Why     It spends money. (rule: spending needs a person)\n" in shown
    assert "may be wrong: All is \\u{200b}well.\\nWhat    nothing\n" in shown
    assert "Refused in 0:30 unless you answer." in shown
    assert shown.count("\nWhat ") == 1
    (picture,) = (tmp_path / "pictures").iterdir()
    assert f"Picture {picture}\n" in shown
    assert picture.read_bytes() != blank(200, 100).png


@pytest.mark.parametrize(
    ("effect", "lines"),
    [
        (
            Request(
                id="r",
                method="POST",
                url="https://b\u00fccher.test/orders",
                headers=(("content-type", "text/plain"),),
                body_size=143,
                body_sha256="ab" * 32,
                resource="fetch",
                initiator="https://shop.test",
            ),
            [
                "What    POST https://xn--bcher-kva.test/orders (143 bytes)",
                "Host    xn--bcher-kva.test",
                f"Body    143 bytes of text/plain, SHA-256 {'ab' * 32}",
                "Kind    fetch, asked for by https://shop.test",
            ],
        ),
        (Plan(text="first\nsecond"), ["Plan    first\\nsecond"]),
        (
            FileOffer(name="a.pdf", url="https://a.test/f", page="https://a.test/"),
            ["From    https://a.test/"],
        ),
        (SafetySignal(provider="p", code="c", message="careful"), ["Warning careful"]),
        (
            Act(action=Click(x=1, y=1), target=Target(tag="a", href="https://a.test/\u202e")),
            ["Leads   to https://a.test/%E2%80%AE"],
        ),
    ],
)
async def test_every_kind_of_effect_is_shown(pipe: Pipe, effect: Effect, lines: list[str]) -> None:
    pipe.send("n\n")
    await asked(TerminalApprover(pipe.stdin, pipe.out), question(effect))
    shown = pipe.out.getvalue().splitlines()
    for line in lines:
        assert line in shown


@pytest.mark.parametrize("line", ["maybe", "", "yes but only one", "ye", "\x00y", "\x1b[Ay", "\u0443"])
async def test_anything_else_is_asked_again(pipe: Pipe, line: str) -> None:
    pipe.send(f"{line}\nn\n")
    approval = await asked(TerminalApprover(pipe.stdin, pipe.out), question())
    assert approval.decision == "deny"
    assert "Please type y, n or s" in pipe.out.getvalue()


@pytest.mark.parametrize(
    ("line", "decision", "note"),
    [
        ("the blue one", "approve", "the blue one"),
        ("n", "approve", "n"),
        ("", "deny", "the person did not answer"),
        ("/stop", "stop", ""),
    ],
)
async def test_a_model_that_asks_gets_the_words(pipe: Pipe, line: str, decision: str, note: str) -> None:
    pipe.send(f"{line}\n")
    approval = await asked(TerminalApprover(pipe.stdin, pipe.out), question(ASKS))
    assert (approval.decision, approval.note) == (decision, note)
    assert "ask you: 'Which colour?'" in pipe.out.getvalue()


async def test_the_end_of_a_pipe_refuses_this_and_every_later_question(pipe: Pipe) -> None:
    pipe.send("y\ny")
    pipe.end()
    approver = TerminalApprover(pipe.stdin, pipe.out)
    decisions = [(await asked(approver, question())).decision for _ in range(3)]
    assert decisions == ["approve", "deny", "deny"]


async def test_the_end_of_the_input_on_a_terminal_refuses_once() -> None:
    async with terminal() as one:
        approver = TerminalApprover(one.stdin, one.stdout)
        task = asyncio.ensure_future(asked(approver, question()))
        await one.shows("> ")
        one.type("\x04")
        assert (await task).decision == "deny"
        one.seen = ""
        task = asyncio.ensure_future(asked(approver, question()))
        await one.shows("> ")
        one.type("y\r")
        assert (await task).decision == "approve"


async def test_what_was_typed_before_the_question_is_not_its_answer() -> None:
    async with terminal() as one:
        one.type("y\ry\r")
        await one.shows("y\r\ny\r\n")
        approver = TerminalApprover(one.stdin, one.stdout)
        approval = await asked(approver, question(seconds=0.05))
    assert (approval.decision, approval.by) == ("deny", "deadline")


async def test_a_deadline_refuses_and_says_so(pipe: Pipe) -> None:
    approval = await asked(TerminalApprover(pipe.stdin, pipe.out), question(seconds=0.02))
    assert (approval.decision, approval.by) == ("deny", "deadline")
    assert "No answer in time: refused." in pipe.out.getvalue()


async def test_an_endless_line_refuses(pipe: Pipe) -> None:
    task = asyncio.ensure_future(asked(TerminalApprover(pipe.stdin, pipe.out), question()))
    while not task.done():
        pipe.send("y" * 4096)
        await asyncio.wait({task}, timeout=0.001)
    assert task.result().decision == "deny"


async def test_the_deadline_counts_down_above_what_is_typed() -> None:
    clock = FakeClock()
    async with terminal() as one:
        approver = TerminalApprover(one.stdin, one.stdout, clock=clock)
        task = asyncio.ensure_future(asked(approver, question(seconds=300)))
        await one.shows("Refused in 5:00")
        clock.advance(61)
        await one.shows("\x1b7\x1b[1A\r\x1b[2KRefused in 3:59 unless you answer.\x1b8")
        one.type("n\r")
        await task


@pytest.fixture(params=["/dev/null", "file", "closed", "none"])
def nobody(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TextIO]:
    if request.param == "none":
        yield StringIO("y\n")
        return
    file = tmp_path / "answers"
    file.write_text("y\n")
    with Path("/dev/null" if request.param == "/dev/null" else file).open() as stdin:
        if request.param == "closed":
            stdin.close()
        yield stdin


async def test_where_nobody_can_answer_it_refuses_at_once(nobody: TextIO) -> None:
    out = StringIO()
    approval = await asked(TerminalApprover(nobody, out), question(seconds=600))
    assert (approval.decision, approval.by) == ("deny", "terminal")
    assert "nobody could be asked" in approval.note
    assert "--approve" in out.getvalue()


async def test_questions_are_shown_one_at_a_time(pipe: Pipe) -> None:
    approver = TerminalApprover(pipe.stdin, pipe.out)
    names = ("a", "b", "c")
    plans = [question(Plan(text=f"plan {name}"), name=name) for name in names]
    tasks = [asyncio.ensure_future(asked(approver, one)) for one in plans[:2]]
    tasks.append(asyncio.ensure_future(approver.decide(plans[2])))
    await pipe.out.shows("plan a")
    assert "plan b" not in pipe.out.getvalue()
    pipe.send("y\nn\ns\n")
    assert [one.decision for one in await asyncio.gather(*tasks)] == ["approve", "deny", "stop"]
    shown = pipe.out.getvalue()
    assert shown.index("plan a") < shown.index("plan b") < shown.index("plan c")


async def test_being_cancelled_stops_asking_and_lets_the_next_question_through(pipe: Pipe) -> None:
    approver = TerminalApprover(pipe.stdin, pipe.out)
    task = asyncio.ensure_future(asked(approver, question()))
    await pipe.out.shows("> ")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "No longer asked." in pipe.out.getvalue()
    pipe.send("y\n")
    assert (await asked(approver, question())).decision == "approve"


async def test_a_question_that_cannot_be_shown_is_a_refusal(pipe: Pipe) -> None:
    class Broken(StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    pipe.send("y\n")
    approval = await asked(TerminalApprover(pipe.stdin, Broken()), question())
    assert (approval.decision, approval.by) == ("deny", "failed")


async def test_a_picture_that_cannot_be_written_is_said_and_the_question_still_asked(
    pipe: Pipe, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    pipe.send("y\n")
    approval = await asked(TerminalApprover(pipe.stdin, pipe.out, pictures=tmp_path / "file"), question())
    assert approval.decision == "approve"
    assert "Picture none: it could not be written" in pipe.out.getvalue()


async def test_letters_the_terminal_cannot_show_are_written_out(pipe: Pipe, tmp_path: Path) -> None:
    pipe.send("y\n")
    with (tmp_path / "out").open("w", encoding="ascii") as out:
        await asked(TerminalApprover(pipe.stdin, out), question(Plan(text="日本")))
    assert "\\u65e5\\u672c" in (tmp_path / "out").read_text("ascii")


PROGRAM = """
import asyncio, sys
from datetime import UTC, datetime
from harness.approval.base import ask
from harness.approval.terminal import TerminalApprover
from harness.clearance import Plan, Question, Verdict, digest
plan = Plan(text="wait")
verdict = Verdict(outcome="ask", rule="r", reason="why", policy="", effect=digest(plan))
question = Question(id="q", effect=plan, verdict=verdict, goal="g", step=1, seconds=float(sys.argv[1]))
async def main():
    loop = asyncio.get_running_loop()
    approval = await ask(TerminalApprover(), question, clock=loop.time, now=lambda: datetime.now(UTC))
    print(approval.decision, approval.by)
asyncio.run(main())
"""


def start(seconds: float, stdin: int | IO[bytes], **more: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(seconds)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        start_new_session=True,
        **more,
    )


def test_a_pipe_that_stays_open_does_not_keep_the_program_from_ending() -> None:
    with start(0.05, subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.wait(30) == 0
        assert program.stdout.read() == b"deny deadline\n"


def test_control_c_ends_the_program_and_leaves_the_terminal_as_it_was() -> None:
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    with start(60, slave, stderr=slave, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) as program:
        shown = b""
        while b"> " not in shown:
            shown += os.read(master, 4096)
        os.write(master, b"\x03")
        try:
            assert program.wait(30) in (130, -signal.SIGINT, 1)
            assert program.stdout is not None
            assert program.stdout.read() == b""
        finally:
            program.kill()
    assert termios.tcgetattr(slave) == before
    os.close(slave)
    os.close(master)
