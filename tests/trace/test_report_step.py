from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness.action import Answer, Click, Goto, Wait
from harness.clearance import Incident, Request, Usage, Verdict
from harness.trace.blobs import BlobStore
from harness.trace.events import Acted, AskedModel, Failed, ModelReplied, Observed, Responded
from harness.trace.report_media import Pictures
from harness.trace.report_step import FEW, chip, has, section, step_name, text, tone
from harness.trace.timeline import Deed, Exchange, Step

THEN = datetime(2026, 1, 2, tzinfo=UTC)
ALLOW = Verdict(outcome="allow", rule="default", reason="fine", policy="p", effect="e")
DENY = ALLOW.model_copy(update={"outcome": "deny", "rule": "domains", "reason": "not there"})


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    return Pictures(BlobStore(tmp_path), [])


def exchange(number: int, verdict: Verdict = ALLOW) -> Exchange:
    request = Request(id=str(number), method="GET", url=f"https://a.test/{number}", resource="image")
    return Exchange(
        request, verdict, response=Responded(step=1, request=str(number), status=200, received=10)
    )


def test_text_is_escaped_and_visible() -> None:
    assert text("<b>&\"'\u202e") == "&lt;b&gt;&amp;&quot;&#x27;⟨U+202E⟩"
    assert chip("<", "ok", "big") == '<span class="chip ok big">&lt;</span>'


def test_a_step_is_toned_by_the_worst_in_it() -> None:
    done = Acted(step=1, index=0, action=Wait(), status="done")
    failed = done.model_copy(update={"status": "failed"})
    assert tone(Step(1, THEN)) == ""
    assert tone(Step(1, THEN, deeds=[Deed(result=done)])) == "ok"
    assert tone(Step(1, THEN, deeds=[Deed(result=failed)])) == "bad"
    assert tone(Step(1, THEN, exchanges=[exchange(1, DENY)])) == "bad"
    assert tone(Step(1, THEN, failures=[Failed(error="E", message="m")])) == "bad"
    assert has(Step(1, THEN, exchanges=[exchange(1, DENY)])) == "refused requests"
    assert step_name(Step(0, THEN)) == "Before the first step"


def test_what_an_answer_cost_stands_in_its_step(pictures: Pictures) -> None:
    usage = Usage(input_tokens=1200, output_tokens=30, cost_usd=0.00425)
    filtered = Incident(fault="content_filter", message="<violence>")
    reply = ModelReplied(step=1, actions=(Wait(),), usage=usage, incidents=(filtered,))
    html = section(Step(1, THEN, reply=reply), 0, pictures)
    assert "1,200 tokens read, 30 written, 0.0043 USD" in html
    assert "content filter: &lt;violence&gt;" in html
    assert "tokens" not in section(Step(1, THEN, reply=ModelReplied(step=1)), 0, pictures)


def test_few_requests_are_open_and_many_are_folded(pictures: Pictures) -> None:
    few = section(Step(1, THEN, exchanges=[exchange(n) for n in range(FEW)]), 0, pictures)
    many = section(Step(1, THEN, exchanges=[exchange(n) for n in range(FEW + 1)]), 0, pictures)
    assert '<details class="wire" open>' in few
    assert '<details class="wire">' in many
    assert "7 requests · 70 B" in many


def test_refused_requests_stand_first_and_open_the_list(pictures: Pictures) -> None:
    exchanges = [*(exchange(n) for n in range(FEW + 1)), exchange(99, DENY)]
    html = section(Step(1, THEN, exchanges=exchanges), 0, pictures)
    assert '<details class="wire" open>' in html
    assert html.index("https://a.test/99") < html.index("https://a.test/0")
    assert html.count('<tr class="bad">') == 1
    assert "domains: not there" in html


def test_a_reason_is_said_once(pictures: Pictures) -> None:
    refused = Acted(
        step=1, index=0, action=Goto(url="u"), status="refused", message="not there", rule="domains"
    )
    html = section(
        Step(1, THEN, deeds=[Deed(action=refused.action, verdicts=[DENY], result=refused)]), 0, pictures
    )
    assert html.count("not there") == 1
    assert 'class="deed bad"' in html


def test_silence_is_said(pictures: Pictures) -> None:
    assert "did not answer" in section(Step(1, THEN, asked=AskedModel(step=1).step == 1), 0, pictures)
    assert "asked for no action" in section(Step(1, THEN, reply=ModelReplied(step=1)), 0, pictures)


def test_an_answer_is_shown_though_it_touched_nothing(pictures: Pictures) -> None:
    reply = ModelReplied(step=1, actions=(Wait(), Answer(text="Order 7")))
    html = section(Step(1, THEN, reply=reply, deeds=[Deed(action=Wait())]), 0, pictures)
    assert "Finish with the answer &#x27;Order 7&#x27;" in html
    assert html.count("Wait 1 s") == 1


def test_a_missing_screenshot_leaves_the_story(pictures: Pictures) -> None:
    seen = Observed(step=1, screenshot="ab" * 32, size=(0, -5), url="u", settled=False)
    html = section(Step(1, THEN, observed=seen, deeds=[Deed(action=Click(x=1, y=2))]), 1.5, pictures)
    assert "the blob is missing" in html
    assert "Click at 1, 2" in html
    assert "+1.5 s" in html


def test_a_websockets_messages_and_why_it_was_cut_are_in_its_row(pictures: Pictures) -> None:
    socket = exchange(1)
    socket.messages, socket.cut = (2, 1_500), "limits: <too> many"
    found = section(Step(1, THEN, exchanges=[socket]), 0.0, pictures)
    assert "2 messages out, 1,500 in" in found
    assert "a message was refused by limits: &lt;too&gt; many" in found
