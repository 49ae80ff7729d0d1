"""Our guarded browser as the `openai` SDK's own computer driver.

`GuardedComputer` is an `AsyncComputerDriver` for `AsyncComputerToolset` and `AsyncResponsesToolRunner`;
`BlockingGuardedComputer` is a `ComputerDriver` for `ComputerToolset` and `ResponsesToolRunner`. Give either's
`approve` as `approve_safety_checks`, and the vendor's warnings are judged by our policy and our approver.

The SDK's contract is that a driver raises when it cannot do an action, and the wire format has no place for
an error: its runners end at the first refusal. `drive` is the same loop for those who want the model to be
told: a refusal goes back as the screen as it is and a note, and the run goes on.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from openai import AsyncComputerToolset, AsyncOpenAI
from openai.lib.computer import ComputerActionInput, ComputerUseError, Screenshot
from openai.types.responses import Response, ResponseComputerToolCall, ResponseOutputItem
from openai.types.responses import computer_action as modern
from openai.types.responses import response_computer_tool_call as legacy

from harness.action import Action, TakeScreenshot, parse_action
from harness.clearance import SafetySignal
from harness.errors import ActionError
from harness.integrations.blocking import BlockingSession
from harness.integrations.session import Seen, Session, SessionOverError, said
from harness.screen import ActionResult

_WAIT = 2.0
"""Seconds of a `wait`, which says none."""


class RefusedError(ComputerUseError):
    """An action that was refused or failed; the SDK adds the last `response`.

    Attributes:
        result: what became of it, with the rule and the reason.
    """

    def __init__(self, result: ActionResult) -> None:
        super().__init__(said(result))
        self.result = result


def action_of(given: ComputerActionInput) -> Action:
    """Read one of the vendor's actions.

    Raises:
        ActionError: if we have none like it.
    """
    parts: dict[str, Any] = given.model_dump(exclude_none=True)
    keys = parts.pop("keys", [])
    match parts.pop("type"):
        case "click":
            button = parts.pop("button")
            button = "middle" if button == "wheel" else button
            return parse_action({"kind": "click", **parts, "button": button, "modifiers": keys})
        case "double_click":
            return parse_action({"kind": "click", **parts, "count": 2, "modifiers": keys})
        case "drag":
            return parse_action({"kind": "drag", **parts, "modifiers": keys})
        case "scroll":
            turned = {"dx": parts.pop("scroll_x"), "dy": parts.pop("scroll_y")}
            return parse_action({"kind": "scroll", **parts, **turned, "modifiers": keys})
        case "keypress":
            return parse_action({"kind": "press", "keys": keys})
        case "move" if keys:
            raise ActionError(f"move: this browser holds no keys while it moves the pointer: {keys}")
        case "wait":
            return parse_action({"kind": "wait", "seconds": _WAIT})
        case kind:
            return parse_action({"kind": kind, **parts})


def _signals(call: ResponseComputerToolCall) -> tuple[SafetySignal, ...]:
    return tuple(
        SafetySignal(provider="openai", id=one.id, code=one.code or "", message=one.message or "")
        for one in call.pending_safety_checks or ()
    )


def _picture(seen: Seen) -> Screenshot:
    data = base64.b64encode(seen.observation.screenshot.png).decode()
    return {"type": "computer_screenshot", "image_url": f"data:image/png;base64,{data}"}


def _passed(seen: Seen) -> Seen:
    if seen.trouble is not None:
        raise RefusedError(seen.trouble)
    return seen


class _Screens:
    """The screen after the last action, until it is shown: each is taken once."""

    def __init__(self) -> None:
        self._last: Seen | None = None

    def keep(self, seen: Seen) -> Seen:
        self._last = seen
        return seen

    def take(self) -> Seen | None:
        last, self._last = self._last, None
        return last


class GuardedComputer:
    """The `AsyncComputerDriver` over a session.

    Every method raises `RefusedError` for an action that policy or person refused, and `ComputerUseError` for
    one that we do not have or that comes when the run is over.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._screens = _Screens()

    async def approve(self, call: ResponseComputerToolCall) -> bool:
        """Judge the vendor's warnings about a call; only what policy and people let pass is acknowledged."""
        try:
            seen = await self._session.do(TakeScreenshot(), signals=_signals(call))
        except SessionOverError as error:
            raise ComputerUseError(str(error)) from error
        return seen.trouble is None

    async def click(self, action: modern.Click | legacy.ActionClick) -> None:
        """Click."""
        await self._do(action)

    async def double_click(self, action: modern.DoubleClick | legacy.ActionDoubleClick) -> None:
        """Click twice."""
        await self._do(action)

    async def drag(self, action: modern.Drag | legacy.ActionDrag) -> None:
        """Drag along a path."""
        await self._do(action)

    async def keypress(self, action: modern.Keypress | legacy.ActionKeypress) -> None:
        """Press a chord."""
        await self._do(action)

    async def move(self, action: modern.Move | legacy.ActionMove) -> None:
        """Move the pointer."""
        await self._do(action)

    async def scroll(self, action: modern.Scroll | legacy.ActionScroll) -> None:
        """Turn the wheel."""
        await self._do(action)

    async def type(self, action: modern.Type | legacy.ActionType) -> None:
        """Type text."""
        await self._do(action)

    async def wait(self, action: modern.Wait | legacy.ActionWait) -> None:
        """Do nothing for two seconds."""
        await self._do(action)

    async def screenshot(self) -> Screenshot:
        """Show the screen: the one after the last action, or a fresh look."""
        try:
            return _picture(self._screens.take() or _passed(await self._session.look()))
        except SessionOverError as error:
            raise ComputerUseError(str(error)) from error

    async def _do(self, action: ComputerActionInput) -> None:
        try:
            _passed(self._screens.keep(await self._session.do(action_of(action))))
        except (ActionError, SessionOverError) as error:
            raise ComputerUseError(str(error)) from error


