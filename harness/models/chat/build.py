"""From a model's name to a model: `chat:`, `azure:` without a computer tool, and the open GUI models."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, assert_never

import structlog

from harness.models.assemble import ModelOptions, assemble
from harness.models.catalogue import ModelFacts, Place
from harness.models.chat.fara import FaraVersion, fara_dialect
from harness.models.chat.options import ChatOptions, Form, fields
from harness.models.chat.plain import JsonDialect
from harness.models.chat.qwen import QwenVersion, qwen_dialect
from harness.models.chat.tools import THOUSANDTHS, ToolDialect
from harness.models.chat.ui_tars import UiTarsDialect, UiTarsVersion
from harness.models.dialect import Brief, JsonObject, Line
from harness.models.entra import Credential
from harness.models.openai import clients, places
from harness.models.scaling import sharpest
from harness.models.vision import VisionModel

_log = structlog.get_logger(__name__)

SEARCH: Final = "https://www.bing.com/search?q="
"""Where Fara's `web_search` goes; the policy judges it like any other address."""
_FIRST: Final = re.compile(r"ui-tars-(2b|7b|72b)", re.IGNORECASE)
"""Names of the models of UI-TARS 1.0."""


def build_chat(
    model: str,
    url: str | None,
    brief: Brief,
    *,
    facts: ModelFacts,
    environment: Mapping[str, str],
    options: ModelOptions,
    chat: ChatOptions | None = None,
) -> VisionModel:
    """Make `chat:MODEL` (OpenAI's own) or `chat:MODEL@URL` (any server that speaks like it).

    Args:
        model: the model, as the server calls it.
        url: the server's base URL; OpenAI's (or `OPENAI_BASE_URL`), if not given.
        brief: what to do.
        facts: what is known of the model.
        environment: where keys stand: `OPENAI_API_KEY` for OpenAI. A URL of one's own gets `CHAT_API_KEY`, or
            no key: never a vendor's.
        options: what is the same for every vendor.
        chat: what is Chat Completions' own.

    Raises:
        InputError: if a key or the SDK is missing, or the URL cannot be used.
    """
    chat = chat or ChatOptions(form=_form(facts, "api"))
    place = places.typed(url, environment) if url else places.vendor(environment, f"chat:{model}")
    name = f"{'chat' if place.own else 'openai'}:{model}"
    line, keys = _line(place, name, environment, options)
    provider = "chat" if place.own else "openai"
    own = fields(chat, facts, options.output_tokens, own=place.own)
    detail = chat.detail if place.own else chat.detail or sharpest(facts)
    chat = replace(chat, detail=detail)
    dialect = _dialect(model, brief, own, chat=chat, provider=provider, options=options)
    return assemble(dialect, line, facts, options, keys=keys, kind=chat.space, detail=chat.detail)


def build_azure_chat(
    deployment: str,
    brief: Brief,
    *,
    facts: ModelFacts,
    environment: Mapping[str, str],
    options: ModelOptions,
    chat: ChatOptions | None = None,
    credential: Credential | None = None,
) -> VisionModel:
    """Make `azure:DEPLOYMENT` for a model without a computer tool, such as gpt-4o.

    Args:
        deployment: the deployment's name.
        brief: what to do.
        facts: what is known of the model behind it, under the model's own name.
        environment: see `harness.models.openai.clients.azure`.
        options: what is the same for every vendor.
        chat: what is Chat Completions' own.
        credential: gives Entra tokens, instead of anything in the environment; it is not closed.

    Raises:
        InputError: if the endpoint, a key or the SDK is missing.
    """
    chat = chat or ChatOptions(form=_form(facts, "azure"))
    client = clients.azure(deployment, environment, timeout=options.timeout, credential=credential)
    line = _sending(client, options)
    own = fields(chat, facts, options.output_tokens, own=False)
    chat = replace(chat, detail=chat.detail or sharpest(facts))
    dialect = _dialect(deployment, brief, own, chat=chat, provider="azure", options=options)
    return assemble(dialect, line, facts, options, keys=client.keys, kind=chat.space, detail=chat.detail)


