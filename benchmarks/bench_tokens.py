"""What the pictures of 50 steps cost, in input tokens at full price, with the window of the harness and not.

Each step's question is built as a list of blocks, as it would be sent: every screenshot so far, those no
longer sent as an empty placeholder. A vendor's prefix cache is played over those lists: of each question, the
longest beginning that an earlier one ended with is read from it, and the rest is written to it.
"""

import sys
from collections.abc import Callable

from benchmarks.figures import Figure, Figures, main
from harness.models.window import Window

STEPS = 50
PICTURE = 1_229
"""Tokens of a picture of 1280x720 at a token for each 750 pixels."""
WRITE = 1.25
"""What a token costs that is written to the cache."""
READ = 0.1
"""What a token costs that is read from the cache."""
BAR = 130_000.0

Block = tuple[int, bool]
"""A screenshot's number, and whether it is sent or a placeholder stands for it."""
First = Callable[[int], int]
"""The first screenshot that is sent, by how many there are."""


def question(step: int, first: First) -> tuple[Block, ...]:
    """What is sent at a step, from 1."""
    start = first(step)
    return tuple((number, number >= start) for number in range(step))


def tokens(blocks: tuple[Block, ...]) -> int:
    return PICTURE * sum(sent for _, sent in blocks)


def whole(first: First, steps: int) -> float:
    """Tokens of all questions without a cache."""
    return float(sum(tokens(question(step, first)) for step in range(1, steps + 1)))


def cached(first: First, steps: int) -> tuple[float, float, float]:
    """Token-equivalents of all questions with a cache, and the tokens read from it and written to it."""
    stored: set[tuple[Block, ...]] = set()
    read = written = 0
    for step in range(1, steps + 1):
        asked = question(step, first)
        known = next((size for size in range(step, 0, -1) if asked[:size] in stored), 0)
        read += tokens(asked[:known])
        written += tokens(asked[known:])
        stored.add(asked)
    return read * READ + written * WRITE, float(read), float(written)


def everything(_: int) -> int:
    return 0


def last_three(count: int) -> int:
    return max(0, count - 3)


def measure(*, quick: bool = False) -> Figures:
    """Take the figures; there is nothing to shorten."""
    del quick
    ours, read, written = cached(Window().first, STEPS)
    return {
        "tokens_50_steps": Figure(
            f"pictures of {STEPS} steps, in input tokens at full price",
            "tokens",
            ours,
            whole(everything, STEPS),
            "all pictures kept, no cache",
            BAR,
            detail={
                "read_tokens": read,
                "written_tokens": written,
                "without_cache_tokens": whole(Window().first, STEPS),
                "keep_all_cached_tokens": cached(everything, STEPS)[0],
                "last_3_tokens": whole(last_three, STEPS),
                "last_3_cached_tokens": cached(last_three, STEPS)[0],
            },
        )
    }


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
