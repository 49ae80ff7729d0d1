"""Judge, ask, clear, record: the one way through either door.

The loop brings actions, plans and safety signals here; the gateway brings requests (it is the gateway's
`Keeper`). Whatever goes wrong on the way is a refusal with a reason, in the trace.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal, assert_never

from harness.action import AskUser
from harness.approval.base import ask
from harness.bodies import Bodies
from harness.clearance import (
    LONGEST_BODY,
    Act,
    Approval,
    Approver,
    Cleared,
    Effect,
    FileOffer,
    Judge,
    Question,
    Refusal,
    Request,
    Sight,
    Verdict,
    Witness,
    clear,
    digest,
)
from harness.gateway.base import Body, Exchange, SocketMessage
from harness.limits import Budget
from harness.sandbox.base import ConsoleLine, DialogAnswer, PageWord
from harness.screen import Screen
from harness.secrets import Redactor
from harness.trace.base import Recorder
from harness.trace.events import (
    ApprovalAsked,
    ApprovalGiven,
    Console,
    Dialogued,
    Judged,
    Messaged,
    Noted,
    Requested,
    Responded,
)

EDITS = 3
LOOKING = ("wait", "screenshot", "zoom", "scroll", "move")
"""Kinds of action after which a refusal still stands in the model's way."""
WITHDRAWN = "withdrawn"
"""Who answered, in the trace, a question whose page or run ended before a person did."""
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
"""Methods that change nothing outside, by the definition of HTTP: they may be repeated."""
THROWN = 100
"""Notes in one trace of what was no request."""
WORDS = 1000
"""Lines of consoles and dialogs in one trace."""
KEPT = 16_777_216
"""Bytes of WebSocket messages that one trace keeps; of those beyond it has the size and the SHA-256."""
_FAULT = "judge failed"


async def _as_it_is(effect: Effect) -> Effect:
    return effect


