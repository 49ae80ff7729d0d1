import io
import os
import tarfile
from pathlib import Path

import pytest
from harness.errors import SandboxError
from harness.sandbox import recipe


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "browser"
    (folder / "etc").mkdir(parents=True)
    (folder / "Dockerfile").write_text("# a\nARG BASE=debian:bookworm-slim\nFROM ${BASE}\n")
    (folder / "etc" / "passwd").write_text("agent\n")
    return folder


def test_times_owners_and_masks_of_this_machine_do_not_matter(place: Path) -> None:
    before = recipe.archive(place)
    os.utime(place / "Dockerfile", (1, 1))
    (place / "Dockerfile").chmod(0o600)
    (place / "etc").chmod(0o700)
    if os.geteuid() == 0:
        os.chown(place / "etc" / "passwd", 1234, 1234)
    assert recipe.archive(place) == before


def test_names_contents_and_the_right_to_execute_do(place: Path) -> None:
    seen = {recipe.archive(place)}
    (place / "etc" / "passwd").write_text("agent2\n")
    seen.add(recipe.archive(place))
    (place / "etc" / "passwd").chmod(0o755)
    seen.add(recipe.archive(place))
    (place / "etc" / "passwd").rename(place / "etc" / "group")
    seen.add(recipe.archive(place))
    assert len(seen) == 4


def test_everything_is_in_the_archive_as_roots(place: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(recipe.archive(place))) as tar:
        found = {one.name: (one.mode, one.uid, one.gid) for one in tar}
    assert found == {"Dockerfile": (0o644, 0, 0), "etc": (0o755, 0, 0), "etc/passwd": (0o644, 0, 0)}


def test_a_link_is_refused_since_a_wheel_could_not_carry_it(place: Path) -> None:
    (place / "etc" / "link").symlink_to("/run/nothing")
    with pytest.raises(SandboxError, match="link: neither a plain file nor a folder"):
        recipe.archive(place)


def test_an_image_is_stale_once_folder_or_base_is_another(place: Path) -> None:
    archived = recipe.archive(place)
    labels = {recipe.INPUTS: recipe.inputs(archived, "sha256:a"), recipe.BASE: "sha256:a"}
    assert not recipe.stale(labels, archived, "sha256:a")
    assert not recipe.stale(labels, archived, None)
    assert recipe.stale(labels, archived, "sha256:b")
    assert recipe.stale(labels, archived + b"x", "sha256:a")
    assert recipe.stale({}, archived, None)


def test_the_base_is_what_the_dockerfile_says(place: Path) -> None:
    assert recipe.base(place) == "debian:bookworm-slim"
    assert recipe.base(recipe.folder()) == "debian:bookworm-slim"
    (place / "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(SandboxError, match="no line ARG BASE=NAME"):
        recipe.base(place)
    with pytest.raises(SandboxError, match="install the package again"):
        recipe.base(place / "nowhere")


def test_our_own_folder_can_go_into_a_wheel() -> None:
    assert recipe.archive(recipe.folder()) == recipe.archive(recipe.folder())
