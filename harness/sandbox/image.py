"""The browser's image, from its build folder to a name and labels that tell how fresh it is."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from harness.errors import SandboxError
from harness.sandbox import ends, recipe
from harness.sandbox.engine import Engine, Image
from harness.sandbox.rundir import RunFolder

_LABELLED: Final = "Dockerfile"
_PACKAGES: Final = "/opt/harness/packages"
_RELEASED: Final = "/opt/harness/released"
_NAMES: Final = ("could not resolve", "temporary failure resolving", "failed to fetch", "unable to connect")


class Built(BaseModel):
    """An image that was built."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """What it is called."""
    digest: str
    """`sha256:…`, as traces name it."""
    size: int
    """In bytes."""
    chromium: str
    """Its browser's version, as Debian counts it."""
    released: str
    """The day on which Debian built that."""
    fetched: str
    """When its packages were fetched, in UTC."""
    packages: tuple[str, ...]
    """Debian's packages in it, each with its version."""


def utc_now() -> datetime:
    """The time, for labels."""
    return datetime.now(UTC)


def build(
    engine: Engine,
    tell: Callable[[str], object],
    *,
    cache: bool = True,
    name: str = recipe.IMAGE,
    place: Path | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Built:
    """Build the image, label it, and take away what an older one left.

    Args:
        engine: builds it.
        tell: is given what the build says, line by line.
        cache: whether steps that were done before are taken as they are, with packages as old as then.
        name: what it is called.
        place: the build folder, if not the usual one.
        now: the time.

    Raises:
        SandboxError: with the last of what the build said, and what to type.
    """
    place = place or recipe.folder()
    archived = recipe.archive(place)
    base = _base(engine, recipe.base(place), tell)
    before = engine.image(name)
    # An engine without a bridge has only this machine's network, which one that remaps users may not give.
    network = "default" if engine.facts().remapped else "host"
    try:
        plain = engine.build(archived, tell, cache=cache, network=network)
    except SandboxError as error:
        raise SandboxError(_explained(str(error))) from error
    packages, released = _inside(engine, plain)
    listed = hashlib.sha256("\n".join(packages).encode()).hexdigest()
    made = engine.image(plain)
    assert made is not None  # noqa: S101 - it was just built
    labels = {
        recipe.INPUTS: recipe.inputs(archived, base.digest),
        recipe.BASE: base.digest,
        recipe.PACKAGES: listed,
        recipe.CHROMIUM: version(packages),
        recipe.RELEASED: released,
        recipe.FETCHED: _fetched(before, listed, made.created, cache=cache, now=now),
    }
    # By its id, so that no step is looked up a second time.
    again = recipe.single(_LABELLED, f"FROM {plain.removeprefix('sha256:')}\n")
    digest = engine.build(again, _nothing, tag=name, labels=labels)
    whole = engine.image(digest)
    _tidy(engine)
    return Built(
        name=name,
        digest=whole.digest if whole else digest,
        size=whole.size if whole else made.size,
        chromium=labels[recipe.CHROMIUM],
        released=released,
        fetched=labels[recipe.FETCHED],
        packages=packages,
    )


def version(packages: tuple[str, ...]) -> str:
    """Give Chromium's version in a list of packages; nothing if it is not among them."""
    found = (line.partition(" ") for line in packages)
    return next((number for name, _, number in found if name.partition(":")[0] == "chromium"), "")


def _base(engine: Engine, name: str, tell: Callable[[str], object]) -> Image:
    if found := engine.image(name):
        return found
    tell(f"{name} is not here; asking its registry …")
    try:
        engine.pull(name, tell)
    except SandboxError as error:
        raise SandboxError(
            f"{error}\nwithout a registry, make it from Debian's packages: type "
            f"`containers/base-from-mirror` in the source tree, then `{recipe.BUILD}` again"
        ) from error
    if found := engine.image(name):
        return found
    raise SandboxError(f"{name} was fetched and is not there: type `{recipe.BUILD}` again")


def _inside(engine: Engine, image: str) -> tuple[tuple[str, ...], str]:
    """Read the list of packages and the day of the release out of an image that never runs."""
    with RunFolder.create() as own:
        labels = {ends.LABEL: f"{own.path.name}/build", ends.FOLDER: str(own.path)}
        container = engine.create(image, {"network_mode": "none"}, labels=labels)
        try:
            for source in (_PACKAGES, _RELEASED):
                engine.copy_out(container, source, own.path / Path(source).name)
        finally:
            engine.remove(container)
        packages = (own.path / "packages").read_text("utf-8").splitlines()
        return tuple(packages), (own.path / "released").read_text("utf-8").strip()


def _fetched(
    before: Image | None, listed: str, created: str, *, cache: bool, now: Callable[[], datetime]
) -> str:
    if not cache:
        return f"{now():%Y-%m-%dT%H:%M:%S+00:00}"
    known = before.labels if before else {}
    if known.get(recipe.PACKAGES) == listed and recipe.FETCHED in known:
        return known[recipe.FETCHED]
    return f"{created[:19]}+00:00"


def _tidy(engine: Engine) -> None:
    """Remove the images that this one took the place of, and all but the newest that it was copied from."""
    for old in (*engine.untagged(recipe.INPUTS), *engine.untagged(recipe.STAGE)[1:]):
        engine.remove_image(old)


def _explained(said: str) -> str:
    low = said.lower()
    if "no space left" in low:
        return f"{said}\nthe disk is full: free 4 GB where the engine keeps its data, and type it again"
    if any(one in low for one in _NAMES):
        return (
            f"{said}\nDebian's packages could not be fetched: the build needs the network; behind a proxy, "
            'name it in ~/.docker/config.json under "proxies"'
        )
    return f"{said}\ntype `{recipe.BUILD} --no-cache`; if that ends the same, please report these lines"


def _nothing(line: str) -> None:
    del line
