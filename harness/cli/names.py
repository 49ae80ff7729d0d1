"""From the names people type to the objects that run: tasks, policies, models, approvers, hosts."""

import difflib
import hashlib
import importlib
import importlib.metadata
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.clearance import Approver
from harness.errors import InputError, ModelError, PolicyError, TaskError
from harness.gateway.base import Upstream
from harness.gateway.leaks import Guard, Sought
from harness.lines import Lines
from harness.models.base import Model
from harness.models.dialect import Brief
from harness.policy.domains import Reach, read_host_pattern
from harness.policy.load import ready_made
from harness.policy.schema import Policy
from harness.policy.urls import parse, refused
from harness.secrets import Held, Vault
from harness.task import Task

if TYPE_CHECKING:
    from harness.checks import TextReader

_PACKAGE = Path(__file__).resolve().parent.parent
_SUFFIXES = (".yaml", ".yml")


def bundled(kind: str) -> Path:
    """The folder of bundled `tasks` or `policies`: in an installed package, or in the source tree."""
    inside = _PACKAGE / "_data" / kind
    return inside if inside.is_dir() else _PACKAGE.parent / kind


def task_file(name: str) -> Path:
    """Find a task by path, or by the name of a bundled one such as `shop/buy-a-mug`.

    Raises:
        TaskError: if there is neither, naming the nearest.
    """
    path = Path(name)
    folder = bundled("tasks")
    known = {str(file.relative_to(folder).with_suffix("")): file for file in sorted(folder.rglob("*.yaml"))}
    if name and path.is_dir():
        inside = sorted(str(file) for file in path.iterdir() if file.suffix in _SUFFIXES)
        hint = f"such as {inside[0]}" if inside else "it holds none ending in .yaml"
        raise TaskError(f"{name}: is a folder; name a task file in it, {hint}")
    if path.suffix in _SUFFIXES or (name and path.exists()):
        return path
    if name in known:
        return known[name]
    raise TaskError(f"{name!r} is neither a task file nor a bundled task; {_nearest(name, list(known))}")


def load_policy(name: str) -> Policy:
    """Load a policy by path, or by the name of a ready-made one such as `shopping`.

    Raises:
        PolicyError: if there is neither, naming the nearest, or it cannot be used.
    """
    path = Path(name)
    found = None if path.suffix in _SUFFIXES else ready_made(name)
    if found is None and name and path.is_dir():
        raise PolicyError(f"{name}: is a folder; name a policy file in it, or a ready-made policy")
    if found is None and path.suffix not in _SUFFIXES and not (name and path.exists()):
        known = sorted(file.stem for file in bundled("policies").glob("*.yaml"))
        raise PolicyError(
            f"{name!r} is neither a policy file nor a ready-made policy; {_nearest(name, known)}"
        )
    return Policy.load(found or path)


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"


def find_policy(policy: Policy | Path | str | None, task: Task) -> Policy:
    """Load the policy given, or else the task's own.

    Raises:
        PolicyError: if there is none, or it cannot be used. Without a policy nothing runs.
    """
    if isinstance(policy, Policy):
        return policy
    if policy is not None:
        return load_policy(str(policy))
    if task.policy is None:
        raise PolicyError(f"task {task.name!r} names no policy; give one, such as --policy shopping")
    try:
        return load_policy(task.policy)
    except PolicyError as error:
        if Path(task.policy).is_file():
            raise
        raise PolicyError(f"the policy of task {task.name!r}: {error}") from error


def find_secrets(policy: Policy, environment: Mapping[str, str]) -> Vault:
    """Take a policy's secrets from the environment.

    Raises:
        PolicyError: naming the secret whose variable is not set.
    """
    held: list[Held] = []
    for name, secret in policy.secrets.items():
        variable = secret.source.removeprefix("env:")
        value = environment.get(variable)
        if not value:
            raise PolicyError(
                f"policy {policy.name!r}: secrets.{name}: the environment has no {variable}; "
                "set it, or leave the secret out"
            )
        pages = [read_host_pattern(text) for text in secret.hosts]
        hosts = [pattern._replace(path=None) for pattern in pages]
        held.append(
            Held(
                name,
                value,
                partial(_within, Reach(pages)),
                partial(_within, Reach(hosts)),
                ", ".join(secret.hosts),
            )
        )
    return Vault(held)


