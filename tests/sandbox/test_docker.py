"""A real Chromium in a real container."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import docker as sdk
import pytest
import pytest_asyncio
from engines import needs_docker
from harness.action import Click, Goto, Upload
from harness.errors import SandboxError
from harness.sandbox import docker, ends
from harness.sandbox.base import SandboxOptions
from harness.sandbox.docker import DOOR, DockerSandbox
from harness.sandbox.engine import Engine
from harness.sandbox.present import engine_socket
from harness.sandbox.recipe import IMAGE
from harness.sandbox.rundir import RunFolder
from tests.sandbox.places import HOLD_OPEN, SPKI, descendants, do, opened, randoms, running, stand_in, until

pytestmark = [needs_docker, pytest.mark.asyncio(loop_scope="module")]

DOWNLOAD = b"""<!doctype html><body style=margin:0><a style="position:absolute;inset:0" download=notes.txt
href="data:text/plain,taken home">x</a>"""
UPLOAD = b"""<!doctype html><body style=margin:0><input type=file style="font-size:40px"
onchange="this.files[0].text().then(text => document.title = text)">"""
HUNGRY = b"""<!doctype html><title>Hungry</title><script>
const held = [];
function more() {
  const one = new Uint8Array(2e7);
  one.fill(held.length + 1);
  held.push(one);
  setTimeout(more, 1);
}
setTimeout(more, 300);
</script>"""


@pytest.fixture(scope="module")
def engine() -> Any:
    client = sdk.APIClient(f"unix://{engine_socket()}", version="auto")
    yield client
    client.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[tuple[DockerSandbox, RunFolder]]:
    """One open sandbox that shows a page, for the tests that only look."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-secret")
        async with opened(DockerSandbox) as (sandbox, run, _):
            await do(sandbox, Goto(url="http://shop.test/"))
            yield sandbox, run


def of(engine: Any, folder: Path) -> list[str]:
    """Give the containers of a run, in any state."""
    found = engine.containers(all=True, filters={"label": f"{ends.FOLDER}={folder}"})
    return [one["Id"] for one in found]


async def test_it_opens_shows_a_page_and_leaves_nothing(engine: Any) -> None:
    before = set(descendants(os.getpid()))
    volumes = {one["Name"] for one in engine.volumes()["Volumes"] or ()}
    async with opened(DockerSandbox) as (sandbox, run, asked):
        outcome = await do(sandbox, Goto(url="http://shop.test/"))
        screen = await sandbox.observe()
        assert outcome.ok, outcome.message
        assert "GET http://shop.test/ HTTP/1.1" in asked
        assert (screen.url, screen.title) == ("http://shop.test/", "Here")
        assert (sandbox.info.kind, sandbox.info.isolated) == ("docker", True)
        assert sandbox.info.browser.startswith("Chromium ")
        assert sandbox.info.image == engine.inspect_image(IMAGE)["Id"]
        assert len(of(engine, run.path)) == 1
        ours = set(descendants(os.getpid())) - before
    assert of(engine, run.path) == []
    assert not run.path.exists()
    await until(lambda: not any(map(running, ours)))
    assert {one["Name"] for one in engine.volumes()["Volumes"] or ()} <= volumes


async def test_every_option_of_hardening_is_on(place: tuple[DockerSandbox, RunFolder], engine: Any) -> None:
    sandbox, run = place
    said = engine.inspect_container(sandbox.container)
    host, config = said["HostConfig"], said["Config"]
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert host["Privileged"] is False
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert any(
        one.startswith('seccomp={"defaultAction":"SCMP_ACT_ERRNO"') for one in squeezed(host["SecurityOpt"])
    )
    assert (host["IpcMode"], host["PidMode"], host["UTSMode"], host["CgroupnsMode"]) == (
        "private",
        "",
        "",
        "private",
    )
    assert (host["Memory"], host["MemorySwap"]) == (docker.MEMORY, docker.MEMORY)
    assert host["PidsLimit"] == docker.PROCESSES
    assert host["NanoCpus"] == int(docker.CPUS * 1e9)
    assert host["ShmSize"] == 512 * 1024**2
    assert host["AutoRemove"] is True
    assert not host["PortBindings"]
    assert not host["Devices"]
    assert not host["Binds"]
    for options in host["Tmpfs"].values():
        assert {"nosuid", "nodev", "noexec"} <= set(options.split(","))
    assert config["User"] not in ("", "0", "0:0", "root")
    assert sorted(one.partition("=")[0] for one in config["Env"]) == ["HOME", "LANG", "PATH"]
    assert (config["Tty"], config["StdinOnce"], config["AttachStdin"]) == (False, True, True)
    assert not said["NetworkSettings"]["Ports"]
    mounts = {one["Destination"]: one for one in said["Mounts"]}
    door = mounts.pop(DOOR)
    assert (door["Type"], door["RW"]) == ("bind", False)
    assert Path(door["Source"]).is_relative_to(run.path)
    assert sorted(path.name for path in Path(door["Source"]).iterdir()) == ["gateway.sock", "policy.json"]
    assert [one["Type"] for one in mounts.values()] == ["volume"]
    assert said["ExecIDs"] is None


