"""Asking an engine once about what comes again and again."""

from collections.abc import Iterator

import pytest
from harness.action import Click, Goto
from harness.clearance import Act, Effect, FileOffer, Plan, Request, SafetySignal, Sight, Target
from harness.policy.engine import Engine, Said
from harness.replay.known import Known
from tests.replay.conftest import policy

ORDERS = {
    "name": "orders",
    "on": "request",
    "when": {"method": "POST", "url": "*/orders"},
    "verdict": "allow",
}
SECOND = {"name": "second", "on": "request", "when": {"count": "> 1", "method": "POST"}, "verdict": "deny"}
LATER = {"name": "later", "on": "action", "when": {"after": "orders", "kind": "click"}, "verdict": "ask"}

HERE = {"name": "here", "on": "action", "when": {"tab": 2, "kind": "click"}, "verdict": "stop"}
EFFECTS: tuple[Effect, ...] = (
    Act(action=Click(x=1, y=1), target=Target(role="button", name="Pay")),
    Request(id="a", method="POST", url="https://shop.test/orders", body_sha256="ab" * 32, body_size=1),
    Request(id="b", method="POST", url="https://shop.test/orders", body_sha256="ab" * 32, body_size=1),
    Act(action=Click(x=1, y=1), target=Target(role="button", name="Pay")),
    Act(action=Goto(url="https://evil.test/")),
    Plan(text="buy a mug"),
    SafetySignal(provider="x", code="y"),
    FileOffer(name="a.pdf", url="https://shop.test/a.pdf"),
)


def told(engine: Engine, known: Known | None) -> Iterator[Said]:
    for tab in (1, 2):
        engine.restart()
        engine.saw(Sight(tab=tab, tabs=2))
        for effect in EFFECTS:
            yield (known or engine).decide(effect)
            (known or engine).happened(effect)


def test_it_answers_as_the_engine_does_run_after_run() -> None:
    rules = (ORDERS, SECOND, LATER, HERE)
    engine = Engine(policy(*rules, domains={"navigate": ["shop.test"]}))
    known = Known(engine)
    plain = list(told(Engine(engine.policy), None))
    assert list(told(engine, known)) == plain
    assert list(told(engine, known)) == plain
    assert {one.outcome for one in plain} == {"allow", "ask", "deny", "stop"}


def test_the_engine_is_asked_once_about_what_differs_in_its_name_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Effect] = []
    engine = Engine(policy(ORDERS))
    decide = engine.decide

    def counted(effect: Effect) -> Said:
        asked.append(effect)
        return decide(effect)

    monkeypatch.setattr(engine, "decide", counted)
    known = Known(engine)
    for effect in EFFECTS[1:3]:
        known.decide(effect)
    assert asked == [EFFECTS[1]]
    other = EFFECTS[1].model_copy(update={"headers": (("cookie", "a=1"),)})
    unread = EFFECTS[1].model_copy(update={"body_text": "x"})
    known.decide(other)
    known.decide(unread)
    assert len(asked) == 3
