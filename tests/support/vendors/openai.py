"""OpenAI's and Azure OpenAI's Responses API on this machine, kept strictly.

Each request is held against the SDK's own request types, and against the rules of a conversation: what is
sent back is what was answered, each call has its output, each safety check of it is acknowledged, and no
reasoning stands alone. Each answer is held against the SDK's answer types. What is wrong gets an error in the
vendor's own form.
"""

import base64
import json
import re
import types
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import typing_extensions
from harness.action import Action, Answer, Click, Drag, GiveUp, Move, Press, Scroll, Type, Wait
from harness.screen import Screenshot
from openai.types.responses import Response as Answered
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from openai.types.responses.response_input_item_param import ResponseInputItemParam
from pydantic import JsonValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vendors.brain import Brain

Item = dict[str, Any]
OLDEST = "2025-03-01"
"""The first dated version that has the Responses API."""
SAFE: JsonValue = {
    "hate": {"filtered": False, "severity": "safe"},
    "sexual": {"filtered": False, "severity": "safe"},
    "violence": {"filtered": False, "severity": "safe"},
    "self_harm": {"filtered": False, "severity": "safe"},
    "jailbreak": {"filtered": False, "detected": False},
    "indirect_attack": {"filtered": False, "detected": False},
}


@dataclass
class Raw:
    """An answer that is sent as it is."""

    status: int
    body: JsonValue | bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Output:
    """The items of an answer, and what else is in it."""

    items: Sequence[Item]
    more: Mapping[str, JsonValue] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818 - it is an answer
    """A request that the vendor refuses."""

    def __init__(self, message: str, *, status: int = 400, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Vendor:
    """The server.

    Args:
        brain: says what to do, once the script is at its end.
        script: what is answered first, one a request.
        tool: the computer tool that the model was trained for.
        models: names of models or deployments.
        keys: what is taken in `Authorization` of OpenAI and in `api-key` of Azure.
        tokens: what is taken in `Authorization` of Azure; others are called expired.
        checks: pending safety checks, by the number of the computer call from 1.
        outputs: types that a screenshot may have.
        heard: is called with each request's body before anything else.
    """

    def __init__(
        self,
        *,
        brain: Brain | None = None,
        script: Iterable[Raw | Output] = (),
        tool: Literal["computer", "computer_use_preview"] = "computer",
        models: Sequence[str] = ("gpt-test",),
        keys: Sequence[str] = ("sk-canary",),
        tokens: Iterable[str] = (),
        checks: Mapping[int, Sequence[Item]] | None = None,
        outputs: Sequence[str] = ("computer_screenshot",),
        heard: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.requests: list[Item] = []
        self.refused: list[str] = []
        self.auth: list[str] = []
        self.tokens = set(tokens)
        self._brain = brain
        self._script = list(script)
        self._tool = tool
        self._models = models
        self._keys = keys
        self._checks = dict(checks or {})
        self._outputs = outputs
        self.heard = heard
        self._issued: dict[str, Item] = {}
        self._after: dict[str, str] = {}
        self._stored: dict[str, list[Item]] = {}
        self._count = 0
        self._computer_calls = 0
        self._queue: list[Action] = []
        self.app = Starlette(
            routes=[
                Route("/v1/responses", self._openai, methods=["POST"]),
                Route("/openai/v1/responses", self._azure_v1, methods=["POST"]),
                Route("/openai/responses", self._azure_dated, methods=["POST"]),
            ]
        )

    async def _openai(self, request: Request) -> Response:
        given = request.headers.get("authorization", "")
        self.auth.append(given)
        if "api-key" in request.headers or given.removeprefix("Bearer ") not in self._keys:
            return _error(
                Refused(f"Incorrect API key provided: {given[-6:]}.", status=401, code="invalid_api_key")
            )
        return await self._answer(request, azure=False)

    async def _azure_v1(self, request: Request) -> Response:
        if request.query_params.get("api-version", "preview") not in ("preview", "latest"):
            return _error(Refused("API version not supported", code="BadRequest"))
        return await self._azure(request)

    async def _azure_dated(self, request: Request) -> Response:
        version = request.query_params.get("api-version", "")
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(-preview)?", version) or version[:10] < OLDEST:
            return _error(Refused("Resource not found", status=404, code="404"))
        return await self._azure(request)

    async def _azure(self, request: Request) -> Response:
        key, bearer = request.headers.get("api-key"), request.headers.get("authorization")
        self.auth.append(str(key or bearer))
        if (key is None) == (bearer is None):
            return _error(Refused("exactly one of api-key and Authorization", status=401, code="401"))
        if key is not None and key not in self._keys:
            return _error(Refused("Access denied due to invalid subscription key", status=401, code="401"))
        if bearer is not None and bearer.removeprefix("Bearer ") not in self.tokens:
            said = "Unauthorized. Access token is missing, invalid, audience is incorrect, or have expired."
            return _error(Refused(said, status=401, code="401"))
        return await self._answer(request, azure=True)

    async def _answer(self, request: Request, *, azure: bool) -> Response:
        if self.heard is not None:
            await self.heard()
        body = json.loads(await request.body())
        try:
            conversation = self._admitted(body)
        except Refused as error:
            self.refused.append(str(error))
            return _error(error)
        self.requests.append(body)
        found = self._script.pop(0) if self._script else Output(await self._thought(conversation))
        if isinstance(found, Raw):
            raw = found.body if isinstance(found.body, bytes) else json.dumps(found.body).encode()
            return Response(raw, found.status, dict(found.headers), "application/json")
        output = self._issue(
            found.items, encrypted="reasoning.encrypted_content" in (body.get("include") or [])
        )
        answer = self._whole(body, output)
        if azure:
            answer["content_filters"] = [
                {"blocked": False, "source_type": kind, "content_filter_results": SAFE}
                for kind in ("prompt", "completion")
            ]
        answer.update(found.more)
        Answered.model_validate(answer)
        if body.get("store", True):
            self._stored[answer["id"]] = [*conversation, *output]
        return JSONResponse(answer)

    def _admitted(self, body: Item) -> list[Item]:
        self._typed(body)
        if body["model"] not in self._models:
            raise Refused(
                f"The model {body['model']!r} does not exist", status=404, code="DeploymentNotFound"
            )
        before: list[Item] = []
        if body.get("previous_response_id") is not None:
            found = self._stored.get(body["previous_response_id"])
            if found is None:
                raise Refused("Previous response not found.", code="previous_response_not_found")
            before = found
        if not body["input"]:
            raise Refused("'input' is empty")
        conversation = [*before, *body["input"]]
        self._kept(conversation, stored=bool(body.get("store", True)))
        size = Screenshot.of(_newest(body["input"]))
        computers = [one for one in body["tools"] if one["type"].startswith("computer")]
        if [one["type"] for one in computers] != [self._tool]:
            raise Refused(f"Tool {computers!r} is not supported with {body['model']}.")
        if self._tool == "computer_use_preview":
            if body.get("truncation") != "auto":
                raise Refused("Computer use requires truncation 'auto'.")
            if (computers[0]["display_width"], computers[0]["display_height"]) != (size.width, size.height):
                raise Refused("the display is not the size of the screenshot")
        return conversation

    def _typed(self, body: Item) -> None:
        items = body.get("input")
        for place, item in enumerate(items if isinstance(items, list) else []):
            given = dict(item) if isinstance(item, dict) else item
            if isinstance(given, dict) and given.get("type") == "computer_call" and "actions" in given:
                # The SDK says that the current tool may leave this out, though its type requires it.
                given.setdefault("pending_safety_checks", [])
            if isinstance(given, dict) and given.get("type") == "computer_call_output":
                shown = given.get("output")
                if isinstance(shown, dict) and shown.get("type") not in self._outputs:
                    raise Refused(f"Invalid value: {shown.get('type')!r} of 'input[{place}].output.type'")
                if isinstance(shown, dict):
                    given["output"] = {**shown, "type": "computer_screenshot"}
            problem = wrong(given, ResponseInputItemParam, f"input[{place}]")
            if problem:
                raise Refused(problem, code="unknown_parameter")
        problem = wrong({**body, "input": []}, ResponseCreateParamsNonStreaming, "body")
        if problem or not isinstance(items, list):
            raise Refused(problem or "'input' is a list here", code="unknown_parameter")

    def _kept(self, items: Sequence[Item], *, stored: bool) -> None:
        """Hold a conversation against its rules."""
        unanswered: dict[str, Item] = {}
        ids: set[str] = set()
        for place, item in enumerate(items):
            if item.get("id") is not None:
                before = items[place - 1].get("id") if place else None
                self._returned(item, before, ids)
                ids.add(item["id"])
            match item.get("type", "message"):
                case "reasoning":
                    after = items[place + 1].get("id") if place + 1 < len(items) else None
                    self._reasoning(item, after, stored=stored)
                case "computer_call" | "function_call":
                    unanswered[item["call_id"]] = item
                case "computer_call_output" | "function_call_output":
                    self._outcome(item, unanswered.pop(item["call_id"], None))
                case _ if unanswered:
                    raise Refused(f"No tool output found for call {next(iter(unanswered))}.")
        if unanswered:
            raise Refused(f"No tool output found for call {next(iter(unanswered))}.")

    def _returned(self, item: Item, before: str | None, ids: set[str]) -> None:
        name = item["id"]
        if self._issued.get(name) != item:
            raise Refused(f"Item with id {name!r} is not what was answered.")
        if name in ids:
            raise Refused(f"Duplicate item found with id {name!r}.")
        needed = self._after.get(name)
        if needed is not None and before != needed:
            raise Refused(f"Item {name!r} was provided without its required 'reasoning' item: {needed!r}.")

    def _reasoning(self, item: Item, after: str | None, *, stored: bool) -> None:
        name = item["id"]
        if after is None or self._after.get(after) != name:
            raise Refused(f"Item {name!r} was provided without its required following item.")
        if not stored and not item.get("encrypted_content"):
            raise Refused(f"Item {name!r} not found: items are not persisted when 'store' is false.")

    @staticmethod
    def _outcome(item: Item, call: Item | None) -> None:
        if call is None or f"{call['type']}_output" != item["type"]:
            raise Refused(f"No tool call found for call_id {item['call_id']}.")
        if call["type"] == "function_call":
            return
        pending = {one["id"] for one in call.get("pending_safety_checks") or []}
        passed = {one["id"] for one in item.get("acknowledged_safety_checks") or []}
        if pending - passed:
            raise Refused(f"Computer tool has unacknowledged safety check for {sorted(pending - passed)}")
        if passed - pending:
            raise Refused(f"There is no safety check {sorted(passed - pending)}")
        if not item["output"].get("image_url", "").startswith("data:image/png;base64,"):
            raise Refused("'output.image_url' is no PNG")

    async def _thought(self, conversation: Sequence[Item]) -> list[Item]:
        if self._brain is None:
            raise AssertionError("the script is at its end, and there is no brain")
        if not self._queue:
            told = _told(conversation)
            self._queue = list(await self._brain.next(_newest(conversation), told))
        if isinstance(self._queue[0], Answer | GiveUp):
            return [_function(self._queue.pop(0))]
        taken = 1 if self._tool == "computer_use_preview" else len(self._queue)
        moves, self._queue = self._queue[:taken], self._queue[taken:]
        return [
            thought(f"I do {len(moves)}."),
            computer(*map(written, moves), one=self._tool == "computer_use_preview"),
        ]

    def _issue(self, items: Sequence[Item], *, encrypted: bool) -> list[Item]:
        found: list[Item] = []
        for given in items:
            self._count += 1
            item = dict(given)
            item.setdefault("id", f"{item['type'][:2]}_{self._count}")
            match item["type"]:
                case "computer_call":
                    self._computer_calls += 1
                    item.setdefault("call_id", f"call_{self._count}")
                    item.setdefault("status", "completed")
                    item.setdefault("pending_safety_checks", list(self._checks.get(self._computer_calls, [])))
                case "function_call":
                    item.setdefault("call_id", f"call_{self._count}")
                case "reasoning":
                    item["encrypted_content"] = f"gAAA{self._count}" if encrypted else None
            if found and found[-1]["type"] == "reasoning":
                self._after[item["id"]] = found[-1]["id"]
            self._issued[item["id"]] = item
            found.append(item)
        return found

    def _whole(self, body: Item, output: Sequence[Item]) -> Item:
        self._count += 1
        return {
            "id": f"resp_{self._count}",
            "object": "response",
            "created_at": 1_790_000_000,
            "status": "completed",
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "model": body["model"],
            "output": list(output),
            "parallel_tool_calls": body.get("parallel_tool_calls", True),
            "previous_response_id": body.get("previous_response_id"),
            "tool_choice": "auto",
            "tools": [],
            "usage": {
                "input_tokens": 1000,
                "input_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 0},
                "output_tokens": 20,
                "output_tokens_details": {"reasoning_tokens": 10},
                "total_tokens": 1020,
            },
        }


def computer(*actions: Item, one: bool = False, **more: Any) -> Item:
    """A computer call: of the preview, which has one action, or of the current tool."""
    return {
        "type": "computer_call",
        **({"action": actions[0]} if one else {"actions": list(actions)}),
        **more,
    }


def written(action: Action) -> Item:
    """An action in the vendor's words."""
    match action:
        case Click(x=x, y=y, count=2):
            return {"type": "double_click", "x": x, "y": y, "keys": None}
        case Click(x=x, y=y, button=button, count=1):
            return {"type": "click", "x": x, "y": y, "button": "wheel" if button == "middle" else button}
        case Move(x=x, y=y):
            return {"type": "move", "x": x, "y": y}
        case Drag(path=path):
            return {"type": "drag", "path": [{"x": one.x, "y": one.y} for one in path]}
        case Scroll(x=x, y=y, dx=dx, dy=dy):
            return {"type": "scroll", "x": x, "y": y, "scroll_x": dx, "scroll_y": dy}
        case Type(text=text):
            return {"type": "type", "text": text}
        case Press(keys=keys):
            return {"type": "keypress", "keys": [key.upper() for key in keys]}
        case Wait():
            return {"type": "wait"}
        case _:
            raise AssertionError(f"OpenAI has no {action.kind}")


def message(text: str, **more: Any) -> Item:
    """Words of the model."""
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "role": "assistant", "status": "completed", "content": [part], **more}


def thought(text: str) -> Item:
    """What a model reasons, summed up."""
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}


