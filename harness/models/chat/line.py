"""The way to a Chat Completions server, over OpenAI's own SDK."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pydantic import JsonValue

from harness.models.azure_filters import why_refused
from harness.models.body import parsed
from harness.models.chat.wire import clean
from harness.models.dialect import JsonObject, Trouble
from harness.models.faults import LONGEST_BODY, of_status
from harness.models.openai.entra import Entra

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

_LONGEST_REASON = 1_000
_NOT_SO: Final = (400, 404, 422)
_NO_TOOLS: Final = re.compile(
    r"tools?\b.{0,80}not support|not support.{0,40}\btools?\b|tool-call-parser|no endpoints.*tool",
    re.IGNORECASE,
)
"""What servers such as Ollama and vLLM say of a model, or a start, without function calls."""


class ChatLine:
    """Sends requests, each once; asking again is not its business.

    Args:
        client: the SDK's, with `max_retries=0`.
        timeout: seconds for a whole answer.
        now: gives the time, for what servers say in dates.
        entra: where the client's tokens are from, if it has no key: one that has run out is worth asking
            again, once.
    """

    def __init__(
        self,
        client: "AsyncOpenAI",
        *,
        timeout: float,
        now: Callable[[], datetime],
        entra: Entra | None = None,
    ) -> None:
        self._client = client
        self._timeout = timeout
        self._now = now
        self._entra = entra
        self._renewed = False

    async def send(self, request: JsonObject) -> JsonValue:
        """Send one request, once, and give the body of its answer."""
        import httpx2  # noqa: PLC0415 - the SDK is an extra, loaded only when used
        from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAIError  # noqa: PLC0415

        try:
            async with asyncio.timeout(self._timeout):
                body = await self._body(request)
        except (TimeoutError, APITimeoutError, httpx2.TimeoutException) as error:
            said = f"no whole answer within {self._timeout:g} s"
            raise Trouble("timeout", said, again=True, ends=True) from error
        except APIStatusError as error:
            self._refused(error)
        except APIConnectionError as error:
            cause = error.__cause__
            if isinstance(cause, Trouble):
                raise cause from error
            raise Trouble("connection", self._unkeyed(f"{error}: {cause}"), again=True) from error
        except httpx2.HTTPError as error:
            said = f"the answer broke off: {type(error).__name__}: {error}"
            raise Trouble("cut_off", self._unkeyed(said), again=True) from error
        except (OpenAIError, httpx2.InvalidURL) as error:
            raise Trouble("rejected", self._unkeyed(str(error))) from error
        self._renewed = False
        return parsed(body.replace(token, b"(key)") if (token := self._token().encode()) else body)

    async def close(self) -> None:
        """Hang up."""
        await self._client.close()
        if self._entra is not None:
            await self._entra.close()

    async def _body(self, request: JsonObject) -> bytes:
        # The SDK's types are held by the strict servers of the tests; here a request is JSON.
        fields: dict[str, Any] = dict(request)
        received = bytearray()
        async with self._client.chat.completions.with_streaming_response.create(**fields) as response:
            async for chunk in response.iter_bytes():
                received += chunk
                if len(received) > LONGEST_BODY:
                    raise Trouble("too_large", f"the answer is over {LONGEST_BODY} bytes", ends=False)
        return bytes(received)

    def _refused(self, error: "APIStatusError") -> NoReturn:
        text = self._unkeyed(error.response.content[:LONGEST_BODY].decode("utf-8", "replace"))
        code, message = _error(text)
        headers = {name.lower(): value for name, value in error.response.headers.items()}
        if error.status_code in _NOT_SO and _NO_TOOLS.search(message):
            message += "; for a model without function calls, write `speaks: json` in a file for --catalogue"
        trouble = of_status(error.status_code, message, headers, now=self._now, code=code)
        if code == "insufficient_quota":
            trouble.again = False
        if error.status_code == 401 and self._entra is not None and not self._renewed:
            self._renewed, trouble.again = True, True
            self._entra.refuse()
        raise trouble from error

    def _unkeyed(self, text: str) -> str:
        return text.replace(token, "(key)") if (token := self._token()) else text

    def _token(self) -> str:
        return self._entra.last if self._entra else ""


def _error(text: str) -> tuple[str, str]:
    """Give a server's own name for an error and its words: OpenAI's, Azure's, vLLM's and Ollama's forms."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return "", clean(text)[:_LONGEST_REASON]
    error = found.get("error", found) if isinstance(found, dict) else found
    if not isinstance(error, dict):
        return "", clean(str(error))[:_LONGEST_REASON]
    message = clean(error.get("message")) or clean(str(error))
    filtered = why_refused(error)
    code = _code(error)
    return code, (f"{message} [{filtered}]" if filtered else message)[:_LONGEST_REASON]


def _code(error: Mapping[str, Any]) -> str:
    match error:
        case {"code": str(code)}:
            return clean(code)[:100]
        case {"innererror": {"code": str(code)}}:
            return clean(code)[:100]
        case _:
            return ""
