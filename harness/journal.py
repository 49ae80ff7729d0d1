"""Puts what the loop sees and does into events, and the events on disk."""

from harness.action import Action
from harness.clearance import Act, Cleared, Refusal, Reply
from harness.screen import ActionResult, Download, Screen
from harness.trace.asked import Asking, JsonObject
from harness.trace.base import Recorder
from harness.trace.events import Acted, Acting, AskedModel, ModelReplied, Observed


class Journal:
    """The loop's pen: it knows the step, and puts blobs on disk before the event that names them."""

    def __init__(self, recorder: Recorder) -> None:
        self.step = 0
        self._recorder = recorder
        self._downloads: tuple[Download, ...] = ()
        self._asking = Asking()
        self._asked = 0

    def observed(self, screen: Screen, notes: tuple[str, ...]) -> None:
        """Record a screen, with the downloads that changed since the last one."""
        changed = tuple(one for one in screen.downloads if one not in self._downloads)
        self._downloads = screen.downloads
        self._recorder.write(
            Observed(
                step=self.step,
                screenshot=self._recorder.blob(screen.screenshot.png),
                size=(screen.screenshot.width, screen.screenshot.height),
                url=screen.url,
                title=screen.title,
                tabs=screen.tabs,
                notes=notes,
                downloads=changed,
                settled=screen.settled,
                text=None if screen.text is None else self._recorder.blob(_utf8(screen.text)),
            )
        )

    def asked(self, request: JsonObject | None = None) -> None:
        """Record that the model is asked, once a step, and what its vendor is sent where that is told."""
        if self._asked == self.step:
            return
        blob = None if request is None else self._recorder.blob(self._asking.blob(request))
        self._recorder.write(AskedModel(step=self.step, request=blob))
        self._asked = self.step

    def replied(self, reply: Reply, seconds: float) -> None:
        """Record what the model answered."""
        self.asked()
        raw = reply.model_dump_json(include={"raw"}).encode() if reply.raw is not None else None
        self._recorder.write(
            ModelReplied(
                step=self.step,
                thought=reply.thought,
                actions=reply.actions,
                signals=reply.signals,
                usage=reply.usage,
                incidents=reply.incidents,
                raw=None if raw is None else self._recorder.blob(raw),
                seconds=round(seconds, 3),
            )
        )

    def acting(self, index: int, act: Act, cleared: Cleared) -> None:
        """Record the intent of an action, before it is performed, on the medium."""
        self._recorder.write(
            Acting(
                step=self.step,
                index=index,
                action=act.action,
                target=act.target,
                effect=cleared.verdict.effect,
            ),
            sync=True,
        )

    def acted(self, index: int, result: ActionResult, seconds: float = 0.0) -> ActionResult:
        """Record what became of an action, on the medium, and give it back."""
        self._recorder.write(
            Acted(
                step=self.step,
                index=index,
                action=result.action,
                status=result.status,
                message=result.message,
                rule=result.rule,
                image=self._recorder.blob(result.image.png) if result.image else None,
                seconds=round(seconds, 3),
            ),
            sync=True,
        )
        return result

    def refused(self, index: int, action: Action, refusal: Refusal) -> ActionResult:
        """Record an action that policy or person refused."""
        result = ActionResult(action=action, status="refused", message=refusal.reason, rule=refusal.rule)
        return self.acted(index, result)

    def skipped(self, index: int, action: Action, why: str) -> ActionResult:
        """Record an action of a broken batch that nobody looked at."""
        return self.acted(index, ActionResult(action=action, status="not_executed", message=why))


def _utf8(text: str) -> bytes:
    # Half of a surrogate pair, which a page may hold, is no UTF-8.
    return text.encode("utf-8", "replace")
