"""Which screenshots are sent again."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """Grows to `grow` pictures and is cut to `keep` at once: between cuts, what is sent only gets longer."""

    grow: int = 13
    """Pictures at most."""
    keep: int = 3
    """Pictures left after a cut."""

    def first(self, sizes: Sequence[int]) -> int:
        """Give the place of the oldest picture that is sent, of pictures of so many bytes."""
        over = len(sizes) - self.grow
        step = self.grow - self.keep + 1
        return 0 if over <= 0 else -(-over // step) * step