class Checkpoint:
    """Where every effect of one run is judged.

    Args:
        judge: answers for the policy.
        approver: answers for people.
        recorder: remembers.
        budget: counts requests, bytes and the time people take.
        goal: what the run is for, to show to people.
        timeout: seconds a person has.
        otherwise: what happens when nobody answers in time.
        redactor: knows the secrets that no body in the trace may hold.
    """

    def __init__(
        self,
        judge: Judge,
        approver: Approver,
        recorder: Recorder,
        budget: Budget,
        *,
        goal: str,
        timeout: float,
        otherwise: Literal["deny", "stop"],
        clock: Callable[[], float],
        now: Callable[[], datetime],
        ids: Callable[[], str],
        redactor: Redactor | None = None,
    ) -> None:
        self.step = 0
        self.thought = ""
        self.screen: Screen | None = None
        self.stopped: Refusal | None = None
        self.blocked = False
        self.trouble = ""
        """Why the last page that was asked for did not come, if it did not."""
        self.verdicts: Counter[str] = Counter()
        self._judge = judge
        self._witness = judge if isinstance(judge, Witness) else None
        self._shown: Screen | None = None
        self._approver = approver
        self._recorder = recorder
        self._budget = budget
        self._goal = goal
        self._timeout = timeout
        self._otherwise = otherwise
        self._clock = clock
        self._now = now
        self._ids = ids
        self._pages: dict[str, str] = {}
        self._bodies = Bodies(recorder, redactor)
        self._sent: dict[str, str] = {}
        self._kept = 0
        self._thrown = 0
        self._words = 0
        self._begun = asyncio.Event()
        self._asking = 0
        self._asked_since = 0.0
        self._nobody_asked = asyncio.Event()
        self._nobody_asked.set()

    def begin(self) -> None:
        """Let requests through to judgement: the trace has its first line."""
        self._begun.set()

    async def idle(self) -> bool:
        """Wait until no person is being asked anything; say whether there was anything to wait for."""
        waited = not self._nobody_asked.is_set()
        await self._nobody_asked.wait()
        return waited

    async def decide(
        self, effect: Effect, reground: Callable[[Effect], Awaitable[Effect]] = _as_it_is
    ) -> Cleared | Refusal:
        """Judge an effect, and ask a person where the policy says so.

        Args:
            effect: what would happen.
            reground: resolves the target of an effect that a person edited.
        """
        for _ in range(EDITS):
            verdict = self._verdict(effect)
            self._remember(effect, verdict)
            match verdict.outcome:
                case "allow":
                    return self._pass(effect, clear(effect, verdict))
                case "deny" | "stop":
                    return self._refuse(effect, verdict.rule, verdict.reason, stop=verdict.outcome == "stop")
                case "ask":
                    approval = await self.consult(effect, verdict)
            match approval.decision:
                case "approve":
                    return self._still(effect) or self._pass(effect, clear(effect, verdict, approval))
                case "deny" | "stop":
                    words = f": {approval.note}" if approval.note else ""
                    reason = f"{approval.by or 'the approver'} did not approve it{words} ({verdict.reason})"
                    return self._refuse(effect, verdict.rule, reason, stop=approval.decision == "stop")
                case "edit":
                    if (
                        approval.effect is None
                        or approval.effect.kind != effect.kind
                        or effect.kind == "request"
                    ):
                        return self._refuse(
                            effect, verdict.rule, "the edit offers nothing that could be done instead"
                        )
                    effect = await reground(approval.effect)
        return self._refuse(effect, "edits", f"edited {EDITS} times without an approval")

    async def consult(self, effect: Effect, verdict: Verdict) -> Approval:
        """Ask a person about one effect; no answer in time is a refusal."""
        question = Question(
            id=self._ids(),
            effect=effect,
            verdict=verdict,
            goal=self._goal,
            step=self.step,
            url=self.screen.url if self.screen else "",
            thought=self.thought,
            screenshot=self.screen.screenshot if self.screen else None,
            seconds=self._timeout,
        )
        self._recorder.write(
            ApprovalAsked(
                step=self.step, question=question.id, effect=effect, verdict=verdict, seconds=self._timeout
            ),
            sync=True,
        )
        started = self._clock()
        if not self._asking:
            self._asked_since = started
        self._asking += 1
        self._nobody_asked.clear()
        try:
            approval = await ask(
                self._approver, question, clock=self._clock, now=self._now, otherwise=self._otherwise
            )
        except asyncio.CancelledError:
            self._answered(question, self._withdrawn(effect), started)
            raise
        finally:
            self._asking -= 1
            if not self._asking:
                self._nobody_asked.set()
                # Questions that overlap wait together: a page that raises many gains no time by it.
                self._budget.waited += self._clock() - self._asked_since
        self._answered(question, approval, started)
        return approval

    def _answered(self, question: Question, approval: Approval, started: float) -> None:
        seconds = round(self._clock() - started, 3)
        self._recorder.write(
            ApprovalGiven(step=self.step, question=question.id, approval=approval, seconds=seconds), sync=True
        )

    def _withdrawn(self, effect: Effect) -> Approval:
        asked = "the page that made the request" if isinstance(effect, Request) else "what asked"
        note = f"{asked} went away before anybody answered; nothing was done"
        return Approval(decision="deny", by=WITHDRAWN, at=self._now(), shown=digest(effect), note=note)

    async def question(self, action: AskUser) -> Approval:
        """Send a model's question to a person; an approval's note is the answer."""
        effect = Act(action=action)
        verdict = Verdict(
            outcome="ask",
            rule="ask_user",
            reason=f"The model asks: {action.question}",
            policy=self._judge.sha256,
            effect=digest(effect),
        )
        approval = await self.consult(effect, verdict)
        if self._witness is not None and approval.decision == "approve":
            self._witness.happened(effect)
        return approval

    async def keep(self, file: FileOffer) -> Cleared | Refusal:
        """Decide about a file that a page gives, for the sandbox."""
        await self._begun.wait()
        return self.stopped or await self.decide(file)

    async def admit(self, request: Request, body: Body | None = None) -> Cleared | Refusal:
        """Decide about a whole request, for the gateway."""
        await self._begun.wait()
        if self.stopped is not None:
            return self.stopped
        reached = self._budget.reached("requests", "download", "seconds")
        reached = reached or self._budget.sends(request.body_size)
        if reached:
            return self._refuse(request, "limits", reached, stop=True)
        # Counted before it is judged, so that a burst of requests that all wait for a person stays within.
        self._budget.requests += 1
        self._budget.uploaded += request.body_size
        cleared = None
        try:
            blob = await self._bodies.request(body, request.headers, self.step) if body else None
            if blob is not None:
                self._sent[request.id] = blob
            cleared = await self.decide(request)
            return cleared
        finally:
            self._sent.pop(request.id, None)
            if not isinstance(cleared, Cleared):
                self._budget.requests -= 1
                self._budget.uploaded -= request.body_size
            elif request.resource == "document":
                self._pages[request.id] = request.url

    def preview(self, request: Request) -> Refusal | None:
        """Refuse what the head alone rules out, for the gateway; grants nothing."""
        if not self._begun.is_set():
            return None
        verdict = self._verdict(request) if self._witness is None else self._foresee(request, self._witness)
        if verdict is None or verdict.outcome not in ("deny", "stop"):
            return None
        self._remember(request, verdict)
        return self._refuse(request, verdict.rule, verdict.reason, stop=verdict.outcome == "stop")

    def arrived(self, size: int) -> Refusal | None:
        """Count bytes of an answer on their way to the browser; their limit ends the run."""
        passed = self._budget.downloads(size)
        if passed is None:
            return None
        refusal = Refusal(rule="limits", reason=passed, stop=True)
        self.stopped = self.stopped or refusal
        return refusal

    def message(self, message: SocketMessage) -> Refusal | None:
        """Count and record a WebSocket message, for the gateway; its limits end the run."""
        refusal = self.stopped
        if refusal is None:
            passed = self._budget.reached("seconds") or self._budget.passes(message.size, out=message.out)
            refusal = Refusal(rule="limits", reason=passed, stop=True) if passed else None
        data = message.data.encode() if isinstance(message.data, str) else message.data
        sha256, blob = None, None
        if data is not None:
            sha256 = hashlib.sha256(data).hexdigest()
            if len(data) <= LONGEST_BODY and self._kept + len(data) <= KEPT:
                self._kept += len(data)
                blob = self._recorder.blob(data)
        self._recorder.write(
            Messaged(
                step=self.step,
                request=message.request,
                direction="out" if message.out else "in",
                text=isinstance(message.data, str),
                size=message.size,
                sha256=sha256 if blob in (None, sha256) else None,
                blob=blob,
                refused=f"{refusal.rule}: {refusal.reason}" if refusal else None,
            )
        )
        if refusal is not None and self.stopped is None:
            self.stopped = refusal
        return refusal

    def noticed(self, line: str) -> None:
        """Note what the gateway threw away before it was a request; the first hundred of a run."""
        self._thrown += 1
        if self._begun.is_set() and self._thrown <= THROWN:
            more = "; what follows of this kind is not noted" if self._thrown == THROWN else ""
            self._recorder.write(Noted(step=self.step, text=f"gateway: {line[:500]}{more}"))

    def told(self, word: PageWord) -> bool:
        """Record what a page says besides what it shows, for the sandbox; say whether more is recorded."""
        if not self._begun.is_set():
            return True
        self._words += 1
        match word:
            case ConsoleLine():
                self._recorder.write(Console(step=self.step, **dict(word)))
            case DialogAnswer():
                self._recorder.write(Dialogued(step=self.step, **dict(word)))
            case _:
                assert_never(word)
        if self._words == WORDS:
            text = f"pages said {WORDS:,} things besides what they show; more of it is not recorded"
            self._recorder.write(Noted(step=self.step, text=text))
        return self._words < WORDS

    def finished(self, exchange: Exchange) -> None:
        """Record what became of a request, for the gateway."""
        page = self._pages.pop(exchange.id, None)
        if page is not None:
            self.trouble = f"{page} did not come: {exchange.error}" if exchange.error else ""
        answer = self._bodies.answer(exchange, self.step)
        self._recorder.write(
            Responded(
                step=self.step,
                request=exchange.id,
                status=exchange.status,
                sent=exchange.sent,
                received=exchange.received,
                messages=exchange.messages,
                seconds=round(exchange.seconds, 3),
                error=exchange.error,
                headers=answer.headers,
                body=answer.body,
                sha256=answer.sha256,
            )
        )

    def _verdict(self, effect: Effect) -> Verdict:
        try:
            if self._witness is not None and self.screen is not self._shown:
                self._witness.saw(_sight(self.screen))
                self._shown = self.screen
            return self._judge.judge(effect)
        except Exception as error:  # noqa: BLE001 - a judge that fails refuses, whatever it raised
            return self._fault(effect, error)

    def _foresee(self, request: Request, witness: Witness) -> Verdict | None:
        try:
            return witness.foresee(request)
        except Exception as error:  # noqa: BLE001 - a judge that fails refuses, whatever it raised
            return self._fault(request, error)

    def _fault(self, effect: Effect, error: Exception) -> Verdict:
        return Verdict(
            outcome="deny",
            rule=_FAULT,
            reason=f"the policy could not be applied: {type(error).__name__}: {error}",
            policy=self._judge.sha256,
            effect=digest(effect),
        )

    def _still(self, effect: Effect) -> Refusal | None:
        """Refuse what was approved, if what was cleared meanwhile has made it something to refuse."""
        if self._witness is None:
            return None
        verdict = self._verdict(effect)
        if verdict.outcome not in ("deny", "stop"):
            return None
        self._remember(effect, verdict)
        return self._refuse(effect, verdict.rule, verdict.reason, stop=verdict.outcome == "stop")

    def _remember(self, effect: Effect, verdict: Verdict) -> None:
        self.verdicts[verdict.outcome] += 1
        if isinstance(effect, Request):
            sent = self._sent.get(effect.id)
            # Whoever goes on with this run must know of it, even if the machine loses its power now.
            leaves = verdict.outcome == "allow" and effect.method not in SAFE
            self._recorder.write(
                Requested(step=self.step, request=effect, verdict=verdict, body=sent), sync=leaves
            )
        else:
            self._recorder.write(Judged(step=self.step, effect=effect, verdict=verdict))

    def _pass(self, effect: Effect, cleared: Cleared) -> Cleared | Refusal:
        if self._witness is not None:
            try:
                self._witness.happened(effect)
            except Exception as error:  # noqa: BLE001 - what the judge cannot remember does not happen
                return self._refuse(effect, _FAULT, self._fault(effect, error).reason)
        if isinstance(effect, Act) and effect.action.kind not in LOOKING:
            self.blocked = False
        return cleared

    def _refuse(self, effect: Effect, rule: str, reason: str, *, stop: bool = False) -> Refusal:
        self.blocked |= not isinstance(effect, Request) or effect.resource == "document"
        refusal = Refusal(rule=rule, reason=reason, stop=stop)
        if stop and self.stopped is None:
            self.stopped = refusal
        return refusal


def _sight(screen: Screen | None) -> Sight:
    if screen is None:
        return Sight()
    active = next((tab.id for tab in screen.tabs if tab.active), None)
    return Sight(
        url=screen.url, title=screen.title, text=screen.text, tab=active, tabs=max(1, len(screen.tabs))
    )
