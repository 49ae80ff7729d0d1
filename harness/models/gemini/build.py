"""Puts a Gemini model together from a name, the environment and what a person chose."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from harness.errors import InputError
from harness.models.assemble import ModelOptions, assemble, key
from harness.models.catalogue import ModelFacts
from harness.models.dialect import Brief
from harness.models.gemini.actions import FunctionSet, names
from harness.models.gemini.dialect import GeminiDialect
from harness.models.gemini.line import GeminiLine, http_client
from harness.models.vision import VisionModel

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.genai import Client
    from google.genai.types import HttpOptions

KEYS: Final = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
"""Where a key is looked for, in the SDK's order."""
WHERE: Final = "https://aistudio.google.com/apikey"
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,100}(/[A-Za-z0-9][A-Za-z0-9._@-]{0,100}){0,7}")


def build(
    model: str,
    brief: Brief,
    *,
    facts: ModelFacts,
    environment: Mapping[str, str],
    options: ModelOptions,
    functions: FunctionSet = "current",
    search: str | None = None,
    excluded: Sequence[str] = (),
    credentials: "Credentials | None" = None,
) -> VisionModel:
    """Make a model; nothing is asked yet.

    With `GOOGLE_GENAI_USE_VERTEXAI=true` it is asked on Vertex AI, in the project and location that
    `GOOGLE_CLOUD_PROJECT` and `GOOGLE_CLOUD_LOCATION` name, with application default credentials; without a
    project, by key. `GOOGLE_GEMINI_BASE_URL` and `GOOGLE_VERTEX_BASE_URL` name another server.

    Args:
        model: the vendor's name, such as `gemini-3.5-flash`.
        brief: what to do.
        facts: what is known of it.
        environment: where keys are looked for.
        options: what is the same for every vendor.
        functions: which predefined functions it has.
        search: the page that the legacy function `search` opens; without it the function is not offered.
        excluded: predefined functions that are not offered.
        credentials: for Vertex AI, instead of the application default ones.

    Raises:
        InputError: naming what is missing, or cannot be meant, and what to do.
    """
    if not _NAME.fullmatch(model):
        raise InputError(
            f"--model gemini:{model[:100]} is no name of a model, such as gemini:gemini-3.5-flash"
        )
    unknown = [name for name in excluded if name not in names(functions)]
    if unknown:
        there = ", ".join(names(functions))
        raise InputError(f"{unknown[0]!r} is no function of Gemini's {functions} set; there are: {there}")
    vertex = _vertex(environment)
    api_key = "" if vertex and _placed(environment) else _key(environment, model, vertex=vertex)
    try:
        from google.genai import Client  # noqa: PLC0415 - the SDK is loaded only when used
    except ImportError as error:
        needs = f"--model gemini:{model} needs the Google Gen AI SDK"
        raise InputError(f"{needs}: pip install 'computer-use-harness[gemini]'") from error
    http = http_client(options.timeout)
    given = _http_options(environment, options, vertex=vertex).model_copy(update={"httpx_async_client": http})
    if vertex and not api_key:
        client, credentials = _on_vertex(model, environment, given, credentials)
    else:
        credentials = None
        client = Client(vertexai=vertex, api_key=api_key, http_options=given)
    dialect = GeminiDialect(
        brief,
        functions=functions,
        search=search,
        excluded=tuple(excluded),
        spotlight=options.context.spotlight,
        output_tokens=options.output_tokens,
        thoughts=facts.thinks is not False,
    )
    line = GeminiLine(client, http, model, timeout=options.timeout, now=options.now, credentials=credentials)
    return assemble(dialect, line, facts, options, keys=[api_key] if api_key else [], kind="thousandths")


def _vertex(environment: Mapping[str, str]) -> bool:
    for name in ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI"):
        if environment.get(name) is not None:
            return environment[name].strip().lower() in ("true", "1")
    return False


def _placed(environment: Mapping[str, str]) -> bool:
    named = any(_said(environment, name) for name in ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"))
    return named or not any(_said(environment, name) for name in KEYS)


def _said(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name, "").strip()


def _key(environment: Mapping[str, str], model: str, *, vertex: bool) -> str:
    where = "https://cloud.google.com/vertex-ai/generative-ai/docs/start/api-keys" if vertex else WHERE
    return key(environment, KEYS, f"gemini:{model}", where)


def _http_options(environment: Mapping[str, str], options: ModelOptions, *, vertex: bool) -> "HttpOptions":
    from google.genai.types import HttpOptions, HttpRetryOptions  # noqa: PLC0415

    base = _said(environment, "GOOGLE_VERTEX_BASE_URL" if vertex else "GOOGLE_GEMINI_BASE_URL")
    version = _said(environment, "GOOGLE_GENAI_API_VERSION")
    return HttpOptions(
        base_url=base or None,
        api_version={"beta": "v1beta1" if vertex else "v1beta"}.get(version, version) or None,
        timeout=max(1, round(options.timeout * 1000)),
        # Asking again is ours alone: what the SDK repeats would be in no trace.
        retry_options=HttpRetryOptions(attempts=1),
    )


def _on_vertex(
    model: str, environment: Mapping[str, str], given: "HttpOptions", credentials: "Credentials | None"
) -> "tuple[Client, Credentials]":
    import google.auth  # noqa: PLC0415
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
    from google.genai import Client  # noqa: PLC0415

    project = _said(environment, "GOOGLE_CLOUD_PROJECT")
    if credentials is None:
        try:
            credentials, found = google.auth.default(scopes=[_SCOPE])
        except GoogleAuthError as error:
            needs = f"--model gemini:{model} needs Google Cloud credentials for Vertex AI"
            how = "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS"
            raise InputError(f"{needs}: {how}; or set {KEYS[0]} and no project") from error
        project = project or found or ""
    if not project:
        raise InputError(f"--model gemini:{model} on Vertex AI needs a project: set GOOGLE_CLOUD_PROJECT")
    location = _said(environment, "GOOGLE_CLOUD_LOCATION") or "global"
    client = Client(
        vertexai=True, project=project, location=location, credentials=credentials, http_options=given
    )
    return client, credentials
