import os
import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from engines import needs_docker
from engines import socket as engine
from harness.sandbox import recipe
from harness.sandbox.doctor_engine import about, age_days, found

NOW = datetime(2026, 11, 30, 12, 0, 5, tzinfo=UTC)
FRESH = {
    recipe.CHROMIUM: "156.0-1",
    recipe.RELEASED: "2026-11-02",
    recipe.FETCHED: "2026-11-30T01:00:00+00:00",
}


def test_age_is_counted_from_the_fetching() -> None:
    assert age_days({recipe.FETCHED: "2026-10-31T12:00:05+00:00"}, NOW) == 30
    assert age_days({}, NOW) is None
    assert age_days({recipe.FETCHED: "yesterday"}, NOW) is None
    assert age_days({recipe.FETCHED: "2026-10-31"}, NOW) is None


@pytest.mark.parametrize(
    ("labels", "lacking", "says"),
    [
        (FRESH, "", "455 MB, Chromium 156.0-1; released 2026-11-02; packages fetched today"),
        (
            FRESH | {recipe.FETCHED: "2026-10-30T12:00:00+00:00"},
            "",
            "packages fetched 31 days ago; OLD: rebuild it, type `harness sandbox build --no-cache`",
        ),
        (FRESH, "the image is another: type `x`", "fetched today; STALE: the image is another: type `x`"),
        ({}, "", "455 MB, Chromium of an unknown version"),
    ],
)
def test_an_image_is_told_with_its_age_and_what_to_type(
    labels: dict[str, str], lacking: str, says: str
) -> None:
    assert about(labels, 455_000_000, NOW, lacking).endswith(says)


def test_thirty_days_are_not_old() -> None:
    labels = FRESH | {recipe.FETCHED: "2026-10-31T12:00:05+00:00"}
    assert "rebuild" not in about(labels, 1, NOW, "")


@pytest.mark.parametrize(
    ("host", "says"),
    [
        (
            "unix:///nowhere/docker.sock",
            "no engine answers: no Docker engine: /nowhere/docker.sock is not there",
        ),
        ("tcp://127.0.0.1:1", "no engine answers: DOCKER_HOST=tcp://127.0.0.1:1: the engine must be on this"),
    ],
)
def test_no_engine_is_information_and_said_with_what_to_do(host: str, says: str) -> None:
    ((name, detail),) = found({"DOCKER_HOST": host}, NOW)
    assert (name, detail[: len(says)]) == ("docker", says)
    assert "information only" in detail


def test_an_engine_that_is_gone_is_information() -> None:
    with tempfile.TemporaryDirectory(prefix="engine-", dir="/tmp") as folder:
        path = Path(folder) / "docker.sock"
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(path))
        ((_, detail),) = found({"DOCKER_HOST": f"unix://{path}"}, NOW)
    assert "is one running at" in detail


@needs_docker
def test_an_engine_is_told_with_who_asks_it_and_its_walls() -> None:
    told = dict(found({"DOCKER_HOST": f"unix://{engine()}"}, datetime.now(UTC)))
    assert f"uid {os.geteuid()}" in told["docker"]
    assert str(engine()) in told["docker"]
    assert "cgroup v" in told["docker walls"]
    assert "seccomp" in told["docker walls"]
    assert "AppArmor" in told["docker walls"]
    assert "runc" in told["docker walls"]
    assert " MB, Chromium " in told["docker image"]
