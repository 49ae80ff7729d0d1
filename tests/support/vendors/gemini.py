"""Gemini's `generateContent`, as strict as the real one: on the Gemini API's paths and on Vertex AI's.

What the SDK's own types reject is rejected here, and the rules of the conversation are kept: every call is
answered in the next message, in order and by name; what a safety check asked to have confirmed is
acknowledged and nothing else is; a thought's signature comes back as it was given.
"""

import base64
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from google.genai import types
from harness.action import (
    Action,
    Answer,
    Click,
    GiveUp,
    Press,
    Scroll,
    Type,
    Wait,
)
from harness.models.gemini.actions import CURRENT, LEGACY, FunctionSet
from harness.screen import Screenshot
from pydantic import BaseModel, JsonValue, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vendors.brain import Brain

KEY: Final = "AIza-canary-0123456789"
TOKEN: Final = "ya29.canary"
JsonObject = dict[str, JsonValue]
Warn = Callable[[int], JsonObject | None]
"""Gives the safety decision of an answer by its number, from 1."""
_T = TypeVar("_T", bound=BaseModel)
_FIELDS: Final = frozenset(
    {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings"}
)
_DATA: Final = ("text", "inline_data", "function_call", "function_response")


class Rejected(Exception):  # noqa: N818 - an answer of the server
    """A request that the vendor answers with an error."""

    def __init__(
        self, message: str, code: int = 400, status: str = "INVALID_ARGUMENT", **more: JsonValue
    ) -> None:
        super().__init__(message)
        self.code = code
        self.body: JsonObject = {"error": {"code": code, "message": message, "status": status, **more}}


class Gemini:
    """One vendor for one conversation; an ASGI application.

    Args:
        answers: what it answers, one after the other; or a brain that looks at the pictures.
        functions: which predefined functions its model has.
        warn: which of a brain's answers carry a safety decision.
        vertex: whether it is Vertex AI, which wants a token and other paths.
    """

    def __init__(
        self,
        answers: Sequence[JsonValue | Response] | Brain,
        *,
        functions: FunctionSet = "current",
        warn: Warn = lambda _: None,
        vertex: bool = False,
    ) -> None:
        self.requests: list[JsonObject] = []
        self.refused: list[str] = []
        self.acknowledged = 0
        self.functions = functions
        self._answers = answers if isinstance(answers, Brain) else iter(answers)
        self._warn = warn
        self._vertex = vertex
        self._given: list[types.Content] = []
        self._last: list[JsonObject] = []
        self._at: JsonObject = {}
        self._numbers = itertools.count(1)
        path = "/{version}/models/{model}:generateContent"
        if vertex:
            path = path.replace(
                "models/", "projects/{project}/locations/{location}/publishers/google/models/"
            )
        self._app = Starlette(routes=[Route(path, self._generate, methods=["POST"])])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    async def _generate(self, request: Request) -> Response:
        try:
            self._authorised(request)
            body = self._body(await request.body())
            contents = [_typed(types.Content, one, "contents") for one in _listed(body, "contents")]
            self._tools(body)
            self._conversation(contents)
            answer = await self._answer(contents)
        except Rejected as rejected:
            self.refused.append(str(rejected))
            return JSONResponse(rejected.body, rejected.code)
        if isinstance(answer, Response):
            return answer
        return JSONResponse(answer)

    def _authorised(self, request: Request) -> None:
        if self._vertex:
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                raise Rejected("Request had invalid authentication credentials.", 401, "UNAUTHENTICATED")
        elif request.headers.get("x-goog-api-key") != KEY:
            raise Rejected("API key not valid. Please pass a valid API key.")

    def _body(self, raw: bytes) -> JsonObject:
        body: JsonObject = json.loads(raw)
        self.requests.append(body)
        unknown = body.keys() - _FIELDS
        if unknown:
            raise Rejected(
                f'Invalid JSON payload received. Unknown name "{min(unknown)}": Cannot find field.'
            )
        if "systemInstruction" in body:
            _typed(types.Content, body["systemInstruction"], "system_instruction")
        _typed(types.GenerationConfig, body.get("generationConfig", {}), "generation_config")
        return body

    def _tools(self, body: JsonObject) -> None:
        tools = [_typed(types.Tool, one, "tools") for one in _listed(body, "tools")]
        computers = [tool.computer_use for tool in tools if tool.computer_use is not None]
        if len(computers) != 1 or computers[0].environment != types.Environment.ENVIRONMENT_BROWSER:
            raise Rejected("computer_use.environment is required")
        there = CURRENT if self.functions == "current" else LEGACY
        for name in computers[0].excluded_predefined_functions or ():
            if name not in there:
                raise Rejected(f"Unknown predefined function: {name}")
        for tool in tools:
            for one in tool.function_declarations or ():
                if not one.name or not re.fullmatch(r"[a-zA-Z_][\w.:-]{0,127}", one.name):
                    raise Rejected(f"Invalid function name: {one.name!r}")
                if one.name in there:
                    raise Rejected(f"Duplicate function declaration found: {one.name}")
                if not isinstance(one.parameters_json_schema, dict):
                    raise Rejected(f"parameters of {one.name} are missing")

    def _conversation(self, contents: Sequence[types.Content]) -> None:
        if not contents or contents[0].role != "user" or contents[-1].role != "user":
            raise Rejected("Please ensure that the conversation begins and ends with a user turn.")
        asked: list[types.FunctionCall] = []
        self.acknowledged = 0
        for place, content in enumerate(contents):
            parts = content.parts or []
            if not parts:
                raise Rejected(f"contents[{place}].parts: must not be empty.")
            for part in parts:
                _one_thing(part, place)
            answered = [part.function_response for part in parts if part.function_response is not None]
            if content.role == "model":
                if asked:
                    raise Rejected("function call turn comes immediately after a user turn")
                if content not in self._given:
                    raise Rejected(
                        f"Thought signature is not valid, or contents[{place}] was never answered."
                    )
                asked = [part.function_call for part in parts if part.function_call is not None]
            elif content.role == "user":
                self._answered(asked, answered)
                asked = []
            else:
                raise Rejected("Please use a valid role: user, model.")

    def _answered(
        self, asked: Sequence[types.FunctionCall], answered: Sequence[types.FunctionResponse]
    ) -> None:
        if len(asked) != len(answered):
            raise Rejected(
                "Please ensure that the number of function response parts is equal to the number of function "
                "call parts of the function call turn."
            )
        for call, response in zip(asked, answered, strict=True):
            if call.name != response.name or call.id != response.id:
                raise Rejected(f"function response {response.name!r} does not answer {call.name!r}")
            said = response.response
            if said is None:
                raise Rejected(f"response of {response.name} is required")
            if call.name in (*CURRENT, *LEGACY) and not isinstance(said.get("url"), str):
                raise Rejected(f"The computer use function response of {response.name} requires a url.")
            if response.parts and call.name not in (*CURRENT, *LEGACY):
                raise Rejected(f"Multimodal function responses are not supported for {call.name}.")
            for part in response.parts or ():
                blob = part.inline_data
                if blob is None or blob.mime_type != "image/png" or not blob.data:
                    raise Rejected("inline_data of a function response needs a mime_type and data")
                Screenshot.of(blob.data)
            decision = (call.args or {}).get("safety_decision")
            decided = decision is not None and decision["decision"] == "require_confirmation"
            if decided != (said.get("safety_acknowledgement") == "true"):
                want = "requires" if decided else "must not carry"
                raise Rejected(f"Function response of {call.name} {want} a safety acknowledgement.")
            self.acknowledged += decided

    async def _answer(self, contents: Sequence[types.Content]) -> JsonValue | Response:
        if isinstance(self._answers, Brain):
            answer: JsonValue | Response = await self._thought(self._answers, contents)
        else:
            answer = next(self._answers)
        if isinstance(answer, dict):
            try:
                read = types.GenerateContentResponse.model_validate_json(json.dumps(answer))
            except ValidationError:
                return answer
            self._given += [one.content for one in read.candidates or () if one.content is not None]
        return answer

    async def _thought(self, brain: Brain, contents: Sequence[types.Content]) -> JsonObject:
        number = next(self._numbers)
        newest = contents[-1].parts or []
        said = newest[0].text or ""
        if "not shown again" in said:
            calls = [{**call, "args": _bare(call)} for call in self._last]
        else:
            actions = await brain.next(_picture(newest), self._told(newest))
            calls = [_call(action, Screenshot.of(_picture(newest))) for action in actions]
            if self.functions == "legacy":
                calls = self._in_legacy_words(calls)
            decision = self._warn(number)
            if decision is not None:
                calls[0] = {**calls[0], "args": {**_bare(calls[0]), "safety_decision": decision}}
        self._last = calls
        return answered(*calls, words="On it.", number=number)

    def _in_legacy_words(self, calls: Sequence[JsonObject]) -> list[JsonObject]:
        found = []
        for call in calls:
            if call["name"] == "click":
                self._at = _bare(call)
            found.append(_legacy(call, self._at))
        return found

    @staticmethod
    def _told(parts: Sequence[types.Part]) -> Mapping[int, str]:
        answers = [part.function_response for part in parts if part.function_response is not None]
        errors = [(one.response or {}).get("error") for one in answers]
        return {place: str(error) for place, error in enumerate(errors) if error}


def answered(
    *calls: JsonObject, words: str = "", number: int = 1, finish: str = "STOP", **more: JsonValue
) -> JsonObject:
    """Write an answer as the vendor does: thoughts signed, calls in order, what was used."""
    signature = base64.b64encode(b"\xfb\xff signature %d" % number).decode()
    parts: list[JsonValue] = [{"text": "I look at it.", "thought": True}]
    if words:
        parts.append({"text": words})
    for place, call in enumerate(calls):
        parts.append({"functionCall": call, **({} if place else {"thoughtSignature": signature})})
    found: JsonObject = {
        "candidates": [
            {"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0, **more}
        ],
        "usageMetadata": {
            "promptTokenCount": 1000,
            "candidatesTokenCount": 20,
            "thoughtsTokenCount": 5,
            "totalTokenCount": 1025,
        },
        "modelVersion": "gemini-3.5-flash",
        "responseId": f"resp-{number}",
    }
    types.GenerateContentResponse.model_validate_json(json.dumps(found))
    return found


def called(name: str, **args: JsonValue) -> JsonObject:
    """Write a call."""
    return {"name": name, "args": args}


def _bare(call: Mapping[str, JsonValue]) -> JsonObject:
    args = call["args"]
    assert isinstance(args, dict)
    return {name: value for name, value in args.items() if name != "safety_decision"}


def _listed(body: Mapping[str, JsonValue], name: str) -> list[JsonValue]:
    found = body.get(name)
    if not isinstance(found, list) or not found:
        raise Rejected(f"{name} is not specified")
    return found


def _typed(kind: type[_T], value: JsonValue, where: str) -> _T:
    try:
        return kind.model_validate_json(json.dumps(value))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = ".".join(str(one) for one in first["loc"])
        raise Rejected(f"Invalid JSON payload received at '{where}.{at}': {first['msg']}") from error


def _one_thing(part: types.Part, place: int) -> None:
    there = [name for name in _DATA if part.__dict__[name] is not None]
    if len(there) > 1 or (not there and part.thought_signature is None):
        raise Rejected(
            f"contents[{place}].parts: required oneof field 'data' must have one initialized field"
        )
    blob = part.inline_data
    if blob is not None:
        if blob.mime_type != "image/png" or not blob.data:
            raise Rejected(f"contents[{place}].parts.inline_data needs a mime_type and data")
        Screenshot.of(blob.data)


def _picture(parts: Sequence[types.Part]) -> bytes:
    found = [part.inline_data.data for part in parts if part.inline_data is not None]
    for part in parts:
        if part.function_response is not None:
            more = part.function_response.parts or ()
            found += [one.inline_data.data for one in more if one.inline_data is not None]
    if not found or found[-1] is None:
        raise Rejected("The newest turn holds no screenshot.")
    return found[-1]


def _call(action: Action, shot: Screenshot) -> JsonObject:
    match action:
        case Click(x=x, y=y, count=1):
            return called("click", **_at(x, y, shot))
        case Type(text=text):
            return called("type", text=text)
        case Press(keys=(key,)):
            return called("press_key", key=key)
        case Press(keys=keys):
            return called("hotkey", keys=list(keys))
        case Scroll(x=x, y=y, dy=dy):
            far = round(abs(dy) * 1000 / shot.height)
            return called("scroll", **_at(x, y, shot), direction="down" if dy > 0 else "up", magnitude=far)
        case Wait(seconds=seconds):
            return called("wait", seconds=seconds)
        case Answer(text=text, data=data):
            return called("answer", text=text, data=data)
        case GiveUp(reason=reason):
            return called("give_up", reason=reason)
        case _:
            raise AssertionError(f"the brain does nothing of this kind: {action}")


def _legacy(call: JsonObject, at: JsonObject) -> JsonObject:
    """Write a call of the current set in the words of the legacy one; it types only where it clicks."""
    args = call["args"]
    assert isinstance(args, dict)
    match call["name"]:
        case "click":
            return called("click_at", **args)
        case "type":
            return called("type_text_at", **at, text=args["text"], clear_before_typing=False)
        case "press_key":
            return called("key_combination", keys=args["key"])
        case "hotkey":
            keys = args["keys"]
            assert isinstance(keys, list)
            return called("key_combination", keys="+".join(str(key) for key in keys))
        case "scroll":
            return called("scroll_at", **args)
        case "wait":
            return called("wait_5_seconds")
        case _:
            return call


def _at(x: int, y: int, shot: Screenshot) -> JsonObject:
    return {"x": int(x * 1000 / shot.width), "y": int(y * 1000 / shot.height)}
