"""Anthropic's Messages API on this machine, strictly: what the SDK's types do not have is 400.

It speaks the API's own URLs, Foundry's and Bedrock Mantle's (`/v1/messages`), Bedrock's (`/model/ID/invoke`)
and Vertex's (`…:rawPredict`), and gives Google's tokens. It keeps the conversation's rules: each call is
answered once, right after it, with its toolset's name; an error holds only text; thinking comes back signed.
"""

import base64
import hashlib
import io
import json
import re
import types
import urllib.parse
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import typing_extensions
from anthropic._constants import ANTHROPIC_API_VERSION
from anthropic.types import Message
from anthropic.types.beta import BetaMessage
from anthropic.types.beta.message_create_params import MessageCreateParamsNonStreaming as BetaParams
from anthropic.types.computer_tool_use_block import ComputerToolUseBlock
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming as Params
from harness.action import Action, Answer, Click, Drag, GiveUp, Hold, Move, Press, Scroll, Type, Wait
from PIL import Image
from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vendors.brain import Brain

KEY: Final = "sk-ant-canary-6b1f"
"""The one key that is let in."""
TOKEN: Final = "ya29.canary-77aa"
"""The one Google token that is let in."""
LONGEST_SIDE: Final = 2576
"""Pixels of the longest side of a picture; a larger one is refused and not scaled."""

Json = dict[str, Any]
Think = Callable[["Asked"], Awaitable[Sequence[Json] | Json | Response]]
"""Gives the blocks of an answer, or a whole answer, or the HTTP response itself."""


