import contextlib
import io
import os
import secrets
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import needs_docker
from harness.errors import SandboxError
from harness.sandbox import ends, recipe
from harness.sandbox import engine as module
from harness.sandbox.engine import Engine
from harness.sandbox.present import engine_socket
from harness.sandbox.recipe import IMAGE


@pytest.fixture
def engine() -> Iterator[Engine]:
    one = Engine(engine_socket())
    yield one
    one.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="engine-", dir="/tmp") as name:
        yield Path(name)


def dockerfile(text: str) -> bytes:
    return recipe.single("Dockerfile", text)


def test_an_engine_that_is_gone_is_said_with_what_to_type(folder: Path) -> None:
    for there in (False, True):
        if there:
            with socket.socket(socket.AF_UNIX) as one:
                one.bind(str(folder / "docker.sock"))
        with pytest.raises(
            SandboxError, match=r"asked what it is and does not answer: is one running at .*docker\.sock\?"
        ) as caught:
            Engine(folder / "docker.sock").facts()
        assert "systemctl start docker" in str(caught.value)
        assert "--sandbox bubblewrap" in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_user_who_may_not_ask_is_told_of_the_group(folder: Path) -> None:
    folder.chmod(0o711)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "docker.sock"))
        one.listen()
        (folder / "docker.sock").chmod(0o600)
        code = (
            "import os\nfrom pathlib import Path\nfrom harness.sandbox.engine import Engine\n"
            "from harness.errors import SandboxError\nos.setgid(65534)\nos.setuid(65534)\n"
            f"try: Engine(Path({str(folder / 'docker.sock')!r})).facts()\n"
            "except SandboxError as error: print(error)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "this user may not open" in done.stdout
    assert "add it to the group docker" in done.stdout


def test_an_engine_that_says_nothing_is_given_up(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "docker.sock"))
        one.listen()
        with pytest.raises(SandboxError, match=r"does not answer: nothing came within 0\.2 s"):
            Engine(folder / "docker.sock", seconds=0.2).facts()


@needs_docker
def test_an_engine_says_what_it_is(engine: Engine) -> None:
    facts = engine.facts()
    assert facts.version[0].isdigit()
    assert facts.cgroup in {"1", "2"}
    assert facts.seccomp
    assert "runc" in facts.runtimes
    assert Path(facts.root).is_absolute()
    engine.close()
    engine.close()
    assert engine.facts() == facts


@needs_docker
def test_an_image_that_is_not_there_is_none(engine: Engine) -> None:
    assert engine.image(f"nothing-{secrets.token_hex(8)}") is None
    found = engine.image(IMAGE)
    assert found is not None
    assert found.digest.startswith("sha256:")
    assert found.size > 10_000_000


@needs_docker
def test_what_the_engine_has_against_a_container_is_said(engine: Engine) -> None:
    with pytest.raises(SandboxError, match=r"asked for a container and says: .*nothing-here"):
        engine.create("nothing-here", {})


@needs_docker
def test_a_file_is_copied_out_of_a_container_that_never_ran(engine: Engine, tmp_path: Path) -> None:
    made = engine.create(IMAGE, {"network_mode": "none"}, labels={"harness.test": "yes"})
    try:
        size = engine.copy_out(made, "/etc/passwd", tmp_path / "passwd")
        assert (tmp_path / "passwd").read_text().startswith("agent:")
        assert size == (tmp_path / "passwd").stat().st_size
        with pytest.raises(OSError, match="not a plain file"):
            engine.copy_out(made, "/etc", tmp_path / "etc")
        with pytest.raises(SandboxError, match="for a file of a container: /nowhere"):
            engine.copy_out(made, "/nowhere", tmp_path / "nowhere")
        assert engine.memory(made) is None
    finally:
        engine.remove(made)
    engine.remove(made)
    assert made not in {one["Id"] for one in engine.containers("harness.test")}


@needs_docker
def test_a_build_tells_its_lines_and_gives_an_image_with_labels(engine: Engine) -> None:
    told: list[str] = []
    tag = f"harness-test-{secrets.token_hex(8)}"
    text = f"FROM scratch\nCOPY Dockerfile /{tag}\n"
    made = engine.build(dockerfile(text), told.append, tag=tag, labels={ends.LABEL: "x"})
    try:
        found = engine.image(tag)
        assert found is not None
        assert (found.digest, found.labels) == (made, {ends.LABEL: "x"})
        assert any("COPY Dockerfile" in line for line in told)
    finally:
        assert engine.remove_image(tag)
    assert engine.remove_image(tag)


@needs_docker
def test_a_step_that_fails_ends_with_what_it_said(engine: Engine) -> None:
    name = recipe.base(recipe.folder())
    if engine.image(name) is None:
        pytest.skip(f"{name} is not here")
    text = f"FROM {name}\nRUN for n in 1 2 3; do echo said $n {secrets.token_hex(4)}; done; exit 3\n"
    with pytest.raises(SandboxError, match=r"the image cannot be built: .*code: 3") as caught:
        engine.build(dockerfile(text), str)
    assert "\n  said 3 " in str(caught.value)


@needs_docker
def test_a_recipe_that_cannot_be_read_is_said(engine: Engine) -> None:
    with pytest.raises(SandboxError, match=r"to build an image and says: .*NONSENSE"):
        engine.build(dockerfile("FROM scratch\nNONSENSE\n"), str)


@needs_docker
def test_an_image_in_use_is_not_removed(engine: Engine) -> None:
    tag = f"harness-test-{secrets.token_hex(8)}"
    made = engine.build(
        dockerfile(f"FROM scratch\nCOPY Dockerfile /{tag}\n"), str, labels={"harness.test": tag}
    )
    container = engine.create(made, {"network_mode": "none"}, command=["/x"])
    try:
        assert engine.untagged("harness.test")[0] == made
        assert not engine.remove_image(made)
    finally:
        engine.remove(container)
        assert engine.remove_image(made)


@needs_docker
def test_an_image_that_no_registry_has_is_said(engine: Engine) -> None:
    with pytest.raises(SandboxError, match=r"fetch the image|cannot be fetched"):
        engine.pull("127.0.0.1:9/nothing:1", str)


def test_only_one_plain_file_is_taken(tmp_path: Path) -> None:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
        spool = io.BytesIO()
        with tarfile.open(fileobj=spool, mode="w") as tar:
            one = tarfile.TarInfo("x")
            one.type, one.linkname = kind, "/etc/passwd"
            tar.addfile(one)
        spool.seek(0)
        with pytest.raises(OSError, match="not a plain file"), contextlib.closing(spool):
            module._only_file(spool, tmp_path / "x")
        assert not (tmp_path / "x").exists()
