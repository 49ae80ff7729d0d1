"""Chat Completions through the real SDK over HTTP, against servers that are as strict as the vendors'."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import harness
import pytest
from harness.action import Click
from harness.errors import InputError
from harness.models.assemble import ModelOptions
from harness.models.catalogue import ours
from harness.models.chat.build import (
    build_azure_chat,
    build_chat,
    build_fara,
    build_qwen_vl,
    build_ui_tars,
)
from harness.models.chat.options import ChatOptions
from harness.models.dialect import Brief
from harness.models.retry import Retry
from harness.models.vision import VisionModel
from harness.screen import ActionResult, Observation
from harness.task import Task
from harness.testing import RecordingApprover, blank
from harness.trace.verify import verify
from starlette.responses import JSONResponse, Response
from vendors.brain import TASK
from vendors.chat import Asked, ChatServer, Json, message, tool_call
from vendors.open_models import Driven, marked, pixels, thousandths, ui_tars, ui_tars_first
from vendors.serve import served

CANARY = "sk-canary-1234"


async def _at_once(seconds: float) -> None:
    del seconds


def options(**chosen: Any) -> ModelOptions:
    return ModelOptions(retry=Retry(_at_once, lambda: 0.0), timeout=20.0, **chosen)


def brief() -> Brief:
    task = Task.load(TASK).filled()
    return Brief(goal=task.goal, inputs=task.inputs, outputs=task.outputs)


async def buy(model: VisionModel, traces: Path, *, approver: Any = "auto") -> harness.Result:
    """Do the shop task in a real sandbox."""
    try:
        return await harness.run(
            Task.load(TASK), model=model, sandbox="bubblewrap", approver=approver, traces=traces
        )
    finally:
        await model.close()


def bought(result: harness.Result, traces: Path) -> None:
    """What holds of every run that bought the mug: its checks, its trace, and that no key is in it."""
    assert (result.outcome, result.exit_code) == ("done", 0), result.reason
    assert all(check.passed for check in result.checks)
    assert result.outputs["order_id"]
    folder = traces / result.run_id
    assert verify(folder).ok
    for path in folder.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


def open_ai(url: str) -> dict[str, str]:
    return {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": f"{url}/v1"}


@pytest.mark.long
async def test_gpt_4o_buys_a_mug_by_function_calls(tmp_path: Path) -> None:
    server = ChatServer(Driven("calls"))
    async with served(server.app) as url:
        model = build_chat(
            "gpt-4o", None, brief(), facts=ours().find("gpt-4o"), environment=open_ai(url), options=options()
        )
        result = await buy(model, tmp_path)
    bought(result, tmp_path)
    assert server.refused == []
    assert result.usage.cached_tokens == 512 * len(server.bodies)
    assert result.usage.cost_usd
    assert server.bodies[0]["messages"][1]["content"][1]["image_url"]["detail"] == "high"
    assert "max_tokens" not in server.bodies[0]


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("form", ["schema", "object", "text"])
async def test_a_model_without_calls_buys_a_mug_in_json(form: Any, tmp_path: Path) -> None:
    server = ChatServer(Driven("json"))
    async with served(server.app) as url:
        facts = ours().find("gpt-4o")
        model = build_chat(
            "gpt-4o",
            None,
            brief(),
            facts=facts,
            environment=open_ai(url),
            options=options(),
            chat=ChatOptions(form=form),
        )
        result = await buy(model, tmp_path)
    bought(result, tmp_path)
    assert server.refused == []


OPEN: dict[str, tuple[Any, str, dict[str, Any], Any, Any]] = {
    "ui-tars 1.5": (build_ui_tars, "ui-tars-1.5-7b", {"version": "1.5"}, ui_tars, pixels),
    "ui-tars 1.0": (build_ui_tars, "ui-tars-7b-dpo", {"version": "1.0"}, ui_tars_first, thousandths),
    "qwen2.5-vl": (build_qwen_vl, "qwen2.5-vl-7b-instruct", {}, marked, pixels),
    "qwen3-vl": (build_qwen_vl, "qwen3-vl-8b-instruct", {}, marked, thousandths),
    "fara-7b": (build_fara, "fara-7b", {}, partial(marked, fara=True), pixels),
    "fara-1.5": (build_fara, "fara-1.5-9b", {}, partial(marked, fara=True), thousandths),
}


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", OPEN)
async def test_an_open_model_buys_a_mug_in_its_own_words(name: str, tmp_path: Path) -> None:
    build, model_name, chosen, write, space = OPEN[name]
    server = ChatServer(Driven(write, space), key=CANARY, strict=False)
    async with served(server.app) as url:
        model = build(
            model_name,
            url,
            brief(),
            facts=ours().find(model_name),
            environment={"CHAT_API_KEY": CANARY, "OPENAI_API_KEY": "sk-not-for-you"},
            options=options(),
            **chosen,
        )
        result = await buy(model, tmp_path)
    bought(result, tmp_path)
    assert server.refused == []
    assert all("sk-not-for-you" not in str(one) for one in server.headers)
    assert "max_tokens" in server.bodies[0]


class Shielded:
    """The local model behind Azure; in its first answer, the prompt shield has found an attack.

    If that is refused it begins anew: the local model alone would take a refusal for the end.
    """

    def __init__(self) -> None:
        self.driven = Driven("calls")
        self.extra: Json = {}

    async def __call__(self, asked: Asked) -> Json | Response:
        clean = {"violence": {"filtered": False, "severity": "safe"}}
        found = {**clean, "indirect_attack": {"filtered": False, "detected": not self.driven.steps}}
        self.extra["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": found}]
        if any(one.startswith("refused by the rule 'vendor") for one in asked.told):
            self.driven, asked = Driven("calls"), replace(asked, told=())
            self.driven.steps = 1
        return await self.driven(asked)


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("version", ["2024-10-21", "v1"])
@pytest.mark.parametrize("deny", [False, True])
async def test_azure_buys_a_mug_and_what_its_shield_found_is_judged_first(
    version: str, *, deny: bool, tmp_path: Path
) -> None:
    speak = Shielded()
    server = ChatServer(speak, key=CANARY, deployment="my-gpt", extra=speak.extra)
    approver = RecordingApprover(
        lambda question: (
            question.deny(by="ada")
            if deny and question.effect.kind == "signal"
            else question.approve(by="ada")
        )
    )
    async with served(server.app) as url:
        model = build_azure_chat(
            "my-gpt",
            brief(),
            facts=ours().find("gpt-4o"),
            environment={
                "AZURE_OPENAI_ENDPOINT": url,
                "AZURE_OPENAI_API_KEY": CANARY,
                "OPENAI_API_VERSION": version,
            },
            options=options(),
        )
        result = await buy(model, tmp_path, approver=approver)
    bought(result, tmp_path)
    assert approver.questions[0].effect.kind == "signal"
    assert server.refused == []
    first = server.bodies[1]["messages"]
    answered = [one["content"] for one in first if one["role"] == "tool"]
    assert answered[0].startswith("refused") is deny
    assert all(one["api-key"] == CANARY and "authorization" not in one for one in server.headers)


class Tokens:
    """A credential that gives these, and then fails."""

    def __init__(self, *tokens: str) -> None:
        self.token = ""
        self._tokens = list(tokens)

    async def get_token(self, *scopes: str, **options: Any) -> "Tokens":
        assert scopes == ("https://cognitiveservices.azure.com/.default",), options
        if not self._tokens:
            raise RuntimeError("the tokens are over")
        self.token = self._tokens.pop(0)
        return self

    async def close(self) -> None:
        raise AssertionError("what is not ours is not closed")


class Clicks:
    """A model that clicks in the middle, always."""

    async def __call__(self, asked: Asked) -> Json:
        assert asked.png
        return message(None, [tool_call("call_1", "click", {"x": 20, "y": 15})])


def look(step: int, *results: ActionResult) -> Observation:
    return Observation(
        screenshot=blank(40, 30), url="https://shop.test/", goal="Buy", step=step, results=results
    )


async def test_an_entra_token_is_asked_for_each_time_and_one_that_ran_out_is_replaced(tmp_path: Path) -> None:
    del tmp_path
    good = ["token-1"]
    server = ChatServer(Clicks(), key=lambda: good[0], deployment="my-gpt")
    async with served(server.app) as url:
        model = build_azure_chat(
            "my-gpt",
            brief(),
            facts=ours().find("gpt-4o"),
            environment={"AZURE_OPENAI_ENDPOINT": url},
            options=options(),
            credential=Tokens("token-1", "token-1", "token-2"),
        )
        await model.reply(look(1))
        good[0] = "token-2"
        reply = await model.reply(look(2, ActionResult(action=Click(x=20, y=15), status="done")))
        await model.close()
    assert reply.actions == (Click(x=20, y=15),)
    assert [one.fault for one in reply.incidents] == ["unauthorized"]
    assert "token-1" not in reply.incidents[0].message
    assert [one["authorization"] for one in server.headers] == [
        "Bearer token-1",
        "Bearer token-1",
        "Bearer token-2",
    ]


async def test_an_entra_credential_that_fails_ends_the_run_and_says_why() -> None:
    server = ChatServer(Clicks(), deployment="my-gpt")
    async with served(server.app) as url:
        environment = {"AZURE_OPENAI_ENDPOINT": url, "OPENAI_API_VERSION": "2024-10-21"}
        model = build_azure_chat(
            "my-gpt",
            brief(),
            facts=ours().find("gpt-4o"),
            environment=environment,
            options=options(),
            credential=Tokens(),
        )
        reply = await model.reply(look(1))
        await model.close()
    assert "the tokens are over" in reply.failure
    assert [one.fault for one in reply.incidents] == ["unauthorized"]
    assert server.headers == []


async def test_what_azure_filters_is_told_and_does_not_end_the_run() -> None:
    async def refuse(asked: Asked) -> Response:
        del asked
        result = {
            "violence": {"filtered": True, "severity": "medium"},
            "jailbreak": {"filtered": True, "detected": True},
        }
        error = {
            "code": "content_filter",
            "message": "The response was filtered",
            "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": result},
        }
        return JSONResponse({"error": error}, 400)

    server = ChatServer(refuse, deployment="my-gpt")
    async with served(server.app) as url:
        environment = {"AZURE_OPENAI_ENDPOINT": url, "AZURE_OPENAI_API_KEY": CANARY}
        model = build_azure_chat(
            "my-gpt", brief(), facts=ours().find("gpt-4o"), environment=environment, options=options()
        )
        reply = await model.reply(look(1))
        await model.close()
    assert (reply.failure, [one.fault for one in reply.incidents]) == ("", ["content_filter"])
    assert "violence (medium), jailbreak (detected); refused by Azure's prompt shield" in str(reply.incidents)


async def test_an_o_series_model_gets_what_it_takes() -> None:
    server = ChatServer(Clicks())
    async with served(server.app) as url:
        model = build_chat(
            "o4-mini",
            None,
            brief(),
            facts=ours().find("o4-mini"),
            environment=open_ai(url),
            options=options(),
            chat=ChatOptions(temperature=0.5, effort="low"),
        )
        reply = await model.reply(look(1))
        await model.close()
    assert reply.actions == (Click(x=20, y=15),), reply
    assert server.bodies[0]["reasoning_effort"] == "low"
    assert "temperature" not in server.bodies[0]


async def test_nothing_meant_for_a_vendor_goes_to_a_server_of_ones_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "vendors-own")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer vendors-own\nx-secret: vendors-own")
    server = ChatServer(Clicks(), key="none", strict=False)
    async with served(server.app) as url:
        environment = {"OPENAI_API_KEY": "vendors-own"}
        model = build_chat(
            "llava", url, brief(), facts=ours().find("llava"), environment=environment, options=options()
        )
        reply = await model.reply(look(1))
        await model.close()
    assert reply.actions
    assert "vendors-own" not in str(server.headers)


async def test_what_a_model_called_is_answered_word_for_word_and_the_picture_follows() -> None:
    server = ChatServer(Clicks())
    async with served(server.app) as url:
        facts = ours().find("gpt-4o")
        model = build_chat("gpt-4o", None, brief(), facts=facts, environment=open_ai(url), options=options())
        await model.reply(look(1))
        refused = ActionResult(action=Click(x=20, y=15), status="refused", message="Not <here>.", rule="r")
        await model.reply(look(2, refused))
        await model.close()
    roles = [one["role"] for one in server.bodies[1]["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "user"]
    assert server.bodies[1]["messages"][3]["content"] == "refused by the rule 'r': Not \\u003chere>."
    assert json.loads(server.bodies[1]["messages"][2]["tool_calls"][0]["function"]["arguments"]) == {
        "x": 20,
        "y": 15,
    }


def test_a_missing_key_is_named_before_anything_starts() -> None:
    with pytest.raises(InputError, match=r"OPENAI_API_KEY.*platform\.openai\.com"):
        build_chat("gpt-4o", None, brief(), facts=ours().find("gpt-4o"), environment={}, options=options())


def test_a_missing_endpoint_is_named_before_anything_starts() -> None:
    with pytest.raises(InputError, match="AZURE_OPENAI_ENDPOINT"):
        build_azure_chat("d", brief(), facts=ours().find("gpt-4o"), environment={}, options=options())


def test_the_sdk_is_loaded_only_when_a_model_is_made() -> None:
    code = "import harness.models.chat.build, sys; print('openai' in sys.modules, 'azure' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]