class BlockingGuardedComputer:
    """The `ComputerDriver` over a session; see `GuardedComputer`."""

    def __init__(self, session: BlockingSession) -> None:
        self._session = session
        self._screens = _Screens()

    def approve(self, call: ResponseComputerToolCall) -> bool:
        """Judge the vendor's warnings about a call; only what policy and people let pass is acknowledged."""
        try:
            seen = self._session.do(TakeScreenshot(), signals=_signals(call))
        except SessionOverError as error:
            raise ComputerUseError(str(error)) from error
        return seen.trouble is None

    def click(self, action: modern.Click | legacy.ActionClick) -> None:
        """Click."""
        self._do(action)

    def double_click(self, action: modern.DoubleClick | legacy.ActionDoubleClick) -> None:
        """Click twice."""
        self._do(action)

    def drag(self, action: modern.Drag | legacy.ActionDrag) -> None:
        """Drag along a path."""
        self._do(action)

    def keypress(self, action: modern.Keypress | legacy.ActionKeypress) -> None:
        """Press a chord."""
        self._do(action)

    def move(self, action: modern.Move | legacy.ActionMove) -> None:
        """Move the pointer."""
        self._do(action)

    def scroll(self, action: modern.Scroll | legacy.ActionScroll) -> None:
        """Turn the wheel."""
        self._do(action)

    def type(self, action: modern.Type | legacy.ActionType) -> None:
        """Type text."""
        self._do(action)

    def wait(self, action: modern.Wait | legacy.ActionWait) -> None:
        """Do nothing for two seconds."""
        self._do(action)

    def screenshot(self) -> Screenshot:
        """Show the screen: the one after the last action, or a fresh look."""
        try:
            return _picture(self._screens.take() or _passed(self._session.look()))
        except SessionOverError as error:
            raise ComputerUseError(str(error)) from error

    def _do(self, action: ComputerActionInput) -> None:
        try:
            _passed(self._screens.keep(self._session.do(action_of(action))))
        except (ActionError, SessionOverError) as error:
            raise ComputerUseError(str(error)) from error


def _replayed(item: ResponseOutputItem) -> dict[str, object]:
    return {name: value for name, value in item.to_dict().items() if name != "created_by"}


async def _let_pass(
    call: ResponseComputerToolCall, judge: Callable[[ResponseComputerToolCall], Awaitable[bool]]
) -> None:
    """Judge the warnings about a call that is not executed: its answer acknowledges them all the same."""
    if call.pending_safety_checks and not await judge(call):
        raise ComputerUseError(f"a warning about call {call.call_id!r} was not approved")


async def drive(
    client: AsyncOpenAI,
    computer: GuardedComputer,
    params: Mapping[str, Any],
    *,
    max_steps: int = 20,
    approve_safety_checks: Callable[[ResponseComputerToolCall], Awaitable[bool]] | None = None,
) -> Response:
    """Run the Responses loop until a final message, and tell the model of every refusal.

    Args:
        client: whom to ask.
        computer: our driver.
        params: what `responses.create` takes, without `tools`; `input` is a text or a list of items.
        max_steps: calls of `responses.create`, at most.
        approve_safety_checks: who judges the vendor's warnings; the run's policy and approver, if not given.

    Raises:
        ComputerUseError: if a warning was not approved, the run behind the session is over, or `max_steps`
            was reached; with the last `response`.
    """
    toolset = AsyncComputerToolset(computer)
    given = params.get("input", "")
    history: list[Any] = [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
    fixed = {"include": ["reasoning.encrypted_content"], **params, "tools": [{"type": "computer"}]}
    for _ in range(max_steps):
        response = cast("Response", await client.responses.create(**{**fixed, "input": history}))
        history += [_replayed(item) for item in response.output]
        calls = [item for item in response.output if isinstance(item, ResponseComputerToolCall)]
        if not calls:
            return response
        refused: RefusedError | None = None
        judge = approve_safety_checks or computer.approve
        for call in calls:
            try:
                if refused is None:
                    history.append(await toolset.execute(call, approve_safety_checks=judge))
                    continue
                await _let_pass(call, judge)
            except RefusedError as error:
                refused = error
            except ComputerUseError as error:
                error.response = response
                raise
            history.append(
                {
                    "type": "computer_call_output",
                    "call_id": call.call_id,
                    "output": await computer.screenshot(),
                    "acknowledged_safety_checks": [one.to_dict() for one in call.pending_safety_checks or ()],
                }
            )
        if refused is not None:
            history.append({"role": "user", "content": f"{refused} What came after it was not executed."})
    raise ComputerUseError(f"no final message within {max_steps} answers", response)
