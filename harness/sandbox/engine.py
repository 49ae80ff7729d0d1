"""A Docker engine on this machine, as far as a sandbox needs it.

The Docker SDK blocks; what is here runs in a thread. Every error says what was asked and what to type.
"""

import contextlib
import io
import tarfile
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final, TypeVar, cast

import docker
import requests
from docker.errors import APIError, DockerException, NotFound
from pydantic import BaseModel, ConfigDict

from harness.errors import SandboxError
from harness.sandbox import ends
from harness.sandbox.present import INSTEAD

_T = TypeVar("_T")
_SECONDS: Final = 60
_SILENCE: Final = 900
_LINES: Final = 15
_PATHS: Final = {"masked_paths": "MaskedPaths", "readonly_paths": "ReadonlyPaths"}


class Facts(BaseModel):
    """What an engine is."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    version: str
    """The engine's version."""
    cgroup: str
    """`1` or `2`."""
    rootless: bool
    """Whether it runs without root."""
    remapped: bool
    """Whether it maps its containers' users to others."""
    seccomp: bool
    """Whether it can filter system calls."""
    apparmor: bool
    """Whether its containers have an AppArmor profile."""
    runtimes: tuple[str, ...]
    """What can run a container: `runc`, `runsc` …"""
    root: str
    """Where it keeps its data."""


