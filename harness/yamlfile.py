"""YAML files that people write: read safely, and explained by line, column and nearest right word."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, get_args

import yaml
from pydantic import BaseModel, ValidationError

from harness.errors import InputError

LARGEST = 1_000_000
DEEPEST = 30

_SHAPES = {
    "dict_type": "write a mapping, such as 'key: value'",
    "model_type": "write a mapping, such as 'key: value'",
    "tuple_type": "write a list, such as '- one'",
    "list_type": "write a list, such as '- one'",
    "string_type": "write text; a number or a yes in text needs quotes",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "float_type": "write a number",
    "float_parsing": "write a number",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "string_pattern_mismatch": "write a short name of letters, digits, dots and dashes",
    "too_short": "write at least one",
    "int_from_float": "write a whole number",
}
"""What to write instead, by pydantic's name of the error."""

_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")

Marks = Mapping[tuple[str | int, ...], tuple[int, int]]
"""Where each value stands: line and column from 1, by its path."""


def read_yaml(file: Path, error: type[InputError]) -> tuple[dict[str, Any], Marks]:
    """Read a mapping from a YAML file, without aliases, duplicate keys or types of its own.

    Raises:
        InputError: of the class given, with one line that names the file and the place.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise error(f"{file}: it is longer than a file of this kind may be ({LARGEST:,} bytes)")
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        near = difflib.get_close_matches(file.name, _names_in(file.parent), n=1)
        hint = f"; did you mean {file.parent / near[0]}?" if near else ""
        raise error(f"{file}: there is no such file{hint}") from None
    except UnicodeDecodeError as problem:
        raise error(f"{file}: cannot be read: byte {problem.start + 1} is not UTF-8 text") from problem
    except (OSError, ValueError) as problem:
        said = problem.strerror if isinstance(problem, OSError) else problem
        raise error(f"{file}: cannot be read: {said}") from problem
    return parse_yaml(text, str(file), error)


def parse_yaml(text: str, name: str, error: type[InputError]) -> tuple[dict[str, Any], Marks]:
    """Read a mapping from YAML text; `name` stands for the file in messages.

    Raises:
        InputError: of the class given, with one line that names the file and the place.
    """
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST + 1:
                raise error(f"{name}:{_at(event.start_mark)}: nested more than {DEEPEST} deep")
            if isinstance(event, yaml.AliasEvent):
                raise error(f"{name}:{_at(event.start_mark)}: aliases (*name) are not read; repeat the value")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = f"{_at(mark)}: " if mark else ""
        raise error(f"{name}:{place}not YAML: {problem.problem or problem.context}") from problem
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        raise error(f"{name}: not YAML: {str(problem).splitlines()[0]}") from problem
    if not isinstance(node, yaml.MappingNode):
        raise error(f"{name}:1:1: the file must be a mapping of keys to values, such as 'name: …'")
    marks: dict[tuple[str | int, ...], tuple[int, int]] = {}
    return _mapping(node, (), marks, name, error), marks


def explain(error: ValidationError, file: Path | str, marks: Marks, model: type[BaseModel]) -> str:
    """Say the first thing that is wrong, where, and the nearest right word."""
    found = max(error.errors(include_url=False), key=lambda one: one["type"] == "extra_forbidden")
    path: tuple[str | int, ...] = ()
    for part in found["loc"]:
        path = (*path, part) if (*path, part) in marks or not _is_tag(part) else path
    place = next((marks[path[:n]] for n in range(len(path), -1, -1) if path[:n] in marks), (1, 1))
    where = ".".join(str(part) for part in path)
    prefix = f"{file}:{place[0]}:{place[1]}: "
    if found["type"] == "extra_forbidden":
        known = _keys_at(model, found["loc"][:-1])
        near = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
        return f"{prefix}unknown key {where!r}; {hint}"
    if found["type"] == "missing":
        return f"{prefix}{where!r} is missing"
    shown = str(found["input"])
    message = _SHAPES.get(found["type"]) or found["msg"].removeprefix("Value error, ").replace(
        "Input", "it", 1
    )
    if not path:
        return f"{prefix}{message}"
    return f"{prefix}{where}: {message} (found {shown[:80]!r})"


def _is_tag(part: str | int) -> bool:
    return isinstance(part, str) and (part[:1].isupper() or part.startswith("function-") or "[" in part)


def _keys_at(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    here: tuple[type[BaseModel], ...] = (model,)
    for part in path:
        if isinstance(part, int):
            continue
        if _is_tag(part):
            here = tuple(one for one in here if one.__name__ == part) or here
        else:
            fields = [one.model_fields[part] for one in here if part in one.model_fields]
            here = tuple(inner for field in fields for inner in _models(field.annotation)) or here
    return [field.alias or name for one in here for name, field in one.model_fields.items()]


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in get_args(annotation) for found in _models(inner)]


def _names_in(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except OSError:
        return []


class _Place(Protocol):
    line: int
    column: int


def _at(mark: _Place | None) -> str:
    return f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"


def _mapping(
    node: yaml.MappingNode,
    path: tuple[str | int, ...],
    marks: dict[tuple[str | int, ...], tuple[int, int]],
    name: str,
    error: type[InputError],
) -> dict[str, Any]:
    marks[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
            raise error(f"{name}:{_at(key_node.start_mark)}: a key must be a plain word")
        if key in values:
            raise error(f"{name}:{_at(key_node.start_mark)}: the key {key!r} stands here a second time")
        values[key] = _value(value_node, (*path, key), marks, name, error)
        marks[(*path, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
    return values


def _value(
    node: yaml.Node,
    path: tuple[str | int, ...],
    marks: dict[tuple[str | int, ...], tuple[int, int]],
    name: str,
    error: type[InputError],
) -> Any:
    if len(path) > DEEPEST:
        raise error(f"{name}:{_at(node.start_mark)}: nested more than {DEEPEST} deep")
    marks[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if not isinstance(node, yaml.ScalarNode) and node.tag not in _COLLECTIONS:
        raise error(f"{name}:{_at(node.start_mark)}: types such as {node.tag!r} are not read")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, marks, name, error)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), marks, name, error) for index, item in enumerate(node.value)]
    if node.tag == "tag:yaml.org,2002:timestamp":
        return node.value
    if node.tag.removeprefix("tag:yaml.org,2002:") not in ("str", "int", "float", "bool", "null"):
        raise error(f"{name}:{_at(node.start_mark)}: types such as {node.tag!r} are not read")
    try:
        return yaml.SafeLoader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as problem:
        raise error(f"{name}:{_at(node.start_mark)}: {str(problem).splitlines()[0]}") from problem
