"""A real Chromium behind the walls."""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from harness.action import Click, Goto
from harness.clearance import Cleared, FileOffer, Refusal, Verdict, clear, digest
from harness.errors import SandboxError
from harness.sandbox.base import SandboxOptions
from harness.sandbox.bubblewrap import BubblewrapSandbox
from harness.sandbox.rundir import RunFolder, sweep
from playwright.async_api import Download, Error
from tests.sandbox.places import (
    HOLD_OPEN,
    SPKI,
    command,
    content,
    descendants,
    do,
    link,
    listening,
    newcomers,
    opened,
    randoms,
    running,
    stand_in,
    until,
)

DOWNLOAD = b"""<!doctype html><body style=margin:0><a style="position:absolute;inset:0" download=notes.txt
href="data:text/plain,taken home">x</a>"""

pytestmark = pytest.mark.asyncio(loop_scope="module")

Place = tuple[BubblewrapSandbox, RunFolder, list[int], set[str]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Place]:
    """One open sandbox that shows a page, for the tests that only look."""
    others, ports = set(descendants(os.getpid())), listening([os.getpid()])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-secret")
        async with opened(BubblewrapSandbox) as (sandbox, run, _):
            await do(sandbox, Goto(url="http://shop.test/"))
            yield sandbox, run, sorted(newcomers(others)), ports


def is_driver(pid: int) -> bool:
    return "node" in command(pid).split(" ")[0]


def browser_of(pids: list[int]) -> int:
    return next(
        pid
        for pid in pids
        if "--remote-debugging-pipe" in command(pid)
        and "--type=" not in command(pid)
        and "bwrap" not in command(pid)
    )


async def test_it_opens_shows_a_page_and_leaves_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    before = set(descendants(os.getpid()))
    async with opened(BubblewrapSandbox) as (sandbox, run, asked):
        outcome = await do(sandbox, Goto(url="http://shop.test/"))
        screen = await sandbox.observe()
        assert outcome.ok, outcome.message
        assert "GET http://shop.test/ HTTP/1.1" in asked
        assert (screen.url, screen.title) == ("http://shop.test/", "Here")
        info = sandbox.info
        assert (info.kind, info.isolated) == ("bubblewrap", True)
        assert info.browser.startswith("Chromium ")
        assert "seccomp filter" in info.layers
        ours = newcomers(before)
        assert any("bwrap" in command(pid) for pid in ours)
    await until(lambda: not any(map(running, ours)))
    assert not run.path.exists()
    assert capfd.readouterr() == ("", "")


async def test_chromiums_own_sandbox_is_on(place: Place) -> None:
    pids = place[2]
    assert not any("--no-sandbox" in command(pid) for pid in pids)
    # Chromium keeps a spare renderer and lets it go again at any time.
    renderers = {pid: content(pid, "status") for pid in pids if "--type=renderer" in command(pid)}
    alive = {pid: status for pid, status in renderers.items() if status}
    assert alive
    for pid, status in alive.items():
        fields = dict(line.split(":\t", 1) for line in status.splitlines())
        assert fields["Seccomp"] == "2"
        assert int(fields["Seccomp_filters"]) >= 2
        assert int(fields["CapEff"], 16) == 0
        for kind in ("user", "pid", "net"):
            mine, above = link(pid, f"ns/{kind}"), link(browser_of(pids), f"ns/{kind}")
            assert not mine or mine not in {above, link(os.getpid(), f"ns/{kind}")}, kind
    assert os.geteuid() != 0 or any(link(pid, "ns/user") for pid in alive)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look at another user's namespaces")
async def test_every_process_of_it_is_an_unprivileged_user_in_other_namespaces(place: Place) -> None:
    inside = [pid for pid in place[2] if command(pid) and not is_driver(pid)]
    outer = next(pid for pid in inside if command(pid).startswith("/usr/bin/bwrap"))
    checked = 0
    for pid in inside:
        status = content(pid, "status")
        if not status:
            continue
        assert int(status.split("Uid:\t")[1].split()[0]) == place[0]._user
        for kind in ("mnt", "ipc", "uts", "cgroup", "net"):
            mine = link(pid, f"ns/{kind}")
            assert not mine or mine != link(os.getpid(), f"ns/{kind}") or pid == outer, (kind, command(pid))
        checked += 1
    assert checked > 3


