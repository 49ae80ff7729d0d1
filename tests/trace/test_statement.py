from pathlib import Path

import pytest
from harness.errors import TraceError
from harness.trace.statement import Statement, absent, put
from pydantic import ValidationError
from tests.trace.conftest import EPOCH

HEAD = "ab" * 32


def test_what_is_signed_is_bytes_of_one_form() -> None:
    said = Statement.of("rün", 7, HEAD, EPOCH)
    assert said.data(b"x\n") == (
        b'x\n{"head":"'
        + HEAD.encode()
        + b'","lines":7,"run_id":"r\\u00fcn","time":"2026-01-02T03:04:05.678Z"}'
    )
    for lines, head in ((0, HEAD), (7, "AB" * 32), (7, "ab")):
        with pytest.raises(ValidationError):
            Statement.of("r", lines, head, EPOCH)


def test_how_a_trace_differs_is_said() -> None:
    said = Statement.of("r", 7, HEAD, EPOCH)
    assert said.differs("r", 7, HEAD) == ""
    assert said.differs("s", 7, HEAD) == "run 'r', and this is 's'"
    assert said.differs("r", 8, HEAD) == "7 lines, and there are 8"
    assert said.differs("r", 7, "cd" * 32).startswith("a trace that ends in abab")


def test_a_file_is_put_whole_and_never_over_another(tmp_path: Path) -> None:
    put(tmp_path / "a", b"one")
    with pytest.raises(TraceError, match="is there already; move it away"):
        put(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(TraceError):
        absent(tmp_path / "link")
    with pytest.raises(TraceError, match="cannot be written"):
        put(tmp_path / "gone" / "a", b"one")
