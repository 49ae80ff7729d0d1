"""How requests get to OpenAI and to Azure OpenAI: over the vendor's own SDK."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import httpx2
import openai
from pydantic import JsonValue

from harness.models.azure_filters import why_refused
from harness.models.body import parsed
from harness.models.dialect import JsonObject, Trouble
from harness.models.faults import LONGEST_BODY, of_status
from harness.models.openai.entra import Entra

_LONGEST: Final = 1_000
_EXPIRED: Final = re.compile("expir|invalid_token", re.IGNORECASE)


class ResponsesLine:
    """Sends each request once: whether it is sent again is decided elsewhere.

    Args:
        client: OpenAI's or Azure's, with its address and key; it retries nothing.
        timeout: seconds for one answer, from the first byte sent to the last received.
        now: the time, for a date in `retry-after`.
        headers: what each request carries besides, or must not carry.
        keys: what must not be seen in any message, such as an API key.
        entra: where the client's tokens are from, if it has no key.
    """

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        *,
        timeout: float,
        now: Callable[[], datetime],
        headers: Mapping[str, str | openai.Omit] | None = None,
        keys: Sequence[str] = (),
        entra: Entra | None = None,
    ) -> None:
        self._client = client
        self._timeout = timeout
        self._now = now
        self._headers = dict(headers or {})
        self._keys = tuple(key for key in keys if key)
        self._entra = entra
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
        except httpx2.RequestError as error:
            raise Trouble("cut_off", self._hidden(f"the answer broke off: {error}"), again=True) from error
        except openai.OpenAIError as error:
            raise Trouble("rejected", self._hidden(str(error)[:_LONGEST])) from error
        self._renewed = False
        return parsed(self._hidden_bytes(body))

    async def close(self) -> None:
        """Hang up. Safe to call twice."""
        await self._client.close()
        if self._entra is not None:
            await self._entra.close()

    async def _exchange(self, request: JsonObject) -> bytes:
        fields: dict[str, Any] = {**request}
        sent = self._client.responses.with_streaming_response.create(
            **fields, extra_headers=self._headers or None
        )
        async with sent as answer:
            body = b""
            async for part in answer.iter_bytes():
                body += part
                if len(body) > LONGEST_BODY:
                    raise Trouble("too_large", f"the answer is longer than {LONGEST_BODY} bytes", ends=False)
        return body

    def _refused(self, error: openai.APIStatusError) -> Trouble:
        said = _error(error.body)
        message, held = said.get("message"), why_refused(said)
        code = "content_filter" if held else said.get("code")
        words = message if isinstance(message, str) and message else error.response.reason_phrase
        trouble = of_status(
            error.status_code,
            self._hidden(words[:_LONGEST] + (f" [{held}]" if held else "")),
            {name.lower(): value for name, value in error.response.headers.items()},
            now=self._now,
            code=code[:80] if isinstance(code, str) else "",
        )
        if code == "insufficient_quota":
            trouble.again = False
        if error.status_code == 401 and self._entra is not None and not self._renewed:
            challenge = error.response.headers.get("www-authenticate", "")
            if _EXPIRED.search(f"{words} {challenge}"):
                self._renewed, trouble.again, trouble.after = True, True, 0.0
                self._entra.refuse()
        return trouble

    def _hidden(self, text: str) -> str:
        for key in self._secrets():
            text = text.replace(key, "(key)")
        return text.encode("utf-8", "replace").decode()

    def _hidden_bytes(self, body: bytes) -> bytes:
        for key in self._secrets():
            body = body.replace(key.encode(), b"(key)")
        return body

    def _secrets(self) -> Sequence[str]:
        token = self._entra.last if self._entra is not None else ""
        return (*self._keys, token) if token else self._keys


def _error(body: object) -> JsonObject:
    """Give the error that a body tells of: the SDK takes it out of its envelope where there is one."""
    if not isinstance(body, dict):
        return {"message": body} if isinstance(body, str) else {}
    inner = body.get("error")
    return inner if isinstance(inner, dict) else body
