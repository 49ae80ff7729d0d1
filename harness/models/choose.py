"""From a model's name, such as `azure:my-deployment`, to the model."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypedDict, assert_never, get_args

from harness.errors import InputError
from harness.models.assemble import ModelOptions
from harness.models.catalogue import Catalogue, ModelFacts, Speaks, ours
from harness.models.dialect import Brief
from harness.models.vision import VisionModel

Family = Literal[
    "openai",
    "azure",
    "anthropic",
    "bedrock",
    "vertex",
    "foundry",
    "gemini",
    "chat",
    "ui-tars",
    "qwen-vl",
    "fara",
]
FAMILIES: Final = get_args(Family)
EXAMPLES: Final[Mapping[str, str]] = {
    "openai": "openai:gpt-5.4",
    "azure": "azure:my-deployment=gpt-5.4",
    "anthropic": "anthropic:claude-sonnet-5",
    "bedrock": "bedrock:us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "vertex": "vertex:claude-sonnet-4-5@20250929",
    "foundry": "foundry:my-deployment=claude-sonnet-5",
    "gemini": "gemini:gemini-3.5-flash",
    "chat": "chat:gpt-4o, or chat:MODEL@http://127.0.0.1:8000/v1",
    "ui-tars": "ui-tars:MODEL@http://127.0.0.1:8000/v1",
    "qwen-vl": "qwen-vl:MODEL@http://127.0.0.1:8000/v1",
    "fara": "fara:MODEL@http://127.0.0.1:8000/v1",
}
_URL = re.compile(r"@(?=https?://)")


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model's name, read."""

    family: Family
    """How it is reached and spoken to."""
    model: str
    """What its vendor calls it; on Azure and Foundry the name of a deployment."""
    known_as: str
    """What the catalogue calls it: the model behind a deployment, else the same as `model`."""
    url: str | None = None
    """Where a server of one's own is."""


def read_name(name: str) -> ModelName:
    """Read `FAMILY:MODEL`, `FAMILY:DEPLOYMENT=MODEL` or `FAMILY:MODEL@URL`.

    Raises:
        InputError: with what can be written instead.
    """
    family, colon, rest = name.partition(":")
    found: Family | None = next((one for one in FAMILIES if one == family), None)
    if found is None:
        near = difflib.get_close_matches(family, [*FAMILIES, "local", "human"], n=1, cutoff=0.7)
        hint = f"did you mean {EXAMPLES.get(near[0], near[0])}?" if near else "such as openai:gpt-5.4"
        families = ", ".join(f"{one}:…" for one in FAMILIES)
        raise InputError(f"no model is called {name!r}; {hint} There are: local, human, {families}")
    rest, *urls = _URL.split(rest, maxsplit=1)
    model, equals, known_as = rest.partition("=")
    if not model or (equals and not known_as) or not colon:
        raise InputError(f"--model {name}: which model? Write it so: {EXAMPLES[found]}")
    if equals and found not in ("azure", "foundry"):
        raise InputError(f"--model {name}: only azure and foundry have deployments; write {found}:{model}")
    if urls and found not in ("chat", "ui-tars", "qwen-vl", "fara"):
        raise InputError(f"--model {name}: {found} has its own address; use chat:{model}@{urls[0]}")
    if not urls and found in ("ui-tars", "qwen-vl", "fara"):
        raise InputError(f"--model {name}: where is its server? Write it so: {EXAMPLES[found]}")
    return ModelName(found, model, known_as or model, urls[0] if urls else None)


def find(
    name: str,
    brief: Brief,
    *,
    environment: Mapping[str, str],
    catalogue: Path | None = None,
    options: ModelOptions | None = None,
) -> VisionModel:
    """Make the model that a name stands for. Nothing is asked of it yet.

    Args:
        name: as `read_name` reads it.
        brief: what it is told.
        environment: where keys are.
        catalogue: a file of the user's that is laid over ours.
        options: what is the same for every vendor.

    Raises:
        InputError: if the name or the file cannot be used, a key is missing, or a package.
    """
    read = read_name(name)
    facts = (ours() if catalogue is None else Catalogue.load(overrides=catalogue)).find(read.known_as)
    return _build(
        read, brief, {"facts": facts, "environment": environment, "options": options or ModelOptions()}
    )


class _Same(TypedDict):
    """What every vendor's models are made with."""

    facts: ModelFacts
    environment: Mapping[str, str]
    options: ModelOptions


def _build(read: ModelName, brief: Brief, same: _Same) -> VisionModel:
    match read.family:
        case "openai" | "azure":
            return _openai(read, brief, same)
        case "anthropic" | "bedrock" | "vertex" | "foundry" as provider:
            from harness.models.anthropic import factory  # noqa: PLC0415 - the SDK is an extra

            return factory.build(read.model, brief, **same, provider=provider)
        case "gemini":
            return _gemini(read, brief, same)
        case "chat" | "ui-tars" | "qwen-vl" | "fara":
            return _chat(read, brief, same)
        case _:
            assert_never(read.family)


def _openai(read: ModelName, brief: Brief, same: _Same) -> VisionModel:
    from harness.models.chat import build as chat  # noqa: PLC0415 - the SDK is an extra
    from harness.models.openai import build as responses  # noqa: PLC0415
    from harness.models.openai.dialect import ResponsesOptions  # noqa: PLC0415

    azure = read.family == "azure"
    match same["facts"].spoken("azure" if azure else "api"):
        case "computer" | "computer_use_preview" as tool:
            own = ResponsesOptions(tool=tool)
        case None:
            # An unknown model is taken for a new one.
            own = ResponsesOptions(tool="computer")
        case _ if azure:
            return chat.build_azure_chat(read.model, brief, **same)
        case _:
            return chat.build_chat(read.model, None, brief, **same)
    if azure:
        return responses.build_azure(read.model, brief, **same, responses=own)
    return responses.build(read.model, brief, **same, responses=own)


def _gemini(read: ModelName, brief: Brief, same: _Same) -> VisionModel:
    from harness.models.gemini.build import build  # noqa: PLC0415 - the SDK is an extra

    match spoken := same["facts"].spoken():
        case "gemini_legacy":
            return build(read.model, brief, **same, functions="legacy")
        case "gemini_current" | None:
            return build(read.model, brief, **same, functions="current")
        case _:
            raise _other(read, spoken)


def _chat(read: ModelName, brief: Brief, same: _Same) -> VisionModel:
    from harness.models.chat import build as chat  # noqa: PLC0415 - the SDK is an extra

    url = read.url or ""
    match read.family:
        case "ui-tars":
            return chat.build_ui_tars(read.model, url, brief, **same)
        case "qwen-vl":
            return chat.build_qwen_vl(read.model, url, brief, **same)
        case "fara":
            return chat.build_fara(read.model, url, brief, **same)
        case _:
            return chat.build_chat(read.model, read.url, brief, **same)


def _other(read: ModelName, spoken: Speaks) -> InputError:
    return InputError(
        f"--model {read.family}:{read.model}: it is not driven so, but by {spoken}; use a model with a "
        f"computer tool, such as {EXAMPLES[read.family]}"
    )
