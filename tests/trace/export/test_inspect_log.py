import asyncio
import shutil
import socket
import sys
from pathlib import Path

import pytest
from harness.errors import InputError
from harness.trace.export import inspect_log
from harness.trace.reader import Trace
from inspect_ai.event import ApprovalEvent, InfoEvent, ModelEvent, ToolEvent
from inspect_ai.log import EvalSample, read_eval_log, resolve_sample_attachments
from inspect_ai.model import ContentImage
from playwright.async_api import expect
from tests.trace.export.viewer import page


def read(trace: Trace, tmp_path: Path) -> EvalSample:
    inspect_log.export([trace], tmp_path / "a.eval")
    found = read_eval_log(tmp_path / "a.eval")
    assert found.status == "success"
    assert found.results is not None
    assert found.results.scores[0].metrics["accuracy"].value == 1
    assert found.eval.model == "local"
    assert found.samples is not None
    return found.samples[0]


def test_inspects_reader_finds_messages_pictures_usage_and_scores(trace: Trace, tmp_path: Path) -> None:
    condensed = read(trace, tmp_path)
    assert len([one for one in condensed.attachments.values() if one.startswith("data:image/png")]) == 3
    sample = resolve_sample_attachments(condensed, "full")
    assert [one.role for one in sample.messages][:4] == ["user", "user", "assistant", "tool"]
    seen = sample.messages[1].content[1]
    assert isinstance(seen, ContentImage)
    assert seen.image.startswith("data:image/png;base64,")
    usage = sample.model_usage["local"]
    assert (usage.input_tokens, usage.output_tokens, usage.total_cost) == (200, 14, 0.02)
    assert sample.scores is not None
    assert {name: score.value for name, score in sample.scores.items()} == {"passed": "C", "check 1": "C"}


def test_policy_and_people_are_approvals_and_refusals_are_errors(trace: Trace, tmp_path: Path) -> None:
    events = read(trace, tmp_path).events
    given = [one for one in events if isinstance(one, ApprovalEvent)]
    assert [(one.approver, one.decision) for one in given][:2] == [
        ("policy: spending", "escalate"),
        ("ada", "approve"),
    ]
    tools = {one.function: one for one in events if isinstance(one, ToolEvent)}
    refused = tools["goto"].error
    assert refused is not None
    assert (refused.type, tools["type"].error) == ("permission", None)
    assert tools["type"].arguments["text"] == "{{secret:shop_password}}"
    models = [one for one in events if isinstance(one, ModelEvent)]
    assert [one.model for one in models] == ["local"] * 3
    assert models[0].call is not None
    assert (models[0].call.request, models[0].call.response) == ({"model": "m-1"}, {"made": "up"})
    assert {one.source for one in events if isinstance(one, InfoEvent)} >= {"network", "page"}


def test_several_runs_are_several_samples(trace: Trace, plain: Trace, tmp_path: Path) -> None:
    inspect_log.export([trace, plain], tmp_path / "a.eval")
    found = read_eval_log(tmp_path / "a.eval")
    assert found.samples is not None
    assert len(found.samples) == 2
    assert found.results is not None
    assert found.results.total_samples == 2


def test_without_the_extra_it_is_said_what_to_install(
    trace: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "inspect_ai.log", None)
    with pytest.raises(InputError, match=r"computer-use-harness\[inspect\]"):
        inspect_log.export([trace], tmp_path / "a.eval")


@pytest.mark.long
async def test_inspect_view_shows_the_run(trace: Trace, tmp_path: Path) -> None:
    command = shutil.which("inspect", path=str(Path(sys.executable).parent))
    assert command is not None
    logs = tmp_path / "logs"
    logs.mkdir()
    inspect_log.export([trace], logs / "2026-01-02T03-04-05-00-00_buy-a-mug_run-1.eval")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [command, "view", "start", "--log-dir", str(logs), "--host", "127.0.0.1", "--port", str(port)]
    pipe = asyncio.subprocess.PIPE
    viewer = await asyncio.create_subprocess_exec(*arguments, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    try:
        assert viewer.stdout is not None
        while b"unning" not in (line := await viewer.stdout.readline()):
            assert line, "the viewer ended"
        async with page() as shown:
            await shown.goto(f"http://127.0.0.1:{port}/")
            await shown.get_by_text("buy-a-mug").first.click()
            await expect(shown.get_by_text("Buy one blue mug.").first).to_be_visible(timeout=30_000)
    finally:
        viewer.terminate()
        await viewer.communicate()
