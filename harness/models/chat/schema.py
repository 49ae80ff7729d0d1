"""JSON schemas of our actions in the forms that OpenAI and servers like it take."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.action import KINDS
from harness.models.dialect import JsonObject
from harness.models.functions import functions
from harness.task import OutputSpec

_STRICT: Final = ("type", "enum", "anyOf", "items", "properties", "required", "description")
_LOOSE: Final = (
    *_STRICT,
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "additionalProperties",
)


def tools(kinds: Sequence[str] = KINDS) -> list[JsonObject]:
    """Our actions as function tools."""
    return [
        {"type": "function", "function": {**one, "parameters": _plain(one["parameters"], _LOOSE)}}
        for one in functions(kinds)
    ]


def answers(outputs: Mapping[str, OutputSpec]) -> JsonObject:
    """The schema of a whole answer in strict JSON: a thought and actions.

    Strict schemas want every property required and every object closed: what may be left out may be null
    instead, and the data of an answer are the outputs that the task names.
    """
    kinds = [_closed(one, outputs) for one in functions()]
    actions: JsonObject = {"type": "array", "items": {"anyOf": [*kinds]}}
    return _object({"thought": {"type": "string"}, "actions": actions})


def lines(kinds: Sequence[str] = KINDS) -> str:
    """Our actions in words, one a line: for a model that is given no schema."""
    found = []
    for one in functions(kinds):
        parameters: Any = one["parameters"]
        required = parameters["required"]
        fields = [f'"kind": "{one["name"]}"'] + [
            f'"{name}"{"" if name in required else "?"}: {_short(schema)}'
            for name, schema in parameters["properties"].items()
        ]
        found.append(f"{{{', '.join(fields)}}} - {one['description']}")
    return "\n".join(found)


def _closed(function: Mapping[str, Any], outputs: Mapping[str, OutputSpec]) -> JsonObject:
    parameters = function["parameters"]
    properties: JsonObject = {"kind": {"type": "string", "enum": [function["name"]]}}
    for name, one in parameters["properties"].items():
        if name == "data":
            properties[name] = _object({output: _value(spec) for output, spec in outputs.items()})
        else:
            plain = _plain(one, _STRICT)
            properties[name] = plain if name in parameters["required"] else _or_null(plain)
    return {**_object(properties), "description": function["description"]}


def _value(spec: OutputSpec) -> JsonObject:
    # A closed object of unknown shape cannot be said strictly: it is written as JSON text.
    kind = "string" if spec.type in ("array", "object") else spec.type
    return {"type": [kind, "null"]}


def _or_null(schema: JsonObject) -> JsonObject:
    match schema:
        case {"anyOf": [_, {"type": "null"}]}:
            return schema
        case _:
            return {"anyOf": [schema, {"type": "null"}]}


def _object(properties: JsonObject) -> JsonObject:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _plain(node: Any, kept: Sequence[str]) -> Any:
    """Keep what these servers know; an array always says what it is made of, which OpenAI wants."""
    match node:
        case {"prefixItems": [first, *_], **rest}:
            return _plain({**rest, "items": first}, kept)
        case dict():
            found = {
                key: {name: _plain(one, kept) for name, one in value.items()}
                if key == "properties"
                else _plain(value, kept)
                for key, value in node.items()
                if key in kept
            }
            return {**found, "additionalProperties": False} if "properties" in found else found
        case list():
            return [_plain(one, kept) for one in node]
        case _:
            return node


def _short(schema: Any) -> str:
    match schema:
        case {"enum": list(values)}:
            return "|".join(f'"{one}"' for one in values)
        case {"anyOf": [one, *_]}:
            return _short(one)
        case {"type": "array", "prefixItems": list(items)}:
            return f"[{', '.join(_short(one) for one in items)}]"
        case {"type": "array", "items": items}:
            return f"[{_short(items)}, ...]"
        case {"properties": dict(properties)}:
            return f"{{{', '.join(f'{name!r}: {_short(one)}' for name, one in properties.items())}}}".replace(
                "'", '"'
            )
        case {"type": str(kind)}:
            return kind
        case _:
            return "any"
