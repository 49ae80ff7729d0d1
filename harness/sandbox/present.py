"""Whether a container can be had at once: asked in some milliseconds, without the Docker SDK."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from harness.errors import SandboxError
from harness.sandbox import ends, recipe

_SECONDS: Final = 2.0
INSTEAD: Final = "or use --sandbox bubblewrap, which needs no engine"
"""The last words of what is said where there is no engine."""


def engine_socket(env: Mapping[str, str] = os.environ) -> Path:
    """Find the engine's Unix socket: `DOCKER_HOST`, the usual place, or the rootless engine's.

    Raises:
        SandboxError: if `DOCKER_HOST` leads to another machine, or no socket is there.
    """
    host = env.get("DOCKER_HOST", "")
    if host and not host.startswith("unix://"):
        raise SandboxError(
            f"DOCKER_HOST={host}: the engine must be on this machine, since the gateway's socket is mounted "
            "from here; set it to unix:///path/of/docker.sock"
        )
    usual = [Path("/var/run/docker.sock")]
    if runtime := env.get("XDG_RUNTIME_DIR"):
        usual.append(Path(runtime, "docker.sock"))
    places = [Path(host.removeprefix("unix://"))] if host else usual
    for place in places:
        try:
            if place.is_socket():
                return place
        except OSError as error:
            raise SandboxError(f"the Docker engine at {place}: {error.strerror}; {INSTEAD}") from error
    raise SandboxError(
        f"no Docker engine: {' and '.join(map(str, places))} is not there; "
        f"start one (systemctl start docker), {INSTEAD}"
    )


def lacking(env: Mapping[str, str] = os.environ, name: str = recipe.IMAGE) -> str:
    """Say what is in the way of a container and what to type; nothing if an engine has a fresh image.

    Never raises.
    """
    try:
        socket = engine_socket(env)
        place = recipe.folder()
        labels = _labels(socket, name)
        if labels is None:
            return f"the image {name} is not there: type `{recipe.BUILD}`"
        here = _said(socket, recipe.base(place))
        if recipe.stale(labels, recipe.archive(place), str(here["Id"]) if here else None):
            return f"the image {name} was made from something else than what is here: type `{recipe.BUILD}`"
    except SandboxError as error:
        return str(error)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"the Docker engine does not answer as one: {error}"
    return ""


def _labels(socket: Path, name: str) -> dict[str, str] | None:
    said = _said(socket, name)
    return None if said is None else dict(said["Config"].get("Labels") or {})


def _said(socket: Path, name: str) -> dict[str, Any] | None:
    with ends.connected(str(socket), _SECONDS) as engine:
        status, body = ends.asked(engine, "GET", f"/images/{quote(name, safe=':')}/json")
    if status == 404:
        return None
    if status != 200:
        raise ValueError(f"status {status}")
    found: dict[str, Any] = json.loads(body)
    return found
