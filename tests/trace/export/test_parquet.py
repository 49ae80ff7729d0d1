import sys
from pathlib import Path

import pandas as pd
import pytest
from harness.errors import InputError
from harness.trace.export import parquet
from harness.trace.reader import Trace
from tests.trace.conftest import picture


def test_pandas_reads_the_columns_that_are_documented(trace: Trace, plain: Trace, tmp_path: Path) -> None:
    count = parquet.export([trace, plain], tmp_path / "a.parquet")
    table = pd.read_parquet(tmp_path / "a.parquet")
    assert list(table.columns) == [name for name, _, _ in parquet.SCHEMA]
    assert len(table) == count == 11
    assert str(table["time"].dtype) == "datetime64[us, UTC]"
    press = table[table["kind"] == "click"].iloc[0]
    assert (press["verdict"], press["rule"], press["approval"], press["approved_by"], press["status"]) == (
        "ask",
        "spending",
        "approve",
        "ada",
        "done",
    )
    assert (press["x"], press["target_name"], press["outcome"]) == (16, "Buy", "done")
    assert table["screenshot_png"].isna().all()


def test_what_an_answer_cost_is_counted_once(trace: Trace, tmp_path: Path) -> None:
    parquet.export([trace], tmp_path / "a.parquet")
    table = pd.read_parquet(tmp_path / "a.parquet")
    assert table["input_tokens"].sum() == 200
    assert table["cost_usd"].sum() == pytest.approx(0.02)
    assert table["refused_requests"].sum() == 2  # a pixel, and a socket with a message too long
    refused = table[table["status"] == "refused"]
    assert list(refused["input_tokens"].isna()) == [True]
    assert list(refused["began"].isna()) == [True]


def test_pictures_are_in_it_when_asked_for(trace: Trace, tmp_path: Path) -> None:
    parquet.export([trace], tmp_path / "a.parquet", pictures=True)
    table = pd.read_parquet(tmp_path / "a.parquet")
    assert table["screenshot_png"].iloc[0] == picture("white")


def test_without_the_extra_it_is_said_what_to_install(
    trace: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"computer-use-harness\[parquet\]"):
        parquet.export([trace], tmp_path / "a.parquet")
