"""Which place: by name, or the best one that works here."""

from harness.errors import SandboxError
from harness.sandbox import chromium, present
from harness.sandbox.base import Sandbox, SandboxOptions
from harness.sandbox.bubblewrap import BubblewrapSandbox
from harness.sandbox.process import ProcessSandbox
from harness.sandbox.trial import namespaces_work

PLACES = ("auto", "bubblewrap", "process", "docker")


def choose(name: str, options: SandboxOptions) -> Sandbox:
    """Give a sandbox that has not been opened.

    Args:
        name: `docker`, `bubblewrap`, `process` for no isolation, or `auto`: docker if an engine answers and
            has an image that is fresh, else bubblewrap.
        options: what it is told.

    Raises:
        SandboxError: if the place does not work here, with what to install or to type. There is no silent
            step down to less isolation.
    """
    match name:
        case "auto" if not (without := present.lacking()):
            return choose("docker", options)
        case "auto":
            try:
                return choose("bubblewrap", options)
            except SandboxError as error:
                raise SandboxError(f"{error}\nand no container: {without}") from error
        case "bubblewrap":
            namespaces_work().demand()
            chromium.find_chromium()
            return BubblewrapSandbox(options)
        case "process":
            chromium.find_chromium()
            return ProcessSandbox(options)
        case "docker":
            from harness.sandbox.docker import DockerSandbox  # noqa: PLC0415 - its SDK is loaded only when used

            return DockerSandbox(options)
        case _:
            raise SandboxError(f"no sandbox is called {name!r}: use one of {', '.join(PLACES)}")
