"""Actions one by one with the look, the answer and the verdicts they belong to: rows for tables and sets."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.action import Action
from harness.trace.reader import Trace
from harness.trace.timeline import Deed, Step, timeline


@dataclass(frozen=True, slots=True)
class Row:
    """One action of a run."""

    step: Step
    deed: Deed
    index: int
    """Its place among the actions of its step, from 0."""
    action: Action


def rows(trace: Trace) -> Iterator[Row]:
    """Give every action that was judged or done, in order; other effects have no row."""
    for step in timeline(trace).steps:
        acted = [deed for deed in step.deeds if deed.action is not None]
        for index, deed in enumerate(acted):
            if deed.action is not None:
                yield Row(step, deed, index, deed.action)
