import hashlib
import secrets
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

import pytest
from engines import needs_docker
from harness.errors import SandboxError
from harness.sandbox import doctor_engine, image, recipe
from harness.sandbox.engine import Engine
from harness.sandbox.image import Built
from harness.sandbox.present import engine_socket

DOCKERFILE = """\
ARG BASE=debian:bookworm-slim
FROM ${BASE} AS packages
LABEL harness.test=NAME
COPY extra /tmp/extra
RUN mkdir -p /image/opt/harness \\
    && echo "chromium VERSION" >/image/opt/harness/packages \\
    && echo "libfoo:amd64 1.2" >>/image/opt/harness/packages \\
    && echo 2026-11-02 >/image/opt/harness/released
FROM scratch
COPY --from=packages /image/ /
COPY extra /extra
ENTRYPOINT ["/nothing"]
"""
DAY = datetime(2026, 11, 30, 12, 0, 5, tzinfo=UTC)
Build = Callable[..., Built]


@pytest.fixture
def engine() -> Iterator[Engine]:
    one = Engine(engine_socket())
    yield one
    one.close()


@pytest.fixture
def name() -> str:
    return f"harness-test-{secrets.token_hex(8)}"


def recipe_of(version: str, name: str) -> str:
    return DOCKERFILE.replace("VERSION", version).replace("NAME", name)


@pytest.fixture
def place(tmp_path: Path, name: str) -> Path:
    """Give the folder of an image that is built in seconds."""
    folder = tmp_path / "browser"
    folder.mkdir()
    (folder / "Dockerfile").write_text(recipe_of("156.0-1~deb12u1", name))
    (folder / "extra").write_text(secrets.token_hex(8))
    return folder


@pytest.fixture
def build(engine: Engine, place: Path, name: str) -> Iterator[Build]:
    """Build the small image under a name of this test's own, or others from other folders."""

    def built(**changes: object) -> Built:
        make = cast("Build", image.build)
        return make(engine, str, **({"name": name, "place": place, "now": lambda: DAY} | changes))

    yield built
    if engine.image(name):
        engine.remove_image(name)
    for stage in engine.untagged(f"harness.test={name}"):
        engine.remove_image(stage)


def fresh(engine: Engine, made: Built, place: Path) -> bool:
    found, base = engine.image(made.name), engine.image(recipe.base(place))
    assert found is not None
    assert base is not None
    return not recipe.stale(found.labels, recipe.archive(place), base.digest)


@needs_docker
def test_an_image_knows_what_it_was_made_from(engine: Engine, build: Build, place: Path) -> None:
    made = build()
    found = engine.image(made.name)
    assert found is not None
    assert found.digest == made.digest
    assert made.packages == ("chromium 156.0-1~deb12u1", "libfoo:amd64 1.2")
    assert (made.chromium, made.released) == ("156.0-1~deb12u1", "2026-11-02")
    assert found.labels[recipe.CHROMIUM] == made.chromium
    assert found.labels[recipe.PACKAGES] == hashlib.sha256("\n".join(made.packages).encode()).hexdigest()
    assert fresh(engine, made, place)
    assert abs(doctor_engine.age_days(found.labels, datetime.now(UTC)) or 0) <= 1
    (place / "extra").write_text("other")
    assert not fresh(engine, made, place)


@needs_docker
def test_the_same_again_is_the_same_image(build: Build) -> None:
    first = build()
    assert build() == first


@pytest.mark.long
@needs_docker
def test_the_packages_are_as_old_as_when_they_were_fetched(
    engine: Engine, build: Build, place: Path, name: str
) -> None:
    first = build(cache=False)
    assert first.fetched == "2026-11-30T12:00:05+00:00"
    (place / "extra").write_text("what is no package changed")
    second = build(now=lambda: datetime(2027, 1, 1, tzinfo=UTC))
    assert second.digest != first.digest
    assert second.fetched == first.fetched
    assert engine.image(first.digest) is None, "the one whose place was taken is gone"
    (place / "Dockerfile").write_text(recipe_of("157", name))
    third = build()
    assert third.chromium == "157"
    assert third.fetched != first.fetched


