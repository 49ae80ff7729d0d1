"""What is read of a trace to judge it again is what the whole reading gives, and is checked as it is read."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.action import AskUser, Click, Goto
from harness.clearance import Act, Request, Target
from harness.errors import TraceError
from harness.replay.effects import Heard
from harness.replay.folder import traces_in
from harness.replay.moments import Asked, Look, recording
from harness.testing import RecordingApprover
from harness.trace.lines import START, TAIL
from harness.trace.reader import Trace
from tests.replay.conftest import Played, policy

EXAMPLE = Path(__file__).resolve().parents[2] / "traces" / "examples" / "buy-a-mug"


def same(folder: Path) -> None:
    whole = Trace.open(folder)
    heard = [one for one in recording(folder).moments if isinstance(one, Heard)]
    expected = []
    for one in whole.events:
        if one.event.kind == "judged":
            expected.append((one.seq, one.event.step, one.event.effect, one.event.verdict))
        elif one.event.kind == "requested":
            expected.append((one.seq, one.event.step, one.event.request, one.event.verdict))
    assert [(one.seq, one.step, one.effect.model_dump()) for one in heard] == [
        (seq, step, effect.model_dump()) for seq, step, effect, _ in expected
    ]
    assert [(one.outcome, one.rule, one.reason) for one in heard] == [
        (verdict.outcome, verdict.rule, verdict.reason) for *_, verdict in expected
    ]
    looks = [one.sight.url for one in recording(folder).moments if isinstance(one, Look)]
    assert looks == [one.event.url for one in whole.events if one.event.kind == "observed"]


@pytest.mark.parametrize("folder", traces_in(EXAMPLE.parent), ids=lambda folder: folder.name)
def test_recorded_runs_of_every_schema_are_read_as_the_reader_reads_them(folder: Path) -> None:
    same(folder)


def test_the_head_of_a_run_is_read() -> None:
    assert recording(EXAMPLE).policy_sha256 == Trace.open(EXAMPLE).header.policy_sha256


async def test_a_run_of_today_with_headers_targets_and_questions_is_read_the_same(
    play: Callable[..., Played],
) -> None:
    approve = RecordingApprover(lambda question: question.approve(by="ada"))
    run = play(policy({"name": "asks", "on": "action", "when": {"kind": "click"}, "verdict": "ask"}), approve)
    run.look("https://shop.test/", "Shop")
    target = Target(role="button", name="Buy", text="Buy", url="https://shop.test/")
    headers = (("accept", "*/*"), ("cookie", "secret"), ("x-a", "1"))
    await run.do(Act(action=Goto(url="https://shop.test/")), Act(action=Click(x=1, y=2), target=target))
    for number in range(3):
        await run.do(Request(id=str(number), method="GET", url="https://shop.test/a", headers=headers))
    await run.checkpoint.question(AskUser(question="Which?"))
    folder = run.finish()
    same(folder)
    asked = [one for one in recording(folder).moments if isinstance(one, Asked)]
    assert [one.effect for one in asked] == [None, Act(action=AskUser(question="Which?"))]


async def test_a_changed_byte_a_missing_line_and_a_torn_tail_are_told(play: Callable[..., Played]) -> None:
    run = play(policy())
    await run.do(*(Request(id=str(n), method="GET", url="https://shop.test/") for n in range(3)))
    file = run.finish() / "events.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b'"id":"1"', b'"id":"9"'))
    with pytest.raises(TraceError, match="line 3 was changed"):
        recording(file)
    file.write_bytes(b"".join(line for n, line in enumerate(whole.splitlines(keepends=True)) if n != 2))
    with pytest.raises(TraceError, match="line 3 was changed, or does not follow"):
        recording(file)
    file.write_bytes(whole[:-9])
    torn = recording(file)
    assert torn.recovered is not None
    assert len(torn.moments) == 3


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        (b'"title":"Shop"', b'"title":"Sh\xc3\xb6p"'),
        (b'"title":"Shop"', b'"title":7'),
        (b'"tabs":[{', b'"tabs":"x","more":[{'),
        (b'"tabs":[{"id":1,', b'"tabs":[{"id":"one",'),
        (b'"tabs":[{"id":1,', b'"tabs":[{"id":1,"what":1,'),
        (b'"question":"q1"', b'"question":1'),
    ],
)
async def test_what_no_writer_writes_is_refused_though_its_chain_holds(
    play: Callable[..., Played], said: bytes, instead: bytes
) -> None:
    run = play(policy({"name": "asks", "on": "action", "when": {"kind": "goto"}, "verdict": "ask"}))
    run.look("https://shop.test/", "Shop")
    await run.do(Act(action=Goto(url="https://shop.test/")))
    file = run.finish() / "events.jsonl"
    before, changed = START, b""
    for line in file.read_bytes().splitlines():
        body = line[:-TAIL].replace(said, instead) + b"}"
        before = hashlib.sha256(before.encode() + body).hexdigest()
        changed += body[:-1] + b',"hash":"' + before.encode() + b'"}\n'
    assert instead in changed
    file.write_bytes(changed)
    with pytest.raises(TraceError, match=r"line \d+: \w+Error"):
        recording(file)


def test_what_is_no_trace_says_so(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"has no events\.jsonl"):
        recording(tmp_path)
    (tmp_path / "events.jsonl").write_bytes(b"")
    with pytest.raises(TraceError, match="holds no event"):
        recording(tmp_path)
