"""Each benchmark gives the figures it promises; how fast this machine is, no test asks."""

import io
import json
import math
from pathlib import Path

import pytest
from benchmarks import all as every
from benchmarks import bench_neighbours
from benchmarks.figures import Figure, percentile, show, taken, write
from engines import WHY
from rich.console import Console

PLACES = ("bubblewrap",) if WHY else ("bubblewrap", "docker")
PROMISED = {
    "own": {"own_step_ms", "own_step_growth"},
    "step": {"step_ms", "step_p90_ms", "step_own_ms", "trace_bytes_a_step"},
    "ground": {"ground_ms", "click_ms"},
    "settle": {"settle_ms"},
    "ready": {"ready_bubblewrap_seconds", "ready_process_seconds"},
    "sandbox": {
        f"sandbox_{what}"
        for name in PLACES
        for what in (
            f"ready_{name}_seconds",
            f"pooled_{name}_seconds",
            f"1_at_once_{name}_seconds",
            f"2_at_once_{name}_seconds",
            f"failed_starts_{name}",
        )
    }
    | (set() if WHY else {"sandbox_image_mb"}),
    "gateway": {
        "gateway_page_ms",
        "gateway_app_page_ms",
        "gateway_request_us",
        "gateway_download_memory_kB",
    },
    "policy": {
        "verdict_10_rules_us",
        "verdict_100_rules_us",
        "verdict_1000_rules_us",
        "verdict_1000_rules_on_the_run_us",
    },
    "rejudge": {"rejudge_us"},
    "trace": {"trace_typical_bytes_a_step", "trace_step_ms", "trace_write_us"},
    "recording": {"recording_bytes_a_step", "recording_ms_a_step"},
    "tokens": {"tokens_50_steps"},
    "ocr": {"ocr_changed_seconds"},
    "import": {"import_seconds", "import_heavy"},
    "neighbours": {f"neighbour_{kind}_cores_ms" for kind in bench_neighbours.places()},
    "peers": {"peers_escaped"},
}
SLOW = {"sandbox", "neighbours", "step", "ready", "gateway", "ocr", "own", "ground", "settle", "recording"}
COMPARED = {
    "own_step_growth",
    "step_ms",
    "ground_ms",
    "click_ms",
    "settle_ms",
    "ready_bubblewrap_seconds",
    "sandbox_ready_bubblewrap_seconds",
    "gateway_page_ms",
    "ocr_changed_seconds",
    "tokens_50_steps",
}


def test_every_benchmark_is_named_here() -> None:
    files = {file.stem.removeprefix("bench_") for file in Path(every.__file__).parent.glob("bench_*.py")}
    assert set(every.MEASURES) == set(PROMISED) == files


# The peers are other people's packages, from the network: what needs none of them is in test_bench_peers.py.
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] if name in SLOW else [])
        for name in PROMISED
        if name != "peers"
    ],
)
def test_a_benchmark_gives_its_figures(name: str, tmp_path: Path) -> None:
    figures = taken(every.MEASURES[name], quick=True)
    assert set(figures) == PROMISED[name]
    for key, one in figures.items():
        assert math.isfinite(one.ours)
        assert one.ours >= 0 or key == "settle_ms"
        assert all(math.isfinite(value) for value in one.detail.values())
        if key in COMPARED:
            assert one.reference is not None
            assert one.reference > 0
            assert one.against
    if name == "import":
        assert figures["import_heavy"].ours == 0
    write(tmp_path / "results.json", figures, quick=True)
    written = json.loads((tmp_path / "results.json").read_text())
    assert set(written["figures"]) == PROMISED[name]


def test_a_bar_holds_on_the_figure_or_on_the_ratio() -> None:
    assert Figure("f", "ms", 9, bar=10).holds is True
    assert Figure("f", "ms", 11, bar=10).holds is False
    assert Figure("f", "ms", 11).holds is None
    assert Figure("f", "ms", 12, 10, "g", 1.3, "ratio").holds is True
    assert Figure("f", "ms", 14, 10, "g", 1.3, "ratio").holds is False
    assert Figure("f", "ms", 14, bar=1.3, bar_on="ratio").holds is None


def test_the_table_says_which_bar_does_not_hold() -> None:
    file = io.StringIO()
    console = Console(width=150, file=file)
    show({"a": Figure("slow", "ms", 11, 5, "something", 10), "b": Figure("fast", "ms", 1, bar=10)}, console)
    rows = {line.split()[0]: line for line in file.getvalue().splitlines() if line.strip()}
    assert "2.20x" in rows["slow"]
    assert rows["slow"].rstrip().endswith("NO")
    assert rows["fast"].rstrip().endswith("yes")


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile([5, 1, 4, 2, 3], 50) == 3
    assert percentile(range(1, 101), 99) == 99
    assert percentile([7], 1) == 7


def test_an_unknown_name_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        every.main(["speed"])
    assert ended.value.code == 2
    assert "no benchmark is called 'speed'; there are: own, step" in capsys.readouterr().err
