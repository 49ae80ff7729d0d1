"""What stands in for a vendor's vision model behind its strict server: the local model, which reads pictures.

A server decodes the screenshot from the request it was sent, asks for the next action, and writes it in its
vendor's words, in that picture's own coordinates: what the harness then does has been all the way through.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.action import Action
from harness.models.local.model import LocalModel
from harness.models.local.ocr import Reader
from harness.screen import ActionResult, Observation, Screenshot
from harness.task import Task

TASK = Path(__file__).parents[3] / "tasks" / "shop" / "buy-a-mug.yaml"


class Brain:
    """Does a task, one picture at a time.

    Args:
        task: the bundled shop task, unless given.
    """

    def __init__(self, task: Task | None = None, reader: Reader | None = None) -> None:
        self.task = task or Task.load(TASK)
        self._model = LocalModel(self.task, reader=reader)
        self._last: Sequence[Action] = ()
        self._step = 0

    async def next(self, png: bytes, told: Mapping[int, str] | None = None) -> Sequence[Action]:
        """Say what to do next, in pixels of the picture.

        Args:
            png: the newest screenshot that the server was sent.
            told: what the server was told of the last actions that were not done, by place.
        """
        self._step += 1
        told = told or {}
        results = tuple(
            ActionResult(
                action=one,
                status="refused" if place in told else "done",
                message=told.get(place, ""),
            )
            for place, one in enumerate(self._last)
        )
        seen = Observation(
            screenshot=Screenshot.of(png),
            url=self.task.start,
            goal=self.task.goal,
            step=self._step,
            results=results,
        )
        self._last = (await self._model.reply(seen)).actions
        return self._last
