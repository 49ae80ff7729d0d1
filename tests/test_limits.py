import pytest
from harness.clearance import Usage
from harness.limits import DEFAULTS, Budget, Used, tightest, together
from harness.task import Limits
from harness.testing import FakeClock


def test_the_tightest_of_task_and_policy_holds_and_no_run_is_endless() -> None:
    merged = tightest(Limits(steps=50, cost=1), Limits(steps=10, seconds=60))
    assert merged == DEFAULTS.model_copy(update={"steps": 10, "seconds": 60, "cost": 1})
    assert tightest() == DEFAULTS


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (Limits(steps=2), "steps"),
        (Limits(tokens=100), "tokens"),
        (Limits(cost=0.5), "cost"),
        (Limits(requests=3), "requests"),
        (Limits(download=10), "download"),
        (Limits(actions_per_minute=1), "actions_per_minute"),
        (Limits(seconds=5), "seconds"),
    ],
)
def test_each_limit_is_named_when_it_is_reached(limits: Limits, name: str) -> None:
    clock = FakeClock()
    budget = Budget(limits, clock)
    assert budget.reached() is None
    budget.steps, budget.requests, budget.downloaded = 2, 3, 10
    budget.spend(Usage(input_tokens=60, output_tokens=40, cost_usd=0.5))
    budget.act()
    clock.advance(5)
    assert budget.reached() == budget.reached(name)
    assert f"limit reached: {name}" in str(budget.reached(name))


def test_time_people_take_does_not_count() -> None:
    clock = FakeClock()
    budget = Budget(Limits(seconds=10), clock)
    clock.advance(60)
    budget.waited = 55
    assert budget.reached("seconds") is None
    assert budget.left == 5


def test_actions_older_than_a_minute_are_forgotten() -> None:
    clock = FakeClock()
    budget = Budget(Limits(actions_per_minute=2), clock)
    budget.act()
    budget.act()
    assert budget.reached("actions_per_minute")
    clock.advance(61)
    assert budget.reached("actions_per_minute") is None


def test_an_unknown_cost_stays_unknown() -> None:
    budget = Budget(Limits(), FakeClock())
    budget.spend(Usage(input_tokens=5))
    assert budget.usage == Usage(input_tokens=5)
    budget.spend(Usage(input_tokens=5, cost_usd=0.1))
    assert budget.usage == Usage(input_tokens=10, cost_usd=0.1)


@pytest.mark.parametrize(
    ("limits", "sizes", "name"),
    [
        (Limits(messages=2), [1, 1, 1], "messages"),
        (Limits(message=4), [4, 4, 5], "message"),
        (Limits(upload=10), [5, 5, 1], "upload"),
    ],
)
def test_websocket_messages_have_limits_of_their_own_and_count_as_bytes(
    limits: Limits, sizes: list[int], name: str
) -> None:
    budget = Budget(limits, FakeClock())
    said = [budget.passes(size, out=True) for size in sizes]
    assert said[:2] == [None, None]
    assert f"limit reached: {name} (" in str(said[2])
    assert (budget.messages, budget.uploaded) == (2, sum(sizes[:2]))


def test_messages_that_come_in_count_as_download() -> None:
    budget = Budget(Limits(download=10), FakeClock())
    assert budget.passes(10, out=False) is None
    assert "limit reached: download" in str(budget.passes(1, out=False))
    assert budget.passes(1_000, out=True) is None
    assert (budget.uploaded, budget.downloaded) == (1_000, 10)


def test_every_part_of_the_usage_is_summed() -> None:
    budget = Budget(Limits(), FakeClock())
    for cached in (None, 4, 3):
        budget.spend(Usage(input_tokens=10, cached_tokens=cached, cache_write_tokens=2, output_tokens=1))
    assert budget.usage == Usage(input_tokens=30, cached_tokens=7, cache_write_tokens=6, output_tokens=3)


def test_a_call_that_would_pass_a_limit_is_named_before_it_is_made() -> None:
    budget = Budget(Limits(tokens=100, cost=0.5), FakeClock())
    budget.spend(Usage(input_tokens=60, output_tokens=20, cost_usd=0.25))
    assert budget.would_pass(Usage(input_tokens=10, output_tokens=10, cost_usd=0.25)) is None
    assert budget.would_pass(Usage(input_tokens=11, output_tokens=10)) == "limit reached: tokens (100)"
    assert budget.would_pass(Usage(cost_usd=0.26)) == "limit reached: cost (0.5)"
    assert budget.usage == Usage(input_tokens=60, output_tokens=20, cost_usd=0.25)
    assert budget.would_pass(Usage()) is None
    assert Budget(Limits(), FakeClock()).would_pass(Usage(input_tokens=10**9, cost_usd=1e9)) is None


def test_cached_tokens_are_part_of_the_input_and_not_counted_twice() -> None:
    budget = Budget(Limits(tokens=100), FakeClock())
    assert budget.would_pass(Usage(input_tokens=90, cached_tokens=90, cache_write_tokens=90)) is None


def test_what_a_run_before_this_one_used_counts_too() -> None:
    clock = FakeClock(100)
    budget = Budget(Limits(steps=5, seconds=60, requests=4), clock)
    budget.carry(Used(steps=3, seconds=50, requests=4, uploaded=7, downloaded=8, messages=2))
    clock.advance(5)
    assert (budget.steps, budget.uploaded, budget.downloaded, budget.messages) == (3, 7, 8, 2)
    assert (budget.elapsed, budget.left) == (55, 5)
    assert budget.reached("requests") == "limit reached: requests (4)"
    assert budget.reached("steps") is None


def test_usage_adds_up_and_what_is_unknown_of_both_stays_unknown() -> None:
    found = together(Usage(input_tokens=1, cost_usd=0.5), Usage(input_tokens=2, output_tokens=3))
    assert found == Usage(input_tokens=3, output_tokens=3, cost_usd=0.5)
    assert found.cached_tokens is None
