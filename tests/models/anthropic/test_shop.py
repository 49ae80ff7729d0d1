"""The shop task to its end: the real SDK, real HTTP, the strict vendor, a real sandbox and browser."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import harness
from harness.clearance import Approval, Question
from harness.models.anthropic.factory import build
from harness.models.anthropic.tools import Provider, Tool
from harness.models.assemble import ModelOptions
from harness.models.catalogue import ModelFacts
from harness.models.dialect import Brief
from harness.result import Result
from harness.trace.verify import verify
from vendors.anthropic import KEY, Server, thoughtful
from vendors.brain import TASK, Brain
from vendors.serve import served


class Once:
    """A person who says no to the first question, and yes to all others."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def decide(self, question: Question) -> Approval:
        self.asked.append(question.verdict.rule)
        return question.deny("Ada", note="Not yet.") if len(self.asked) == 1 else question.approve("Ada")


async def bought(
    server: Server,
    traces: Path,
    *,
    provider: Provider = "anthropic",
    tool: Tool | None = None,
    environment: Mapping[str, str] | None = None,
    approver: Any = "auto",
) -> Result:
    task = harness.Task.load(TASK).filled()
    async with served(server.app) as base:
        env = environment or {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": base}
        env = {name: value.replace("BASE", base) for name, value in env.items()}
        model = build(
            "claude-opus-5-5",
            Brief(task.goal, task.inputs, task.outputs),
            facts=ModelFacts(name="claude-opus-5-5"),
            environment=env,
            options=ModelOptions(),
            provider=provider,
            tool=tool,
        )
        try:
            return await harness.run(
                task,
                model=model,
                policy="shopping",
                sandbox="bubblewrap",
                approver=approver,
                traces=traces,
            )
        finally:
            await model.close()


def clean(result: Result, server: Server, traces: Path, *keys: str) -> None:
    assert server.refused == []
    assert result.trace is not None
    assert verify(Path(result.trace)).problems == ()
    for file in traces.rglob("*"):
        if file.is_file():
            held = file.read_bytes()
            assert not any(key.encode() in held for key in keys), file


async def test_the_toolset_buys_a_mug(tmp_path: Path) -> None:
    server = Server(thoughtful(Brain(harness.Task.load(TASK).filled())))
    result = await bought(server, tmp_path)
    assert (result.outcome, result.reason) == ("done", "")
    clean(result, server, tmp_path, KEY)
