import pytest
from harness.models.dialect import Trouble
from harness.models.retry import Retry
from pydantic import JsonValue


class Clock:
    def __init__(self) -> None:
        self.waited: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)


async def failing(trouble: Trouble) -> JsonValue:
    raise trouble


@pytest.mark.parametrize(("chance", "waits"), [(0.0, [0.25, 0.5, 1.0]), (1.0, [0.5, 1.0, 2.0])])
async def test_the_wait_doubles_with_half_of_it_by_chance(chance: float, waits: list[float]) -> None:
    clock = Clock()
    asked = await Retry(clock.sleep, lambda: chance, attempts=4).ask(
        lambda: failing(Trouble("server_error", "oh", again=True))
    )
    assert clock.waited == waits
    assert asked.trouble is not None
    assert [one.waited for one in asked.incidents] == [*waits, None]


async def test_what_does_not_help_is_not_asked_again() -> None:
    clock = Clock()
    asked = await Retry(clock.sleep, lambda: 0.0).ask(lambda: failing(Trouble("unauthorized", "no key")))
    assert (clock.waited, len(asked.incidents)) == ([], 1)


async def test_patience_ends_over_all_attempts() -> None:
    clock = Clock()
    busy = Trouble("rate_limited", "later", again=True, after=50.0)
    asked = await Retry(clock.sleep, lambda: 0.0, patience=120.0).ask(lambda: failing(busy))
    assert clock.waited == [50.0, 50.0]
    assert asked.incidents[-1].waited is None


async def test_an_answer_after_all_keeps_what_went_wrong() -> None:
    clock, answers = Clock(), iter([Trouble("timeout", "slow", again=True), None])

    async def send() -> JsonValue:
        found = next(answers)
        if found is not None:
            raise found
        return {"ok": True}

    asked = await Retry(clock.sleep, lambda: 0.0).ask(send)
    assert (asked.answer, asked.trouble, [one.fault for one in asked.incidents]) == (
        {"ok": True},
        None,
        ["timeout"],
    )
