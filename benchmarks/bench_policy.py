"""How long one verdict takes with 10, 100 and 1,000 rules; the effect's digest is measured apart."""

import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.figures import Figure, Figures, main, median, percentile
from harness.action import Click, Press, Type
from harness.clearance import Act, Effect, Request, Target, digest
from harness.policy import Engine, Policy

SIZES = (10, 100, 1_000)
ROUNDS = 4_000
REPEATS = 3
LIMIT_US = 100.0


def rules(count: int, draw: random.Random) -> list[dict[str, Any]]:
    """A mix as people write it: names by pattern, URLs by glob, methods, sizes, typed text."""
    made: list[dict[str, Any]] = []
    for number in range(count):
        word = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=7))
        rule: dict[str, Any] = {"name": f"rule {number}", "verdict": draw.choice(["ask", "deny", "allow"])}
        match number % 5:
            case 0:
                name = rf"re:(?i)\b({word}|pay {word})\b"
                rule |= {
                    "on": "action",
                    "when": {"kind": "click", "target": {"role": "button", "name": name}},
                }
            case 1:
                when = {"method": ["POST", "PUT"], "url": f"https://shop.test/{word}*"}
                rule |= {"on": "request", "when": when}
            case 2:
                rule |= {"on": "action", "when": {"kind": ["type", "press"], "text": f"*{word}*"}}
            case 3:
                rule |= {"on": "request", "when": {"url": rf"re:/{word}/\d+$", "body_size": "> 10kB"}}
            case _:
                rule |= {
                    "on": "action",
                    "when": {"target": {"name": word, "href": f"https://*.test/{word}/*"}},
                }
        made.append(rule)
    return made


def rules_on_the_run(count: int, draw: random.Random) -> list[dict[str, Any]]:
    """The same mix, where one in ten also looks at what has happened so far."""
    made = rules(count, draw)
    so_far: tuple[dict[str, Any], ...] = ({"count": "> 3"}, {"once": True}, {"before": "rule 0"})
    for number in range(1, count, 10):
        made[number]["when"] = made[number]["when"] | so_far[number // 10 % 3]
    return made


def effects(draw: random.Random, rounds: int) -> list[Effect]:
    """Clicks, keys and requests with ever new names and addresses."""
    made: list[Effect] = []
    for number in range(rounds):
        words = " ".join("".join(draw.choices("abcdefghijklmnop", k=6)) for _ in range(4))
        target = Target(role="button", name=words, text=words, href=f"https://shop.test/p/{number}", tag="a")
        url = f"https://shop.test/{words.replace(' ', '/')}?n={number}"
        made += [
            Act(action=Click(x=number % 1280, y=10), target=target),
            Act(action=Type(text=words), target=target),
            Act(action=Press(keys=("Enter",)), target=target),
            Request(id=str(number), method="POST", url=url, body_size=number, resource="fetch"),
            Request(id=str(number), method="GET", url=url, resource="image"),
        ]
    return draw.sample(made, rounds)


def timed(call: Callable[[Effect], object], given: Sequence[Effect]) -> tuple[float, float]:
    """Microseconds at the median and at the 99th percentile."""
    for effect in given[:200]:
        call(effect)
    taken = []
    for effect in given:
        begun = time.perf_counter_ns()
        call(effect)
        taken.append((time.perf_counter_ns() - begun) / 1000)
    return median(taken), percentile(taken, 99)


def least(measured: list[tuple[float, float]]) -> tuple[float, float]:
    """The least of several runs, each with a fresh engine: what else the machine does only adds."""
    return min(half for half, _ in measured), min(tail for _, tail in measured)


def measure(*, quick: bool = False) -> Figures:
    """Take the figures."""
    rounds, repeats = (300, 1) if quick else (ROUNDS, REPEATS)
    draw = random.Random(7)  # noqa: S311 - a fixed sample, not a secret
    given = effects(draw, rounds)
    half, tail = timed(digest, given)
    figures: Figures = {}
    cases = [(f"{size}_rules", size, f"{size:,} rules", rules) for size in SIZES]
    cases.append(("1000_rules_on_the_run", 1_000, "1,000 rules, 100 on the run so far", rules_on_the_run))
    for name, size, words, make in cases:
        policy = Policy.model_validate(
            {
                "name": "bench",
                "domains": {"navigate": ["shop.test", "*.cdn.test"]},
                "default": {"action": "allow", "request": "allow"},
                "rules": make(size, draw),
            }
        )
        begun = time.perf_counter()
        Engine(policy)
        compiled = time.perf_counter() - begun
        whole = least([timed(Engine(policy).judge, given) for _ in range(repeats)])
        without = least([timed(Engine(policy).decide, given) for _ in range(repeats)])
        told = Engine(policy)
        remembered = least([timed(told.happened, given)])
        figures[f"verdict_{name}_us"] = Figure(
            f"one verdict with {words}, p99",
            "us",
            whole[1],
            bar=LIMIT_US,
            detail={
                "p50_us": whole[0],
                "p50_without_digest_us": without[0],
                "p99_without_digest_us": without[1],
                "digest_p50_us": half,
                "digest_p99_us": tail,
                "compile_ms": compiled * 1000,
                "verdicts_a_second": 1e6 / whole[0],
                "remember_p50_us": remembered[0],
                "remember_p99_us": remembered[1],
            },
        )
    return figures


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
