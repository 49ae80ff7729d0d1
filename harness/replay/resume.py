"""Goes on with a run that died, from its trace. What was under way is never repeated blindly.

    old trace ── hold ─▶ verify ─▶ read ─▶ a new browser opens the page ─▶ in doubt? ─▶ a person ─▶ loop
                                                                              └─ no answer ─▶ stopped, exit 3

**A new trace.** Traces are never written over. The new run begins its own, next to the old one; `resumed` in
its first line names the old run, its head and its steps. Task, policy and inputs are the old run's, read from
its trace. Step numbers, limits and what was used of them go on. Approvals do not: what a policy asks about is
asked again, and what was done before counts against rules (`count`) but never in their favour.

**Who may.** A run that died, was interrupted or failed for a reason outside the task. Not one that was done,
failed its checks or was stopped: those ended on purpose. Its trace must verify. Both the writer of a trace
and whoever goes on with its run hold an exclusive lock on it, which dies with the process; so a live run is
known, and two never go on with the same one. A run that another went on with is not gone on with again: that
one is. "Went on" means that its model has answered; until then it has only opened a page and looked. A copy
of a trace in another folder is not known: keep traces in one place.

**What was under way.** Every request is in the trace before it leaves. So an action of whose step no request
left that could change anything (POST, PUT, …) had no effect outside, whatever the page did, and the browser
that showed it is gone: it *never reached the outside*. A request that was answered below 400 *happened*; one
that was answered 4xx was *refused* by the site. One without an answer, or with an error after which nobody
looked at the screen, is *in doubt*: the page is opened again and shown to a person next to what was seen
before, and the person says whether it happened. Nobody else decides: no answer, and `--approve deny` or
`auto`, end the run with exit code 3. GET and HEAD are repeated, as HTTP defines them to be safe.

**The browser** is new. The page that was open is opened again, through both doors; what was typed and not
sent is gone, so that a model that follows a script takes it up where that page came. Other models are told
in notes what was done. Cookies are kept only by a run that is started with `--resumable`, beside the trace
and never in it (`harness.replay.state`), and so is what the bundled web apps hold, which would die with the
harness. Without it the session is lost: then a model that follows a script, and a bundled app, can only be
gone on with if nothing had happened yet.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from harness.action import AskUser, Goto
from harness.checkpoint import Checkpoint
from harness.clearance import Act, Verdict, digest
from harness.errors import InputError, TraceError
from harness.journal import Journal
from harness.models.base import Model, Recalling
from harness.pointer import Pointer
from harness.replay.pair import beside, same
from harness.replay.past import Past
from harness.replay.story import Doubt
from harness.result import Ending
from harness.sandbox.base import Sandbox
from harness.screen import Screen, Screenshot
from harness.trace.base import Recorder
from harness.trace.events import Noted
from harness.words import describe, visible

RULE: Final = "resume"
"""Who asks, in the trace, whether a request happened."""
_TRIES: Final = 3
_MOST: Final = 5
_NOTE: Final = 1_800
_ANSWER: Final = re.compile(
    r"(?i)\s*(?:it\s+)?(?:(?P<yes>happened|yes|y)|(?:did\s+not\s+happen|didn't\s+happen|no|n))"
    r"(?:[\s:,]+(?:go\s+on\s+at\s+)?(?P<url>https?://\S+))?[.!]?\s*"
)


class Said(NamedTuple):
    """A person's answer."""

    happened: bool
    """Whether the request took place."""
    url: str | None
    """Where to go on, if the person knows a better page."""


def understood(answer: str) -> Said | None:
    """Read `happened`, `happened, go on at URL` or `did not happen`; nothing if it is none of these."""
    found = _ANSWER.fullmatch(answer)
    return None if found is None else Said(found["yes"] is not None, found["url"])


