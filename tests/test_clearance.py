import copy
import gc
from typing import Any

import pytest
from harness.action import Click, Type
from harness.clearance import (
    Act,
    Approval,
    Cleared,
    Effect,
    Outcome,
    Plan,
    Question,
    Request,
    Usage,
    Verdict,
    _unspent,
    clear,
    digest,
    redeem,
)
from harness.errors import NotClearedError

CLICK = Act(action=Click(x=1, y=2))
OTHER = Act(action=Click(x=1, y=3))


def verdict(outcome: Outcome, effect: Effect = CLICK) -> Verdict:
    return Verdict(outcome=outcome, rule="r", reason="because", policy="0" * 64, effect=digest(effect))


def approval(decision: Any, effect: Effect = CLICK) -> Approval:
    return Approval(decision=decision, by="ada", shown=digest(effect))


def test_allow_clears_and_the_ticket_is_good_once() -> None:
    ticket = clear(CLICK, verdict("allow"))
    assert redeem(ticket) == CLICK
    with pytest.raises(NotClearedError, match="already spent"):
        redeem(ticket)


def test_ask_clears_with_an_approval_of_exactly_this_effect() -> None:
    assert redeem(clear(CLICK, verdict("ask"), approval("approve"))) == CLICK
    for wrong in (None, approval("deny"), approval("stop"), approval("edit"), approval("approve", OTHER)):
        with pytest.raises(NotClearedError):
            clear(CLICK, verdict("ask"), wrong)


@pytest.mark.parametrize("outcome", ["deny", "stop"])
def test_a_refusal_is_never_cleared_even_with_an_approval(outcome: Outcome) -> None:
    with pytest.raises(NotClearedError, match="because"):
        clear(CLICK, verdict(outcome), approval("approve"))


def test_a_verdict_for_another_effect_clears_nothing() -> None:
    with pytest.raises(NotClearedError, match="another effect"):
        clear(CLICK, verdict("allow", OTHER))


def test_nothing_else_makes_a_ticket() -> None:
    real = clear(CLICK, verdict("allow"))
    with pytest.raises(NotClearedError):
        Cleared()
    forged = object.__new__(Cleared)
    object.__setattr__(forged, "effect", CLICK)
    with pytest.raises(NotClearedError):
        redeem(forged)
    for copier in (copy.copy, copy.deepcopy):
        with pytest.raises(NotClearedError):
            copier(real)
    with pytest.raises(NotClearedError):
        real.__reduce_ex__(4)
    with pytest.raises(NotClearedError):
        real.effect = OTHER
    with pytest.raises(TypeError):
        type("Mine", (Cleared,), {})
    assert redeem(real) == CLICK


def test_a_lookalike_is_not_a_ticket() -> None:
    class Lookalike:
        effect = CLICK

        def __hash__(self) -> int:
            return hash(real)

        def __eq__(self, other: object) -> bool:
            return True

    real = clear(CLICK, verdict("allow"))
    with pytest.raises(NotClearedError):
        redeem(Lookalike())  # type: ignore[arg-type]


def test_an_unused_ticket_leaves_nothing_behind() -> None:
    gc.collect()
    before = len(_unspent)
    clear(CLICK, verdict("allow"))
    gc.collect()
    assert len(_unspent) == before


def test_the_digest_tells_effects_apart() -> None:
    effects: list[Effect] = [
        CLICK,
        OTHER,
        Act(action=Type(text="a")),
        Plan(text="a"),
        Request(id="1", method="GET", url="https://a.test/"),
        Request(id="1", method="GET", url="https://a.test/", body_sha256="00"),
    ]
    assert len({digest(effect) for effect in effects}) == len(effects)
    assert digest(Act(action=Click(x=1, y=2))) == digest(CLICK)


def test_a_question_makes_answers_bound_to_what_was_shown() -> None:
    question = Question(id="q", effect=CLICK, verdict=verdict("ask"), goal="g", step=1, seconds=5)
    assert redeem(clear(CLICK, verdict("ask"), question.approve(by="ada"))) == CLICK
    assert question.deny(by="ada").shown == digest(CLICK)


def test_usage_without_a_cache_is_written_as_it_always_was() -> None:
    old = '{"input_tokens":5,"output_tokens":2,"cost_usd":0.1}'
    assert Usage(input_tokens=5, output_tokens=2, cost_usd=0.1).model_dump_json() == old
    assert Usage.model_validate_json(old).cached_tokens is None
    new = Usage(input_tokens=5, cached_tokens=4, cache_write_tokens=1)
    assert Usage.model_validate_json(new.model_dump_json()) == new
    assert new.model_dump() == {
        "input_tokens": 5,
        "cached_tokens": 4,
        "cache_write_tokens": 1,
        "output_tokens": None,
        "cost_usd": None,
    }
