import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from harness.action import Click
from harness.errors import TraceError
from harness.trace.events import SCHEMA, Acted, Acting, AskedModel, Noted, RunFinished
from harness.trace.lines import LONGEST, START, seal
from harness.trace.reader import Trace
from harness.trace.verify import MOST, verify
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

QUICK = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def rewritten(folder: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change a trace as someone would who can make the chain right again."""
    file = folder / "events.jsonl"
    found = [json.loads(line) for line in file.read_text().splitlines()]
    change(found)
    prev, whole = START, b""
    for fields in found:
        kept = {name: value for name, value in fields.items() if name not in ("seq", "time", "prev", "hash")}
        line, prev = seal(fields["seq"], fields["time"], kept, prev)
        whole += line
    file.write_bytes(whole)


def sound(folder: Path) -> bool:
    try:
        found = verify(folder)
    except TraceError:
        return False
    return found.ok and found.complete and found.recovered is None


def test_a_whole_run_verifies(run: Path) -> None:
    found = verify(run)
    assert found.problems == ()
    assert found.ok
    assert found.complete
    assert found.recovered is None
    assert found.lines == len((run / "events.jsonl").read_bytes().splitlines())
    assert found.head == Trace.open(run).events[-1].hash
    assert verify(run / "events.jsonl") == found


@QUICK
@given(data=st.data())
def test_any_changed_byte_is_found_at_its_line(run: Path, data: st.DataObject) -> None:
    file = run / "events.jsonl"
    whole = file.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[place]))
    file.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
    try:
        found = verify(run)
    except TraceError:
        assert place < whole.index(b"\n"), "only the first line can make a trace unreadable"
    else:
        number = whole[:place].count(b"\n") + 1
        assert (not found.ok and found.problems[0].startswith(f"line {number}: ")) or found.recovered
    finally:
        file.write_bytes(whole)


@QUICK
@given(data=st.data())
def test_lines_that_are_gone_moved_added_or_doubled_are_found(run: Path, data: st.DataObject) -> None:
    file = run / "events.jsonl"
    whole = file.read_bytes()
    lines = whole.splitlines(keepends=True)
    place = data.draw(st.integers(0, len(lines) - 1))
    other = data.draw(st.integers(0, len(lines) - 1).filter(lambda one: one != place))
    match data.draw(st.sampled_from(["delete", "swap", "double", "forge", "empty"])):
        case "delete":
            del lines[place]
        case "swap":
            lines[place], lines[other] = lines[other], lines[place]
        case "double":
            lines.insert(other, lines[place])
        case "empty":
            lines.insert(place, b"\n")
        case _:
            forged, _ = seal(place, "2026-01-02T03:04:05.678Z", {"kind": "noted", "text": "x"}, START)
            lines.insert(place, forged)
    file.write_bytes(b"".join(lines))
    try:
        assert not sound(run)
    finally:
        file.write_bytes(whole)


def test_a_tail_torn_at_any_byte_is_said_and_the_rest_verifies(run: Path) -> None:
    file = run / "events.jsonl"
    whole = file.read_bytes()
    start = whole.rindex(b"\n", 0, len(whole) - 1) + 1
    lines = whole.count(b"\n")
    for end in range(start + 1, len(whole), 7):
        file.write_bytes(whole[:end])
        found = verify(run)
        assert found.ok
        assert not found.complete
        assert found.lines == lines - 1
        assert found.recovered == f"line {lines} was torn off after {end - start} bytes and is left out"
    for end in (start + 1, len(whole) - 1):
        file.write_bytes(whole[:end])
        assert Trace.open(run).recovered == verify(run).recovered
    file.write_bytes(whole[:start])
    cut = verify(run)
    assert (cut.ok, cut.lines, cut.problems, cut.complete, cut.recovered) == (
        True,
        lines - 1,
        (),
        False,
        None,
    )


def test_a_changed_or_missing_blob_is_found_at_the_line_that_names_it(run: Path) -> None:
    blobs = sorted(path for path in (run / "blobs").rglob("*") if path.is_file())
    data = blobs[0].read_bytes()
    blobs[0].write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    (problem,) = verify(run).problems
    assert problem.startswith("line ")
    assert f"{blobs[0]}: the blob was changed" in problem
    blobs[0].unlink()
    assert "the blob is missing" in verify(run).problems[0]
    blobs[0].mkdir()
    assert "is not a regular file" in verify(run).problems[0]


def test_a_run_that_went_on_without_a_result_is_found(story: Any, folder: Path) -> None:
    story.start()
    click = Click(x=1, y=1)
    intent = Acting(step=1, index=0, action=click, effect="e")
    story.write(intent)
    assert verify(folder).ok
    story.write(Noted(step=1, text="the end of what was known"))
    assert verify(folder).ok
    story.write(Acted(step=1, index=0, action=click, status="done"), intent, AskedModel(step=2))
    assert verify(folder).problems == ("line 6: the run went on, but line 5 (click) has no result",)


def test_what_a_forger_with_a_right_chain_gets_wrong_is_found(run: Path) -> None:
    def forge(change: Callable[[list[dict[str, Any]]], object]) -> str:
        whole = (run / "events.jsonl").read_bytes()
        rewritten(run, change)
        try:
            return verify(run).problems[0]
        finally:
            (run / "events.jsonl").write_bytes(whole)

    assert "seq is 9, not 3" in forge(lambda lines: lines[3].update(seq=9))
    assert "time is 'yesterday'" in forge(lambda lines: lines[3].update(time="yesterday"))
    assert "no event is called 'paid'" in forge(lambda lines: lines[3].update(kind="paid"))
    assert "colour: Extra inputs" in forge(lambda lines: lines[3].update(colour="red"))
    assert "the run starts a second time" in forge(
        lambda lines: lines.insert(2, lines.pop(2) and lines[0] | {"seq": 2})
    )
    assert "after the end of the run" in forge(lambda lines: lines.append(lines[-1] | {"seq": len(lines)}))
    assert "the head it names" in forge(lambda lines: lines[-1].update(head=START))
    assert "'of' names seq 99" in forge(lambda lines: lines[5].update(of=99))


def test_what_is_not_a_trace_is_said_in_one_line(run: Path, tmp_path: Path) -> None:
    file = run / "events.jsonl"
    rewritten(run, lambda lines: lines[0].update(schema=SCHEMA + 1))
    for read in (verify, Trace.open):
        with pytest.raises(TraceError, match=r"written by a newer harness \(schema \d+; .* update"):
            read(run)
    for data, why in (
        (b"", "holds no"),
        (b'{"seq":0', "holds no"),
        (b'{"a":1}\n', "names no schema"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not JSON|byte 0 is not ASCII"),
    ):
        file.write_bytes(data)
        for read in (verify, Trace.open):
            if read is verify and data.startswith(b"\x89"):
                assert "not JSON" in verify(run).problems[1]
                continue
            with pytest.raises(TraceError, match=why):
                read(run)
    with pytest.raises(TraceError, match="there is no such trace"):
        verify(tmp_path / "gone")
    with file.open("wb") as opened:
        opened.truncate(LONGEST + 5)
    assert "longer than a line may be" in verify(run).problems[0]
    with pytest.raises(TraceError, match="longer than a line may be"):
        Trace.open(run)


def test_problems_are_counted_when_there_are_very_many(folder: Path) -> None:
    folder.mkdir(parents=True)
    first, _ = seal(0, "2026-01-02T03:04:05.678Z", {"kind": "run_started", "schema": 1}, START)
    (folder / "events.jsonl").write_bytes(first + b"{}\n" * 500)
    found = verify(folder)
    assert len(found.problems) == MOST + 1
    assert found.problems[-1].startswith("and ")
    assert not found.ok


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["kind", "url", "headers"]), inner)
    ),
    max_leaves=4,
)


@QUICK
@given(data=st.data())
def test_no_line_however_strange_makes_the_reader_fall_over(run: Path, data: st.DataObject) -> None:
    file = run / "events.jsonl"
    whole = file.read_bytes()

    def change(lines: list[dict[str, Any]]) -> None:
        line = data.draw(st.sampled_from(lines))
        names = sorted({*line, "of", "tabs", "target", "verdict", "effect"} - {"prev", "hash", "seq", "time"})
        inside = [value for value in line.values() if isinstance(value, dict)] or [line]
        place = data.draw(st.sampled_from([line, *inside]))
        place[data.draw(st.sampled_from(sorted(place) if place is not line else names))] = data.draw(JSON)
        for one in lines:
            one["prev"] = ""

    try:
        rewritten(run, change)
        for read in (verify, Trace.open):
            with suppress(TraceError):
                read(run)
    finally:
        file.write_bytes(whole)


def test_an_end_names_the_line_before(run: Path) -> None:
    events = Trace.open(run).events
    finish = events[-1].event
    assert isinstance(finish, RunFinished)
    assert finish.head == events[-2].hash
