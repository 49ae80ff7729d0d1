import json

from harness.trace.export.otel import Span, spans
from harness.trace.reader import Trace
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as gen_ai
from opentelemetry.semconv.attributes import (
    error_attributes,
    http_attributes,
    server_attributes,
    url_attributes,
)

KNOWN = {
    value
    for module in (gen_ai, error_attributes, http_attributes, server_attributes, url_attributes)
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str)
} | {"exception.type", "exception.message", "http.request.body.size", "http.response.body.size"}


def named(found: list[Span], name: str) -> Span:
    return next(one for one in found if one.name == name)


def test_spans_hang_together_and_their_ids_come_from_the_run(trace: Trace) -> None:
    found = list(spans(trace))
    assert found == list(spans(trace))
    ids = {one.id for one in found}
    assert len(ids) == len(found)
    assert len({one.trace for one in found}) == 1
    root = found[-1]
    assert (root.parent, root.name) == (None, "invoke_agent buy-a-mug")
    assert all(one.parent in ids for one in found[:-1])
    assert all(one.end >= one.start for one in found)
    above = {one.id: one.name for one in found}
    assert above[str(named(found, "execute_tool type").parent)] == "step 2"


def test_names_of_attributes_are_the_conventions_or_our_own(trace: Trace, plain: Trace) -> None:
    for run in (trace, plain):
        for span in spans(run, content=True):
            told = [*span.attributes, *(name for _, _, more in span.events for name in more)]
            unknown = [name for name in told if name not in KNOWN and not name.startswith("harness.")]
            assert unknown == []


def test_the_conventions_values_are_there(trace: Trace) -> None:
    found = list(spans(trace))
    operations = [one.attributes.get(gen_ai.GEN_AI_OPERATION_NAME) for one in found]
    assert {one for one in operations if one} == {
        gen_ai.GenAiOperationNameValues.INVOKE_AGENT.value,
        gen_ai.GenAiOperationNameValues.CHAT.value,
        gen_ai.GenAiOperationNameValues.EXECUTE_TOOL.value,
    }
    chat = named(found, "chat local")
    assert chat.kind == "client"
    root = found[-1]
    assert root.attributes[gen_ai.GEN_AI_USAGE_INPUT_TOKENS] == 200
    score = next(told for name, _, told in root.events if name == "gen_ai.evaluation.result")
    assert score[gen_ai.GEN_AI_EVALUATION_SCORE_LABEL] == "pass"
    refused = named(found, "execute_tool goto")
    assert (refused.error, refused.attributes["error.type"]) == ("spending", "refused")
    pixel = next(one for one in found if one.attributes.get("server.address") == "tracker.test")
    assert (pixel.error, pixel.attributes["error.type"]) == ("refused by domains", "refused")
    press = named(found, "execute_tool click")
    assert [name for name, _, _ in press.events] == [
        "harness.judged",
        "harness.approval.asked",
        "harness.approval.given",
    ]


def test_nothing_that_was_written_is_told_without_content(trace: Trace, plain: Trace) -> None:
    for words in ("It says Buy", "Buy one blue mug", "shop_password", "broke", "Sure?", "One mug."):
        assert words not in str(list(spans(trace)))
        assert words in str(list(spans(trace, content=True)))
    assert "Add to cart" not in str(list(spans(plain)))


def test_messages_have_the_shape_of_the_conventions(trace: Trace) -> None:
    found = [one for one in spans(trace, content=True) if one.name == "chat local"]
    told = next(one for one in found if "tool_call" in str(one.attributes))
    output = json.loads(str(told.attributes[gen_ai.GEN_AI_OUTPUT_MESSAGES]))
    assert output[0]["parts"][1]["type"] == "tool_call"
    assert output[0]["parts"][1]["arguments"]["x"] == 16
    seen = json.loads(str(told.attributes[gen_ai.GEN_AI_INPUT_MESSAGES]))
    assert seen[0]["parts"][1]["uri"].startswith("sha256:")


def test_a_run_that_was_cut_off_ends_with_its_last_line(trace: Trace) -> None:
    cut = Trace(trace.folder, trace.header, trace.events[:12], trace.blobs, None)
    found = list(spans(cut))
    assert found[-1].error == "unfinished"
    assert found[-1].attributes["harness.outcome"] == "unfinished"