async def test_nothing_listens_on_this_machine(place: Place) -> None:
    assert listening([os.getpid(), *place[2]]) <= place[3]
    assert not any("--remote-debugging-port" in command(pid) for pid in place[2])


async def test_nothing_of_the_hosts_environment_comes_in(place: Place) -> None:
    environments = {pid: content(pid, "environ") for pid in place[2] if not is_driver(pid)}
    assert any(environments.values())
    for pid, environment in environments.items():
        assert "sk-secret" not in environment, command(pid)


async def test_the_hosts_files_cannot_be_shown(place: Place) -> None:
    browser = place[0]._browser
    assert browser
    page = await browser.new_page()
    with pytest.raises(Error, match="ERR_BLOCKED_BY_ADMINISTRATOR"):
        await page.goto("file:///etc/passwd")
    await page.close()


async def test_the_socket_is_for_the_browsers_user_alone(place: Place) -> None:
    sandbox, run, _, _ = place
    found = (run.path / "gateway.sock").stat()
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert found.st_uid == (sandbox._user if sandbox._user is not None else os.geteuid())


async def test_the_relay_does_not_hold_the_debugging_pipe(place: Place) -> None:
    relay = next(pid for pid in place[2] if "socat" in command(pid).split(" ")[0])
    pipes = {link(browser_of(place[2]), f"fd/{number}") for number in (3, 4)} - {""}
    assert len(pipes) == 2
    held = {link(relay, f"fd/{file.name}") for file in Path(f"/proc/{relay}/fd").iterdir()}
    assert len(held) > 2
    assert not pipes & held


async def test_a_link_that_the_browser_leaves_in_place_of_a_download_is_not_followed() -> None:
    with RunFolder.create() as run:
        mine = run.path / "mine.txt"
        mine.write_text("a file of this machine", "ascii")
        places: list[BubblewrapSandbox] = []
        came: list[Download] = []

        def noticed(download: Download) -> None:
            came.append(download)

        async def keep(offer: FileOffer) -> Cleared | Refusal:
            # Whoever has taken the browser over may write where the browser may.
            launch = places[0]._launch
            assert launch
            assert await came[0].failure() is None
            (given,) = launch.downloads.iterdir()
            given.unlink()
            given.symlink_to(mine)
            allowed = Verdict(outcome="allow", rule="a", reason="", policy="", effect=digest(offer))
            return clear(offer, allowed)

        async with stand_in(run.path / "gateway.sock", DOWNLOAD):
            options = SandboxOptions(downloads=run.path / "kept", runtime=run.path, keep=keep)
            sandbox = BubblewrapSandbox(options)
            places.append(sandbox)
            await sandbox.open(run.path / "gateway.sock", SPKI)
            sandbox.browser.contexts[0].pages[0].on("download", noticed)
            try:
                assert (await do(sandbox, Goto(url="http://shop.test/"))).ok
                assert (await do(sandbox, Click(x=50, y=50))).ok

                async def told() -> bool:
                    return any(one.status != "started" for one in (await sandbox.observe()).downloads)

                await until(told)
                (download,) = (await sandbox.observe()).downloads
                assert (download.status, "a link" in download.why) == ("failed", True)
                assert list((run.path / "kept").iterdir()) == []
            finally:
                await sandbox.close()
        assert mine.read_text("ascii") == "a file of this machine"


async def test_a_download_reaches_the_runs_folder() -> None:
    async with opened(BubblewrapSandbox, DOWNLOAD) as (sandbox, run, _):
        await do(sandbox, Goto(url="http://shop.test/"))
        await do(sandbox, Click(x=50, y=50))
        kept = run.path / "kept"

        async def complete() -> bool:
            return any(one.status == "completed" for one in (await sandbox.observe()).downloads)

        await until(complete)
        (file,) = kept.iterdir()
        assert file.read_text() == "taken home"
        await sandbox.close()
        assert file.stat().st_uid == os.geteuid()


