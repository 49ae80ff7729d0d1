"""Requests in both forms, for both tools, and where a conversation forks."""

from collections.abc import Sequence
from typing import Any

from harness.models.dialect import Brief, Call, Frame, Outcome, Picture, Seen, Turn
from harness.models.functions import EXTRAS
from harness.models.openai.answer import Chained
from harness.models.openai.dialect import ResponsesDialect, ResponsesOptions
from harness.models.scaling import Space
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from vendors.openai import wrong

SPACE = Space("pixels", 40, 30, 80, 60)
BRIEF = Brief("Buy a mug", inputs={"name": "Ada"})


def call(number: int, **more: Any) -> dict[str, Any]:
    return {
        "type": "computer_call",
        "id": f"cu_{number}",
        "call_id": f"c{number}",
        "status": "completed",
        "pending_safety_checks": [],
        "actions": [{"type": "click", "x": 1, "y": 2, "button": "left"}],
        **more,
    }


def answered(number: int, parent: str = "", **more: Any) -> Chained:
    calls = (Call(f"c{number}", "computer"),)
    return Chained(calls=calls, items=(call(number, **more),), id=f"resp_{number}", parent=parent)


def asked(step: int, before: int | None = None, *, ok: bool = True) -> Seen:
    outcomes = (
        () if before is None else (Outcome(Call(f"c{before}", "computer"), ok=ok, text="" if ok else "no"),)
    )
    return Seen(step, f"Step {step}.", Picture(b"png%d" % step, (40, 30), SPACE), outcomes=outcomes)


def dialect(**options: Any) -> ResponsesDialect:
    return ResponsesDialect("gpt-test", BRIEF, options=ResponsesOptions(**options))


def body(turns: Sequence[Turn], **options: Any) -> dict[str, Any]:
    request: dict[str, Any] = dialect(**options).request(turns, ())
    assert wrong(request, ResponseCreateParamsNonStreaming, "body") is None
    return request


def kinds(request: dict[str, Any]) -> list[str]:
    return [one["type"] for one in request["input"]]


def chain(*links: tuple[int, str]) -> list[Turn]:
    """Turns that were answered, each with its number and the id it continues; then one more question."""
    turns = [
        Turn(asked(number, links[place - 1][0] if place else None), answered(number, parent))
        for place, (number, parent) in enumerate(links)
    ]
    return [*turns, Turn(asked(links[-1][0] + 1, links[-1][0]))]


def test_the_first_request_tells_what_to_do_and_offers_the_tools() -> None:
    request = body([Turn(asked(1))])
    assert "Buy a mug" in request["instructions"]
    assert "ends the run as your answer" in request["instructions"]
    assert request["tools"][0] == {"type": "computer"}
    assert [one["name"] for one in request["tools"][1:]] == list(EXTRAS)
    assert {name: request[name] for name in ("model", "store", "include", "max_output_tokens")} == {
        "model": "gpt-test",
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "max_output_tokens": 4096,
    }
    assert request["parallel_tool_calls"] is False
    assert {"truncation", "previous_response_id", "reasoning"}.isdisjoint(request)
    (message,) = request["input"]
    assert [one["type"] for one in message["content"]] == ["input_text", "input_image"]


def test_the_preview_is_told_the_size_of_the_picture_and_to_truncate() -> None:
    request = body([Turn(asked(1))], tool="computer_use_preview", environment="browser")
    assert request["tools"][0] == {
        "type": "computer_use_preview",
        "display_width": 40,
        "display_height": 30,
        "environment": "browser",
    }
    assert request["truncation"] == "auto"
    assert "parallel_tool_calls" not in request


def test_how_much_it_reasons_is_asked_for_only_if_chosen() -> None:
    assert body([Turn(asked(1))], effort="low", summary="auto")["reasoning"] == {
        "effort": "low",
        "summary": "auto",
    }


def test_without_state_everything_is_sent_each_time() -> None:
    request = body(chain((1, ""), (2, "")))
    assert kinds(request) == ["message"] + ["computer_call", "computer_call_output", "message"] * 2
    assert request["input"][1] == call(1)


def test_what_is_sent_begins_as_it_began_the_time_before() -> None:
    before, after = body(chain((1, ""))), body(chain((1, ""), (2, "")))
    assert after["input"][: len(before["input"])] == before["input"]


def test_with_state_only_what_is_new_is_sent() -> None:
    request = body(chain((1, ""), (2, "resp_1")), stateful=True)
    assert (request["previous_response_id"], request["store"]) == ("resp_2", True)
    assert kinds(request) == ["computer_call_output", "message"]


def test_with_state_a_conversation_forks_before_a_call_that_was_not_acknowledged() -> None:
    turns = chain((1, ""), (2, "resp_1"))
    warned = answered(2, "resp_1", pending_safety_checks=[{"id": "sc", "code": "odd", "message": ""}])
    request = body([turns[0], Turn(turns[1].seen, warned), Turn(asked(3, 2, ok=False))], stateful=True)
    assert request["previous_response_id"] == "resp_1"
    assert kinds(request) == ["computer_call_output", "message", "message"]
    assert request["input"][-1]["content"][0]["text"].startswith(
        "Your computer call was not done in full: no"
    )
    again = Chained(calls=(Call("c3", "computer"),), items=(call(3),), id="resp_3", parent="resp_1")
    later = body(
        [turns[0], Turn(turns[1].seen, warned), Turn(asked(3, 2, ok=False), again), Turn(asked(4, 3))],
        stateful=True,
    )
    assert (later["previous_response_id"], kinds(later)) == ("resp_3", ["computer_call_output", "message"])


def test_with_state_a_first_call_that_was_not_acknowledged_begins_anew() -> None:
    warned = answered(1, pending_safety_checks=[{"id": "sc", "code": "odd", "message": ""}])
    request = body([Turn(asked(1), warned), Turn(asked(2, 1, ok=False))], stateful=True)
    assert "previous_response_id" not in request
    assert kinds(request) == ["message", "message"]


def test_with_state_what_continues_turns_that_are_left_out_begins_anew_and_goes_on_from_there() -> None:
    left = chain((1, ""), (2, "resp_1"), (3, "resp_2"))[1:]
    pruned = [Turn(asked(2), left[0].heard), *left[1:]]
    request = body(pruned, stateful=True)
    assert "previous_response_id" not in request
    assert kinds(request) == ["message"] + ["computer_call", "computer_call_output", "message"] * 2
    on = [*pruned[:-1], Turn(pruned[-1].seen, answered(4)), Turn(asked(5, 4))]
    assert body(on, stateful=True)["previous_response_id"] == "resp_4"


def test_answers_that_continue_each_other_in_a_circle_begin_anew() -> None:
    request = body(chain((1, "resp_2"), (2, "resp_1")), stateful=True)
    assert "previous_response_id" not in request


def test_an_answer_is_read_for_the_provider_it_is_from() -> None:
    item = call(1, pending_safety_checks=[{"id": "sc", "code": "odd", "message": "hm"}])
    azure = ResponsesDialect("cua", BRIEF, provider="azure")
    heard = azure.read({"id": "r", "output": [item]}, Frame(SPACE, (0, 0)))
    assert (azure.provider, heard.signals[0].provider) == ("azure", "azure")
    assert heard.actions[0].model_dump()["x"] == 3


def test_what_is_sent_besides_the_turns_is_counted() -> None:
    overhead = dialect().overhead
    assert "Buy a mug" in overhead
    assert "give_up" in overhead