class Bad(Exception):  # noqa: N818 - it becomes an answer
    """A request that the vendor refuses."""

    def __init__(self, message: str, status: int = 400, kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class Asked:
    """A request that was let in."""

    def __init__(self, body: Json, tool: Json) -> None:
        self.body = body
        self.tool = tool
        """The computer tool that was declared."""

    @property
    def toolset(self) -> bool:
        return str(self.tool["type"]).startswith("computer_toolset")

    @property
    def picture(self) -> bytes:
        """The newest screenshot."""
        return base64.b64decode(_pictures(self.body["messages"])[-1])

    @property
    def results(self) -> list[Json]:
        """What the last calls were answered."""
        return [one for one in _blocks(self.body["messages"][-1]) if one["type"] == "tool_result"]


class Server:
    """The vendor.

    Args:
        think: gives the answers.
    """

    def __init__(self, think: Think) -> None:
        self._think = think
        self.asked: list[Asked] = []
        self.refused: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self.tokens = 0
        self.app = Starlette(
            routes=[
                Route("/v1/messages", self._own, methods=["POST"]),
                Route("/anthropic/v1/messages", self._own, methods=["POST"]),
                Route("/model/{model}/invoke", self._bedrock, methods=["POST"]),
                Route(
                    "/v1/projects/{project}/locations/{region}/publishers/anthropic/models/{model}:rawPredict",
                    self._vertex,
                    methods=["POST"],
                ),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _own(self, request: Request) -> Response:
        headers = request.headers
        keys = {headers.get("x-api-key", KEY), headers.get("authorization", f"Bearer {KEY}")}
        if keys != {KEY, f"Bearer {KEY}"} or not {"x-api-key", "authorization"} & set(headers):
            return await self._answer(request, None, Bad("invalid x-api-key", 401, "authentication_error"))
        if headers.get("anthropic-version") != ANTHROPIC_API_VERSION:
            return await self._answer(request, None, Bad("anthropic-version: header is required"))
        betas = [one for one in headers.get("anthropic-beta", "").split(",") if one]
        return await self._answer(request, betas, None)

    async def _bedrock(self, request: Request) -> Response:
        signed = re.match(
            r"AWS4-HMAC-SHA256 Credential=AKIDCANARY/\d{8}/eu-west-1/bedrock/aws4_request, ",
            request.headers.get("authorization", ""),
        )
        if not signed:
            return await self._answer(request, None, Bad("not signed", 403, "permission_error"))
        return await self._answer(request, None, None, moved={"model": request.path_params["model"]})

    async def _vertex(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return await self._answer(request, None, Bad("no token", 401, "authentication_error"))
        if (request.path_params["project"], request.path_params["region"]) != ("a-project", "europe-west1"):
            return await self._answer(request, None, Bad("no such project", 404, "not_found_error"))
        betas = [one for one in request.headers.get("anthropic-beta", "").split(",") if one]
        return await self._answer(request, betas, None, moved={"model": request.path_params["model"]})

    async def _token(self, request: Request) -> Response:
        form = urllib.parse.parse_qs((await request.body()).decode())
        self.tokens += 1
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        return JSONResponse({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})

    async def _answer(
        self, request: Request, betas: list[str] | None, bad: Bad | None, moved: Json | None = None
    ) -> Response:
        self.headers.append(dict(request.headers))
        self.paths.append(request.url.path)
        try:
            asked = checked(*_opened(await request.body(), betas, bad, moved))
        except Bad as error:
            self.refused.append(str(error))
            return failure(error.status, error.kind, str(error))
        self.asked.append(asked)
        found = await self._think(asked)
        if isinstance(found, Response):
            return found
        answer = found if isinstance(found, dict) else answered(found, len(self.asked))
        (Message if asked.toolset else BetaMessage).model_validate(answer, strict=True)
        for block in answer["content"]:
            if block.get("toolset_name") == "computer" and block["name"] in _members():
                TypeAdapter(ComputerToolUseBlock).validate_python(block)
        return JSONResponse(answer)


def _opened(
    raw: bytes, betas: list[str] | None, bad: Bad | None, moved: Json | None
) -> tuple[Json, list[str]]:
    if bad is not None:
        raise bad
    body = _json(raw)
    if moved is not None:
        if body.pop("anthropic_version", None) != ANTHROPIC_API_VERSION or "model" in body:
            raise Bad("anthropic_version: Field required")
        if betas is None:
            betas = body.pop("anthropic_beta", [])
        body |= moved
    return body, betas or []


def failure(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error in the vendor's form."""
    error = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    return JSONResponse(error, status_code=status, headers=dict(headers or {}))


def answered(content: Sequence[Json], number: int = 1, **over: Any) -> Json:
    """A whole answer around its blocks."""
    calls = any(one["type"] == "tool_use" for one in content)
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5-5",
        "content": list(content),
        "stop_reason": "tool_use" if calls else "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": 40,
            "cache_read_input_tokens": 1000,
            "cache_creation_input_tokens": 200,
            "output_tokens": 30,
        },
        **over,
    }


def thinking(text: str) -> Json:
    """A signed thought."""
    return {"type": "thinking", "thinking": text, "signature": _signed(text)}


def _signed(text: str) -> str:
    return "sig-" + hashlib.sha256(text.encode()).hexdigest()[:24]


def scripted(*answers: Sequence[Json] | Json | Response) -> Think:
    """Give these answers, one after the other."""
    left = list(answers)

    async def think(asked: Asked) -> Sequence[Json] | Json | Response:
        del asked
        return left.pop(0)

    return think


def thoughtful(brain: Brain) -> Think:
    """Let the local model see the screenshot, and say in the vendor's words what it wants."""
    calls: list[str] = []

    async def think(asked: Asked) -> Sequence[Json]:
        told = {}
        for one in asked.results:
            if one.get("is_error"):
                told[calls.index(one["tool_use_id"])] = str(one["content"][0]["text"])
        actions = await brain.next(asked.picture, told)
        number = len(asked.body["messages"])
        blocks = [spoken(one, f"toolu_{number}_{place}", asked) for place, one in enumerate(actions)]
        calls[:] = [one["id"] for one in blocks]
        return [thinking(f"Step {number}."), {"type": "text", "text": f"Step {number}."}, *blocks]

    return think


def spoken(action: Action, call: str, asked: Asked) -> Json:
    """Write an action as a call of the tool that was declared."""
    block: Json = {"type": "tool_use", "id": call, "caller": {"type": "direct"}}
    if isinstance(action, Answer | GiveUp):
        return {**block, "name": action.kind, "input": action.model_dump(mode="json", exclude={"kind"})}
    name, given = _words(action)
    if asked.toolset:
        return {**block, "name": name, "toolset_name": "computer", "input": given}
    return {**block, "name": "computer", "input": {"action": name, **given}}


def _words(action: Action) -> tuple[str, Json]:
    match action:
        case Click(x=x, y=y, button="left", count=count, modifiers=held):
            name = {1: "left_click", 2: "double_click", 3: "triple_click"}[count]
            return name, {"coordinate": [x, y], **({"text": "+".join(held)} if held else {})}
        case Click(x=x, y=y, button=button):
            return f"{button}_click", {"coordinate": [x, y]}
        case Move(x=x, y=y):
            return "mouse_move", {"coordinate": [x, y]}
        case Drag(path=path):
            start, end = path[0], path[-1]
            return "left_click_drag", {"start_coordinate": [start.x, start.y], "coordinate": [end.x, end.y]}
        case Scroll(x=x, y=y, dx=dx, dy=dy):
            side = ("down" if dy > 0 else "up") if dy else ("right" if dx > 0 else "left")
            clicks = -(-max(abs(dx), abs(dy)) // 120)
            return "scroll", {"coordinate": [x, y], "scroll_direction": side, "scroll_amount": clicks}
        case Type(text=text):
            return "type", {"text": text}
        case Press(keys=keys):
            return "key", {"text": "+".join(keys)}
        case Hold(keys=keys, seconds=seconds):
            return "hold_key", {"text": "+".join(keys), "duration": round(seconds)}
        case Wait(seconds=seconds):
            return "wait", {"duration": max(1, round(seconds))}
        case _:
            return "screenshot", {}


@cache
def _members() -> frozenset[str]:
    variants = get_args(get_args(ComputerToolUseBlock)[0])
    return frozenset(get_args(one.model_fields["name"].annotation)[0] for one in variants)


def _json(body: bytes) -> Json:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise Bad("The request body is not valid JSON") from error
    if not isinstance(found, dict):
        raise Bad("The request body is not an object")
    return found


def checked(body: Json, betas: Sequence[str]) -> Asked:
    """Let a request in, or refuse it."""
    typed(
        BetaParams if betas else Params, body, "request", apart=("betas", "user_profile_id", "workspace_id")
    )
    tools = body["tools"]
    computers = [one for one in tools if str(one.get("type", "")).startswith("computer")]
    if len(computers) != 1:
        raise Bad("tools: one computer tool is wanted here")
    tool = computers[0]
    wanted = {"computer_20250124": "computer-use-2025-01-24", "computer_20251124": "computer-use-2025-11-24"}
    if wanted.get(tool["type"], "") != ",".join(betas):
        raise Bad(f"tools: Input tag {tool['type']!r} does not match the expected tags")
    names = [one["name"] for one in tools if "name" in one]
    if len(set(names)) < len(names):
        raise Bad("tools: Tool names must be unique")
    if json.dumps(body).count('"cache_control": {') > 4:
        raise Bad("A maximum of 4 blocks with cache_control may be provided")
    conversation(body["messages"])
    for data in _pictures(body["messages"]):
        size = _size(data)
        if max(size) > LONGEST_SIDE:
            raise Bad(f"image: at most {LONGEST_SIDE} pixels a side, not {size}")
    shown = _size(_pictures(body["messages"])[-1])
    if shown != (tool.get("display_width_px", shown[0]), tool.get("display_height_px", shown[1])):
        raise Bad(f"tools: display_width_px and display_height_px are not those of the screenshot, {shown}")
    return Asked(body, tool)


def conversation(messages: Sequence[Json]) -> None:
    """Refuse what breaks the order of question and answer."""
    if not messages or messages[0]["role"] != "user" or messages[-1]["role"] != "user":
        raise Bad("messages: first and last message must use the user role")
    owed: dict[str, Json] = {}
    for place, message in enumerate(messages):
        blocks = _blocks(message)
        if not blocks:
            raise Bad(f"messages.{place}: all messages must have non-empty content")
        for block in blocks:
            if block["type"] == "text" and not block["text"].strip():
                raise Bad(f"messages.{place}: text content blocks must be non-empty")
        if message["role"] == "assistant":
            if owed or (place and messages[place - 1]["role"] == "assistant"):
                raise Bad(f"messages.{place}: roles must alternate")
            owed = _said(blocks, place)
            continue
        _replied(blocks, owed, place)
        owed = {}


def _said(blocks: Sequence[Json], place: int) -> dict[str, Json]:
    if blocks[-1]["type"] in ("thinking", "redacted_thinking"):
        raise Bad(f"messages.{place}: The final block in an assistant message cannot be `thinking`")
    for block in blocks:
        if block["type"] == "thinking" and block["signature"] != _signed(block["thinking"]):
            raise Bad(f"messages.{place}: Invalid `signature` in `thinking` block")
    uses = [one for one in blocks if one["type"] == "tool_use"]
    owed = {one["id"]: one for one in uses}
    if len(owed) < len(uses):
        raise Bad(f"messages.{place}: `tool_use` ids must be unique")
    return owed


def _replied(blocks: Sequence[Json], owed: Mapping[str, Json], place: int) -> None:
    results = [one for one in blocks if one["type"] == "tool_result"]
    if results != list(blocks[: len(results)]):
        raise Bad(f"messages.{place}: tool_result blocks must come first")
    given = [one["tool_use_id"] for one in results]
    if sorted(given) != sorted(owed):
        raise Bad(f"messages.{place}: `tool_use` ids {sorted(owed)} need one `tool_result` each, not {given}")
    for result in results:
        name = owed[result["tool_use_id"]].get("toolset_name")
        if result.get("toolset_name") != name:
            raise Bad(f"messages.{place}: toolset_name must be {name!r}, not {result.get('toolset_name')!r}")
        inside = result.get("content", "")
        kinds = {"text"} if isinstance(inside, str) else {one["type"] for one in inside}
        if result.get("is_error") and (kinds != {"text"} or not inside):
            raise Bad(f"messages.{place}: all content must be type text if is_error is true")


def _blocks(message: Json) -> list[Json]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _pictures(messages: Iterable[Json]) -> list[str]:
    found = []
    for message in messages:
        for block in _blocks(message):
            inside = block.get("content") if block["type"] == "tool_result" else [block]
            if isinstance(inside, list):
                found += [one["source"]["data"] for one in inside if one["type"] == "image"]
    return found


@cache
def _size(data: str) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as image:
            image.verify()
            return image.size
    except (ValueError, OSError, SyntaxError) as error:
        raise Bad("image: Could not process image") from error


def typed(kind: Any, value: Any, where: str, apart: Sequence[str] = ()) -> None:
    """Refuse a value that one of the SDK's request types would not have."""
    origin = get_origin(kind)
    if origin in (Annotated, typing_extensions.Required, typing_extensions.NotRequired):
        typed(get_args(kind)[0], value, where)
    elif typing_extensions.is_typeddict(kind):
        _typed_dict(kind, value, where, apart)
    elif origin in (Union, types.UnionType):
        _typed_union(get_args(kind), value, where)
    elif origin is Literal:
        if value not in get_args(kind):
            raise Bad(f"{where}: Input should be one of {get_args(kind)}")
    elif origin is not None:
        _typed_many(origin, get_args(kind), value, where)
    elif kind not in (Any, object):
        wanted = type(None) if kind is None else kind
        right = isinstance(value, wanted) or (wanted is float and isinstance(value, int))
        if not right or (isinstance(value, bool) and wanted is not bool):
            raise Bad(f"{where}: Input should be {wanted.__name__}")


def _typed_many(origin: Any, of: Sequence[Any], value: Any, where: str) -> None:
    wanted = dict if origin is dict else list
    if not isinstance(value, wanted):
        raise Bad(f"{where}: Input should be a {wanted.__name__}")
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in inside:
        typed(of[-1], one, f"{where}.{name}")


def _typed_dict(kind: Any, value: Any, where: str, apart: Sequence[str]) -> None:
    if not isinstance(value, dict):
        raise Bad(f"{where}: Input should be an object")
    hints = _hints(kind)
    for name in value:
        if name in apart or (name not in hints and kind.__name__ != "InputSchemaTyped"):
            raise Bad(f"{where}.{name}: Extra inputs are not permitted")
    for name in kind.__required_keys__ | {n for n, h in hints.items() if _required(h)}:
        if name not in value:
            raise Bad(f"{where}.{name}: Field required")
    for name, one in value.items():
        if name in hints:
            typed(hints[name], one, f"{where}.{name}")


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return typing_extensions.get_type_hints(kind, include_extras=True)


def _required(hint: Any) -> bool:
    return get_origin(hint) is typing_extensions.Required


def _typed_union(kinds: Sequence[Any], value: Any, where: str) -> None:
    said = []
    for kind in kinds:
        if isinstance(value, dict) and typing_extensions.is_typeddict(kind) and not _tagged(kind, value):
            continue
        try:
            typed(kind, value, where)
        except Bad as error:
            said.append(str(error))
        except TypeError:
            # Files and paths have no JSON.
            continue
        else:
            return
    raise Bad(said[0] if len(said) == 1 else f"{where}: {'; '.join(said) or 'no type of that tag'}")


def _tagged(kind: Any, value: Json) -> bool:
    """Whether a type's tag is this value's, so that the message speaks of the right one."""
    for name in ("type", "role"):
        hint = _hints(kind).get(name)
        while get_origin(hint) in (typing_extensions.Required, Annotated):
            hint = get_args(hint)[0]
        if get_origin(hint) is Literal and name in value and value[name] not in get_args(hint):
            return False
    return True
