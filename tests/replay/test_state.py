"""What is kept beside a trace is nobody else's to read, and goes when it is not needed."""

import zipfile
from pathlib import Path

import pytest
from harness.action import Click
from harness.clearance import Act, clear
from harness.errors import SandboxError
from harness.replay.state import Remembering, State
from harness.sandbox.base import Sessioned
from harness.testing import FakeSandbox, FixedJudge
from harness.trace.pack import pack
from tests.replay.dead import Dead


class Baking(FakeSandbox):
    """A sandbox whose cookies change with every look."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.jar = "[1]"

    async def cookies(self) -> str:
        self.asked += 1
        return self.jar

    async def bring(self, cookies: str) -> None:
        self.jar = cookies


def test_cookies_are_whole_private_and_gone_when_forgotten(tmp_path: Path) -> None:
    state = State(tmp_path)
    assert not state.there
    assert state.cookies() is None
    state.make()
    state.keep("[]")
    state.keep('[{"value": "s3cret"}]')
    assert state.cookies() == '[{"value": "s3cret"}]'
    assert (state.folder.stat().st_mode & 0o777, len(list(state.folder.iterdir()))) == (0o700, 1)
    assert (state.folder / "cookies.json").stat().st_mode & 0o777 == 0o600
    state.forget()
    state.forget()
    assert state.cookies() is None


def test_what_nobody_asked_for_goes_as_a_whole(tmp_path: Path) -> None:
    for name, brief in (("brief", True), ("kept", False)):
        (tmp_path / name).mkdir()
        state = State(tmp_path / name)
        state.make(brief=brief)
        state.keep("[]")
        state.hosts.mkdir()
        assert State(tmp_path / name).brief is brief
        state.forget()
        state.forget()
        assert (state.there, state.hosts.is_dir()) == (not brief, not brief)


def test_what_web_apps_wrote_is_copied_and_cookies_are_not(tmp_path: Path) -> None:
    old, new = State(tmp_path / "old"), State(tmp_path / "new")
    for one in (tmp_path / "old", tmp_path / "new"):
        one.mkdir()
    old.make()
    old.keep("[]")
    (old.hosts / "a.test").mkdir(parents=True)
    (old.hosts / "a.test" / "x").write_text("1")
    new.make(old)
    (new.hosts / "a.test" / "x").write_text("2")
    assert (old.hosts / "a.test" / "x").read_text() == "1"
    assert new.cookies() is None
    with pytest.raises(SandboxError, match="cannot be made"):
        new.make(old)


async def test_cookies_are_kept_after_every_look_and_every_action(tmp_path: Path) -> None:
    state, sandbox = State(tmp_path), Baking()
    state.make()
    hand = Remembering(sandbox, state)
    assert isinstance(sandbox, Sessioned)
    await hand.observe()
    assert state.cookies() == "[1]"
    sandbox.jar = "[2]"
    act = Act(action=Click(x=1, y=1))
    await hand.act(clear(act, FixedJudge("allow").judge(act)))
    assert (state.cookies(), sandbox.asked) == ("[2]", 2)
    assert sandbox.acted == [act.action]


async def test_a_place_without_cookies_is_left_as_it_is(tmp_path: Path) -> None:
    hand = Remembering(FakeSandbox(), State(tmp_path))
    await hand.open(Path("gateway.sock"), "x")
    assert (await hand.observe()).url == await hand.place()
    assert await hand.ground(Click(x=1, y=1)) is None
    assert hand.info.kind == "fake"
    await hand.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_is_in_no_pack(tmp_path: Path) -> None:
    folder = Dead(tmp_path / "run").die()
    state = State(folder)
    state.make()
    state.keep("s3cret")
    assert pack(folder, tmp_path / "run.zip") == ("state",)
    with zipfile.ZipFile(tmp_path / "run.zip") as file:
        assert file.namelist() == ["run/events.jsonl"]
