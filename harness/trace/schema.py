"""The format of a line of `events.jsonl` as a JSON Schema, for readers other than the harness.

It is made from the events themselves and says what a line may look like as it stands in the file, with what
`harness.trace.compact` leaves out left out. It cannot say what refers to another line: that is `verify`'s.
"""

from typing import Final

from pydantic import JsonValue, TypeAdapter

from harness.trace.events import SCHEMA, Event

JsonObject = dict[str, JsonValue]

_LATER: Final[dict[str, tuple[str, ...]]] = {
    "ApprovalAsked": ("effect", "verdict"),
    "Acting": ("action", "effect"),
    "Acted": ("action",),
    "Verdict": ("policy", "effect"),
    "Tab": ("url",),
}
"""What a line may leave out since an earlier line says it."""
_SAME: Final = {"Responded": ("sha256", "body"), "Requested": ("body", "request.body_sha256")}
"""Members that may stand for what another of the same line says."""
_ENVELOPE: Final[JsonObject] = {
    "seq": {"type": "integer", "minimum": 0, "description": "The line's place, from 0."},
    "time": {
        "type": "string",
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        "description": "When it was written, in UTC.",
    },
    "prev": {
        "type": "string",
        "pattern": "^[0-9a-f]{8}$",
        "description": "How the hash of the line before begins.",
    },
    "hash": {
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "SHA-256 over the hash of the line before and this line without this member.",
    },
}
_OF: Final[JsonObject] = {
    "type": "integer",
    "minimum": 0,
    "description": "The seq of the judged line that says what this one leaves out.",
}
_HEADER: Final[JsonObject] = {
    "type": "integer",
    "minimum": 0,
    "description": "The number of a header that stood in an earlier line.",
}
_PLACE: Final[JsonObject] = {
    "type": "integer",
    "minimum": 0,
    "description": "The place of the action among those of the last model_replied line.",
}
_NUMBER: Final[JsonObject] = {
    "anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}],
}


def line_schema() -> JsonObject:
    """Give the JSON Schema of a line, draft 2020-12."""
    found: JsonObject = TypeAdapter(Event).json_schema(by_alias=True)
    parts = _object(found["$defs"])
    mapping = _object(_object(found["discriminator"])["mapping"])
    events = {str(place).rpartition("/")[2] for place in mapping.values()}
    written: JsonObject = {
        name: _part(name, _object(part), line=name in events) for name, part in sorted(parts.items())
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of a trace, schema {SCHEMA}",
        "description": "One line of events.jsonl. What has its default is left out; docs/trace.md says what "
        "else is, and how lines are chained.",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in sorted(events)],
        "$defs": written,
    }


def _part(name: str, part: JsonObject, *, line: bool) -> JsonObject:
    properties = part.get("properties")
    if not isinstance(properties, dict):
        return part
    shown: JsonObject = {key: _loose(value) for key, value in properties.items()}
    required = part.get("required", [])
    needed = (
        [str(one) for one in required if one not in _LATER.get(name, ())]
        if isinstance(required, list)
        else []
    )
    always = [key for key in ("kind", "schema") if key in shown]
    if name in ("Request", "Responded"):
        shown["headers"] = _numbered(_object(shown["headers"]))
    if name == "Request":
        said = "Hex SHA-256 of the body; 0 stands for that of no bytes."
        shown["body_sha256"] = {"description": said, "type": ["string", "null", "integer"]}
        del shown["body_text"]
    if name == "Act":
        shown["action"] = {"description": "What.", "anyOf": [shown["action"], _PLACE]}
    if name in _SAME:
        member, other = _SAME[name]
        said = f"{_object(shown[member])['description']} 0 stands for what `{other}` says."
        shown[member] = {"description": said, "type": ["string", "null", "integer"]}
    if name in ("ApprovalAsked", "Acting", "Acted"):
        shown["of"] = _OF
    if line:
        shown, needed = {**_ENVELOPE, **shown}, [*_ENVELOPE, *needed]
    whole = dict.fromkeys((*always, *needed))
    return {**part, "properties": shown, "required": [*whole]}


def _loose(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            loose = {key: _loose(one) for key, one in value.items()}
            if loose.get("type") == "number":
                del loose["type"]
                loose |= _NUMBER
            return loose
        case list():
            return [_loose(one) for one in value]
        case _:
            return value


def _numbered(headers: JsonObject) -> JsonObject:
    return {**headers, "items": {"anyOf": [headers["items"], _HEADER]}}


def _object(value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise AssertionError("pydantic's schemas are made of objects")
    return value
