"""The people of a recorded run, who say again what they said, where nothing real can come of it."""

from collections import defaultdict, deque

from harness.clearance import Act, Approval, Effect, FileOffer, Plan, Question, Request, SafetySignal
from harness.trace.events import ApprovalAsked, ApprovalGiven
from harness.trace.reader import Trace


class RecordedAnswers:
    """Gives each question the answer that was recorded for it, once; any other question is denied.

    Only for a hermetic replay. A recorded yes was given for one run and is never a grant: what makes it
    usable here is that nothing leaves, no address is dialled, and what is approved happens to a recording.

    Args:
        trace: the recorded run.
    """

    def __init__(self, trace: Trace) -> None:
        asked: dict[str, Effect] = {}
        self._answers: dict[tuple[str, ...], deque[Approval]] = defaultdict(deque)
        for one in trace.events:
            match one.event:
                case ApprovalAsked(question=question, effect=effect):
                    asked[question] = effect
                case ApprovalGiven(question=question, approval=approval) if question in asked:
                    self._answers[_same(asked[question])].append(approval)
                case _:
                    pass

    async def decide(self, question: Question) -> Approval:
        """Answer as was answered then."""
        known = self._answers.get(_same(question.effect))
        if not known:
            return question.deny("replay", note="this was not asked in the recording")
        given = known.popleft()
        # An approval names the effect that was shown then, which has another id now.
        effect = given.effect if given.decision == "edit" else None
        return given.model_copy(update={"shown": None, "at": None, "effect": effect})


def _same(effect: Effect) -> tuple[str, ...]:
    """What an effect has in common with the recorded one: a request has another id each time."""
    match effect:
        case Request():
            return "request", effect.method, effect.url
        case Act():
            return "action", effect.action.model_dump_json()
        case FileOffer():
            return "download", effect.name, effect.url
        case Plan():
            return "plan", effect.text
        case SafetySignal():
            return "signal", effect.provider, effect.code, effect.message
