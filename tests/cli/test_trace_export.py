import json
import shutil
from pathlib import Path

import pytest
from collector import Collector
from harness.cli.trace_export import FORMATS
from harness.trace.verify import verify
from tests.cli.commands import Command, Place

EXAMPLE = Path(__file__).parents[2] / "traces" / "examples" / "buy-a-mug"


def test_a_har_has_the_name_of_the_traces_folder_and_is_told(place: Place, command: Command) -> None:
    for example in sorted(one for one in EXAMPLE.parent.iterdir() if one.is_dir()):
        told = command("trace", "export", str(example), "--format", "har", "--json")
        assert told.code == 0, told.err
        facts = json.loads(told.out)
        assert facts == {"format": "har", "traces": 1, "out": f"{example.name}.har"}
        entries = json.loads((place.folder / facts["out"]).read_text())["log"]["entries"]
        assert entries[0]["request"]["url"] == "https://shop.test/"
    assert "Hearth" in entries[0]["response"]["content"]["text"]


def test_every_format_stands_in_the_help_with_a_line(place: Place) -> None:
    told = place.harness("trace", "export", "--help")
    assert told.returncode == 0
    for name, one in FORMATS.items():
        assert f"  {name:<11} {one.what}" in told.stdout


def test_standard_output_takes_a_file(place: Place) -> None:
    told = place.harness("trace", "export", str(EXAMPLE), "--format", "har", "--out", "-")
    assert (told.returncode, told.stderr) == (0, "")
    assert json.loads(told.stdout)["log"]["creator"]["name"] == "harness"


def test_what_cannot_be_is_said_in_one_line(place: Place, command: Command) -> None:
    for arguments, words in (
        (("nowhere", "--format", "har"), "there is no such trace"),
        ((str(EXAMPLE), "--format", "hra"), "did you mean 'har'?"),
        ((str(EXAMPLE.parent), "--format", "har"), "har is made of one"),
        ((str(EXAMPLE), "--format", "har", "--out", "-", "--json"), "--json prints there too"),
        ((str(EXAMPLE), "--format", "har", "--out", "no/such/a.har"), "there is no folder no/such"),
        ((str(place.folder), "--format", "har"), "holds no trace"),
    ):
        told = command("trace", "export", *arguments)
        assert told.code == 2
        assert words in told.err
        assert len(told.err.splitlines()) == 1


def test_nothing_is_left_of_an_export_that_failed(place: Place, command: Command) -> None:
    shutil.copytree(EXAMPLE, place.folder / "damaged")
    line = (place.folder / "damaged" / "events.jsonl").read_text().splitlines(keepends=True)
    (place.folder / "damaged" / "events.jsonl").write_text("".join([*line[:5], "no\n", *line[6:]]))
    (place.folder / "a.har").write_text("as it was")
    told = command("trace", "export", "damaged", "--format", "har", "--out", "a.har")
    assert told.code == 5
    assert (place.folder / "a.har").read_text() == "as it was"


def test_spans_go_to_a_file_or_a_collector(command: Command) -> None:
    told = command("trace", "export", str(EXAMPLE), "--format", "otel", "--json")
    count = json.loads(told.out)["spans"]
    assert count > 30
    collector = Collector()
    told = command("trace", "export", str(EXAMPLE), "--format", "otel", "--endpoint", collector.url, "--json")
    collector.close()
    assert json.loads(told.out)["spans"] == len(collector.spans) == count
    told = command("trace", "export", str(EXAMPLE), "--format", "har", "--content")
    assert (told.code, "--content: format har has no such option; otel has" in told.err) == (2, True)


def test_a_run_sends_its_spans_meanwhile(place: Place, command: Command) -> None:
    collector = Collector()
    told = command("run", place.task(), "--otel", collector.url, "--json")
    collector.close()
    run = json.loads(told.out)
    assert run["outcome"] == "done", told.err
    assert "invoke_agent t" in [one.name for one in collector.spans]
    command("trace", "export", run["trace"], "--format", "otel", "--out", "spans.json")
    written = json.loads((place.folder / "spans.json").read_text())
    found = written["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert sorted(one["spanId"] for one in found) == sorted(one.span_id.hex() for one in collector.spans)


def test_a_collector_must_be_named(place: Place, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    told = command("run", place.task(), "--otel")
    assert (told.code, "OTEL_EXPORTER_OTLP_ENDPOINT" in told.err) == (2, True)
    told = command("run", place.task(), "--otel", "nowhere")
    assert (told.code, "http://127.0.0.1:4318" in told.err) == (2, True)


def test_a_folder_of_runs_is_one_table_and_what_is_broken_is_said(place: Place, command: Command) -> None:
    for name in ("one", "two", "broken"):
        shutil.copytree(EXAMPLE, place.folder / "runs" / name)
    (place.folder / "runs" / "broken" / "events.jsonl").write_text("no\n")
    told = command("trace", "export", "runs", "--format", "parquet", "--out", "a.parquet", "--json")
    assert json.loads(told.out) == {"format": "parquet", "traces": 2, "out": "a.parquet", "rows": 36}
    assert "left out: " in told.err
    told = command("trace", "export", "runs", "--format", "finetune", "--json")
    facts = json.loads(told.out)
    assert (facts["out"], facts["repeated"]) == ("runs-finetune", facts["examples"])
    assert (place.folder / "runs-finetune" / "openai.jsonl").stat().st_size > 1_000_000


def test_films_are_as_fast_as_asked(place: Place, command: Command) -> None:
    sizes = {}
    for name in ("gif", "mp4"):
        told = command(
            "trace", "export", str(EXAMPLE), "--format", name, "--speed", "2", "--out", f"a.{name}"
        )
        assert told.code == 0, told.err
        sizes[name] = (place.folder / f"a.{name}").stat().st_size
    assert all(20_000 < size < 2_000_000 for size in sizes.values())
    told = command("trace", "export", str(EXAMPLE), "--format", "gif", "--speed", "fast")
    assert (told.code, "no number from 0.01" in told.err) == (2, True)


def test_a_format_must_be_named_unless_a_copy_is_wanted(place: Place, command: Command) -> None:
    told = command("trace", "export", str(EXAMPLE))
    assert (told.code, told.err.count("\n")) == (2, 1)
    assert "name a --format: har," in told.err
    told = command("trace", "export", str(EXAMPLE), "--redact", "--screenshots", "blank", "--json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["format"] == "trace"
    assert verify(place.folder / "buy-a-mug-redacted").ok