def squeezed(options: list[str]) -> list[str]:
    return ["".join(one.split()) for one in options]


async def test_a_file_is_kept_and_a_file_is_given(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("from here")
    async with opened(DockerSandbox, DOWNLOAD) as (sandbox, run, _):
        await do(sandbox, Goto(url="http://shop.test/"))
        await do(sandbox, Click(x=50, y=50))

        async def kept() -> bool:
            return any(one.status == "completed" for one in (await sandbox.observe()).downloads)

        await until(kept)
        assert (run.path / "kept" / "notes.txt").read_text() == "taken home"
    async with opened(DockerSandbox, UPLOAD, uploads=tmp_path) as (sandbox, _, _):
        await do(sandbox, Goto(url="http://shop.test/"))
        await do(sandbox, Click(x=60, y=30))
        await until(lambda: given(sandbox))
        await until(lambda: titled(sandbox, "from here"))


async def given(sandbox: DockerSandbox) -> bool:
    return (await do(sandbox, Upload(files=("letter.txt",)))).ok


async def titled(sandbox: DockerSandbox, title: str) -> bool:
    return (await sandbox.observe()).title == title


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write where the browser does")
@pytest.mark.parametrize("what", ["link", "folder", "pipe"])
async def test_only_a_plain_file_comes_out(what: str, engine: Any, tmp_path: Path) -> None:
    async with opened(DockerSandbox) as (sandbox, _, _):
        said = engine.inspect_container(sandbox.container)
        (volume,) = [one for one in said["Mounts"] if one["Type"] == "volume"]
        there = Path(volume["Source"], "x")
        match what:
            case "link":
                there.symlink_to("/etc/passwd")
            case "folder":
                there.mkdir()
            case _:
                os.mkfifo(there)
        with pytest.raises(OSError, match="not a plain file"):
            sandbox._take(Path(volume["Destination"], "x"), tmp_path / "x")
        with pytest.raises(OSError, match="outside its folder"):
            sandbox._take(Path("/etc/passwd"), tmp_path / "x")
        assert not (tmp_path / "x").exists()


async def test_a_container_that_is_killed_is_an_error_that_says_so(engine: Any) -> None:
    async with opened(DockerSandbox) as (sandbox, run, _):
        engine.kill(sandbox.container)
        with pytest.raises(SandboxError, match="the browser died: the container was ended from outside"):
            await until(lambda: observed(sandbox))
    assert of(engine, run.path) == []


async def shown(sandbox: DockerSandbox) -> bool:
    if not (await sandbox.observe()).url.startswith("http"):
        await do(sandbox, Goto(url="http://shop.test/"))
    return False


async def observed(sandbox: DockerSandbox) -> bool:
    await sandbox.observe()
    return False


async def test_running_out_of_memory_is_said(monkeypatch: pytest.MonkeyPatch, engine: Any) -> None:
    monkeypatch.setattr(docker, "MEMORY", 400 * 1024**2)
    async with opened(DockerSandbox, HUNGRY) as (sandbox, run, _):
        with pytest.raises(SandboxError, match=r"ran out of memory \(limit 400 MiB\)"):
            await until(lambda: shown(sandbox), 40)
    assert of(engine, run.path) == []


async def test_without_an_engine_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with RunFolder.create() as run:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{run.path}/none.sock")
        async with stand_in(run.path / "gateway.sock"):
            sandbox = DockerSandbox(SandboxOptions(downloads=run.path / "kept", runtime=run.path))
            with pytest.raises(SandboxError, match=r"no Docker engine: .* or use --sandbox bubblewrap"):
                await sandbox.open(run.path / "gateway.sock", SPKI)
        assert sorted(path.name for path in run.path.iterdir()) == ["gateway.sock", "kept", "lock"]


async def test_without_the_image_the_error_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "IMAGE", "no-such-image-anywhere")
    with pytest.raises(SandboxError, match="type `harness sandbox build`"):
        async with opened(DockerSandbox):
            pass


