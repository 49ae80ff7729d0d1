"""How requests get to OpenAI, to Azure and to servers that speak like them: over OpenAI's own SDK."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Final

import httpx2
import openai
from pydantic import JsonValue

from harness.models.azure_filters import why_refused
from harness.models.body import clean, parsed
from harness.models.dialect import JsonObject, Trouble
from harness.models.faults import LONGEST_BODY, of_status
from harness.models.openai.clients import Client

Create = Callable[..., AbstractAsyncContextManager[openai.AsyncAPIResponse[Any]]]
"""What makes a request of the SDK's: `create` of a resource's `with_streaming_response`."""
_LONGEST: Final = 1_000
_NO_TOOLS: Final = re.compile(
    r"tools?\b.{0,80}not support|not support.{0,40}\btools?\b|tool-call-parser|no endpoints.*tool",
    re.IGNORECASE,
)
"""What servers such as Ollama and vLLM say of a model, or a start, without function calls."""


class OpenAILine:
    """Sends each request once: whether it is sent again is decided elsewhere.

    A `harness.models.dialect.Line`.

    Args:
        client: whose server, with its address and key.
        create: the one resource of the client that is called.
        timeout: seconds for one answer, from the first byte sent to the last received.
        now: the time, for a date in `retry-after`.
    """

    def __init__(
        self, client: Client, create: Create, *, timeout: float, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._create = create
        self._timeout = timeout
        self._now = now
        self._renewed = False

    async def send(self, request: JsonObject) -> JsonValue:
        """Send one request, once, and give the body of its answer.

        Raises:
            Trouble: if there is none.
        """
        try:
            async with asyncio.timeout(self._timeout):
                body = await self._exchange(request)
        except (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException) as error:
            raise Trouble("timeout", f"no whole answer within {self._timeout:g} s", again=True) from error
        except openai.APIStatusError as error:
            raise self._refused(error) from error
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, Trouble):
                raise error.__cause__ from error
            cause = error.__cause__ or error
            raise Trouble("connection", self._hidden(f"{error} {cause}"), again=True) from error
        except httpx2.HTTPError as error:
            said = f"the answer broke off: {type(error).__name__}: {error}"
            raise Trouble("cut_off", self._hidden(said), again=True) from error
        except (openai.OpenAIError, httpx2.InvalidURL) as error:
            raise Trouble("rejected", self._hidden(str(error)[:_LONGEST])) from error
        self._renewed = False
        for secret in self._client.secrets():
            body = body.replace(secret.encode(), b"(key)")
        return parsed(body)

    async def ready(self) -> None:
        """Get a token, where there is no key."""
        if self._client.entra is not None:
            await self._client.entra.ready()

    def secrets(self) -> tuple[str, ...]:
        """Give keys and tokens."""
        return self._client.secrets()

    async def close(self) -> None:
        """Hang up. Safe to call twice."""
        await self._client.close()

    async def _exchange(self, request: JsonObject) -> bytes:
        # The SDK's types are held by the strict servers of the tests; here a request is JSON.
        fields: dict[str, Any] = dict(request)
        received = bytearray()
        async with self._create(**fields) as answer:
            async for part in answer.iter_bytes():
                received += part
                if len(received) > LONGEST_BODY:
                    raise Trouble("too_large", f"the answer is longer than {LONGEST_BODY} bytes", ends=False)
        return bytes(received)

    def _refused(self, error: openai.APIStatusError) -> Trouble:
        text = self._hidden(error.response.content[:LONGEST_BODY].decode("utf-8", "replace"))
        code, message = _error(text)
        if error.status_code in (400, 404, 422) and _NO_TOOLS.search(message):
            message += "; for a model without function calls, write `speaks: json` in a file for --catalogue"
        headers = {name.lower(): value for name, value in error.response.headers.items()}
        said = message or clean(error.response.reason_phrase)
        trouble = of_status(error.status_code, said, headers, now=self._now, code=code)
        if code == "insufficient_quota":
            trouble.again = False
        tokens = self._client.entra
        if error.status_code == 401 and tokens is not None and not self._renewed:
            self._renewed, trouble.again, trouble.after = True, True, 0.0
            tokens.refuse(str(trouble))
        return trouble

    def _hidden(self, text: str) -> str:
        for secret in self._client.secrets():
            text = text.replace(secret, "(key)")
        return clean(text)


def responses_line(client: Client, *, timeout: float, now: Callable[[], datetime]) -> OpenAILine:
    """Make the line to the Responses API."""
    create = client.sdk.responses.with_streaming_response.create
    return OpenAILine(client, create, timeout=timeout, now=now)


def chat_line(client: Client, *, timeout: float, now: Callable[[], datetime]) -> OpenAILine:
    """Make the line to the Chat Completions API."""
    create = client.sdk.chat.completions.with_streaming_response.create
    return OpenAILine(client, create, timeout=timeout, now=now)


def _error(text: str) -> tuple[str, str]:
    """Give a server's own name for an error and its words: OpenAI's, Azure's, vLLM's and Ollama's forms."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return "", clean(text)[:_LONGEST]
    error = found.get("error", found) if isinstance(found, dict) else found
    if not isinstance(error, dict):
        return "", clean(str(error))[:_LONGEST]
    message = (clean(error.get("message")) or clean(str(error)))[:_LONGEST]
    held = why_refused(error)
    return ("content_filter", f"{message} [{held[:_LONGEST]}]") if held else (_code(error), message)


def _code(error: Mapping[str, Any]) -> str:
    match error:
        case {"code": str(code)}:
            return clean(code)[:100]
        case {"innererror": {"code": str(code)}}:
            return clean(code)[:100]
        case _:
            return ""