def function(name: str, arguments: Mapping[str, JsonValue]) -> Item:
    """A call of one of our functions."""
    return {"type": "function_call", "name": name, "arguments": json.dumps(arguments), "status": "completed"}


def _function(action: Action) -> Item:
    return function(action.kind, action.model_dump(mode="json", exclude={"kind"}))


def _newest(items: Sequence[Item]) -> bytes:
    """The newest screenshot of a conversation."""
    for item in reversed(items):
        parts = item["content"] if isinstance(item.get("content"), list) else [item.get("output")]
        for part in reversed(parts):
            if isinstance(part, dict) and isinstance(part.get("image_url"), str):
                return base64.b64decode(
                    part["image_url"].removeprefix("data:image/png;base64,"), validate=True
                )
    raise Refused("there is no screenshot")


def _told(conversation: Sequence[Item]) -> dict[int, str]:
    text = json.dumps(conversation[-1].get("content", ""))
    found = re.search(r"Your \w+ call was not done in full: (.*)", text)
    return {0: found[1]} if found else {}


def _error(error: Refused) -> Response:
    body = {"message": str(error), "type": "invalid_request_error", "param": None, "code": error.code}
    return JSONResponse({"error": body}, error.status)


@cache
def _hints(hint: Any) -> Mapping[str, Any]:
    return typing_extensions.get_type_hints(hint, include_extras=True)


