"""What holds for every format: a run that was cut off anywhere is exported, and a file is whole or absent."""

from collections.abc import Callable
from pathlib import Path

import pytest
from harness.errors import InputError, TraceError
from harness.trace.export import finetune, gif, har, inspect_log, otlp, parquet
from harness.trace.export import playwright as playwright_trace
from harness.trace.export.base import whole
from harness.trace.reader import Trace

Export = Callable[[Trace, Path], object]
FORMATS: dict[str, Export] = {
    "har": har.export,
    "playwright": playwright_trace.export,
    "otel": lambda trace, out: otlp.export(trace, out, content=True),
    "parquet": lambda trace, out: parquet.export([trace], out, pictures=True),
    "finetune": lambda trace, out: finetune.export([trace], out, failed=True),
    "gif": gif.export,
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_run_that_was_cut_off_anywhere_is_exported(trace: Trace, tmp_path: Path, name: str) -> None:
    made = 0
    for end in range(1, len(trace.events), 3):
        cut = Trace(trace.folder, trace.header, trace.events[:end], trace.blobs, "torn")
        out = tmp_path / f"{end}.out"
        try:
            FORMATS[name](cut, out)
            made += 1
            assert out.exists()
        except (InputError, TraceError) as error:
            assert str(error).startswith(("nothing was done", f"{trace.folder}: nothing was seen"))  # noqa: PT017 - some cuts have nothing
            assert not out.exists()
    assert made > 5


@pytest.mark.long
def test_inspect_takes_a_run_that_was_cut_off_anywhere(trace: Trace, tmp_path: Path) -> None:
    for end in range(1, len(trace.events)):
        cut = Trace(trace.folder, trace.header, trace.events[:end], trace.blobs, "torn")
        inspect_log.export([cut], tmp_path / f"{end}.eval")


@pytest.mark.parametrize("name", ["har", "playwright", "parquet", "finetune", "gif"])
def test_nothing_is_left_where_a_blob_is_damaged(trace: Trace, tmp_path: Path, name: str) -> None:
    for blob in (trace.folder / "blobs").rglob("*"):
        if blob.is_file():
            blob.write_bytes(b"no")
    with pytest.raises(TraceError, match="the blob was changed"):
        FORMATS[name](trace, tmp_path / "out")
    assert [one.name for one in tmp_path.iterdir()] == ["traces"]


def test_a_folder_with_something_in_it_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x")
    with pytest.raises(InputError, match="not empty"), whole(tmp_path):
        pass
    assert (tmp_path / "kept").read_text() == "x"


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(TraceError, match="cannot be written"), whole(tmp_path / "file") as path:
        path.mkdir()
    assert (tmp_path / "file").read_text() == "x"
    assert len(list(tmp_path.iterdir())) == 1
