"""Time stamps by an authority made with `openssl ts`, good ones and every kind of bad one."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from authority import Authority
from harness.errors import HarnessError, InputError, TraceError
from harness.trace.reader import Trace
from harness.trace.statement import Statement
from harness.trace.timestamp import DOMAIN, certificates, keep, query, stamped
from harness.trace.verify import verify
from tests.trace.test_verify import rewritten


@pytest.fixture
def tsa(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tsa")


def said(run: Path, lines: int | None = None, time: datetime | None = None) -> Statement:
    events = Trace.open(run).events
    number = lines or len(events)
    return Statement.of("run-1", number, events[number - 1].hash, time or datetime.now(UTC))


def kept(run: Path, tsa: Authority, lines: int | None = None) -> Statement:
    one = said(run, lines)
    request, nonce = query(one)
    keep(run, one, nonce, tsa.answer(request), [tsa.root])
    return one


def state(run: Path, *authorities: Authority) -> str:
    return stamped(run / "events.jsonl", "run-1", [one.root for one in authorities]).state


def test_a_stamp_holds_and_openssl_agrees(run: Path, tsa: Authority, tmp_path: Path) -> None:
    assert state(run, tsa) == "missing"
    one = kept(run, tsa)
    found = stamped(run / "events.jsonl", "run-1", certificates(tsa.ca))
    assert (found.state, found.lines) == ("holds", verify(run).lines)
    blind = stamped(run / "events.jsonl", "run-1", [])
    assert blind.state == "unchecked"
    assert blind.detail.endswith("by whom, --tsa-ca FILE would tell")
    assert verify(run).beside == ()
    (tmp_path / "said").write_bytes(one.data(DOMAIN))
    told = subprocess.run(
        ["openssl", "ts", "-verify", "-data", "said", "-in", run / "anchor.tsr", "-CAfile", tsa.ca],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Verification: OK" in told.stdout, told
    with pytest.raises(TraceError, match="is there already"):
        kept(run, tsa)


def test_the_authority_is_sent_a_hash_and_nothing_else(run: Path, tsa: Authority) -> None:
    kept(run, tsa)
    assert len(tsa.asked[0]) < 100
    assert b"run-1" not in tsa.asked[0]


def test_a_stamp_in_the_middle_of_a_run_holds_at_its_line(run: Path, tsa: Authority) -> None:
    kept(run, tsa, 10)
    assert stamped(run / "events.jsonl", "run-1", [tsa.root]).lines == 10
    assert state(run, tsa) == "holds"


def test_a_trace_that_was_rewritten_or_cut_off_is_found(run: Path, tsa: Authority) -> None:
    kept(run, tsa)
    whole = (run / "events.jsonl").read_bytes()

    def other(lines: list[dict[str, Any]]) -> None:
        lines[5]["time"] = "2026-01-02T03:04:09.000Z"

    rewritten(run, other)
    assert state(run, tsa) == "differs"
    (run / "events.jsonl").write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    assert state(run, tsa) == "cut off"
    (run / "events.jsonl").write_bytes(whole)
    assert state(run, tsa) == "holds"
    assert stamped(run / "events.jsonl", "run-2", [tsa.root]).state == "differs"


def test_a_stamp_that_was_changed_is_found(run: Path, tsa: Authority) -> None:
    kept(run, tsa)
    for name, change in (
        ("anchor.json", {"lines": 3}),
        ("anchor.json", {"nonce": "7"}),
        ("anchor.json", {"nonce": "seven"}),
        ("anchor.json", {"time": "2026-01-02T03:04:05.678Z"}),
        ("anchor.json", {"version": 2}),
    ):
        before = (run / name).read_bytes()
        (run / name).write_text(json.dumps(json.loads(before) | change))
        assert state(run, tsa) == "broken"
        (run / name).write_bytes(before)
    answer = (run / "anchor.tsr").read_bytes()
    start = answer.index(bytes.fromhex("2a0304"))
    for place in range(start, start + 90, 7):
        (run / "anchor.tsr").write_bytes(answer[:place] + bytes([answer[place] ^ 1]) + answer[place + 1 :])
        assert state(run, tsa) == "broken"
    for data in (b"", b"x", answer[:-20], answer * 200):
        (run / "anchor.tsr").write_bytes(data)
        assert state(run, tsa) == "broken"


def refused(run: Path, tsa: Authority, why: str, *roots: Authority, time: datetime | None = None) -> None:
    one = said(run, time=time)
    request, nonce = query(one)
    answer = tsa.answer(request)
    with pytest.raises(TraceError, match=why):
        keep(run, one, nonce, answer, [root.root for root in roots or (tsa,)])
    assert not (run / "anchor.tsr").exists()
    assert not (run / "anchor.json").exists()


def test_bad_answers_are_refused_with_their_reason_and_not_kept(
    run: Path, tsa: Authority, tmp_path: Path
) -> None:
    own = said(run)
    _, nonce = query(own)
    for roots in ([tsa.root], []):
        with pytest.raises(TraceError, match="its nonce is another"):
            keep(run, own, nonce, tsa.answer(query(own)[0]), roots)
    elsewhere = Authority(tmp_path / "elsewhere")
    refused(run, tsa, "is refused: Error while verifying certificates", elsewhere)
    refused(run, tsa, "one of the clocks is wrong", time=datetime.now(UTC) - timedelta(minutes=6))
    refused(run, tsa, "one of the clocks is wrong", time=datetime.now(UTC) + timedelta(minutes=6))
    now = datetime.now(UTC)
    old = Authority(tmp_path / "old", now - timedelta(days=9), now - timedelta(days=1))
    refused(run, old, "is refused: Error while verifying certificates")
    tsa.changes = lambda answer: b"no DER"
    refused(run, tsa, "no answer as RFC 3161 has it")


def test_another_digest_under_the_right_nonce_is_refused(run: Path, tsa: Authority) -> None:
    one, another = said(run), said(run, 3)
    request, nonce = query(another)
    answer = tsa.answer(request)
    for roots in ([tsa.root], []):
        with pytest.raises(TraceError, match="stamps something else than this trace"):
            keep(run, one, nonce, answer, roots)


def test_an_authority_that_refuses_says_why(run: Path, tsa: Authority) -> None:
    conf = tsa.folder / "conf"
    conf.write_text(conf.read_text().replace("digests = sha256, sha512", "digests = sha512"))
    refused(run, tsa, "the time-stamping authority refused: ")


def test_certificates_that_are_none_are_said(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("hello")
    with pytest.raises(InputError, match="holds no certificate in PEM form"):
        certificates(tmp_path / "ca")
    with pytest.raises(InputError, match="cannot be read"):
        certificates(tmp_path / "gone")


def test_without_the_package_it_is_said_what_to_type(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "rfc3161_client", None)
    with pytest.raises(HarnessError, match=r"pip install 'computer-use-harness\[anchor\]'"):
        query(said(run))
