"""A model that says again what one said in a recorded run."""

from collections.abc import Sequence

from harness.clearance import Reply
from harness.errors import InputError, ModelError
from harness.screen import Observation


class ReplayedModel:
    """Gives the replies of a record, one for each step, in order.

    What becomes of them is judged anew: a record says what was asked for, never what is allowed.

    Args:
        replies: what was answered, from the first step on.
        source: what the record is called, for messages.
        first: the step that the first reply answered.

    Raises:
        InputError: if there is nothing in the record.
    """

    def __init__(self, replies: Sequence[Reply], *, source: str = "the record", first: int = 1) -> None:
        if not replies:
            raise InputError(f"{source} holds no reply of a model: there is nothing to say again")
        self._replies = tuple(replies)
        self._source = source
        self._first = first
        self._next = first

    @property
    def left(self) -> int:
        """How many replies have not been given."""
        return self._first + len(self._replies) - self._next

    async def reply(self, observation: Observation) -> Reply:
        """Give the next reply.

        Raises:
            ModelError: if the record is over, or the step is not the one that the next reply answered.
        """
        if not self.left:
            last = self._next - 1
            raise ModelError(
                f"{self._source} is over: it ends with step {last}, and the run goes on to step "
                f"{observation.step}, so what happens differs from what was recorded"
            )
        if observation.step != self._next:
            raise ModelError(
                f"{self._source} does not fit: its next reply is for step {self._next}, "
                f"but the run asks at step {observation.step}"
            )
        found = self._replies[self._next - self._first]
        self._next += 1
        return found
