"""Who decides: the contract between the loop and a vision model."""

from typing import Protocol

from harness.clearance import Reply
from harness.screen import Observation


class Model(Protocol):
    """Whatever looks at the screen and says what to do next."""

    async def reply(self, observation: Observation) -> Reply:
        """Answer one observation.

        Raises:
            ModelError: if it cannot be asked or does not answer usefully; the run ends with exit code 4.
        """
        ...