class Opening:
    """Opens the page of a run that died, and settles what was under way.

    Args:
        past: what it left.
        session: whether its cookies were brought.
        model: takes up its place, if it follows a script.
    """

    def __init__(
        self,
        past: Past,
        *,
        session: bool,
        model: Model,
        sandbox: Sandbox,
        pointer: Pointer,
        checkpoint: Checkpoint,
        journal: Journal,
        recorder: Recorder,
    ) -> None:
        self._past = past
        self._session = session
        self._model = model
        self._sandbox = sandbox
        self._pointer = pointer
        self._checkpoint = checkpoint
        self._journal = journal
        self._recorder = recorder

    async def go(self) -> Ending | tuple[str, ...]:
        """Give what the model is told, or how the run ends before it is asked.

        Raises:
            HarnessError: if the sandbox or the trace fails, or the model cannot take up its place.
        """
        past, told = self._past, list[str]()
        doubts = past.doubts
        if len(doubts) > _MOST:
            return self._told_off(doubts)
        if ending := await self._open(past.story.url or past.task.start, told):
            return ending
        since, url = past.story.since, None
        for sent in past.story.sent.values():
            since = max(since, sent.after) if sent.happened else since
        if doubts:
            screen = await self._look()
            for doubt in doubts:
                said = await self._ask(doubt, screen)
                if isinstance(said, Ending):
                    return said
                told.append(f"{doubt.words}: {'it happened' if said.happened else 'it did not happen'}")
                since = max(since, doubt.after) if said.happened else since
                url = said.url or url
        if url is not None and (ending := await self._open(url, told)):
            return ending
        if isinstance(self._model, Recalling) and past.story.replies:
            self._model.recall(past.place(since))
        return tuple(self._notes(told))

    async def _open(self, url: str, told: list[str]) -> Ending | None:
        result = await self._pointer.perform(Goto(url=url), 0)
        if result.status == "refused":
            return Ending(outcome="stopped", reason=f"{url} was refused: {result.message}")
        if result.status == "failed":
            told.append(f"{url} did not load: {result.message}")
        return None

    async def _look(self) -> Screen:
        screen = await self._sandbox.observe()
        self._checkpoint.screen = screen
        self._journal.observed(screen, screen.notes)
        return screen

    async def _ask(self, doubt: Doubt, screen: Screen) -> Said | Ending:
        before = self._before()
        alike = before is not None and same(before, screen.screenshot)
        looks = (
            "The page looks as it did before"
            if alike
            else "The page looks otherwise than before"
            if before is not None
            else "There is no picture from before"
        )
        question = (
            f"A run died while this was under way, and its trace does not say what became of it: "
            f"{doubt.words}, sent {doubt.at:%Y-%m-%d %H:%M:%S} UTC. {looks}"
            f"{' (left: before, right: now)' if before is not None else ''}, which proves nothing. "
            "Please look where it would show, such as in a list of orders. Did it happen? Answer: happened / "
            "did not happen / happened, go on at https://…"
        )
        effect = Act(action=AskUser(question=question[:10_000]))
        verdict = Verdict(
            outcome="ask",
            rule=RULE,
            reason="What was under way when a run died is never repeated blindly.",
            policy=self._past.trace.header.policy_sha256,
            effect=digest(effect),
        )
        if before is not None:
            shown = beside(before, screen.screenshot)
            self._checkpoint.screen = screen.model_copy(update={"screenshot": shown})
        try:
            for _ in range(_TRIES):
                approval = await self._checkpoint.consult(effect, verdict)
                if approval.decision == "approve" and (said := understood(approval.note)) is not None:
                    words = "happened" if said.happened else "did not happen"
                    self._recorder.write(Noted(text=f"{doubt.words}: {words}, says {approval.by}"), sync=True)
                    return said
                if approval.decision != "approve":
                    break
        finally:
            self._checkpoint.screen = screen
        return self._told_off((doubt,))

    def _told_off(self, doubts: Sequence[Doubt]) -> Ending:
        what = "; ".join(doubt.words for doubt in doubts[:_MOST])
        more = f" and {len(doubts) - _MOST} more" if len(doubts) > _MOST else ""
        again = (
            f"then `harness run --resume {self._past.trace.folder} --approve terminal`, which asks you"
            if len(doubts) <= _MOST
            else "then begin anew"
        )
        reason = (
            f"nobody said whether this happened, so nothing was repeated: {what}{more}. "
            f"Look where it would show, {again}"
        )
        return Ending(outcome="stopped", reason=visible(reason, 2_000))

    def _before(self) -> Screenshot | None:
        seen = self._past.story.screen
        if seen is None:
            return None
        try:
            return Screenshot.of(self._past.trace.blobs.get(seen.screenshot))
        except (TraceError, ValueError):
            return None

    def _notes(self, told: Sequence[str]) -> list[str]:
        past = self._past
        session = (
            "you are signed in where you were"
            if self._session
            else "its session is new: you are signed in nowhere, and what was in a cart may be gone"
        )
        opened = f"The browser is new and has opened the last page again; {session}."
        notes = [
            f"You go on with a run that died after step {past.used.steps}. {opened} Unsent text is gone."
        ]
        done = [f"step {one.step}: {one.words} ({one.result or 'under way'})" for one in past.deeds]
        if done:
            notes.append(f"Done before: {_last(done)}")
        settled = [one.words for one in past.sent if not one.in_doubt]
        if settled:
            notes.append(f"Sent before, not to be sent again: {_last(settled)}")
        flight, begun = past.story.flight, past.story.begun
        sent = past.story.sent.values()
        if flight is not None and begun is not None and not any(one.at >= begun for one in sent):
            words = describe(Act(action=flight.action, target=flight.target))
            notes.append(f"Under way when it died: {words[:_NOTE]}; it never reached the outside.")
        return notes + [f"About the run that died: {one[:_NOTE]}" for one in told]


def lost(past: Past, hosts: Sequence[str], *, state: bool, model: Model) -> None:
    """Refuse to go on where what had happened is lost with the browser or the harness.

    Args:
        past: what the run left.
        hosts: web apps of the harness's own process that forget all with it.
        state: whether cookies and apps were kept.
        model: who decides.

    Raises:
        InputError: saying what is lost, and what to do instead.
    """
    happened = [one for one in past.sent if one.happened or one.in_doubt]
    if state or not happened:
        return
    keep = "begin anew, with --resumable to be able to go on next time"
    if hosts:
        raise InputError(
            f"{past.trace.folder}: {', '.join(hosts)} lived in the harness and died with it, and so did what "
            f"was sent to it: {happened[-1].words}; {keep}"
        )
    if isinstance(model, Recalling):
        raise InputError(
            f"{past.trace.folder}: the browser's session was not kept, and a model that follows a script "
            f"cannot find its way without it after {happened[-1].words}; {keep}, or name another --model"
        )


def _last(items: Sequence[str]) -> str:
    kept: list[str] = []
    size = 0
    for one in reversed(items):
        size += len(one) + 2
        if size > _NOTE and kept:
            break
        kept.insert(0, one[:_NOTE])
    left = len(items) - len(kept)
    return f"{f'({left} before these) ' if left else ''}{'; '.join(kept)}"
