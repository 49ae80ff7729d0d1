"""A person drives: what is typed, what is shown, and a run through both doors."""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import TextIO

import harness
import pytest
from harness.action import Answer, Click, GiveUp, Goto, Wait, parse_action
from harness.approval.base import ask
from harness.approval.terminal import TerminalApprover
from harness.clearance import Act, Question, Reply, Usage, Verdict, digest
from harness.cli.names import find_model
from harness.errors import ActionError, InputError
from harness.lines import Lines
from harness.models.human import HumanModel, TerminalConsole
from harness.models.human_lines import HELP, VERBS, read, split
from harness.models.local.ocr import Reader
from harness.screen import ActionResult, Observation, Tab
from harness.task import OutputSpec
from harness.testing import blank
from pydantic import JsonValue

SIZE = (320, 200)
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Typist:
    """A console on which lines are typed that were written before."""

    def __init__(self, *lines: str) -> None:
        self.shown: list[str] = []
        self.pictures: list[bytes] = []
        self._lines = iter(lines)

    async def show(self, text: str, picture: bytes | None = None) -> None:
        self.shown.append(text)
        if picture is not None:
            self.pictures.append(picture)

    async def ask(self) -> str | None:
        return next(self._lines, None)


def seen(step: int = 1, **more: object) -> Observation:
    fields: dict[str, object] = {
        "screenshot": blank(*SIZE),
        "url": "https://shop.test/",
        "title": "The shop",
        "goal": "Buy a mug.",
        "step": step,
    }
    return Observation.model_validate({**fields, **more})


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("click 100 150", {"kind": "click", "x": 100, "y": 150}),
        ("Click 100, 150", {"kind": "click", "x": 100, "y": 150}),
        ("double-click 1 2", {"kind": "click", "x": 1, "y": 2, "count": 2}),
        ("triple-click 1 2", {"kind": "click", "x": 1, "y": 2, "count": 3}),
        ("right-click 1 2", {"kind": "click", "x": 1, "y": 2, "button": "right"}),
        ("middle-click 1 2", {"kind": "click", "x": 1, "y": 2, "button": "middle"}),
        ("move 1 2", {"kind": "move", "x": 1, "y": 2}),
        ("mouse-down 1 2", {"kind": "mouse_down", "x": 1, "y": 2}),
        ("mouse-up 1 2", {"kind": "mouse_up", "x": 1, "y": 2}),
        ("drag 1 2 3 4 5 6", {"kind": "drag", "path": [[1, 2], [3, 4], [5, 6]]}),
        ("scroll down 300", {"kind": "scroll", "x": 160, "y": 100, "dy": 300}),
        ("scroll left 30 5 6", {"kind": "scroll", "x": 5, "y": 6, "dx": -30}),
        ("type  hello  you ", {"kind": "type", "text": " hello  you "}),
        ("type {{secret:shop}}", {"kind": "type", "text": "{{secret:shop}}"}),
        ("press ctrl+a", {"kind": "press", "keys": ["Control", "a"]}),
        ("press ctrl shift t", {"kind": "press", "keys": ["Control", "Shift", "t"]}),
        ("hold shift 1.5", {"kind": "hold", "keys": ["Shift"], "seconds": 1.5}),
        ("wait", {"kind": "wait", "seconds": 1}),
        ("wait 2", {"kind": "wait", "seconds": 2}),
        ("look", {"kind": "screenshot"}),
        ("goto https://shop.test/", {"kind": "goto", "url": "https://shop.test/"}),
        ("back", {"kind": "back"}),
        ("forward", {"kind": "forward"}),
        ("reload", {"kind": "reload"}),
        ("new-tab", {"kind": "new_tab"}),
        ("new-tab https://shop.test/", {"kind": "new_tab", "url": "https://shop.test/"}),
        ("tab 2", {"kind": "switch_tab", "tab": 2}),
        ("close-tab", {"kind": "close_tab"}),
        ("close-tab 2", {"kind": "close_tab", "tab": 2}),
        ("upload a.txt 'b c.txt'", {"kind": "upload", "files": ["a.txt", "b c.txt"]}),
        ("answer It is 17.", {"kind": "answer", "text": "It is 17."}),
        ("answer", {"kind": "answer"}),
        ("give-up no mugs", {"kind": "give_up", "reason": "no mugs"}),
        ("give up no mugs", {"kind": "give_up", "reason": "no mugs"}),
    ],
)
def test_a_line_is_an_action(line: str, wanted: JsonValue) -> None:
    assert read(*split(line), SIZE) == parse_action(wanted)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("clik 1 2", "did you mean 'click'?"),
        ("click", "a place is two numbers"),
        ("click a b", "'a' is no number"),
        ("click 320 1", "outside the picture, which is 320 by 200"),
        ("click -1 1", "outside the picture"),
        ("click \u0661 1", "no number"),
        ("click 1e5 1", "no number"),
        ("scroll sideways 5", "typed otherwise: scroll down 300"),
        ("scroll down", "typed otherwise"),
        ("drag 1 2 3", "typed otherwise: move X Y"),
        ("type", "typed otherwise: type WORDS"),
        ("press nosuchkey", "no key is called 'nosuchkey'"),
        ("wait 1000", "seconds"),
        ("wait soon", "'soon' is no number"),
        ("goto", "typed otherwise: goto URL"),
        ("back twice", "stands alone"),
        ("upload 'a", "cannot be read"),
        ("tab first", "'first' is no number"),
        ("__class__", "nothing is called '__class__' here"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(line: str, said: str) -> None:
    with pytest.raises(ActionError) as raised:
        read(*split(line), SIZE)
    assert said in str(raised.value)


def test_everything_that_can_be_typed_is_in_the_help() -> None:
    assert [verb for verb in VERBS if verb != "help" and verb not in HELP] == []


async def reply(*lines: str, **outputs: OutputSpec) -> tuple[Reply, Typist]:
    console = Typist(*lines)
    return await HumanModel(console, outputs=outputs).reply(seen()), console


async def test_a_person_sees_the_goal_and_the_picture_and_what_can_be_typed() -> None:
    found, console = await reply("click 1 2", order_id=OutputSpec())
    assert found.actions == (Click(x=1, y=2),)
    assert found.raw == {"typed": "click 1 2"}
    assert found.usage == Usage()
    assert console.pictures == [blank(*SIZE).png]
    for text in (
        "Step 1",
        "Buy a mug.",
        "set order_id VALUE",
        "The shop",
        "https://shop.test/",
        "scroll down 300",
    ):
        assert text in console.shown[0]


async def test_what_cannot_be_read_is_asked_again_and_help_helps() -> None:
    found, console = await reply("clik 1 2", "help", "", "a\x1bb", "wait 1")
    assert found.actions == (Wait(seconds=1),)
    assert "did you mean 'click'?" in console.shown[1]
    assert "scroll down 300" in console.shown[2]
    assert "cannot be seen" in console.shown[4]


async def test_the_end_of_the_input_gives_up() -> None:
    found, _ = await reply()
    assert found.actions == (GiveUp(reason="the person's input ended"),)


async def test_what_was_found_out_is_kept_for_the_answer() -> None:
    found, console = await reply(
        "set order_id 17",
        "set count many",
        "set count true",
        "set count 3",
        "set colour red",
        "answer Done.",
        order_id=OutputSpec(),
        count=OutputSpec(type="integer"),
    )
    assert found.actions == (Answer(text="Done.", data={"order_id": "17", "count": 3}),)
    assert "is no JSON" in console.shown[2]
    assert "not of the type integer" in console.shown[3]
    assert "no output called 'colour'; it wants: order_id, count" in console.shown[5]


async def test_what_was_refused_and_what_happened_is_shown_with_nothing_hidden_in_it() -> None:
    console = Typist("wait")
    click = Click(x=1, y=2)
    await HumanModel(console).reply(
        seen(
            2,
            title="Shop\x1b[2J",
            results=(
                ActionResult(action=click, status="refused", message="It spends money.", rule="spending"),
            ),
            tabs=(
                Tab(id=1, url="https://shop.test/", active=True),
                Tab(id=2, url="https://shop.test/cart"),
            ),
            notes=("a dialog was closed",),
            settled=False,
        )
    )
    (text,) = console.shown
    assert "refused by the rule 'spending': It spends money." in text
    assert "Tab     2  https://shop.test/cart" in text
    assert "a dialog was closed" in text
    assert "still changing" in text
    assert "\x1b" not in text
    assert "Goal" not in text


async def test_an_interrupt_passes() -> None:
    class Interrupted(Typist):
        async def ask(self) -> str | None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await HumanModel(Interrupted()).reply(seen())


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
    """A pipe that stands for a terminal, and what is shown there."""

    def __init__(self) -> None:
        read_end, self._write = os.pipe()
        self.stdin: TextIO = os.fdopen(read_end)
        self.out = Shown()
        self.lines = Lines(self.stdin)

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


async def test_the_console_writes_the_picture_and_reads_lines(pipe: Pipe, tmp_path: Path) -> None:
    console = TerminalConsole(tmp_path / "screens", lines=pipe.lines, out=pipe.out)
    pipe.send("click 1 2\r\ngoto https://shop.test/\n")
    model = HumanModel(console)
    assert (await model.reply(seen())).actions == (Click(x=1, y=2),)
    assert (await model.reply(seen(2))).actions == (Goto(url="https://shop.test/"),)
    pipe.end()
    assert [one.kind for one in (await model.reply(seen(3))).actions] == ["give_up"]
    file = tmp_path / "screens" / "screen.png"
    assert file.read_bytes() == blank(*SIZE).png
    assert [one.name for one in file.parent.iterdir()] == ["screen.png"]
    assert f"Picture {file}" in pipe.out.getvalue()
    assert "> click 1 2" in pipe.out.getvalue()


async def test_a_picture_that_cannot_be_written_does_not_end_the_run(pipe: Pipe, tmp_path: Path) -> None:
    (tmp_path / "screens").write_text("in the way")
    console = TerminalConsole(tmp_path / "screens", lines=pipe.lines, out=pipe.out)
    await console.show("Here.", b"png")
    assert "Picture none: it could not be written" in pipe.out.getvalue()


async def test_a_question_that_comes_up_meanwhile_gets_the_next_line(pipe: Pipe, tmp_path: Path) -> None:
    console = TerminalConsole(tmp_path, lines=pipe.lines, out=pipe.out)
    approver = TerminalApprover(stdout=pipe.out, lines=pipe.lines)
    effect = Act(action=Click(x=1, y=2))
    verdict = Verdict(outcome="ask", rule="r", reason="why", policy="0" * 64, effect=digest(effect))
    question = Question(
        id="q", effect=effect, verdict=verdict, goal="Buy.", step=1, seconds=30.0, url="", thought=""
    )
    driving = asyncio.ensure_future(HumanModel(console).reply(seen()))
    await pipe.out.shows("Picture")
    clock = asyncio.get_running_loop().time
    asked = asyncio.ensure_future(ask(approver, question, clock=clock, now=lambda: NOON))
    await pipe.out.shows("a person must decide")
    pipe.send("y\nwait 2\n")
    assert (await asked).decision == "approve"
    assert (await driving).actions == (Wait(seconds=2),)


def test_where_nobody_can_type_a_run_does_not_start(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_text("wait\n")
    with file.open() as stream, pytest.raises(InputError, match="needs a terminal, or a pipe"):
        TerminalConsole(tmp_path, lines=Lines(stream))
    with pytest.raises(InputError, match="there is no standard input"):
        TerminalConsole(tmp_path, lines=Lines(None))


def test_the_name_human_is_a_person(pipe: Pipe, tmp_path: Path) -> None:
    task = harness.Task.model_validate({"name": "look", "goal": "Look.", "start": "https://shop.test/"})
    found = find_model("human", task, Reader(), pictures=tmp_path, lines=pipe.lines)
    assert isinstance(found, HumanModel)


async def test_a_person_drives_a_real_browser_through_the_same_doors(pipe: Pipe, tmp_path: Path) -> None:
    task = harness.Task.model_validate(
        {
            "name": "look",
            "goal": "Look at the cart.",
            "start": "https://shop.test/",
            "hosts": {"shop.test": "harness.worlds.shop:app"},
            "outputs": {"title": {"type": "string"}},
        }
    )
    pipe.send("goto https://evil.test/\ngoto https://shop.test/cart\nset title Cart\nanswer It is empty.\n")
    console = TerminalConsole(tmp_path / "screens", lines=pipe.lines, out=pipe.out)
    result = await harness.run(
        task,
        model=HumanModel(console, outputs=task.outputs),
        policy="shopping",
        sandbox="bubblewrap",
        approver="deny",
        traces=tmp_path,
    )
    assert (result.outcome, result.exit_code) == ("done", 0), result.reason
    assert result.outputs == {"title": "Cart"}
    shown = pipe.out.getvalue()
    assert "go to https://evil.test/: refused by the rule" in shown
    assert "https://shop.test/cart" in shown
