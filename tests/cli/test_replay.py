"""Seeing a run again, and doing it again in a real browser."""

import json
from pathlib import Path
from typing import Any

import pytest
from harness.trace.reader import Trace
from harness.trace.verify import verify
from tests.cli.commands import Command, Place

EXAMPLE = str(Path(__file__).parents[2] / "traces" / "examples" / "buy-a-mug")
LIVE = ("--live", "--sandbox", "bubblewrap", "--json")


def again(command: Command, trace: str, *more: str) -> tuple[int, dict[str, Any]]:
    told = command("replay", trace, *LIVE, *more)
    assert told.out, told.err
    return told.code, json.loads(told.out)


def deeds(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [did for step in found["steps"] for did in step["did"]]


def test_a_run_is_shown_and_its_report_named(command: Command, place: Place) -> None:
    copy = place.folder / "t"
    copy.mkdir()
    (copy / "events.jsonl").write_bytes((Path(EXAMPLE) / "events.jsonl").read_bytes())
    told = command("replay", str(copy))
    assert told.code == 0
    assert "click 'Blue mug" in told.out
    assert told.out.splitlines()[-1] == f"report: {(copy / 'report.html').as_uri()}"
    assert json.loads(command("replay", str(copy), "--json").out)["report"] == str(copy / "report.html")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "there is no such trace"),
        ((EXAMPLE, "--live", "--mask", "1,2,3"), "write four numbers"),
        ((EXAMPLE, "--live", "--mask", "1,2,0,4"), "width and height"),
        ((EXAMPLE, "--live", "--mask-text", "("), "not a regular expression"),
        ((EXAMPLE, "--live", "--host", "shop.test"), "write NAME=WHERE"),
        ((EXAMPLE, "--strict"), "add --live"),
        ((EXAMPLE, "--host", "a=b"), "add --live"),
        ((EXAMPLE, "--live", "--model", "local"), "choose one"),
        ((EXAMPLE, "--steps", "3"), "add --model"),
        ((EXAMPLE, "--model", "local", "--steps", "0"), "one step at least"),
        ((EXAMPLE, "--model", "lokal"), "lokal"),
    ],
)
def test_what_cannot_be_meant_is_said_in_one_line(
    command: Command, arguments: tuple[str, ...], said: str
) -> None:
    told = command("replay", *arguments)
    assert told.code == 2
    assert said in told.err
    assert len(told.err.splitlines()) == 1


def test_secrets_that_are_not_there_are_all_named(
    command: Command, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (Path(EXAMPLE) / "events.jsonl").read_text()
    secrets = ", ".join(f'"{name}":{{"from":"env:{name.upper()}","hosts":["shop.test"]}}' for name in "ab")
    assert '"policy":{"name":"shopping",' in text
    (place.folder / "t").mkdir()
    (place.folder / "t" / "events.jsonl").write_text(
        text.replace('"policy":{"name":"shopping",', f'"policy":{{"name":"shopping","secrets":{{{secrets}}},')
    )
    monkeypatch.delenv("A", raising=False)
    monkeypatch.delenv("B", raising=False)
    told = command("replay", "t", "--live")
    assert told.code == 2
    assert "a (set A), b (set B)" in told.err


def test_a_run_is_done_again_after_the_layout_moved(command: Command) -> None:
    moved = ("--approve", "auto", "--host", "shop.test=harness.worlds.shop:moved")
    code, found = again(command, EXAMPLE, *moved)
    assert (code, found["verdict"]) == (0, "found"), found["divergence"]
    assert found["result"]["outcome"] == "done"
    assert all(check["passed"] for check in found["result"]["checks"])
    hows = {did["action"].partition("'")[2].partition("'")[0]: did["found"] for did in deeds(found)}
    assert hows["Blue mug $12.50"] == "role and name"
    assert hows["Add to cart"] == "text on the screen"
    assert hows["Place order"] == "fingerprint"
    assert all(did["status"] == "done" for did in deeds(found))
    assert Path(found["divergence"]["picture"]).is_file()
    trace = Path(found["result"]["trace"])
    assert verify(trace).ok
    assert f'"model":"replay:{found["of"]}"' in (trace / "events.jsonl").read_text()


@pytest.mark.long
def test_a_run_of_an_unchanged_shop_is_the_same(command: Command) -> None:
    told = command("run", "shop/buy-a-mug", "--sandbox", "bubblewrap", "--approve", "auto", "--json")
    assert told.code == 0
    trace = json.loads(told.out)["trace"]
    code, found = again(command, trace, "--approve", "auto")
    assert (code, found["verdict"]) == (0, "same"), found["divergence"]
    assert {step["picture"]["verdict"] for step in found["steps"]} <= {"same", "alike"}
    assert {did["found"] for did in deeds(found)} == {"same place", None}
    headers = [Trace.open(Path(one)).header for one in (trace, found["result"]["trace"])]
    assert headers[0].seed is not None
    assert headers[0].seed == headers[1].seed


@pytest.mark.long
def test_a_label_that_changed_its_meaning_stops_it_before_the_click(command: Command) -> None:
    changed = ("--approve", "auto", "--host", "shop.test=harness.worlds.shop:relabelled")
    code, found = again(command, EXAMPLE, *changed)
    assert (code, found["verdict"]) == (5, "diverged")
    parted = found["divergence"]
    assert (parted["category"], parted["recorded"]) == ("target changed", 11)
    assert "form was 'https://shop.test/orders', is 'https://shop.test/cart/remove'" in parted["detail"]
    events = (Path(found["result"]["trace"]) / "events.jsonl").read_text()
    requests = [line for line in events.splitlines() if '"kind":"requested"' in line]
    posted = [line for line in requests if '"method":"POST"' in line]
    assert len(posted) == 1  # what was put into the cart
    assert not any("/cart/remove" in line or "/orders" in line for line in posted)
    assert Path(parted["picture"]).is_file()


@pytest.mark.long
def test_what_was_approved_then_is_asked_again(command: Command) -> None:
    code, found = again(command, EXAMPLE, "--approve", "deny")
    assert (code, found["verdict"]) == (5, "diverged")
    assert (found["divergence"]["category"], found["divergence"]["recorded"]) == ("approval denied", 11)
    assert deeds(found)[-2]["status"] == "refused"


@pytest.mark.long
def test_another_policy_refuses_it_where_it_says_so(command: Command, place: Place) -> None:
    (place.folder / "no.yaml").write_text(
        "version: 1\nname: strict\ndomains: {navigate: [shop.test]}\n"
        "default: {action: allow, request: allow, navigate: deny}\n"
        "rules:\n"
        "  - {name: no carts, on: action, when: {target: {name: Add to cart}}, verdict: deny, why: No.}\n"
    )
    code, found = again(command, EXAMPLE, "--policy", "no.yaml")
    assert (code, found["divergence"]["category"], found["divergence"]["recorded"]) == (5, "refused", 2)
    assert "no carts" in found["divergence"]["detail"]


def test_another_model_is_asked_without_a_browser(command: Command, place: Place) -> None:
    told = command("replay", EXAMPLE, "--model", "local", "--steps", "1", "--json")
    assert told.code == 0, told.err
    found = json.loads(told.out)
    assert (found["agreement"], found["left"], found["model"]) == (1.0, 11, "local")
    assert not (place.folder / "traces").exists()
    shown = command("replay", EXAMPLE, "--model", "local", "--steps", "1").out
    assert "agreement: 100.0%, first actions 100.0%, over 1 of 12 steps" in shown
