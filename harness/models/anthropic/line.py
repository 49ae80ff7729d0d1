"""Sends requests over Anthropic's SDK, once each, and gives the bodies of the answers word for word."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx2
from anthropic import (
    AnthropicError,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncAnthropic,
    AsyncAnthropicBedrock,
    AsyncAnthropicBedrockMantle,
    AsyncAnthropicVertex,
    AsyncAPIResponse,
)
from pydantic import JsonValue

from harness.models.body import parsed
from harness.models.dialect import JsonObject, Trouble
from harness.models.entra import Entra
from harness.models.faults import LONGEST_BODY, of_status

Client = AsyncAnthropic | AsyncAnthropicBedrock | AsyncAnthropicBedrockMantle | AsyncAnthropicVertex
"""Each client of the SDK that has messages; Foundry's is an `AsyncAnthropic`."""


class AnthropicLine:
    """One client of the SDK. A `harness.models.dialect.Line`.

    Args:
        client: the client; it must not retry by itself.
        betas: what stands in the header `anthropic-beta`; nothing for the endpoint without it.
        timeout: seconds for one answer, from the first byte sent to the last received.
        now: the time, for dates in `retry-after`.
        unreached: what is raised where those who give credentials are not reached.
        unauthorized: what is raised where credentials cannot be had.
        tokens: gives the tokens of late, where there is no key.
        entra: where they are from, if that is Microsoft Entra ID.
    """

    def __init__(
        self,
        client: Client,
        *,
        betas: Sequence[str],
        timeout: float,
        now: Callable[[], datetime],
        unreached: tuple[type[Exception], ...] = (),
        unauthorized: tuple[type[Exception], ...] = (),
        tokens: Callable[[], Sequence[str]] = tuple,
        entra: Entra | None = None,
    ) -> None:
        if client.max_retries:
            raise AssertionError("the SDK must not ask again by itself: nobody would record it")
        self._client = client
        self._betas = list(betas)
        self._timeout = timeout
        self._now = now
        self._unreached = unreached
        self._unauthorized = unauthorized
        self._tokens = tokens
        self._entra = entra
        self._renewed = False

    async def send(self, request: JsonObject) -> JsonValue:
        """Send one request, once.

        Raises:
            Trouble: if there is no answer.
        """
        try:
            async with asyncio.timeout(self._timeout):
                body = await self._body(request)
            self._renewed = False
            return parsed(body)
        except APIStatusError as error:
            raise self._of_status(error) from error
        except (APITimeoutError, httpx2.TimeoutException, TimeoutError) as error:
            raise Trouble("timeout", f"no answer in time: {_said(error)}", again=True) from error
        except APIConnectionError as error:
            raise _broken(error.__cause__ or error) from error
        except httpx2.HTTPError as error:
            raise _broken(error) from error
        except self._unreached as error:
            raise Trouble("connection", f"no credentials yet: {_said(error)}", again=True) from error
        except self._unauthorized as error:
            raise Trouble("unauthorized", f"no credentials: {_said(error)}") from error
        except (AnthropicError, TypeError, ValueError, RuntimeError) as error:
            raise Trouble("rejected", f"the SDK did not send it: {_said(error)}") from error

    async def ready(self) -> None:
        """Get a token, where it is Microsoft Entra ID that gives them."""
        if self._entra is not None:
            await self._entra.ready()

    def secrets(self) -> Sequence[str]:
        """Give the tokens of late."""
        return self._tokens() if self._entra is None else self._entra.secrets()

    async def close(self) -> None:
        """Hang up. Safe to call twice."""
        await self._client.close()
        if self._entra is not None:
            await self._entra.close()

    async def _body(self, request: JsonObject) -> bytes:
        fields: Any = request
        if self._betas:
            within = self._client.beta.messages.with_streaming_response.create(**fields, betas=self._betas)
        else:
            within = self._client.messages.with_streaming_response.create(**fields)
        async with within as response:
            return await _read(response)

    def _of_status(self, error: APIStatusError) -> Trouble:
        headers: Mapping[str, str] = {name.lower(): value for name, value in error.response.headers.items()}
        code = error.type if isinstance(error.type, str) else ""
        said = error.api_message if isinstance(error.api_message, str) else error.message
        trouble = of_status(error.status_code, said[:2000], headers, now=self._now, code=code[:100])
        if error.status_code == 401 and self._entra is not None and not self._renewed:
            self._renewed, trouble.again, trouble.after = True, True, 0.0
            self._entra.refuse(str(trouble))
        return trouble


async def _read(response: AsyncAPIResponse[Any]) -> bytes:
    body = bytearray()
    async for piece in response.iter_bytes():
        body += piece
        if len(body) > LONGEST_BODY:
            raise Trouble("too_large", f"the answer is longer than {LONGEST_BODY} bytes", ends=False)
    return bytes(body)


def _broken(error: BaseException) -> Trouble:
    if isinstance(error, httpx2.TimeoutException):
        return Trouble("timeout", f"no answer in time: {_said(error)}", again=True)
    if isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError | httpx2.DecodingError):
        return Trouble("cut_off", f"the answer was cut off: {_said(error)}", again=True)
    return Trouble("connection", f"no connection: {_said(error)}", again=True)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:500]}"
