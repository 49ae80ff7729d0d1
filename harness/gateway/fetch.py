"""The harness's own questions to an upstream, such as an app's state after a run."""

import json
from collections.abc import AsyncGenerator

from harness.clearance import Cleared
from harness.gateway.base import Upstream, UpstreamError
from harness.gateway.body import Spool

_MOST = 16_777_216


async def get_bytes(upstream: Upstream, cleared: Cleared) -> tuple[int, bytes]:
    """Send a request without a body, and give status and body.

    Raises:
        NotClearedError: if the ticket is not good.
        UpstreamError: if there is no answer, or it has more than 16 MiB.
    """
    with Spool() as empty:
        answer = await upstream.send(cleared, empty)
        parts = bytearray()
        try:
            async for chunk in answer.body:
                parts += chunk
                if len(parts) > _MOST:
                    raise UpstreamError(f"the answer has more than {_MOST} bytes")
        finally:
            if isinstance(answer.body, AsyncGenerator):
                await answer.body.aclose()
    return answer.status, bytes(parts)


async def get_json(upstream: Upstream, cleared: Cleared) -> object:
    """Send a request without a body, and give the JSON it answers with.

    Make the request with `harness.gateway.head.get`, and its ticket with `clear`.

    Raises:
        NotClearedError: if the ticket is not good.
        UpstreamError: if there is no answer, not status 200, or not JSON.
    """
    status, body = await get_bytes(upstream, cleared)
    if status != 200:
        raise UpstreamError(f"the answer has status {status}, not 200")
    try:
        value: object = json.loads(body)
    except ValueError as error:
        raise UpstreamError(f"the answer is not JSON: {error}") from None
    return value
