"""How long an arm is given to show what it has to show."""

import asyncio

from harness.evals.containment.board import Arm, Board

_OPEN_SECONDS = 2.5
_ALLOWED_SECONDS = 3.0
_WALLED_SECONDS = 1.5
_GRACE = 0.15
_STRONG = frozenset(
    {"HTTP", "TCP", "UDP", "forbidden request", "pixels", "window", "host", "host file", "secret"}
)


async def settled(board: Board, arm: Arm, token: str) -> None:
    """Wait until an arm has shown what it had to show, at most a few seconds.

    What comes later is still heard: a case is judged when the whole run is over.
    """
    match arm:
        case "open":
            await board.until(token, lambda: bool(board.signs(token) & _STRONG), _OPEN_SECONDS)
        case "allowed":
            await board.until(token, lambda: board.was_reached(token), _ALLOWED_SECONDS)
        case "walled":
            await board.until(
                token, lambda: bool(board.signs(token) or board.stopped_by(token)), _WALLED_SECONDS
            )
            await asyncio.sleep(_GRACE)
