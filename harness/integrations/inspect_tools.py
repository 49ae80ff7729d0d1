"""Our guarded browser for Inspect: tools for agents, a solver that opens a browser for each sample, a scorer.

    Task(
        dataset=[Sample(input="Search for tea.")],
        solver=in_guarded_browser(lambda: harness.session("shop/find-a-tea"), generate()),
        scorer=run_outcome(),
    )

Each sample has a browser, a run and a trace of its own; the log names the trace. A refused action is a
`ToolError` with rule and reason, and the agent goes on.
"""

import base64
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from inspect_ai.model import ContentImage, ContentText
from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import Tool, ToolDef, ToolError, ToolParams, ToolResult

from harness.integrations.session import Session
from harness.integrations.vocabulary import perform, tools

PREFIX: Final = "browser_"
"""What the tools' names begin with."""
RESULT: Final = "harness"
"""Where the sample's store and metadata have what the run came to."""
_ENDINGS = ("answer", "give_up")
_current: ContextVar[Session] = ContextVar("the sample's session")


def browser_tools(session: Session | None = None) -> list[Tool]:
    """Give a tool for each kind of action, and `browser_observe`.

    Args:
        session: an open session; that of the sample, as `in_guarded_browser` opens it, if not given.
    """
    return [
        ToolDef(
            _call(session, spec.name),
            name=PREFIX + spec.name,
            description=spec.description,
            parameters=ToolParams.model_validate(spec.schema),
            max_output=0,
        ).as_tool()
        for spec in tools()
        if spec.name not in _ENDINGS
    ]


@solver
def in_guarded_browser(make: Callable[[], Session], agent: Solver) -> Solver:
    """Run another solver with a browser of the sample's own; its last words are the run's answer.

    Args:
        make: makes the session.
        agent: what has the tools beside its own, and calls them.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        async with make() as session:
            token = _current.set(session)
            try:
                state.tools = [*state.tools, *browser_tools(session)]
                state = await agent(state, generate)
            finally:
                _current.reset(token)
            result = await session.finish(state.output.completion)
        state.store.set(RESULT, result.model_dump(mode="json"))
        state.metadata[RESULT] = {"trace": result.trace, "outcome": result.outcome, "reason": result.reason}
        return state

    return solve


@scorer(metrics=[accuracy()])
def run_outcome() -> Scorer:
    """Score a sample by its run: correct if it was done and all of the task's checks passed."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        found: dict[str, Any] = state.store.get(RESULT) or {}
        done = found.get("outcome") == "done"
        reason = found.get("reason") or found.get("outcome") or "there was no run"
        return Score(value=CORRECT if done else INCORRECT, explanation=str(reason), metadata=found)

    return score


def _call(session: Session | None, name: str) -> Callable[..., Any]:
    async def execute(**kwargs: Any) -> ToolResult:
        told = await perform(session or _of_the_sample(), name, kwargs)
        if told.error or told.image is None:
            raise ToolError(told.text)
        data = base64.b64encode(told.image.png).decode()
        return [ContentText(text=told.text), ContentImage(image=f"data:image/png;base64,{data}")]

    return execute


def _of_the_sample() -> Session:
    found = _current.get(None)
    if found is None:
        raise RuntimeError("no guarded browser is open; put the solver into in_guarded_browser(…)")
    return found
