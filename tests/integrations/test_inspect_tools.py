"""Inspect with its mock model drives our sandbox, and what is denied is denied."""

import gc
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness
import pytest
import tiktoken
from harness.integrations.inspect_tools import RESULT, browser_tools, in_guarded_browser, run_outcome
from inspect_ai import Task, eval_async
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalSample
from inspect_ai.model import ChatMessageTool, ModelOutput, get_model
from inspect_ai.solver import generate
from tests.integrations.guests import HOME, SEARCH, clicked_in, ended, opened, shop

pytestmark = pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning")
"""Inspect leaves streams of its own to be collected."""


class Encoding:
    """Stands in for a tokenizer that would be fetched."""

    def encode(self, text: str, **options: object) -> list[int]:
        del options
        return [0] * (len(text) // 4)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    monkeypatch.setenv("INSPECT_DISPLAY", "none")
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: Encoding())
    yield
    root.handlers[:], root.level = handlers, level
    gc.collect()  # so that what Inspect leaves is told of here and not in the next test


async def sample(make: Any, *calls: tuple[str, dict[str, Any]], logs: Path) -> EvalSample:
    """Play one sample with a model that makes these calls and then says that it is done."""
    outputs = [ModelOutput.for_tool_call("mockllm/model", f"browser_{name}", given) for name, given in calls]
    model = get_model(
        "mockllm/model", custom_outputs=[*outputs, ModelOutput.from_content("mockllm/model", "Found.")]
    )
    task = Task(
        dataset=[Sample(input="Search for tea.")],
        solver=in_guarded_browser(make, generate()),
        scorer=run_outcome(),
    )
    (log,) = await eval_async(task, model=model, log_dir=str(logs), log_level="error")
    assert log.status == "success", log.error
    assert log.samples
    return log.samples[0]


def told(found: EvalSample) -> list[ChatMessageTool]:
    return [one for one in found.messages if isinstance(one, ChatMessageTool)]


@pytest.mark.long
async def test_an_agent_does_two_steps_and_a_denied_action_is_an_error(tmp_path: Path) -> None:
    found = await sample(
        lambda: shop(tmp_path / "traces"),
        ("click", {"x": SEARCH[0], "y": SEARCH[1]}),
        ("type", {"text": "tea\n"}),
        ("click", {"x": HOME[0], "y": HOME[1]}),
        logs=tmp_path / "logs",
    )
    first, second, denied = told(found)
    assert isinstance(first.content, list)
    assert [one.type for one in first.content] == ["text", "image"]
    assert "address: https://shop.test/search?q=tea" in second.text
    assert denied.error is not None
    assert denied.error.message.startswith("click: refused by 'stay here': There is no way back.")
    (score,) = (found.scores or {}).values()
    assert (score.value, score.explanation) == ("C", "Found.")
    trace = Path(found.metadata[RESULT]["trace"])
    result = harness.Result.model_validate(found.store[RESULT])
    assert Path(ended(result, "done", "Found.").trace) == trace
    assert clicked_in(trace) == [("click", "done"), ("type", "done"), ("click", "refused")]


async def test_a_run_that_a_boundary_stopped_is_not_correct(tmp_path: Path) -> None:
    found = await sample(
        lambda: opened(tmp_path),
        ("wait", {}),
        ("observe", {}),
        ("hold", {"keys": ["x"]}),
        logs=tmp_path / "logs",
    )
    assert [one.error.message for one in told(found)[:2] if one.error] == [
        "the session is over: stopped: Off.",
        "the session is over: stopped: Off.",
    ]
    (score,) = (found.scores or {}).values()
    assert (score.value, score.explanation) == ("I", "Off.")


async def test_the_tools_need_a_session_and_end_no_run() -> None:
    names = {one.__registry_info__.name for one in browser_tools()}  # type: ignore[attr-defined]
    assert "browser_click" in names
    assert not {"browser_answer", "browser_give_up"} & names
    with pytest.raises(RuntimeError, match="in_guarded_browser"):
        await browser_tools()[0]()
