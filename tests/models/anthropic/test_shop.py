"""The shop task to its end: the real SDK, real HTTP, the strict vendor, a real sandbox and browser."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import harness
import pytest
from harness.clearance import Approval, Question
from harness.models.anthropic.factory import build
from harness.models.anthropic.tools import Provider, Tool
from harness.models.assemble import ModelOptions
from harness.models.catalogue import ModelFacts
from harness.models.dialect import Brief
from harness.result import Result
from harness.trace.events import ModelReplied
from harness.trace.reader import Trace
from harness.trace.verify import verify
from vendors.anthropic import KEY, Asked, Server, failure, thoughtful
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


def clean(result: Result, server: Server, *keys: str) -> None:
    """The task is done, the vendor refused nothing, the trace verifies, and no file of it holds a key."""
    assert (result.outcome, server.refused) == ("done", []), result.reason
    folder = Path(result.trace)
    assert verify(folder).ok
    for file in (one for one in folder.rglob("*") if one.is_file()):
        assert not any(key.encode() in file.read_bytes() for key in keys), file


def brain() -> Brain:
    return Brain(harness.Task.load(TASK).filled())


@pytest.mark.long
async def test_a_mug_is_bought_after_a_busy_moment_and_a_refusal_that_the_model_is_told(
    tmp_path: Path,
) -> None:
    think, person, times, last = thoughtful(brain()), Once(), 0, ""

    async def busy_once(asked: Asked) -> Any:
        nonlocal times, last
        times += 1
        if times == 3:
            return failure(529, "overloaded_error", "busy")
        if any(one.get("is_error") for one in asked.results):
            # It asks for the same once more, and this time the person says yes.
            return json.loads(last.replace('"toolu_', '"toolu_again_'))
        answer = await think(asked)
        last = json.dumps(answer)
        return answer

    server = Server(busy_once)
    result = await bought(server, tmp_path, approver=person)
    clean(result, server, KEY)
    assert len(person.asked) > 1
    refused = [one for asked in server.asked for one in asked.results if one.get("is_error")]
    assert [one["content"][0]["text"][:7] for one in refused] == ["refused"]
    assert "Not yet." in str(refused)
    assert all(one["toolset_name"] == "computer" for one in refused)
    assert result.usage.input_tokens == 1240 * (len(server.asked) - 1)
    assert result.usage.cached_tokens == 1000 * (len(server.asked) - 1)
    faults = [
        (one.fault, one.waited is not None)
        for line in Trace.open(Path(result.trace)).events
        if isinstance(line.event, ModelReplied)
        for one in line.event.incidents
    ]
    assert faults == [("server_error", True)]


@pytest.mark.long
@pytest.mark.parametrize("tool", ["computer_20250124", "computer_20251124", "computer_toolset_20260801"])
async def test_a_mug_is_bought_with_each_tool(tool: Tool, tmp_path: Path) -> None:
    server = Server(thoughtful(brain()))
    clean(await bought(server, tmp_path, tool=tool), server, KEY)
    assert {one.tool["type"] for one in server.asked} == {tool}


@pytest.mark.long
async def test_a_mug_is_bought_over_bedrock(tmp_path: Path) -> None:
    server = Server(thoughtful(brain()))
    env = {
        "AWS_ACCESS_KEY_ID": "AKIDCANARY",
        "AWS_SECRET_ACCESS_KEY": "aws-canary-91",
        "AWS_REGION": "eu-west-1",
        "ANTHROPIC_BEDROCK_BASE_URL": "BASE",
    }
    clean(await bought(server, tmp_path, provider="bedrock", environment=env), server, "aws-canary-91")


@pytest.mark.long
async def test_a_mug_is_bought_over_foundry(tmp_path: Path) -> None:
    server = Server(thoughtful(brain()))
    env = {"ANTHROPIC_FOUNDRY_API_KEY": KEY, "ANTHROPIC_FOUNDRY_BASE_URL": "BASE/anthropic/"}
    clean(await bought(server, tmp_path, provider="foundry", environment=env), server, KEY)