def guard(policy: Policy, vault: Vault) -> Guard:
    """Make what finds a policy's secrets and canaries in requests."""
    secrets = [(Sought(one.name, one.value), one.goes) for one in vault]
    canaries = [
        (Sought(f"canary {number}", text), _nowhere) for number, text in enumerate(policy.canaries, 1)
    ]
    return Guard([*secrets, *canaries])


def _within(reach: Reach, url: str) -> bool:
    address = parse(url)
    return address is not None and not refused(address) and reach.admits(address)


def _nowhere(url: str) -> bool:
    del url
    return False


def find_model(
    name: str,
    task: Task,
    reader: "TextReader",
    *,
    secrets: Sequence[str] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
    catalogue: Path | None = None,
    pictures: Path | None = None,
    lines: Lines | None = None,
) -> Model:
    """Make the model that a name stands for.

    Args:
        name: `local`, `human`, or a vendor's as `harness.models.choose.read_name` reads it.
        task: what to do.
        reader: reads the screen for the local model.
        secrets: names of what may be typed and never seen.
        environment: where keys are.
        catalogue: the user's own facts and prices of models.
        pictures: where a person who drives finds the screenshots.
        lines: what reads what such a person types, if somebody else reads there as well.

    Raises:
        InputError: if the name is unknown, a key is missing, or the model cannot follow the task.
    """
    if name == "human":
        from harness.models.human import HumanModel, TerminalConsole  # noqa: PLC0415 - loaded only when used

        return HumanModel(TerminalConsole(pictures or Path(), lines=lines), outputs=task.outputs)
    if name != "local":
        from harness.models.choose import find  # noqa: PLC0415 - what vendors need is loaded only when used

        uploads = Path(task.uploads) if task.uploads else None
        brief = Brief(
            goal=task.goal,
            inputs=task.inputs,
            outputs=task.outputs,
            secrets=tuple(secrets),
            uploads=tuple(sorted(one.name for one in uploads.iterdir())) if uploads else (),
        )
        return find(name, brief, environment=environment, catalogue=catalogue)
    from harness.models.local.model import LocalModel  # noqa: PLC0415 - OCR is loaded only when used
    from harness.models.local.ocr import Reader  # noqa: PLC0415

    try:
        return LocalModel(task, reader=reader if isinstance(reader, Reader) else Reader())
    except ModelError as error:
        # Nothing has started: what the model cannot follow is what a person wrote.
        raise TaskError(str(error)) from error


def find_approver(name: str, pictures: Path, lines: Lines | None = None) -> Approver:
    """Make the approver that a name stands for.

    Args:
        name: `terminal`, `deny` or `auto`.
        pictures: a folder for screenshots.
        lines: what reads what is typed, if somebody else reads there as well.

    Raises:
        InputError: if the name is unknown.
    """
    from harness.approval.auto import AutoApprover, DenyApprover  # noqa: PLC0415
    from harness.approval.terminal import TerminalApprover  # noqa: PLC0415

    match name:
        case "terminal":
            return TerminalApprover(pictures=pictures, lines=lines)
        case "deny":
            return DenyApprover()
        case "auto":
            return AutoApprover()
        case _:
            raise InputError(
                f"no approver is called {name!r}; use --approve terminal, --approve deny or --approve auto"
            )


def find_hosts(task: Task, state: Path | None = None) -> dict[str, Upstream]:
    """Make what the gateway speaks to for each of the task's hosts.

    Args:
        task: what to do.
        state: a folder in which web apps of this process keep what outlives it, each in a folder named like
            its host. They are given it if what makes them takes `state`.

    Raises:
        TaskError: naming the host and what is wrong with what it stands for.
    """
    found: dict[str, Upstream] = {}
    for host, where in task.hosts.items():
        name = host.lower()
        if not name or any(char in "/:@?#*[]" or char.isspace() for char in name):
            raise TaskError(f"hosts: {host!r} is not a host's name; write the name alone, such as shop.test")
        if name in found:
            raise TaskError(f"hosts: {host!r} stands there twice, in other capitals; keep one")
        found[name] = _upstream(f"hosts.{host}", where, None if state is None else state / name)
    return found