def build_ui_tars(
    model: str,
    url: str,
    brief: Brief,
    *,
    facts: ModelFacts,
    environment: Mapping[str, str],
    options: ModelOptions,
    version: UiTarsVersion | None = None,
    chat: ChatOptions | None = None,
) -> VisionModel:
    """Make `ui-tars:MODEL@URL`. See `build_chat`; version 1.0 counts thousandths, 1.5 pixels.

    Without a version it is what the name says, and 1.5 if that says nothing.
    """
    chat = chat or ChatOptions(temperature=0.0)
    line, keys = _line(places.typed(url, environment), f"ui-tars:{model}", environment, options)
    own = fields(chat, facts, options.output_tokens, own=True)
    version = version or ("1.0" if _FIRST.search(model) else "1.5")
    dialect = UiTarsDialect(model, brief, own, version=version, spotlight=options.context.spotlight)
    return assemble(dialect, line, facts, options, keys=keys, kind=dialect.space)


def build_qwen_vl(
    model: str,
    url: str,
    brief: Brief,
    *,
    facts: ModelFacts,
    environment: Mapping[str, str],
    options: ModelOptions,
    version: QwenVersion | None = None,
    chat: ChatOptions | None = None,
) -> VisionModel:
    """Make `qwen-vl:MODEL@URL`. See `build_chat`; version 3 counts thousandths, 2.5 pixels.

    Without a version it is what the catalogue knows the model as, and 3 if it does not.
    """
    chat = chat or ChatOptions(temperature=0.0)
    line, keys = _line(places.typed(url, environment), f"qwen-vl:{model}", environment, options)
    own = fields(chat, facts, options.output_tokens, own=True)
    dialect = qwen_dialect(
        model,
        brief,
        own,
        version=version or ("2.5" if facts.spoken() == "qwen-vl" else "3"),
        spotlight=options.context.spotlight,
    )
    return assemble(dialect, line, facts, options, keys=keys, kind=dialect.space)


def build_fara(
    model: str,
    url: str,
    brief: Brief,
    *,
    facts: ModelFacts,
    environment: Mapping[str, str],
    options: ModelOptions,
    version: FaraVersion | None = None,
    search: str = SEARCH,
    chat: ChatOptions | None = None,
) -> VisionModel:
    """Make `fara:MODEL@URL`. See `build_chat`; Fara 1.5 counts thousandths, Fara-7B pixels.

    Args:
        model: the model, as the server calls it.
        url: the server's base URL.
        brief: what to do.
        facts: what is known of the model.
        environment: where `CHAT_API_KEY` may stand.
        options: what is the same for every vendor.
        version: which vocabulary and which coordinates; without it what the catalogue knows it as, else 1.5.
        search: the URL that `web_search` puts its words behind; empty, and it is refused by name.
        chat: what is Chat Completions' own.

    Raises:
        InputError: if the SDK is missing, or the URL cannot be used.
    """
    chat = chat or ChatOptions(temperature=0.0)
    line, keys = _line(places.typed(url, environment), f"fara:{model}", environment, options)
    own = fields(chat, facts, options.output_tokens, own=True)
    spotlight = options.context.spotlight
    dialect = fara_dialect(
        model,
        brief,
        own,
        version=version or ("7b" if facts.spoken() == "fara" else "1.5"),
        search=search,
        spotlight=spotlight,
    )
    return assemble(dialect, line, facts, options, keys=keys, kind=dialect.space)


def _form(facts: ModelFacts, place: Place) -> Form:
    return "schema" if facts.spoken(place) == "json" else "tools"


def _dialect(
    model: str, brief: Brief, own: JsonObject, *, chat: ChatOptions, provider: str, options: ModelOptions
) -> ToolDialect | JsonDialect:
    extra = [THOUSANDTHS] if chat.space == "thousandths" else []
    spotlight = options.context.spotlight
    match chat.form:
        case "tools":
            return ToolDialect(
                model, brief, own, provider=provider, detail=chat.detail, spotlight=spotlight, extra=extra
            )
        case "schema" | "object" | "text":
            return JsonDialect(
                model,
                brief,
                own,
                form=chat.form,
                provider=provider,
                detail=chat.detail,
                spotlight=spotlight,
                extra=extra,
            )
        case _ as never:
            assert_never(never)


def _line(
    place: places.Place, name: str, environment: Mapping[str, str], options: ModelOptions
) -> tuple[Line, tuple[str, ...]]:
    if place.warning:
        _log.warning(place.warning)
    client = clients.at(place, name, timeout=options.timeout, environment=environment)
    return _sending(client, options), client.keys


def _sending(client: clients.Client, options: ModelOptions) -> Line:
    from harness.models.openai.line import chat_line  # noqa: PLC0415 - it loads the SDK

    return chat_line(client, timeout=options.timeout, now=options.now)
