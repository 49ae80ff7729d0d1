"""`containers/base-from-mirror`, with stand-ins for the two programs that it calls."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "containers" / "base-from-mirror"
DOCKER = """#!/bin/sh
echo "docker $*" >>"$TOLD"
case $1 in
    version) exit ${NO_ENGINE-0} ;;
    image) exit ${NO_IMAGE-0} ;;
    import) [ -s "$4" ] && echo sha256:new ;;
esac
"""
MMDEBSTRAP = """#!/bin/sh
echo "mmdebstrap $* at $SOURCE_DATE_EPOCH" >>"$TOLD"
for one do case $one in */base.tar) echo tree >"$one" ;; esac done
exit ${NO_MIRROR-0}
"""


class Called:
    def __init__(self, folder: Path) -> None:
        self.bin, self.told, self.temporary = folder / "bin", folder / "told", folder / "tmp"
        self.bin.mkdir()
        self.temporary.mkdir()
        for name in ("mktemp", "rm", "sh"):
            (self.bin / name).symlink_to(shutil.which(name) or name)
        for name, text in (("docker", DOCKER), ("mmdebstrap", MMDEBSTRAP)):
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)

    def __call__(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        own = {"PATH": str(self.bin), "TOLD": str(self.told), "TMPDIR": str(self.temporary)}
        done = subprocess.run(
            [str(SCRIPT), *words], env={**own, **env}, capture_output=True, text=True, check=False
        )
        assert list(self.temporary.iterdir()) == []
        return done


@pytest.fixture
def call(tmp_path: Path) -> Called:
    return Called(tmp_path)


def test_a_tree_from_the_mirror_becomes_the_base(call: Called) -> None:
    done = call("http://mirror.test/debian", NO_IMAGE="1")
    assert (done.returncode, done.stdout) == (0, "sha256:new\n")
    told = call.told.read_text()
    assert "--variant=minbase" in told
    assert "bookworm" in told
    assert "base.tar http://mirror.test/debian at 1700000000" in told
    assert told.splitlines()[-1].endswith("base.tar debian:bookworm-slim")


def test_a_base_that_is_there_is_not_replaced_unless_forced(call: Called) -> None:
    done = call()
    assert done.returncode == 2
    assert (
        "debian:bookworm-slim is there already; to make it anew type: containers/base-from-mirror"
        in done.stderr
    )
    assert "mmdebstrap" not in call.told.read_text()
    assert call("--force").returncode == 0


@pytest.mark.parametrize(("name", "package"), [("docker", "docker.io"), ("mmdebstrap", "mmdebstrap")])
def test_what_is_missing_is_named_with_its_package(call: Called, name: str, package: str) -> None:
    (call.bin / name).unlink()
    done = call(NO_IMAGE="1")
    assert done.returncode == 4
    assert f"{name} is missing; on Debian type: apt-get install" in done.stderr
    assert done.stderr.endswith(f"{package}\n")


def test_no_engine_and_no_mirror_end_it(call: Called) -> None:
    done = call(NO_ENGINE="1")
    assert done.returncode == 4
    assert "no Docker engine answers" in done.stderr
    assert call(NO_IMAGE="1", NO_MIRROR="25").returncode == 25
    assert "import" not in call.told.read_text()
