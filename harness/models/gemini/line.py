"""How a request gets to Gemini: the SDK's asynchronous client, asked once, its answer kept word for word."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pydantic import JsonValue

from harness.models.body import parsed
from harness.models.dialect import JsonObject, Trouble
from harness.models.faults import LONGEST_BODY, of_status

if TYPE_CHECKING:
    import httpx2
    from google.auth.credentials import Credentials
    from google.genai import Client
    from google.genai.errors import APIError
    from google.genai.types import Content, GenerateContentConfig

_RETRY_INFO: Final = "type.googleapis.com/google.rpc.RetryInfo"


def http_client(timeout: float) -> "httpx2.AsyncClient":
    """Make the HTTP client that the SDK uses here: it reads no more of an answer than anybody means.

    It follows no redirect, so that a key goes nowhere else.

    Args:
        timeout: seconds for a connection, and between two pieces of an answer.
    """
    import httpx2  # noqa: PLC0415 - the SDK and what it needs are loaded only when used

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        async def __aiter__(self) -> Any:
            size = 0
            async for chunk in self._inner:
                size += len(chunk)
                if size > LONGEST_BODY:
                    raise Trouble("too_large", f"an answer of more than {LONGEST_BODY} bytes", ends=False)
                yield chunk

        async def aclose(self) -> None:
            await self._inner.aclose()

    async def bound(response: "httpx2.Response") -> None:
        packed = response.headers.get("content-encoding", "identity")
        if packed != "identity":
            raise Trouble("malformed", f"the answer is packed with {packed[:80]!r}", again=True, ends=False)
        response.stream = Bounded(response.stream)

    # What is packed could be small on the wire and endless in memory.
    headers = {"accept-encoding": "identity"}
    return httpx2.AsyncClient(timeout=timeout, headers=headers, event_hooks={"response": [bound]})


class GeminiLine:
    """One model behind one client. A `harness.models.dialect.Line`.

    Args:
        client: the SDK's client, over `http`.
        http: what it sends with; closed with the line.
        model: the vendor's name of the model.
        timeout: seconds for one whole answer.
        now: gives the time.
        credentials: what gives tokens, where there is no key.
    """

    def __init__(
        self,
        client: "Client",
        http: "httpx2.AsyncClient",
        model: str,
        *,
        timeout: float,
        now: Callable[[], datetime],
        credentials: "Credentials | None" = None,
    ) -> None:
        self._client = client
        self._http = http
        self._credentials = credentials
        self._model = model
        self._timeout = timeout
        self._now = now

    async def send(self, request: JsonObject) -> JsonValue:
        """Send `contents` and `config`; give the JSON of the answer."""
        import httpx2  # noqa: PLC0415 - the SDK and what it needs are loaded only when used
        from google.auth import exceptions as auth  # noqa: PLC0415
        from google.genai import errors  # noqa: PLC0415

        contents, config = _typed(request)
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._client.aio.models.generate_content(
                    model=self._model, contents=contents, config=config
                )
        except errors.APIError as error:
            raise self._refused(error) from error
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise Trouble("timeout", f"no answer within {self._timeout:g} s", again=True) from error
        except (httpx2.ConnectError, auth.TransportError) as error:
            raise Trouble("connection", f"no connection: {_said(error)}", again=True) from error
        except auth.GoogleAuthError as error:
            raise Trouble(
                "unauthorized", f"no access token: {_said(error)}", again=error.retryable
            ) from error
        except httpx2.TransportError as error:
            raise Trouble("cut_off", f"the answer broke off: {_said(error)}", again=True) from error
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            # The SDK reads the body of an error as it comes: whatever shape it has, it is no answer.
            _malformed(f"the SDK could not read the answer: {_said(error)}", error)
        http = response.sdk_http_response
        return parsed(((http and http.body) or "").encode(errors="replace"))

    async def ready(self) -> None:
        """Nothing is needed that was not looked for when the client was made."""

    def secrets(self) -> tuple[str, ...]:
        """Give the token of the moment, where there is no key."""
        token = self._credentials.token if self._credentials is not None else None
        return (token,) if token else ()

    async def close(self) -> None:
        """Hang up. Safe to call twice."""
        await self._http.aclose()
        self._client.close()

    def _refused(self, error: "APIError") -> Trouble:
        import httpx2  # noqa: PLC0415

        message, status = _text(error.message) or "(no message)", _text(error.status)
        if error.code < 400:
            return Trouble("malformed", f"HTTP {error.code}: {message}", again=True, ends=False)
        found = error.response.headers if isinstance(error.response, httpx2.Response) else {}
        headers = {name.lower(): value for name, value in found.items()}
        delay = _delay(error.details)
        if delay and "retry-after" not in headers:
            headers["retry-after"] = delay
        return of_status(error.code, message, headers, now=self._now, code=status)


def _typed(request: JsonObject) -> "tuple[list[Content], GenerateContentConfig]":
    from google.genai import types  # noqa: PLC0415

    said = request["contents"]
    found = said if isinstance(said, list) else []
    try:
        # Bytes stand as base64 in JSON, and only there do the SDK's types read them so.
        contents = [types.Content.model_validate_json(json.dumps(one)) for one in found]
        config = types.GenerateContentConfig.model_validate_json(json.dumps(request["config"]))
    except ValueError as error:
        raise Trouble("rejected", f"the SDK does not take the request: {_said(error)}") from error
    return contents, config.model_copy(
        update={
            "should_return_http_response": True,
            "automatic_continuation": False,
            "automatic_function_calling": types.AutomaticFunctionCallingConfig(disable=True),
        }
    )


def _malformed(message: str, error: Exception) -> NoReturn:
    raise Trouble("malformed", message, again=True, ends=False) from error


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ").splitlines()[0][:300]


def _text(value: object) -> str:
    return value[:1000].encode(errors="replace").decode() if isinstance(value, str) else ""


def _delay(details: object) -> str:
    """Give the seconds that an error of Google's names in its details, as digits; empty if it names none."""
    match details:
        case {"error": {"details": [*found]}}:
            pass
        case _:
            return ""
    for one in found:
        if isinstance(one, Mapping) and one.get("@type") == _RETRY_INFO:
            return _text(one.get("retryDelay")).removesuffix("s")
    return ""
