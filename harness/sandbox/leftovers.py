"""What sandboxes this machine has, which of them belong to nobody any more, and how those are removed.

A sandbox belongs to the run whose folder's lock is held; a lock dies with its process, however that ends.
Where it cannot be told whether a lock is held, it counts as held, and so it does where the folder is not
the one of that path here: an engine may serve several containers, each with temporary files of its own.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import structlog
from pydantic import BaseModel, ConfigDict

from harness.errors import SandboxError
from harness.sandbox import ends, memory, rundir
from harness.sandbox.engine import Engine

_LONGEST: Final = 100_000
_log = structlog.get_logger(__name__)


class Found(BaseModel):
    """One sandbox of this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: Literal["docker", "bubblewrap", "process", "starting", "folder"]
    """`docker`, `bubblewrap`, `process`; `starting` before that is known; `folder` for one that was kept."""
    id: str
    """The container's id, or the name of the sandbox's folder."""
    run: str
    """The run that it belongs or belonged to."""
    state: str
    """`running`, `created`, `exited` and other words of the engine."""
    age: float
    """Seconds since it was made."""
    memory: int | None
    """Bytes that all in it use, if it runs and they can be seen: of containers as the engine counts, else of
    what was written to."""
    alive: bool
    """Whether its run lives."""
    kept: bool
    """Whether it was left on purpose."""
    folder: str
    """The run's folder."""


class Cleaned(BaseModel):
    """What was removed."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    containers: tuple[str, ...]
    """By their ids."""
    folders: tuple[str, ...]
    """By their paths."""


def found(engine: Engine | None, now: float, base: Path | None = None) -> tuple[Found, ...]:
    """Give every sandbox that this machine has: containers of all users, other places of this user.

    Args:
        engine: asked for its containers, if there is one.
        now: seconds since 1970.
        base: the folder of this user's runs, if not the usual one.

    Raises:
        SandboxError: if the engine does not answer.
    """
    containers = [_container(engine, one, now) for one in engine.containers(ends.LABEL)] if engine else []
    return (*containers, *_elsewhere(base or rundir.base_folder(), now))


def clean(engine: Engine | None, base: Path | None = None, *, kept: bool = False) -> Cleaned:
    """Remove what dead runs left, and what was kept on purpose if that is asked for; never a live run's.

    Raises:
        SandboxError: if the engine does not answer, or does not remove a container.
    """
    base = base or rundir.base_folder()
    folders = (*rundir.sweep(base), *(rundir.discard(base) if kept else ()))
    gone = []
    for one in engine.containers(ends.LABEL) if engine else ():
        if _nobodys(one) and (kept or not _is_kept(one)):
            assert engine is not None  # noqa: S101 - it has the container
            engine.remove(str(one["Id"]))
            gone.append(str(one["Id"]))
    return Cleaned(containers=tuple(gone), folders=tuple(map(str, folders)))


def sweep(engine: Engine) -> None:
    """Remove the containers that dead runs left, at the start of a new one. What does not go is told.

    Raises:
        SandboxError: if the engine does not answer.
    """
    for one in engine.containers(ends.LABEL):
        if _nobodys(one) and not _is_kept(one):
            try:
                engine.remove(str(one["Id"]))
            except SandboxError as error:
                _log.warning("a dead run's container is left", container=one["Id"][:12], why=str(error))


def _container(engine: Engine, said: Mapping[str, Any], now: float) -> Found:
    labels = said.get("Labels") or {}
    state = str(said.get("State", ""))
    return Found(
        kind="docker",
        id=str(said["Id"]),
        run=str(labels.get(ends.LABEL, "")),
        state=state,
        age=max(0.0, now - float(said.get("Created", now))),
        memory=engine.memory(str(said["Id"])) if state == "running" else None,
        alive=not _nobodys(said),
        kept=_is_kept(said),
        folder=str(labels.get(ends.FOLDER, "")),
    )


def _nobodys(said: Mapping[str, Any]) -> bool:
    labels = said.get("Labels") or {}
    folder = Path(str(labels.get(ends.FOLDER, "")))
    here = rundir.identity(folder.parent)
    return bool(here) and labels.get(ends.PLACE) == here and not rundir.holds(folder)


def _is_kept(said: Mapping[str, Any]) -> bool:
    return ends.KEPT in (said.get("Labels") or {})


def _elsewhere(base: Path, now: float) -> Iterator[Found]:
    for run in rundir.live(base):
        for place in sorted(run.glob("sandbox-*")):
            kind = _kind(place)
            if kind == "docker":
                continue
            yield Found(
                kind=kind,
                id=place.name,
                run=f"{run.name}/{place.name}",
                state="running",
                age=max(0.0, now - place.stat().st_mtime),
                memory=_memory_of(place),
                alive=True,
                kept=False,
                folder=str(run),
            )
    for run in rundir.kept(base):
        yield Found(
            kind="folder",
            id=run.name,
            run=run.name,
            state="kept",
            age=max(0.0, now - run.stat().st_mtime),
            memory=None,
            alive=False,
            kept=True,
            folder=str(run),
        )


def _kind(place: Path) -> Literal["docker", "bubblewrap", "process", "starting"]:
    if (place / "door").is_dir():
        return "docker"
    try:
        with (place / "wrapper").open("rb") as file:
            return "bubblewrap" if b"bwrap" in file.read(_LONGEST) else "process"
    except OSError:
        return "starting"


def _memory_of(place: Path) -> int | None:
    try:
        return memory.used(int((place / "browser.pid").read_text("ascii"))) or None
    except (OSError, ValueError):
        return None
