from pathlib import Path

import pytest
from harness.errors import SandboxError
from harness.sandbox import chromium
from harness.sandbox.base import SandboxOptions
from harness.sandbox.choose import choose
from harness.sandbox.trial import Trial


@pytest.fixture
def options(tmp_path: Path) -> SandboxOptions:
    return SandboxOptions(downloads=tmp_path / "kept", runtime=tmp_path)


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")


@pytest.mark.parametrize(("name", "kind"), [("bubblewrap", "bubblewrap"), ("process", "process")])
def test_a_place_is_had_by_its_name(name: str, kind: str, options: SandboxOptions) -> None:
    assert choose(name, options).info.kind == kind


@pytest.mark.usefixtures("no_engine")
def test_auto_without_an_engine_is_bubblewrap(options: SandboxOptions) -> None:
    info = choose("auto", options).info
    assert (info.kind, info.isolated) == ("bubblewrap", True)


def test_auto_with_an_engine_that_has_the_image_is_a_container(
    options: SandboxOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.sandbox.choose.present.lacking", lambda: "")
    info = choose("auto", options).info
    assert (info.kind, info.isolated) == ("docker", True)


@pytest.mark.usefixtures("no_engine")
def test_auto_with_neither_says_what_is_in_the_way_of_both(
    options: SandboxOptions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match=r"apt-get install bubblewrap[^\n]*\nand no container: no Docker"):
        choose("auto", options)


def test_docker_is_had_by_its_name(options: SandboxOptions) -> None:
    info = choose("docker", options).info
    assert (info.kind, info.isolated) == ("docker", True)


def test_an_unknown_name_is_refused_with_the_known_ones(options: SandboxOptions) -> None:
    with pytest.raises(SandboxError, match="'vm': use one of auto, bubblewrap, process, docker"):
        choose("vm", options)


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize("name", ["auto", "bubblewrap"])
def test_there_is_no_step_down_where_namespaces_are_forbidden(
    name: str, options: SandboxOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = Trial(
        ok=False, detail="Operation not permitted", fix="type: sysctl -w user.max_user_namespaces=1"
    )
    monkeypatch.setattr("harness.sandbox.choose.namespaces_work", lambda: failed)
    with pytest.raises(SandboxError, match=r"Operation not permitted; type: sysctl -w"):
        choose(name, options)


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize("name", ["auto", "bubblewrap"])
def test_a_missing_program_is_named(
    name: str, options: SandboxOptions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match=r"needs bwrap, .*: apt-get install bubblewrap socat util-linux"):
        choose(name, options)


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize("name", ["auto", "process"])
def test_a_missing_browser_is_named(
    name: str, options: SandboxOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "_candidates", lambda _env: ())
    with pytest.raises(SandboxError, match="no Chromium that can be used was found: apt-get"):
        choose(name, options)
