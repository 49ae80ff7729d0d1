"""Who decides: the contract between the loop and a vision model."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from pydantic import JsonValue

from harness.clearance import Reply, Usage
from harness.screen import Observation


class Model(Protocol):
    """Whatever looks at the screen and says what to do next."""

    async def reply(self, observation: Observation) -> Reply:
        """Answer one observation.

        Raises:
            ModelError: if it cannot be asked or does not answer usefully; the run ends with exit code 4.
        """
        ...


@runtime_checkable
class Closing(Model, Protocol):
    """A model that holds a connection."""

    async def close(self) -> None:
        """Hang up. Safe to call twice."""
        ...


@runtime_checkable
class Ready(Model, Protocol):
    """A model that can say beforehand whether it can be asked at all."""

    async def ready(self) -> None:
        """Get what every question needs, such as a token, within half a minute; the model is asked nothing.

        Raises:
            ModelError: if it cannot be had, with what to do.
        """
        ...


@runtime_checkable
class Foresighted(Model, Protocol):
    """A model that knows beforehand what a question costs, so that a limit can stop the run before it."""

    def expected(self, observation: Observation) -> Usage:
        """Say what asking about this observation will use: what is sent is counted, the answer is not.

        What is not known is nothing, never zero. Asking does not change what `reply` does.
        """
        ...


@runtime_checkable
class Recalling(Model, Protocol):
    """A model that follows a script, and can take up its place in it when a run goes on with one that died.

    `raw` of each of its replies is `{"before": …, "after": …}`: its place when it saw the screen, and once
    the actions of the reply are done.
    """

    def recall(self, place: JsonValue) -> None:
        """Take up a place, before the first question.

        Raises:
            ModelError: if it is none of this script.
        """
        ...


@runtime_checkable
class Telling(Model, Protocol):
    """A model that says what its vendor is sent before it is sent, so that a trace has it."""

    def tell(self, asking: Callable[[dict[str, JsonValue]], None]) -> None:
        """Have `asking` called with the body of each question's request, without keys, once.

        What it raises ends the run: nothing is sent that is not on record.
        """
        ...