class Image(BaseModel):
    """One image that the engine has."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    digest: str
    """`sha256:…` of its configuration, which names every layer."""
    size: int
    """In bytes."""
    created: str
    """When it was built, as the engine says it."""
    labels: dict[str, str]
    """Its labels."""


class Engine:
    """Asks one engine. Not for several threads at once.

    Args:
        socket: from `engine_socket`.
        seconds: how long one answer may take.
    """

    def __init__(self, socket: Path, seconds: float = _SECONDS) -> None:
        self.socket = socket
        self._seconds = seconds
        self._client: docker.APIClient | None = None

    def close(self) -> None:
        """Let go of the connection. Safe to call twice."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def facts(self) -> Facts:
        """Say what it is.

        Raises:
            SandboxError: if it does not answer.
        """
        said: dict[str, Any] = self._ask("what it is", lambda api: api.info())
        options = " ".join(said.get("SecurityOptions") or ())
        return Facts(
            version=str(said.get("ServerVersion", "")),
            cgroup=str(said.get("CgroupVersion", "1")),
            rootless="name=rootless" in options,
            remapped="name=userns" in options,
            seccomp="name=seccomp" in options,
            apparmor="name=apparmor" in options,
            runtimes=tuple(sorted(said.get("Runtimes") or ())),
            root=str(said.get("DockerRootDir", "")),
        )

    def image(self, name: str) -> Image | None:
        """Give an image, if it is there.

        Raises:
            SandboxError: if the engine does not answer.
        """
        try:
            said: dict[str, Any] = self._ask(f"for the image {name}", lambda api: _inspected(api, name))
        except SandboxError as error:
            if isinstance(error.__cause__, NotFound):
                return None
            raise
        return Image(
            digest=str(said["Id"]),
            size=int(said.get("Size", 0)),
            created=str(said.get("Created", "")),
            labels=dict(said.get("Config", {}).get("Labels") or {}),
        )

    def pull(self, name: str, tell: Callable[[str], object]) -> None:
        """Fetch an image from its registry.

        Args:
            name: with its tag.
            tell: is given a line now and then.

        Raises:
            SandboxError: if it cannot be had.
        """
        repository, _, tag = name.rpartition(":")
        if not repository or "/" in tag:
            repository, tag = name, "latest"

        def fetched(api: docker.APIClient) -> None:
            with contextlib.closing(api.pull(repository, tag, stream=True, decode=True)) as lines:
                for line in lines:
                    if "error" in line:
                        raise SandboxError(f"the image {name} cannot be fetched: {line['error']}")
                    if "progress" not in line and (status := line.get("status")):
                        tell(str(status))

        self._ask(f"to fetch the image {name}", fetched)

    def build(
        self,
        archive: bytes,
        tell: Callable[[str], object],
        *,
        tag: str | None = None,
        labels: Mapping[str, str] | None = None,
        cache: bool = True,
        network: str = "host",
    ) -> str:
        """Build an image and give its id.

        Args:
            archive: the build folder as a tar file.
            tell: is given what the build says, line by line.
            tag: a name for it.
            labels: added at the end.
            cache: whether steps that were done before are taken as they are.
            network: the steps' own: `host` for this machine's, `default` for the engine's.

        Raises:
            SandboxError: with the last of what the build said.
        """

        def built(api: docker.APIClient) -> str:
            steps = api.build(
                fileobj=io.BytesIO(archive),
                custom_context=True,
                tag=tag,
                labels=dict(labels or {}),
                nocache=not cache,
                rm=True,
                forcerm=True,
                network_mode=network,
                decode=True,
                timeout=_SILENCE,
            )
            with contextlib.closing(steps):
                return _followed(steps, tell)

        return self._ask("to build an image", built)

    def untagged(self, label: str) -> list[str]:
        """Give the ids of images that have a label and no name any more, the newest first.

        Raises:
            SandboxError: if the engine does not answer.
        """
        filters = {"dangling": True, "label": [label]}
        found: list[dict[str, Any]] = self._ask("for its images", lambda api: api.images(filters=filters))
        return [str(one["Id"]) for one in sorted(found, key=lambda one: -int(one["Created"]))]

    def remove_image(self, image: str) -> bool:
        """Remove an image, unless something still uses it; say whether it is gone.

        Raises:
            SandboxError: if the engine does not answer.
        """
        try:
            self._ask("to remove an image", lambda api: api.remove_image(image))
        except SandboxError as error:
            if isinstance(error.__cause__, APIError):
                return isinstance(error.__cause__, NotFound)
            raise
        return True

    def create(self, image: str, host: Mapping[str, Any], **config: Any) -> str:
        """Make a container that is not started, and give its id.

        Args:
            image: a name or a digest.
            host: arguments of the SDK's `create_host_config`, and `masked_paths` and `readonly_paths`, for
                which it has none.
            config: arguments of its `create_container`.

        Raises:
            SandboxError: with what the engine has against it.
        """

        def made(api: docker.APIClient) -> dict[str, Any]:
            held = api.create_host_config(**{name: host[name] for name in host if name not in _PATHS})
            held |= {name: list(host[key]) for key, name in _PATHS.items() if key in host}
            found: dict[str, Any] = api.create_container(image, host_config=held, **config)
            return found

        return str(self._ask("for a container", made)["Id"])

    def start(self, container: str) -> None:
        """Start a container.

        Raises:
            SandboxError: with what the engine has against it.
        """
        self._ask("to start a container", lambda api: api.start(container))

    def remove(self, container: str) -> None:
        """Remove a container and what belongs to it, and wait until it is gone. Safe to call twice.

        Raises:
            SandboxError: if the engine does not answer, or keeps it.
        """
        what = "to remove a container"
        try:
            self._ask(what, lambda api: api.remove_container(container, v=True, force=True))
        except SandboxError as error:
            cause = error.__cause__
            if isinstance(cause, NotFound):
                return
            if not isinstance(cause, APIError) or cause.status_code != requests.codes.conflict:
                raise
            # It is being removed already: by itself, since it ended.
            try:
                self._ask(what, lambda api: api.wait(container, timeout=_SECONDS, condition="removed"))
            except SandboxError as other:
                if not isinstance(other.__cause__, NotFound):
                    raise

    def containers(self, label: str) -> list[dict[str, Any]]:
        """Give what the engine says of each container with a label, running or not.

        Raises:
            SandboxError: if the engine does not answer.
        """
        found: list[dict[str, Any]] = self._ask(
            "for its containers", lambda api: api.containers(all=True, filters={"label": label})
        )
        return found

    def memory(self, container: str) -> int | None:
        """Give the bytes of memory that a container has, if it runs."""
        try:
            said: dict[str, Any] = self._ask(
                "for a container's memory", lambda api: api.stats(container, stream=False, one_shot=True)
            )
        except SandboxError:
            return None
        told = said.get("memory_stats", {})
        if (used := told.get("usage")) is None:
            return None
        more = told.get("stats", {})
        # Files that were read once and can be dropped are not what a container needs.
        return int(used) - int(more.get("total_inactive_file", more.get("inactive_file", 0)))

    def ended(self, container: str, since: float) -> tuple[str, ...]:
        """Give what happened to a container: `oom`, `die` and others, in order.

        Args:
            container: its id.
            since: seconds since 1970; the engine remembers some hundred events.

        Raises:
            SandboxError: if the engine does not answer.
        """

        def told(api: docker.APIClient) -> tuple[str, ...]:
            # In whole seconds, what has just happened would not be told.
            span: dict[str, Any] = {"since": f"{since:.9f}", "until": f"{time.time():.9f}"}
            events = api.events(**span, filters={"container": container}, decode=True)
            return tuple(str(one.get("Action", "")) for one in events)

        return self._ask("what happened to a container", told)

    def copy_out(self, container: str, source: str, target: Path) -> int:
        """Copy one plain file out of a container, and give its size.

        Raises:
            OSError: if it is not a plain file.
            SandboxError: if the engine does not give it.
        """

        def taken(api: docker.APIClient) -> int:
            stream, _ = api.get_archive(container, source)
            with tempfile.TemporaryFile() as spool:
                for chunk in stream:
                    spool.write(chunk)
                spool.seek(0)
                return _only_file(spool, target)

        return self._ask(f"for a file of a container: {source}", taken)

    def _ask(self, what: str, question: Callable[["docker.APIClient"], _T]) -> _T:
        self._reach(what)
        try:
            if self._client is None:
                self._client = docker.APIClient(
                    f"unix://{self.socket}", version="auto", timeout=cast("int", self._seconds)
                )
            return question(self._client)
        except APIError as error:
            said = error.explanation or str(error)
            raise SandboxError(f"the Docker engine was asked {what} and says: {said}") from error
        except (DockerException, requests.RequestException, OSError) as error:
            if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
                raise
            with contextlib.suppress(DockerException, requests.RequestException):
                self.close()
            hint = self._hint(error)
            raise SandboxError(f"the Docker engine was asked {what} and does not answer: {hint}") from error

    def _reach(self, what: str) -> None:
        # The SDK leaves a socket open where nobody listens, and says less of why.
        try:
            ends.connected(str(self.socket), self._seconds).close()
        except OSError as error:
            self.close()
            said = f"the Docker engine was asked {what} and does not answer: {self._hint(error)}"
            raise SandboxError(said) from error

    def _hint(self, error: Exception) -> str:
        said = str(error)
        if "Permission denied" in said:
            return f"this user may not open {self.socket}; add it to the group docker, {INSTEAD}"
        if "timed out" in said.lower():
            return f"nothing came within {self._seconds:g} s"
        return f"is one running at {self.socket}? Start it (systemctl start docker), {INSTEAD}"


