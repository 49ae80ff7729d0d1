"""Which place: by name, or the best one that works here."""

from harness.errors import SandboxError
from harness.sandbox import chromium
from harness.sandbox.base import Sandbox, SandboxOptions
from harness.sandbox.bubblewrap import BubblewrapSandbox
from harness.sandbox.process import ProcessSandbox
from harness.sandbox.trial import namespaces_work

PLACES = ("auto", "bubblewrap", "process", "docker")


def choose(name: str, options: SandboxOptions) -> Sandbox:
    """Give a sandbox that has not been opened.

    Args:
        name: `auto` for the best isolation that works here, `bubblewrap`, or `process` for no isolation.
        options: what it is told.

    Raises:
        SandboxError: if the place does not work here, with what to install or to type. There is no silent
            step down to less isolation.
    """
    match name:
        case "auto" | "bubblewrap":
            _bubblewrap_works()
            return BubblewrapSandbox(options)
        case "process":
            chromium.find_chromium()
            return ProcessSandbox(options)
        case "docker":
            from harness.sandbox.docker import DockerSandbox  # noqa: PLC0415 - its SDK is loaded only when used

            return DockerSandbox(options)
        case _:
            raise SandboxError(f"no sandbox is called {name!r}: use one of {', '.join(PLACES)}")


def _bubblewrap_works() -> None:
    namespaces_work().demand()
    chromium.find_chromium()
