"""What to do: a `Task`, read from YAML and checked for meaning before anything starts."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    ValidationError,
    model_validator,
)

from harness.errors import TaskError
from harness.yamlfile import explain, read_yaml

_TIMES = {"s": 1.0, "m": 60.0, "h": 3600.0}
_SIZES = {
    "": 1,
    "b": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
}
_COUNTS = {"": 1, "k": 1000, "m": 1000**2}


def _quantity(value: Any, units: dict[str, float] | dict[str, int], example: str) -> Any:
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", value)
    if found is None or found[2].lower() not in units:
        raise ValueError(f"write it like {example}")
    amount = float(found[1]) * units[found[2].lower()]
    return int(amount) if amount.is_integer() else amount


Duration = Annotated[
    float,
    BeforeValidator(lambda value: _quantity(value, _TIMES, "90s, 5m or 1h")),
    Field(gt=0, le=7 * 86_400, allow_inf_nan=False),
]
"""Seconds; `5m` is read too."""
Size = Annotated[int, BeforeValidator(lambda value: _quantity(value, _SIZES, "500kB or 50MB")), Field(ge=0)]
"""Bytes; `50MB` is read too."""
Count = Annotated[int, BeforeValidator(lambda value: _quantity(value, _COUNTS, "5000 or 500k")), Field(ge=0)]
"""A number; `500k` is read too."""
Dollars = Annotated[
    float,
    BeforeValidator(lambda value: _quantity(value, {"": 1.0, "usd": 1.0}, "2.00 USD")),
    Field(ge=0, allow_inf_nan=False),
]
"""US dollars; `2.00 USD` is read too."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Limits(_Part):
    """How much a run may use; reaching one ends it with exit code 3 and the limit's name."""

    steps: Count | None = None
    """Questions to the model."""
    seconds: Duration | None = None
    """Seconds from start to end, without the time people take to answer."""
    actions_per_minute: Count | None = None
    """Actions in any sixty seconds."""
    text: Count | None = None
    """Characters in one `type`."""
    requests: Count | None = None
    """Requests that left the sandbox."""
    upload: Size | None = None
    """Bytes of the bodies that left the sandbox."""
    download: Size | None = None
    """Bytes that came into the sandbox."""
    messages: Count | None = None
    """WebSocket messages, out and in together."""
    message: Size | None = None
    """Bytes of one WebSocket message."""
    tokens: Count | None = None
    """Tokens read and written by the model."""
    cost: Dollars | None = None
    """US dollars."""


class OutputSpec(_Part):
    """What one output must look like."""

    type: Literal["string", "integer", "number", "boolean", "array", "object"] = "string"
    """Its JSON type."""
    pattern: str | None = None
    """A regular expression that a string must contain a match of."""
    required: bool = True
    """Whether the task fails without it."""


class UrlCheck(_Part):
    """The active tab shows this address at the end."""

    url: str
    """A URL in which `*` stands for anything."""


class TextCheck(_Part):
    """The screen shows this text at the end, read by OCR."""

    text: str
    """Words, in any case."""


class StateQuery(_Part):
    """A question to an application's own state."""

    host: str
    """One of the task's hosts."""
    path: str = "/state"
    """Where the application gives its state as JSON."""
    where: str
    """A JMESPath expression that must be true; `inputs` in it stands for the task's inputs."""


class StateCheck(_Part):
    """An application's own state says so at the end."""

    state: StateQuery
    """What must be true of it."""


def _check_kind(value: Any) -> str | None:
    keys = value if isinstance(value, dict) else type(value).model_fields
    return next((name for key, name in _CHECKS.items() if key in keys), None)


_CHECKS = {"url": "UrlCheck", "text": "TextCheck", "state": "StateCheck"}
Check = Annotated[
    Annotated[UrlCheck, Tag("UrlCheck")]
    | Annotated[TextCheck, Tag("TextCheck")]
    | Annotated[StateCheck, Tag("StateCheck")],
    Discriminator(
        _check_kind,
        custom_error_type="check",
        custom_error_message="a check is 'url: …', 'text: …' or 'state: {host, path, where}'",
    ),
]
"""What must be true at the end, told apart by its first key."""


class Viewport(_Part):
    """The size of the page on the screen."""

    width: int = Field(default=1280, ge=160, le=3840)
    """CSS pixels."""
    height: int = Field(default=720, ge=120, le=2160)
    """CSS pixels."""


class Task(_Part):
    """What to do, where to start, and how to know that it was done."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")
    """A short name: letters, digits, dots, dashes."""
    goal: str = Field(min_length=1, max_length=100_000)
    """What to do, in words; for the local model also sentences, one a line."""
    start: str
    """The URL to begin at."""
    hosts: dict[str, str] = Field(default_factory=dict)
    """Names served by this process: `module:attribute` of an ASGI app, `dir:PATH`, or `http://host:port`."""
    policy: str | None = None
    """A policy file, next to the task or a ready-made name."""
    inputs: dict[str, str] = Field(default_factory=dict)
    """Values for `{{name}}` in goal and steps."""
    steps: tuple[str, ...] = ()
    """Sentences for the local model."""
    outputs: dict[str, OutputSpec] = Field(default_factory=dict)
    """What must be found out."""
    checks: tuple[Check, ...] = ()
    """What must be true at the end."""
    limits: Limits = Limits()
    """How much it may use; a policy's limits hold too."""
    uploads: str | None = None
    """A folder whose files the model may upload."""
    viewport: Viewport = Viewport()
    """The size of the page on the screen."""

    @model_validator(mode="after")
    def _inputs_exist(self) -> Self:
        for text in (self.goal, *self.steps):
            for name in re.findall(r"\{\{\s*([A-Za-z_][\w-]*)\s*\}\}", text):
                if name not in self.inputs:
                    raise ValueError(f"{{{{{name}}}}} is used, but inputs has no {name!r}")
        return self

    def filled(self) -> Self:
        """Give the task with every `{{name}}` replaced by its input; `{{secret:…}}` stays."""

        def fill(text: str) -> str:
            return re.sub(r"\{\{\s*([A-Za-z_][\w-]*)\s*\}\}", lambda found: self.inputs[found[1]], text)

        return self.model_copy(
            update={"goal": fill(self.goal), "steps": tuple(fill(step) for step in self.steps)}
        )

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a task file; its relative paths are made absolute against its folder.

        Raises:
            TaskError: with one line that names the file, the place and what to write instead.
        """
        file = Path(path)
        data, marks = read_yaml(file, TaskError)
        try:
            task = cls.model_validate(data)
        except ValidationError as error:
            raise TaskError(explain(error, file, marks, cls)) from error
        return task.anchored(file.resolve().parent)

    def anchored(self, folder: Path) -> Self:
        """Give the task with its relative paths read from a folder."""

        def near(value: str) -> str:
            return str(folder / value) if (folder / value).exists() else value

        hosts = {
            name: f"dir:{(folder / where[4:]).resolve()}" if where.startswith("dir:") else where
            for name, where in self.hosts.items()
        }
        return self.model_copy(
            update={
                "hosts": hosts,
                "policy": near(self.policy) if self.policy else None,
                "uploads": str((folder / self.uploads).resolve()) if self.uploads else None,
            }
        )


def dump_yaml(task: Task) -> str:
    """Write a task as YAML, leaving out what has its default value."""
    data: dict[str, JsonValue] = task.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