def _inspected(api: docker.APIClient, name: str) -> dict[str, Any]:
    found: dict[str, Any] = api.inspect_image(name)  # type: ignore[no-untyped-call]
    return found


def _followed(steps: Iterator[dict[str, Any]], tell: Callable[[str], object]) -> str:
    last: deque[str] = deque(maxlen=_LINES)
    made = ""
    for step in steps:
        made = str((step.get("aux") or {}).get("ID") or made)
        for line in str(step.get("stream", "")).splitlines():
            if line.strip():
                last.append(line.rstrip())
                tell(line.rstrip())
        if "error" in step:
            said = "\n".join(f"  {one[:300]}" for one in last)
            raise SandboxError(f"the image cannot be built: {str(step['error']).strip()}\n{said}")
    if not made:
        raise SandboxError("the image cannot be built: the engine ended without saying why; try again")
    return made


def _only_file(spool: IO[bytes], target: Path) -> int:
    with tarfile.open(fileobj=spool) as archive:
        first = archive.next()
        if first is None or not first.isreg():
            raise OSError(22, "the browser put something in its place that is not a plain file")
        inside = archive.extractfile(first)
        assert inside is not None  # noqa: S101 - it is a plain file
        with target.open("xb") as kept:
            for chunk in _chunks(inside):
                kept.write(chunk)
            return kept.tell()


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(1_048_576):
        yield chunk
