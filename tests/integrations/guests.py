"""Sessions for tests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness
from harness.cli.compose import Run
from harness.integrations.session import Session
from harness.policy.schema import Policy
from harness.result import Result
from harness.task import Task
from harness.testing import FakeSandbox
from harness.trace.reader import Trace
from harness.trace.verify import verify

TASK = Task(name="t", goal="g", start="https://a.test/")


def policy(**limits: Any) -> Policy:
    """No typing, and an end to whoever waits."""
    return Policy.model_validate(
        {
            "name": "p",
            "domains": {"navigate": ["a.test"]},
            "default": {"action": "allow", "request": "allow", "navigate": "deny"},
            "rules": [
                {"name": name, "on": "action", "when": {"kind": kind}, "verdict": verdict, "why": why}
                for name, kind, verdict, why in (
                    ("no typing", "type", "deny", "No."),
                    ("no waiting", "wait", "stop", "Off."),
                )
            ],
            "limits": limits,
        }
    )


def opened(
    tmp_path: Path,
    sandbox: FakeSandbox | None = None,
    longest: float = 30,
    approver: str = "deny",
    **limits: Any,
) -> Session:
    """A session in a sandbox without a browser."""
    clock = limits.pop("clock", None)
    build: Callable[..., Run] = Run
    return Session(
        lambda model: build(
            TASK,
            model=model,
            policy=policy(**limits),
            sandbox=sandbox or FakeSandbox(),
            approver=approver,
            traces=tmp_path / "traces",
            **({"clock": clock} if clock else {}),
        ),
        longest=longest,
    )


def ended(result: Result | None, outcome: str, words: str = "") -> Result:
    """The run is over, its trace complete, and both say how."""
    assert result is not None
    assert (result.outcome, words in result.reason) == (outcome, True), result.reason
    found = verify(Path(result.trace))
    assert found.ok
    assert found.complete
    return result


SEARCH = (600, 32)
"""The middle of the shop's search box."""
HOME = (140, 32)
"""The middle of the shop's name, which nobody may touch."""


_SHOP: dict[str, Any] = {
    "name": "search",
    "goal": "Search for tea.",
    "start": "https://shop.test/",
    "hosts": {"shop.test": "harness.worlds.shop:app"},
    "checks": [{"url": "https://shop.test/search*"}],
}
_ONE_WAY: dict[str, Any] = {
    "name": "one-way",
    "domains": {"navigate": ["shop.test"]},
    "default": {"action": "allow", "request": "allow", "navigate": "deny"},
    "rules": [
        {
            "name": "stay here",
            "on": "action",
            "when": {"kind": "click", "target": {"name": "*Hearth*"}},
            "verdict": "deny",
            "why": "There is no way back.",
        }
    ],
}


def shop(traces: Path) -> Session:
    """The bundled shop in a real sandbox: search for tea, and do not click on the shop's name."""
    task, rules = Task.model_validate(_SHOP), Policy.model_validate(_ONE_WAY)
    return harness.session(task, policy=rules, sandbox="bubblewrap", traces=traces)


def shop_files(folder: Path) -> tuple[Path, Path]:
    """The same as a task file and a policy file; what is JSON is YAML too."""
    task, rules = folder / "search.yaml", folder / "one-way.yaml"
    task.write_text(json.dumps(_SHOP))
    rules.write_text(json.dumps({"version": 1, **_ONE_WAY}))
    return task, rules


def clicked(result: Result) -> list[tuple[str, str]]:
    """Each action of a trace but looks and the first load, with what became of it."""
    return clicked_in(Path(result.trace))


def clicked_in(trace: Path) -> list[tuple[str, str]]:
    """The same, of a trace's folder."""
    events = [one.event for one in Trace.open(trace).events]
    acted = [(one.action.kind, one.status) for one in events if one.kind == "acted"]
    return [one for one in acted if one[0] not in ("screenshot", "goto")]
