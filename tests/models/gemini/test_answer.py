"""What is read of an answer, part by part."""

import pytest
from harness.clearance import Usage
from harness.models.dialect import JsonObject, Trouble, Unusable
from harness.models.gemini.answer import (
    MOST_PARTS,
    blocked,
    candidate,
    ended,
    identity,
    parts,
    usage,
    warned,
    words,
)
from pydantic import JsonValue


def of(*found: JsonValue) -> JsonObject:
    return {"content": {"role": "model", "parts": list(found)}}


def test_thoughts_and_signatures_are_kept_as_they_came() -> None:
    came: list[JsonValue] = [
        {"text": "Hm.", "thought": True, "thoughtSignature": "+/8="},
        {"functionCall": {"name": "click", "args": {"x": 1}, "id": "f1"}, "thoughtSignature": "-_8="},
        {"thoughtSignature": "AAAA"},
    ]
    assert [part.item for part in parts(of(*came))] == came


@pytest.mark.parametrize("signature", ["!", "a", 5, ["AAAA"], "é", {"a": 1}])
def test_a_signature_that_the_sdk_would_not_send_is_named_and_left_out(signature: JsonValue) -> None:
    (part,) = parts(of({"text": "Hm.", "thoughtSignature": signature}))
    assert part.item == {"text": "Hm."}
    assert part.problem == "a thought's signature is not base64"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (5, "a part is no object, but int"),
        ({"executableCode": {"code": "1"}}, "a part of another kind: executableCode"),
        ({}, "a part of another kind: "),
    ],
)
def test_parts_that_nobody_asked_for_are_named(part: JsonValue, said: str) -> None:
    (found,) = parts(of(part))
    assert (found.item, found.problem) == (None, said)


@pytest.mark.parametrize(
    "call", [5, None, {"name": "click", "args": "{}"}, {"name": "click", "args": [1]}, {"name": 5, "args": 5}]
)
def test_calls_of_another_shape_cannot_be_used_and_are_not_sent_back(call: JsonValue) -> None:
    (found,) = parts(of({"functionCall": call}))
    assert found.item is None
    assert found.call is not None
    assert isinstance(found.call.args, Unusable)


def test_arguments_deeper_than_anybody_means_cannot_be_used() -> None:
    deep: JsonValue = 1
    for _ in range(60):
        deep = [deep]
    (found,) = parts(of({"functionCall": {"name": "click", "args": {"x": deep}}}))
    assert found.call is not None
    assert isinstance(found.call.args, Unusable)


def test_no_more_parts_are_read_than_anybody_means() -> None:
    many: list[JsonValue] = [{"text": "a"}] * (MOST_PARTS + 5)
    found = parts(of(*many))
    assert len(found) == MOST_PARTS + 1
    assert found[-1].problem.startswith("more than")


@pytest.mark.parametrize("content", [None, [], "a", {"parts": "a"}, {}])
def test_content_of_another_shape_has_no_parts(content: JsonValue) -> None:
    assert parts({"content": content}) == []


@pytest.mark.parametrize(
    ("reason", "fault"),
    [
        ("MAX_TOKENS", "truncated"),
        ("CONTINUATION", "truncated"),
        (None, "truncated"),
        ("SAFETY", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("MODEL_ARMOR", "content_filter"),
        ("RECITATION", "content_filter"),
        ("OTHER", "refused"),
        ("UNEXPECTED_TOOL_CALL", "unknown_tool"),
        ("MISSING_THOUGHT_SIGNATURE", "rejected"),
        ("SOMETHING_NEW", "malformed"),
    ],
)
def test_how_an_answer_ended_is_named(reason: str | None, fault: str) -> None:
    cut = ended({"finishReason": reason, "finishMessage": "So it is."})
    assert cut is not None
    assert cut[0] == fault
    assert "So it is." in cut[1]


def test_an_answer_that_came_to_its_end_has_no_fault() -> None:
    assert ended({"finishReason": "STOP"}) is None


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE"])
def test_a_call_that_the_vendor_could_not_read_is_asked_for_again(reason: str) -> None:
    with pytest.raises(Trouble) as raised:
        ended({"finishReason": reason, "finishMessage": "print(1)"})
    assert (raised.value.fault, raised.value.again, raised.value.ends) == ("malformed", True, False)
    assert "print(1)" in str(raised.value)


def test_why_a_request_was_blocked_is_said() -> None:
    assert blocked({"promptFeedback": {"blockReason": "JAILBREAK"}}) == "JAILBREAK"
    assert blocked({"promptFeedback": {"blockReason": 5}}) == "unknown reason"
    assert blocked({"promptFeedback": {"safetyRatings": []}}) == ""
    assert candidate({"candidates": []}) is None
    assert candidate({"candidates": ["a"]}) is None


@pytest.mark.parametrize(
    ("decision", "wanted"),
    [
        (
            {"decision": "require_confirmation", "explanation": "It buys."},
            ("require_confirmation", "It buys."),
        ),
        ({"decision": "something_new"}, ("something_new", "")),
        ("require_confirmation", ("require_confirmation", "")),
        ({}, ("unknown", "")),
        (None, ("unknown", "")),
        ({"decision": 5}, ("unknown", "")),
    ],
)
def test_whatever_the_safety_check_says_is_a_warning(decision: JsonValue, wanted: tuple[str, str]) -> None:
    found = warned({"safety_decision": decision})
    assert found is not None
    assert (found.decision, found.explanation) == wanted
    assert not found.blocked


def test_what_the_safety_check_lets_pass_itself_is_no_warning_and_what_it_blocks_is_blocked() -> None:
    assert warned({}) is None
    assert warned({"safety_decision": {"decision": "regular"}}) is None
    found = warned({"safety_decision": {"decision": "blocked"}})
    assert found is not None
    assert found.blocked


def test_tokens_are_counted_with_thoughts_and_what_is_not_said_is_not_zero() -> None:
    said: JsonObject = {
        "promptTokenCount": 900,
        "cachedContentTokenCount": 600,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 30,
    }
    assert usage({"usageMetadata": said}) == Usage(input_tokens=900, cached_tokens=600, output_tokens=50)
    assert usage({}) == Usage()
    assert usage({"usageMetadata": {"promptTokenCount": -1}}) == Usage()
    assert usage({"usageMetadata": {"promptTokenCount": True}}) == Usage()


def test_texts_that_no_utf_8_can_hold_are_made_so() -> None:
    assert words("a\ud800b") == "a?b"
    assert words("abc", 2) == "ab"
    assert words(["a"]) == ""


def test_an_answer_has_an_id_of_its_own_in_any_case() -> None:
    assert identity({"responseId": "r1"}, []) == "r1"
    assert identity({}, [{"text": "a"}]) != identity({}, [{"text": "b"}])