async def test_a_runtime_folder_that_only_root_can_enter_serves_too(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    socket = tmp_path / "g.sock"
    async with stand_in(socket) as asked:
        sandbox = BubblewrapSandbox(SandboxOptions(downloads=tmp_path / "kept", runtime=tmp_path))
        await sandbox.open(socket, SPKI)
        try:
            assert (await do(sandbox, Goto(url="http://shop.test/"))).ok
            assert "GET http://shop.test/ HTTP/1.1" in asked
        finally:
            await sandbox.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g.sock", "kept"]


async def test_a_browser_that_dies_is_an_error_with_a_reason() -> None:
    before = set(descendants(os.getpid()))
    async with opened(BubblewrapSandbox) as (sandbox, _, _):
        ours = newcomers(before)
        outer = next(pid for pid in ours if command(pid).startswith("/usr/bin/bwrap"))
        os.kill(outer, signal.SIGKILL)
        browser = sandbox._browser
        assert browser
        await until(lambda: not browser.is_connected())
        with pytest.raises(SandboxError, match="the browser died; the run cannot go on"):
            await sandbox.observe()
        await until(lambda: not any(running(pid) for pid in ours if not is_driver(pid)))


async def test_a_browser_that_cannot_start_is_an_error_with_what_it_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with RunFolder.create() as run:
        bad = Path("/usr/bin/ls")
        monkeypatch.setattr("harness.sandbox.chromium.find_chromium", lambda **_: bad)
        async with stand_in(run.path / "gateway.sock"):
            sandbox = BubblewrapSandbox(SandboxOptions(downloads=run.path / "kept", runtime=run.path))
            with pytest.raises(SandboxError, match=r"(?s)Chromium did not start.*ls: unrecognized option"):
                await sandbox.open(run.path / "gateway.sock", SPKI)
        assert sorted(path.name for path in run.path.iterdir()) == ["gateway.sock", "kept", "lock"]


async def test_without_a_gateway_it_does_not_open(tmp_path: Path) -> None:
    sandbox = BubblewrapSandbox(SandboxOptions(downloads=tmp_path / "kept", runtime=tmp_path))
    with pytest.raises(SandboxError, match="open the gateway before the sandbox"):
        await sandbox.open(tmp_path / "none.sock", SPKI)
    with pytest.raises(SandboxError, match="not open"):
        await sandbox.observe()
    await sandbox.close()
    with pytest.raises(SandboxError, match="opened once"):
        await sandbox.open(tmp_path / "none.sock", SPKI)


async def test_giving_up_while_it_opens_leaves_nothing() -> None:
    with RunFolder.create() as run:
        async with stand_in(run.path / "gateway.sock"):
            before = set(descendants(os.getpid()))
            sandbox = BubblewrapSandbox(SandboxOptions(downloads=run.path / "kept", runtime=run.path))
            opening = asyncio.create_task(sandbox.open(run.path / "gateway.sock", SPKI))

            def started() -> set[int]:
                return newcomers(before)

            await until(lambda: any("bwrap" in command(pid) for pid in started()))
            ours = started()
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            await until(lambda: not any(map(running, ours)))
        assert sorted(path.name for path in run.path.iterdir()) == ["gateway.sock", "kept", "lock"]


@pytest.mark.parametrize("whom", ["the harness", "the harness and its driver"])
async def test_after_kill_9_no_process_is_left_and_the_next_start_sweeps(whom: str, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    harness = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLD_OPEN, "bubblewrap"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(temporary)},
        start_new_session=True,
    )
    assert harness.stdout
    try:
        async with asyncio.timeout(60):
            folder = Path((await harness.stdout.readline()).decode().strip())
        ours = list(descendants(harness.pid))
        assert any("--type=renderer" in command(pid) for pid in ours)
        assert any("socat" in command(pid) for pid in ours)
    finally:
        if whom == "the harness":
            harness.kill()
        else:
            os.killpg(harness.pid, signal.SIGKILL)
        await harness.wait()
    await until(lambda: not any(map(running, ours)))
    sweep()
    assert not folder.exists()
    assert [path for path in temporary.rglob("*") if not path.is_dir()] == []
    assert not list(temporary.glob("playwright*"))


async def test_a_seed_makes_the_same_random_numbers_again() -> None:
    first, again, other = [await randoms(BubblewrapSandbox, seed) for seed in (7, 7, 2**31 - 1)]
    assert first == again != other
    assert len(set(first.split())) == 3
