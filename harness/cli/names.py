"""From the names people type to the objects that run: tasks, policies, models, approvers, hosts."""

import difflib
import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.clearance import Approver
from harness.errors import InputError, ModelError, PolicyError, TaskError
from harness.gateway.base import Upstream
from harness.models.base import Model
from harness.policy.load import ready_made
from harness.policy.schema import Policy
from harness.task import Task

if TYPE_CHECKING:
    from harness.checks import TextReader

_PACKAGE = Path(__file__).resolve().parent.parent


def bundled(kind: str) -> Path:
    """The folder of bundled `tasks` or `policies`: in an installed package, or in the source tree."""
    inside = _PACKAGE / "_data" / kind
    return inside if inside.is_dir() else _PACKAGE.parent / kind


def find_task(name: str) -> Task:
    """Load a task by path, or by the name of a bundled one such as `shop/buy-a-mug`.

    Raises:
        TaskError: if there is neither, naming the nearest.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return Task.load(path)
    folder = bundled("tasks")
    known = {str(file.relative_to(folder).with_suffix("")): file for file in sorted(folder.rglob("*.yaml"))}
    if name in known:
        return Task.load(known[name])
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"bundled tasks: {', '.join(known)}"
    raise TaskError(f"{name}: neither a task file nor a bundled task; {hint}")


def find_policy(policy: Policy | Path | str | None, task: Task) -> Policy:
    """Load the policy given, or else the task's own.

    Raises:
        PolicyError: if there is none, or it cannot be used. Without a policy nothing runs.
    """
    if isinstance(policy, Policy):
        return policy
    name = str(policy) if policy is not None else task.policy
    if name is None:
        raise PolicyError(
            f"task {task.name!r} names no policy; give one, such as --policy policies/read-only.yaml"
        )
    found = None if name.endswith((".yaml", ".yml")) else ready_made(name)
    return Policy.load(found or Path(name))


def find_model(name: str, task: Task, reader: "TextReader") -> Model:
    """Make the model that a name stands for.

    Raises:
        ModelError: if the name is unknown, or the model cannot follow the task.
    """
    if name == "local":
        from harness.models.local.model import LocalModel  # noqa: PLC0415 - OCR is loaded only when used
        from harness.models.local.ocr import Reader  # noqa: PLC0415

        if not isinstance(reader, Reader):
            raise ModelError("the local model needs the OCR reader")
        return LocalModel(task, reader=reader)
    raise ModelError(
        f"no model is called {name!r}; use 'local', or pass an object with an async reply() in Python"
    )


def find_approver(name: str, pictures: Path) -> Approver:
    """Make the approver that a name stands for.

    Raises:
        InputError: if the name is unknown.
    """
    from harness.approval.auto import AutoApprover, DenyApprover  # noqa: PLC0415
    from harness.approval.terminal import TerminalApprover  # noqa: PLC0415

    match name:
        case "terminal":
            return TerminalApprover(pictures=pictures)
        case "deny":
            return DenyApprover()
        case "auto":
            return AutoApprover()
        case _:
            raise InputError(f"no approver is called {name!r}; use terminal, deny or auto")


def find_hosts(task: Task) -> dict[str, Upstream]:
    """Make what the gateway speaks to for each of the task's hosts.

    Raises:
        TaskError: naming the host and what is wrong with what it stands for.
    """
    return {host.lower(): _upstream(host, where) for host, where in task.hosts.items()}


def _upstream(host: str, where: str) -> Upstream:
    from harness.gateway.upstreams.asgi import AsgiUpstream  # noqa: PLC0415
    from harness.gateway.upstreams.fixed import FixedUpstream  # noqa: PLC0415
    from harness.gateway.upstreams.static import StaticUpstream  # noqa: PLC0415

    if where.startswith("dir:"):
        folder = Path(where[4:])
        if not folder.is_dir():
            raise TaskError(f"hosts.{host}: {str(folder)!r} is not a folder")
        return StaticUpstream(folder)
    if where.startswith(("http://", "https://")):
        return FixedUpstream(where)
    return AsgiUpstream(_import(host, where))


def _import(host: str, where: str) -> Callable[..., object]:
    module_name, colon, attribute = where.partition(":")
    if not colon or not module_name:
        raise TaskError(f"hosts.{host}: write module:attribute, dir:PATH or http://host:port, not {where!r}")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise TaskError(f"hosts.{host}: {module_name!r} cannot be imported: {error}") from error
    found = vars(module).get(attribute)
    if not callable(found):
        raise TaskError(f"hosts.{host}: {module_name!r} has no application {attribute!r}")
    parameters = inspect.signature(found).parameters.values()
    needed = [one for one in parameters if one.default is one.empty and one.kind is not one.VAR_POSITIONAL]
    app = found if needed else found()
    if not callable(app):
        raise TaskError(f"hosts.{host}: {where!r} gives {type(app).__name__}, not an ASGI application")
    return app


def versions(browser: str) -> dict[str, str]:
    """The versions a trace keeps."""
    from harness._version import __version__  # noqa: PLC0415

    python = ".".join(str(part) for part in sys.version_info[:3])
    return {"harness": __version__, "python": python, "browser": browser}
