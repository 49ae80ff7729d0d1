"""Which screenshots are still sent: in batches, so that what the vendor has cached stays the beginning.

A window that slides by one picture a step changes the beginning of every question, and nothing of it is ever
read from the cache again. This one grows for many steps, in which each question begins with the one before
it, and is then cut at once to the last few.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import InputError


def encoded(size: int) -> int:
    """Bytes of a picture of `size` bytes in a request, where it stands in base64."""
    return -(-size // 3) * 4


@dataclass(frozen=True)
class Window:
    """How many screenshots are sent: up to `grow`, then the last `keep`, and from there up again."""

    grow: int = 13
    """Most pictures of one question."""
    keep: int = 3
    """Pictures that are left when it is cut."""
    most_bytes: int | None = None
    """Most bytes of all pictures of one question, in base64; nothing for no such limit."""

    def __post_init__(self) -> None:
        """Refuse windows that show nothing."""
        if not 1 <= self.keep <= self.grow:
            raise InputError(f"a window keeps from 1 to its {self.grow} pictures, not {self.keep}")
        if self.most_bytes is not None and self.most_bytes < 1:
            raise InputError(f"a window holds at least one byte of pictures, not {self.most_bytes}")

    def first(self, count: int) -> int:
        """Give the index of the first screenshot that is sent, when there are `count` and none is too large.

        Raises:
            InputError: for a negative count.
        """
        if count < 0:
            raise InputError(f"there cannot be {count} screenshots")
        batch = self.grow - self.keep + 1
        return max(0, -(-(count - self.grow) // batch)) * batch

    def first_of(self, sizes: Sequence[int]) -> int:
        """Give the index of the first screenshot that is sent, by the bytes of every one so far.

        Where the bytes are too many the window is cut early, to at most `keep` pictures and half the bytes,
        so that it can grow again. The newest is always sent, even alone above the limit.
        """
        start, total = 0, 0
        for newest, size in enumerate(sizes):
            total += encoded(size)
            over = self.most_bytes is not None and total > self.most_bytes
            if newest + 1 - start <= self.grow and not over:
                continue
            room = self.most_bytes // 2 if over and self.most_bytes is not None else None
            while start < newest and (newest + 1 - start > self.keep or (room is not None and total > room)):
                total -= encoded(sizes[start])
                start += 1
        return start