def wrong(value: Any, hint: Any, where: str) -> str | None:
    """Say what of a JSON value a type does not allow, or nothing."""
    origin, args = typing_extensions.get_origin(hint), typing_extensions.get_args(hint)
    if typing_extensions.is_typeddict(hint):
        return _fields(value, hint, where)
    if origin in (typing_extensions.Required, typing_extensions.NotRequired, typing_extensions.Annotated):
        return wrong(value, args[0], where)
    if origin in (typing.Union, types.UnionType):
        return _any(value, args, where)
    if origin in (typing.Literal, typing_extensions.Literal):
        ok = any(value == one and type(value) is type(one) for one in args)
        return None if ok else f"Invalid value: {value!r} of {where!r}; supported: {args}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            return f"Invalid type for {where!r}: an object is expected"
        return next(
            (said for name, one in value.items() if (said := wrong(one, args[1], f"{where}.{name}"))), None
        )
    if isinstance(origin, type) and issubclass(origin, Iterable):
        if not isinstance(value, list):
            return f"Invalid type for {where!r}: a list is expected"
        return next(
            (said for place, one in enumerate(value) if (said := wrong(one, args[0], f"{where}[{place}]"))),
            None,
        )
    if hint in (Any, object):
        return None
    kinds: Mapping[Any, tuple[type, ...]] = {float: (int, float), type(None): (type(None),)}
    allowed = kinds.get(hint, (hint,))
    fine = isinstance(value, allowed) and (hint is bool or not isinstance(value, bool))
    return None if fine else f"Invalid type for {where!r}: {hint} is expected, not {value!r:.80}"


def _fields(value: Any, hint: Any, where: str) -> str | None:
    if not isinstance(value, dict):
        return f"Invalid type for {where!r}: an object is expected"
    hints = _hints(hint)
    for name, one in hints.items():
        if name not in value and typing_extensions.get_origin(one) is typing_extensions.Required:
            return f"Missing required parameter: '{where}.{name}'"
    for name, inner in value.items():
        if name not in hints:
            return f"Unknown parameter: '{where}.{name}'"
        said = wrong(inner, hints[name], f"{where}.{name}")
        if said:
            return said
    return None


def _any(value: Any, options: Sequence[Any], where: str) -> str | None:
    problems = []
    for option in options:
        said = wrong(value, option, where)
        if said is None:
            return None
        problems.append((_alike(value, option), said))
    return max(problems, key=lambda one: one[0])[1]


def _alike(value: Any, option: Any) -> bool:
    """Whether an option is of the type that a value says it is: what is wrong with it is worth saying."""
    if not isinstance(value, dict) or not typing_extensions.is_typeddict(option):
        return False
    kind = _hints(option).get("type")
    return kind is not None and wrong(value.get("type"), kind, "") is None
