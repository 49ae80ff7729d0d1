from harness.trace.export.steps import rows
from harness.trace.reader import Trace


def test_every_action_is_a_row_and_other_effects_are_not(trace: Trace, plain: Trace) -> None:
    assert [(one.step.number, one.index, one.action.kind) for one in rows(trace)] == [
        (1, 0, "click"),
        (2, 0, "type"),
        (2, 1, "goto"),
    ]
    assert [one.action.kind for one in rows(plain) if one.step.number == 3] == ["click", "goto"]
