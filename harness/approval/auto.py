"""Approvers that ask nobody."""

from harness.action import AskUser
from harness.clearance import Act, Approval, Question


class DenyApprover:
    """Refuses everything: what a policy asks about does not happen."""

    async def decide(self, question: Question) -> Approval:
        """Say no."""
        return question.deny("deny", note="nobody is asked in this run")


class AutoApprover:
    """Approves everything: for evaluations in bundled worlds, where nothing real can happen."""

    async def decide(self, question: Question) -> Approval:
        """Say yes."""
        asked = isinstance(question.effect, Act) and isinstance(question.effect.action, AskUser)
        note = "Nobody is here to answer: decide yourself, and say what you assumed." if asked else ""
        return question.approve("auto", note=note)
