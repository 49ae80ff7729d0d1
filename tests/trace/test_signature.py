"""Who signed a trace, and what a signature finds that the chain cannot."""

import json
import subprocess
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.errors import TraceError
from harness.trace.signature import Signed, look
from harness.trace.signing import DOMAIN, Signer, keygen, public_key
from harness.trace.statement import Statement
from harness.trace.verify import verify
from tests.trace.conftest import EPOCH
from tests.trace.test_verify import rewritten


@pytest.fixture
def key(tmp_path: Path) -> Path:
    keygen(tmp_path / "key")
    return tmp_path / "key"


def signed(run: Path, key: Path) -> Path:
    found = verify(run)
    said = Statement.of(found.run_id, found.lines, found.head, EPOCH)
    Signer.read(key, {}).sign(run, said)
    return run


def seen(run: Path, *keys: Path) -> Signed:
    found = verify(run)
    return look(run, found.run_id, found.lines, found.head, [public_key(one) for one in keys])


def test_a_signature_is_valid_by_its_key(run: Path, key: Path, tmp_path: Path) -> None:
    assert seen(run, key.with_suffix(".pub")) == Signed("missing", "nobody signed it")
    signed(run, key)
    name = Signer.read(key, {}).key_id
    assert verify(run).ok
    assert verify(run).beside == ()
    found = seen(run, key.with_suffix(".pub"))
    assert (found.state, found.key_id, found.time) == ("valid", name, "2026-01-02T03:04:05.678Z")
    assert seen(run).state == "unchecked"
    assert name in seen(run).detail
    keygen(tmp_path / "other")
    wrong = seen(run, tmp_path / "other.pub")
    assert (wrong.state, wrong.wrong) == ("wrong key", True)
    assert seen(run, tmp_path / "other.pub", key.with_suffix(".pub")).state == "valid"


def test_a_trace_is_signed_once(run: Path, key: Path) -> None:
    before = (signed(run, key) / "signature.json").read_bytes()
    with pytest.raises(TraceError, match="is there already"):
        signed(run, key)
    assert (run / "signature.json").read_bytes() == before


def test_a_trace_that_was_rewritten_or_cut_off_is_found(run: Path, key: Path) -> None:
    signed(run, key)
    file = run / "events.jsonl"
    whole = file.read_bytes()
    file.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    assert verify(run).ok
    assert seen(run).state == "does not match"
    assert "lines, and there are" in seen(run).detail
    file.write_bytes(whole)

    def later(lines: list[dict[str, Any]]) -> None:
        lines[3]["time"] = "2026-01-02T03:04:09.000Z"
        del lines[-1]

    rewritten(run, later)
    rewritten(run, lambda lines: lines.append(lines[-1] | {"seq": len(lines), "kind": "noted", "text": "x"}))
    found = verify(run)
    assert seen(run, key.with_suffix(".pub")).state == "does not match"
    rewritten(run, lambda lines: lines[0].update(run_id="run-2"))
    assert "run 'run-1', and this is 'run-2'" in seen(run).detail
    assert found.lines == len(whole.splitlines())


def flipped(run: Path, change: Callable[[dict[str, Any]], object]) -> Signed:
    file = run / "signature.json"
    before = file.read_bytes()
    kept = json.loads(before)
    change(kept)
    file.write_text(json.dumps(kept))
    found = seen(run)
    file.write_bytes(before)
    return found


def test_a_signature_that_was_changed_is_found(run: Path, key: Path, tmp_path: Path) -> None:
    signed(run, key)
    keygen(tmp_path / "other")
    other = Signer.read(tmp_path / "other", {}).key_id
    for change, state in (
        (lambda kept: kept.update(time="2026-01-02T03:04:06.678Z"), "does not match"),
        (lambda kept: kept.update(lines=3), "does not match"),
        (lambda kept: kept.update(key_id=other), "does not match"),
        (lambda kept: kept.update(signature="AAAA" + kept["signature"][4:]), "does not match"),
        (lambda kept: kept.update(signature="?" + kept["signature"]), "unreadable"),
        (lambda kept: kept.update(public_key="AAAA"), "unreadable"),
        (lambda kept: kept.update(algorithm="none"), "unreadable"),
        (lambda kept: kept.update(version=2), "unreadable"),
        (lambda kept: kept.pop("head"), "unreadable"),
    ):
        found = flipped(run, change)
        assert (found.state, found.wrong) == (state, True)
    (run / "signature.json").write_text("not JSON")
    assert seen(run).state == "unreadable"
    (run / "signature.json").unlink()
    (run / "signature.json").mkdir()
    assert seen(run).state == "unreadable"


def test_openssl_checks_a_signature_without_the_harness(run: Path, key: Path, tmp_path: Path) -> None:
    kept = json.loads((signed(run, key) / "signature.json").read_text())
    said = {name: kept[name] for name in ("head", "lines", "run_id", "time")}
    (tmp_path / "said").write_bytes(DOMAIN + json.dumps(said, separators=(",", ":")).encode())
    (tmp_path / "sig").write_bytes(b64decode(kept["signature"]))
    command = f"openssl pkeyutl -verify -pubin -rawin -in said -sigfile sig -inkey {key}.pub"
    told = subprocess.run(
        command.split(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Signature Verified Successfully" in told.stdout, told