async def test_a_runtime_that_the_engine_does_not_have_is_named_with_those_it_has() -> None:
    with pytest.raises(SandboxError, match=r"--runtime runsc-x: this engine has .*runc"):
        async with opened(DockerSandbox, oci_runtime="runsc-x"):
            pass


@pytest.mark.long
async def test_what_was_left_for_a_look_is_there_and_can_be_removed(engine: Any) -> None:
    async with opened(DockerSandbox, leave=True) as (sandbox, _, _):
        container = sandbox.container
        assert container
        await do(sandbox, Goto(url="http://shop.test/"))
    try:
        said = engine.inspect_container(container)
        assert said["State"]["Running"]
        profile = Path(f"/proc/{said['State']['Pid']}/root/home/agent/profile")
        assert os.geteuid() != 0 or profile.is_dir()
    finally:
        engine.remove_container(container, force=True, v=True)


@pytest.mark.parametrize(
    "whom", ["the harness", pytest.param("the harness and its driver", marks=pytest.mark.long)]
)
async def test_after_kill_9_no_container_process_or_folder_is_left(whom: str, engine: Any) -> None:
    harness = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLD_OPEN, "docker"), stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert harness.stdout
    try:
        async with asyncio.timeout(60):
            folder = Path((await harness.stdout.readline()).decode().strip())
        ours = list(descendants(harness.pid))
        assert len(of(engine, folder)) == 1
    finally:
        if whom == "the harness":
            harness.kill()
        else:
            os.killpg(harness.pid, signal.SIGKILL)
        await harness.wait()
    await until(lambda: of(engine, folder) == [] and not folder.exists() and not any(map(running, ours)), 30)


@pytest.mark.parametrize("part", range(8))
async def test_a_start_that_is_given_up_leaves_nothing(part: int, engine: Any) -> None:
    with RunFolder.create() as run:
        async with stand_in(run.path / "gateway.sock"):
            before = set(descendants(os.getpid()))
            sandbox = DockerSandbox(SandboxOptions(downloads=run.path / "kept", runtime=run.path))
            opening = asyncio.ensure_future(sandbox.open(run.path / "gateway.sock", SPKI))
            await asyncio.wait([opening], timeout=part * 0.12)
            ours = set(descendants(os.getpid())) - before
            opening.cancel()
            await asyncio.wait([opening])
            await sandbox.close()
            assert of(engine, run.path) == []
            await until(lambda: not any(map(running, ours)))
        assert sorted(path.name for path in run.path.iterdir()) == ["gateway.sock", "kept", "lock"]


async def test_a_container_that_was_asked_for_and_never_heard_of_goes_too(
    monkeypatch: pytest.MonkeyPatch, engine: Any
) -> None:
    made: list[str] = []
    loop, asked, create = asyncio.get_running_loop(), asyncio.Event(), Engine.create

    def slow(one: Engine, *arguments: Any, **config: Any) -> str:
        made.append(create(one, *arguments, **config))
        loop.call_soon_threadsafe(asked.set)
        raise SandboxError("the answer was lost")

    monkeypatch.setattr(Engine, "create", slow)
    with pytest.raises(SandboxError, match="the answer was lost"):
        async with opened(DockerSandbox):
            pass
    await asked.wait()
    assert made[0] not in [one["Id"] for one in engine.containers(all=True)]


async def test_the_label_of_a_sandbox_names_its_run_and_its_folder() -> None:
    assert docker.run_id(Path("/x/run-1/sandbox-2")) == "run-1/sandbox-2"
    assert ends.LABEL == "harness.run"


@pytest.mark.long
async def test_a_seed_makes_the_same_random_numbers_again() -> None:
    first, again, other = [await randoms(DockerSandbox, seed) for seed in (7, 7, 2**31 - 1)]
    assert first == again != other
    assert len(set(first.split())) == 3
