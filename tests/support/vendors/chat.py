"""Chat Completions as OpenAI and Azure serve it, held to the SDK's own types.

Every request is checked against `CompletionCreateParamsNonStreaming`: an unknown, a missing or a wrongly
typed field is a 400 in OpenAI's error format. So are the rules that the types do not say: every tool call is
answered before anything else is said, pictures stand in user messages alone and can be decoded, reasoning
models take neither `temperature` nor `max_tokens`, strict schemas are strict. Answers go through the SDK's
`ChatCompletion`.
"""

import base64
import binascii
import io
import json
import re
import types
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, Required, Union, get_args, get_origin

from harness.action import Action
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from typing_extensions import get_type_hints, is_typeddict

Json = dict[str, Any]
_REQUIRED: Any = Required
_DEPRECATED = ("functions", "function_call", "user")
_STRICT_KEYS = {
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "anyOf",
    "enum",
    "description",
}


class WrongError(Exception):
    """A request that the vendor would refuse."""


@dataclass(frozen=True)
class Asked:
    """A request that kept every rule."""

    body: Json
    png: bytes | None
    """The newest screenshot."""
    told: Sequence[str]
    """What became of each call of the last answer."""


Speak = Callable[[Asked], Awaitable[Json | Response]]
"""Gives a message and how it ended, as `message(...)` makes them, or a whole HTTP answer."""


@dataclass
class ChatServer:
    """One server.

    Args:
        speak: the model behind it.
        key: what it wants to be given.
        deployment: makes it Azure, with this deployment.
        strict: OpenAI's rules besides the types; servers of one's own have fewer.
        extra: fields of every answer besides, such as `prompt_filter_results`.
    """

    speak: Speak
    key: str | Callable[[], str] = "sk-canary-1234"
    deployment: str = ""
    strict: bool = True
    extra: Json = field(default_factory=dict)
    bodies: list[Json] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        paths = ["/v1/chat/completions"]
        if self.deployment:
            paths = [f"/openai/deployments/{self.deployment}/chat/completions", "/openai/v1/chat/completions"]
        return Starlette(routes=[Route(path, self.handle, methods=["POST"]) for path in paths])

    async def handle(self, request: Request) -> Response:
        self.headers.append(dict(request.headers))
        key = self.key if isinstance(self.key, str) else self.key()
        given = request.headers.get("api-key") or request.headers.get("authorization", "").removeprefix(
            "Bearer "
        )
        if given != key:
            return problem(401, f"Incorrect API key provided: {given}.", "invalid_api_key")
        if "/deployments/" in request.url.path and not request.query_params.get("api-version"):
            return problem(404, "Resource not found", "404")
        try:
            body = json.loads(await request.body())
            check(body, CompletionCreateParamsNonStreaming, "")
            asked = rules(body, strict=self.strict)
        except (WrongError, ValueError) as error:
            self.refused.append(str(error))
            return problem(400, str(error), "invalid_request_error")
        self.bodies.append(body)
        said = await self.speak(asked)
        if isinstance(said, Response):
            return said
        return JSONResponse(completion(said, len(self.bodies), self.extra))


def problem(status: int, message: str, code: str, headers: Mapping[str, str] | None = None) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return JSONResponse({"error": error}, status, headers=dict(headers or {}))


def message(content: str | None, calls: Sequence[Json] = (), finish: str = "", **fields: Any) -> Json:
    """A message and how it ended."""
    made: Json = {"role": "assistant", "content": content, "refusal": None, "annotations": [], **fields}
    if calls:
        made["tool_calls"] = list(calls)
    return {"message": made, "finish_reason": finish or ("tool_calls" if calls else "stop")}


def tool_call(call_id: str, name: str, arguments: Json | str) -> Json:
    given = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": given}}


