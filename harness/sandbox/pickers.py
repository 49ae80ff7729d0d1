"""Pickers."""

from harness.action import Action
from harness.sandbox.base import ActOutcome
from harness.sandbox.dialogs import Overlay
from harness.sandbox.tabs import OpenTab


class Pickers:
    def current(self, tab: OpenTab) -> Overlay | None:
        return None

    async def take(self, action: Action, tab: OpenTab, size: tuple[int, int]) -> ActOutcome | None:
        return None
