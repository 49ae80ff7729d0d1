"""What a run came to: what `harness run --json` prints and `harness.run` returns."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from harness.clearance import Usage

RunOutcome = Literal["done", "failed", "stopped", "error", "interrupted"]
"""`failed`: its checks; `stopped`: at a boundary; `error`: sandbox, model or machine."""

EXIT_CODES: dict[RunOutcome, int] = {"done": 0, "failed": 1, "stopped": 3, "error": 4, "interrupted": 130}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Ending(_Part):
    """How a run ended."""

    outcome: RunOutcome
    """In one word."""
    reason: str = ""
    """In one sentence."""
    outputs: dict[str, JsonValue] = Field(default_factory=dict)
    """What the model found out."""
    answer: str = ""
    """What the model said at the end."""


class CheckResult(_Part):
    """Whether something that had to be true was."""

    check: str
    """What had to be true."""
    passed: bool
    """Whether it was."""
    detail: str = ""
    """What was found."""


class Result(_Part):
    """A whole run."""

    run_id: str
    """Names the run."""
    trace: str
    """The trace's folder."""
    outcome: RunOutcome
    """How it ended, in one word."""
    exit_code: int
    """What the command exits with."""
    reason: str = ""
    """Why it ended so."""
    steps: int
    """Questions to the model."""
    checks: tuple[CheckResult, ...] = ()
    """Every check and output."""
    outputs: dict[str, JsonValue] = Field(default_factory=dict)
    """What was found out."""
    usage: Usage = Usage()
    """What the model cost."""
    verdicts: dict[str, int] = Field(default_factory=dict)
    """How many verdicts of each outcome."""
    seconds: float
    """From start to end."""