@needs_docker
def test_a_base_that_cannot_be_had_says_how_to_make_it(build: Build, place: Path) -> None:
    text = (place / "Dockerfile").read_text().replace("debian:bookworm-slim", "127.0.0.1:9/debian:none")
    (place / "Dockerfile").write_text(text)
    with pytest.raises(
        SandboxError, match=r"`containers/base-from-mirror` in the source tree, then `harness"
    ):
        build()


@needs_docker
def test_a_step_that_fails_says_what_to_type(build: Build, place: Path) -> None:
    text = (place / "Dockerfile").read_text()
    (place / "Dockerfile").write_text(text.replace("mkdir -p /image", "echo it is broken; exit 1; mkdir"))
    with pytest.raises(SandboxError, match="it is broken") as caught:
        build()
    assert "type `harness sandbox build --no-cache`" in str(caught.value)


@needs_docker
@pytest.mark.parametrize(("remapped", "network"), [(True, "default"), (False, "host")])
def test_an_engine_that_remaps_users_gives_steps_its_own_network(
    engine: Engine, place: Path, monkeypatch: pytest.MonkeyPatch, remapped: bool, network: str
) -> None:
    facts = engine.facts().model_copy(update={"remapped": remapped})
    asked: list[object] = []

    def stop(*_: object, **said: object) -> str:
        asked.append(said["network"])
        raise SandboxError("stopped")

    monkeypatch.setattr(engine, "facts", lambda: facts)
    monkeypatch.setattr(engine, "build", stop)
    with pytest.raises(SandboxError, match="stopped"):
        image.build(engine, str, place=place, name="harness-test-none")
    assert asked == [network]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("write /var/lib: no space left on device", "the disk is full: free"),
        ("W: Failed to fetch http://mirror.test/", "the build needs the network; behind a proxy"),
        ("Temporary failure resolving 'mirror.test'", "the build needs the network; behind a proxy"),
        ("keep: nothing of that name", "type `harness sandbox build --no-cache`"),
    ],
)
def test_known_failures_say_what_to_do(said: str, words: str) -> None:
    assert words in image._explained(said)
    assert said in image._explained(said)


def test_the_version_is_found_among_the_packages() -> None:
    assert image.version(("chromium-common 1", "chromium:amd64 156")) == "156"
    assert image.version(("dash 1",)) == ""


def tree(engine: Engine, digest: str) -> dict[str, tuple[object, ...]]:
    """Give everything in an image: kind, mode, owner, time, and contents or where it leads."""
    made = engine.create(digest, {"network_mode": "none"})
    try:
        with tempfile.TemporaryFile() as spool:

            def spooled(file: IO[bytes]) -> None:
                for chunk in engine._ask("for its files", lambda api: api.export(made)):
                    file.write(chunk)

            spooled(spool)
            spool.seek(0)
            with tarfile.open(fileobj=spool) as tar:
                return {one.name: _facts(tar, one) for one in tar}
    finally:
        engine.remove(made)


def _facts(tar: tarfile.TarFile, one: tarfile.TarInfo) -> tuple[object, ...]:
    inside = tar.extractfile(one) if one.isreg() else None
    content = hashlib.sha256(inside.read()).hexdigest() if inside else one.linkname
    # What the engine itself puts into every container has the time of that, and a folder that of copying.
    engines = one.isdir() or one.name.split("/")[0] in {".dockerenv", "dev", "etc"}
    return one.type, one.mode, one.uid, one.gid, 0 if engines else one.mtime, content


@needs_docker
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_two_builds_from_nothing_give_the_same_files(build: Build, engine: Engine) -> None:
    trees = []
    for _ in range(2):
        made = build(place=recipe.folder(), cache=False)
        trees.append(tree(engine, made.digest))
    first, second = trees
    assert len(first) > 400
    assert first.keys() == second.keys()
    assert {name: (one, second[name]) for name, one in first.items() if one != second[name]} == {}