def completion(said: Json, number: int = 1, extra: Json | None = None) -> Json:
    """A whole answer, which the SDK's own type must take."""
    usage = {
        "prompt_tokens": 1000 + number,
        "completion_tokens": 20,
        "total_tokens": 1020 + number,
        "prompt_tokens_details": {"cached_tokens": 512, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    choice = {"index": 0, "logprobs": None, **said}
    found = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": "gpt-4o-2024-08-06",
        "choices": [choice],
        "usage": usage,
        "service_tier": "default",
        **(extra or {}),
    }
    ChatCompletion.model_validate(found)
    return found


def rules(body: Json, *, strict: bool) -> Asked:
    """Hold a request to what the types do not say."""
    if strict:
        _openai(body)
    messages = body["messages"]
    if not messages or messages[-1]["role"] == "assistant":
        raise WrongError("messages must end with a user or a tool message")
    pictures = [png for one in messages for png in _pictures(one)]
    told = _conversation(messages)
    return Asked(body, pictures[-1] if pictures else None, told)


def check(value: Any, kind: Any, where: str) -> None:
    """Hold a JSON value to a type of the SDK, recursively; what it does not name is refused."""
    origin, args = get_origin(kind), get_args(kind)
    if kind in (Any, object):
        return
    if is_typeddict(kind):
        _typed_dict(value, kind, where)
    elif origin in (Union, types.UnionType):
        _one_of(value, args, where)
    elif origin is Literal:
        _literal(value, args, where)
    elif origin is dict or (isinstance(origin, type) and issubclass(origin, Mapping)):
        _each(value, dict, args[1], where)
    elif origin is not None and args:
        _each(value, list, args[0], where)
    else:
        _plain(value, kind, where)


def _literal(value: Any, args: Sequence[Any], where: str) -> None:
    if not any(value == one and type(value) is type(one) for one in args):
        raise WrongError(f"Invalid value for '{where}': {value!r}; supported: {args}")


def _each(value: Any, kind: type, inner: Any, where: str) -> None:
    right = type(value) is kind
    if not right:
        raise WrongError(f"Invalid type for '{where}': expected {kind.__name__}, got {type(value).__name__}")
    found: dict[Any, Any] = value if kind is dict else dict(enumerate(value))
    for name, one in found.items():
        check(one, inner, f"{where}[{name}]")


def _plain(value: Any, kind: Any, where: str) -> None:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return
    if kind is type(None) or kind is None:
        right = value is None
    else:
        right = (
            isinstance(kind, type)
            and isinstance(value, kind)
            and (kind is bool or not isinstance(value, bool))
        )
    if not right:
        raise WrongError(f"Invalid type for '{where}': expected {kind}, got {type(value).__name__}")


@cache
def _hints(kind: Any) -> Json:
    return get_type_hints(kind, include_extras=True)


def _typed_dict(value: Any, kind: Any, where: str) -> None:
    if not isinstance(value, dict):
        raise WrongError(f"Invalid type for '{where}': expected an object")
    hints = _hints(kind)
    for name, one in hints.items():
        required = get_origin(one) is _REQUIRED
        inner = get_args(one)[0] if required else one
        if name in value:
            check(value[name], inner, f"{where}.{name}" if where else name)
        elif required:
            raise WrongError(f"Missing required parameter: '{where}.{name}'")
    for name in value:
        if name not in hints:
            raise WrongError(
                f"Unknown parameter: '{where}.{name}'" if where else f"Unknown parameter: '{name}'"
            )


def _one_of(value: Any, kinds: Sequence[Any], where: str) -> None:
    wrong: list[str] = []
    for kind in kinds:
        try:
            return check(value, kind, where)
        except WrongError as error:
            wrong.append(str(error))
    raise WrongError(f"Invalid value for '{where}': {'; '.join(wrong)[:1000]}")


def _openai(body: Json) -> None:
    for name in _DEPRECATED:
        if name in body:
            raise WrongError(f"'{name}' is deprecated")
    if re.match(r"o\d", body["model"]):
        for name in ("max_tokens", "temperature", "parallel_tool_calls", "top_p"):
            if name in body:
                raise WrongError(f"Unsupported parameter: '{name}' is not supported with this model")
    elif "reasoning_effort" in body:
        raise WrongError("Unrecognized request argument supplied: reasoning_effort")
    if "max_tokens" in body and "max_completion_tokens" in body:
        raise WrongError("max_tokens and max_completion_tokens are mutually exclusive")
    for one in body.get("tools", ()):
        function = one["function"]
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", function["name"]):
            raise WrongError(f"Invalid 'tools.function.name': {function['name']!r}")
        _schema(function.get("parameters", {}), strict=bool(function.get("strict")), where=function["name"])
    _response_format(body)


def _response_format(body: Json) -> None:
    match body.get("response_format"):
        case {"type": "json_schema", "json_schema": {"strict": True, "schema": schema}}:
            _schema(schema, strict=True, where="response_format")
        case {"type": "json_object"} if "json" not in json.dumps(body["messages"]).lower():
            raise WrongError("'messages' must contain the word 'json' to use 'json_object'")
        case _:
            pass


def _schema(node: Any, *, strict: bool, where: str) -> None:
    if not isinstance(node, dict):
        return
    if node.get("type") == "array" and "items" not in node:
        raise WrongError(f"Invalid schema for '{where}': array schema missing items")
    for keyword in node:
        if keyword in ("ge", "le", "prefixItems", "$ref") or (strict and keyword not in _STRICT_KEYS):
            raise WrongError(f"Invalid schema for '{where}': {keyword!r} is not permitted")
    properties = node.get("properties", {})
    if strict and node.get("type") == "object":
        if node.get("additionalProperties") is not False:
            raise WrongError(f"Invalid schema for '{where}': 'additionalProperties' must be false")
        if sorted(node.get("required", ())) != sorted(properties):
            raise WrongError(f"Invalid schema for '{where}': 'required' must name every property")
    for name, one in properties.items():
        _schema(one, strict=strict, where=f"{where}.{name}")
    for one in [node.get("items"), *node.get("anyOf", ())]:
        _schema(one, strict=strict, where=where)


def _pictures(said: Json) -> Iterator[bytes]:
    content = said.get("content")
    for part in content if isinstance(content, list) else ():
        if part["type"] != "image_url":
            continue
        if said["role"] != "user":
            raise WrongError(
                f"Image URLs are only allowed for messages with role 'user', not {said['role']!r}"
            )
        head, _, data = part["image_url"]["url"].partition(",")
        try:
            png = base64.b64decode(data, validate=True)
            with Image.open(io.BytesIO(png)) as image:
                image.verify()
        except (binascii.Error, OSError, SyntaxError) as error:
            raise WrongError("Invalid image data") from error
        if head != "data:image/png;base64":
            raise WrongError(f"Invalid image URL: {head[:50]!r}")
        yield png


def _conversation(messages: Sequence[Json]) -> Sequence[str]:
    """Every call is answered, at once and once; give what the newest answers say."""
    open_calls: list[str] = []
    told: list[str] = []
    for place, one in enumerate(messages):
        match one["role"]:
            case "tool":
                if one["tool_call_id"] not in open_calls:
                    raise WrongError(
                        "messages with role 'tool' must answer a preceding message with 'tool_calls'"
                    )
                open_calls.remove(one["tool_call_id"])
                told.append(one["content"])
            case role:
                if open_calls:
                    raise WrongError(f"tool_call_ids without response messages: {', '.join(open_calls)}")
                if role == "assistant":
                    told = []
                    calls = one.get("tool_calls") or []
                    if not calls and not one.get("content"):
                        raise WrongError(f"messages[{place}]: content is empty and there are no tool_calls")
                    open_calls = [call["id"] for call in calls]
                    if len(set(open_calls)) < len(open_calls):
                        raise WrongError("tool_calls ids must be unique")
                    for call in calls:
                        _history(call["function"])
    if open_calls:
        raise WrongError(f"tool_call_ids without response messages: {', '.join(open_calls)}")
    return told


def _history(function: Json) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", function["name"]):
        raise WrongError(f"Invalid 'messages.tool_calls.function.name': {function['name']!r}")
    if not isinstance(json.loads(function["arguments"]), dict):
        raise WrongError("tool_calls.function.arguments must be a JSON object")


def refusals(told: Sequence[str]) -> dict[int, str]:
    """Which of the last calls were not done, by place."""
    return {place: one for place, one in enumerate(told) if re.match(r"refused|failed|not ", one)}


def as_calls(actions: Sequence[Action], step: int) -> Json:
    """Actions as calls of our own functions."""
    calls = [
        tool_call(
            f"call_{step}_{place}",
            one.kind,
            one.model_dump(mode="json", exclude={"kind"}, exclude_defaults=True),
        )
        for place, one in enumerate(actions)
    ]
    return message(None, calls)


def as_json(actions: Sequence[Action]) -> Json:
    """Actions as one JSON object."""
    listed = [one.model_dump(mode="json", exclude_defaults=True) | {"kind": one.kind} for one in actions]
    return message(json.dumps({"thought": "I go on.", "actions": listed}))