def within(task: Task, policy: Policy) -> bool:
    """Whether the harness's own process serves all that a run can reach: no cookie of it opens anything."""
    ours = {
        host.lower() for host, where in task.hosts.items() if not where.startswith(("http://", "https://"))
    }
    patterns = policy.domains.loaded.patterns
    return policy.default.navigate == "deny" and all(not one.wild and one.host in ours for one in patterns)


def forgetful(task: Task) -> tuple[str, ...]:
    """Give the hosts whose web app lives in this process, and forgets all with it unless given `state`.

    Raises:
        TaskError: as `find_hosts` does.
    """
    return tuple(
        host.lower()
        for host, where in task.hosts.items()
        if not where.startswith(("dir:", "http://", "https://"))
        and _keeps(_attribute(f"hosts.{host}", where))
    )


def _upstream(place: str, where: str, state: Path | None) -> Upstream:
    from harness.gateway.upstreams.asgi import AsgiUpstream  # noqa: PLC0415
    from harness.gateway.upstreams.fixed import FixedUpstream  # noqa: PLC0415
    from harness.gateway.upstreams.static import StaticUpstream  # noqa: PLC0415

    if where.startswith("dir:"):
        folder = Path(where[4:])
        if not folder.is_dir():
            what = "is a file" if folder.exists() else "there is no such folder"
            raise TaskError(f"{place}: {folder}: {what}; name a folder of static files after dir:")
        return StaticUpstream(folder)
    if where.startswith(("http://", "https://")):
        try:
            return FixedUpstream(where)
        except TaskError as error:
            raise TaskError(f"{place}: {error}") from error
    return AsgiUpstream(_import(place, where, state))


def _attribute(place: str, where: str) -> object:
    module_name, _, attribute = where.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), attribute)):
        raise TaskError(f"{place}: write module:attribute, dir:PATH or http://host:port, not {where!r}")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name + ".").startswith(error.name + "."):
            raise TaskError(
                f"{place}: there is no module {error.name!r}, not installed, not here, not next to the "
                "task file; PYTHONPATH names other folders"
            ) from error
        raise TaskError(f"{place}: {module_name!r} cannot be imported: {error}") from error
    except (Exception, SystemExit) as error:
        raise TaskError(f"{place}: {module_name!r} cannot be imported: {_said(error)}") from error
    known = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
    found = vars(module).get(attribute)
    if found is None:
        near = difflib.get_close_matches(attribute, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "name its ASGI application"
        raise TaskError(f"{place}: {module_name!r} has no {attribute!r}; {hint}")
    return found


def _import(place: str, where: str, state: Path | None) -> Callable[..., object]:
    found = _attribute(place, where)
    app: object = found
    if callable(found) and _takes(found, 0):
        make = partial(found, state=state) if state is not None and _keeps(found) else found
        app = _made(place, where, make)
    if not callable(app) or isinstance(app, type) or not _takes(app, 3):
        shown = app.__name__ if isinstance(app, type) else type(app).__name__
        raise TaskError(
            f"{place}: {where!r} gives {shown}, which is no ASGI application: "
            "it must be called with scope, receive and send"
        )
    return app


def _made(place: str, where: str, factory: Callable[..., object]) -> object:
    try:
        return factory()
    except (Exception, SystemExit) as error:
        raise TaskError(f"{place}: {where!r} was called to make the application: {_said(error)}") from error


def _takes(found: Callable[..., object], count: int) -> bool:
    """Whether something can be called with so many arguments, and for none: makes sense to be."""
    try:
        signature = inspect.signature(found)
        signature.bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        return True
    return count > 0 or not any(one.kind is one.VAR_POSITIONAL for one in signature.parameters.values())


def _keeps(factory: object) -> bool:
    """Whether what makes an app takes a folder for what outlives the process."""
    try:
        return callable(factory) and "state" in inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return False


def _said(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".removesuffix(": ").split())[:300]


def versions(browser: str) -> dict[str, str]:
    """The versions a trace keeps."""
    from harness._version import __version__  # noqa: PLC0415

    python = ".".join(str(part) for part in sys.version_info[:3])
    return {
        "harness": __version__,
        "python": python,
        "playwright": importlib.metadata.version("playwright"),
        "browser": browser,
    }


def seed_of(name: str) -> int:
    """What a run's pages begin `Math.random` with, from a name that no other run has."""
    return 1 + int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % (2**31 - 1)
