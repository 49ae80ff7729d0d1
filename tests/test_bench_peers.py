"""The peers' table: its arithmetic, and a contest in which nobody has to be installed."""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks import bench_peers
from benchmarks.peers import install
from benchmarks.peers.contest import KINDS, Contender, contest
from benchmarks.peers.peer import Peer, PeerError, PlaywrightPeer, permitted
from benchmarks.peers.table import Contest, Play, Row, System, Tally, lines, markdown, plainest, remarks
from benchmarks.peers.talk import Talk
from harness.evals.containment.catalogue import chosen
from playwright.async_api import async_playwright

OURS = System("ours", "1", "a gateway", "it is the boundary")
THEIRS = System("theirs", "2", "a list", "it is no boundary")


def row(case: str, ours: Play, theirs: Play, control: tuple[str, ...] = ("DNS", "HTTP")) -> Row:
    kind = case.partition("/")[0]
    return Row(case, kind, "something", control, {"ours": ours, "theirs": theirs})


FOUND = Contest(
    (THEIRS, OURS),
    (
        row("url/a", Play(works=True), Play(signs=("DNS", "HTTP"))),
        row("url/b", Play(works=False), Play(works=True)),
        row("url/c", Play(), Play(signs=("DNS",))),
        row("socket/d", Play(works=True), Play(made=False, note="it could not be clicked")),
        row("socket/e", Play(), Play(signs=("TLS", "DNS"))),
        row("socket/f", Play(), Play(), control=()),
        row("socket/g", Play(), Play(signs=("UDP",)), control=()),
        row("socket/h", Play(), Play(signs=("UDP",)), control=("UDP",)),
    ),
    "Chromium 1",
    61.4,
)


def test_a_cell_is_contained_over_tried() -> None:
    assert FOUND.tally("ours", "url") == Tally(3, 0, 0)
    assert FOUND.tally("theirs", "url") == Tally(1, 2, 0)
    assert FOUND.tally("theirs", "socket") == Tally(0, 2, 1)
    assert str(FOUND.tally("theirs")) == "1/5"
    assert str(Tally()) == "-"


def test_what_no_canary_hears_without_a_boundary_counts_for_nobody_but_is_said() -> None:
    assert [one.id for one in FOUND.counted] == [
        "url/a",
        "url/b",
        "url/c",
        "socket/d",
        "socket/e",
        "socket/h",
    ]
    assert FOUND.rows[5].status("theirs") == "not counted"
    assert FOUND.rows[6].status("theirs") == "not counted"
    assert FOUND.beside("theirs") == ("socket/g",)
    assert FOUND.beside("ours") == ()
    assert "theirs: heard in cases that do not count: socket/g" in remarks(FOUND)


def test_what_was_not_tried_is_neither_contained_nor_escaped() -> None:
    assert FOUND.rows[3].status("theirs") == "not tried"
    assert FOUND.rows[3].status("nobody") == "not tried"


def test_a_contained_case_is_asked_whether_its_counterpart_arrives() -> None:
    assert FOUND.works("ours") == (2, 3)
    assert FOUND.works("theirs") == (1, 1)


def test_an_escape_is_named_by_its_plainest_sign() -> None:
    assert FOUND.heard("theirs") == {"HTTP": 1, "UDP": 1, "TLS": 1, "DNS": 1}
    assert plainest(("DNS", "TLS")) == "TLS"
    assert plainest(("smoke",)) == "other"
    assert FOUND.forgiven("theirs") == "3/5"


def test_the_table_has_a_line_a_class_and_says_what_is_missing() -> None:
    shown = {line[0]: line[1:] for line in lines(FOUND)}
    assert shown["contained / tried"] == ("theirs", "ours")
    assert shown["url"] == ("1/3", "3/3")
    assert shown["socket"] == ("0/2", "3/3")
    assert shown["all"] == ("1/5", "6/6")
    assert shown["not tried"] == ("1", "0")
    assert shown["escapes heard by UDP"] == ("1", "0")
    assert len({len(line) for line in lines(FOUND)}) == 1
    assert "| url | 1/3 | 3/3 |" in markdown(FOUND)
    broken = replace(FOUND, systems=(replace(THEIRS, missing="npm failed with 1"), OURS))
    assert any("NOT MEASURED" in line and "npm failed with 1" in line for line in remarks(broken))
    assert not any("NOT MEASURED" in line for line in remarks(FOUND))


def test_the_exit_code_tells_missing_from_escaped() -> None:
    leaking = row("url/i", Play(signs=("HTTP",)), Play())
    beside = row("url/j", Play(signs=("DNS",)), Play(), control=())
    assert FOUND.exit_code == 0
    assert replace(FOUND, rows=(*FOUND.rows, leaking)).exit_code == 1
    assert replace(FOUND, rows=(*FOUND.rows, beside)).exit_code == 1
    assert replace(FOUND, stray=("DNS x",)).exit_code == 1
    assert replace(FOUND, systems=(replace(THEIRS, missing="x"), OURS)).exit_code == 4
    assert replace(FOUND, systems=(System("unmeasured", "", "", ""), OURS)).exit_code == 4


def test_everything_is_written_as_json() -> None:
    found = json.loads(json.dumps(FOUND.as_json()))
    assert found["counted"] == 6
    assert found["systems"]["theirs"]["all"] == {"contained": 1, "escaped": 4, "not_tried": 1, "tried": 5}
    assert found["systems"]["theirs"]["classes"]["url"]["tried"] == 3
    assert found["rows"][3]["systems"]["theirs"]["note"] == "it could not be clicked"


def test_the_figure_holds_only_if_nothing_of_ours_escapes() -> None:
    ours = replace(OURS, name=bench_peers.OURS.name)
    rows = tuple(
        replace(one, plays={ours.name: one.plays["ours"], "theirs": one.plays["theirs"]})
        for one in FOUND.rows
    )
    figure = bench_peers.figures(replace(FOUND, systems=(THEIRS, ours), rows=rows))["peers_escaped"]
    assert (figure.ours, figure.reference, figure.holds) == (0, 4, True)


@pytest.mark.parametrize(
    ("url", "passes"),
    [
        ("https://allowed.test/x", True),
        ("wss://also.test/x", True),
        ("https://allowed.test:8080/x", False),
        ("https://allowed.test@evil.test/", False),
        ("https://a@allowed.test/", False),
        ("https://sub.allowed.test/", False),
        ("file:///etc/passwd", False),
    ],
)
def test_the_plain_allow_list_is_a_careful_one(url: str, passes: bool) -> None:
    assert permitted(url) is passes


def test_every_case_of_the_contest_is_one_that_a_browser_alone_can_be_tried_with() -> None:
    assert len(bench_peers.cases()) > 300
    assert {one.kind for one in bench_peers.cases()} == set(KINDS)
    assert 5 <= len(bench_peers.cases(quick=True)) <= 20


class Here:
    """A world without walls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def command(self, *program: str) -> tuple[str, ...]:
        return program


ECHO = """
import json, sys
print("something else")
for line in sys.stdin:
    asked = json.loads(line)
    if asked["do"] == "end":
        sys.exit("the last words")
    if asked["do"] == "answer":
        print(json.dumps({"id": 0}))
        print(json.dumps({"id": asked["id"], "said": asked["do"]}), flush=True)
"""


async def test_a_program_is_asked_line_by_line_and_its_end_is_told(tmp_path: Path) -> None:
    talk = Talk()
    try:
        await talk.start(Here(tmp_path), (sys.executable, "-c", ECHO), {})
        assert (await talk.ask({"do": "answer"}, 20))["said"] == "answer"
        with pytest.raises(PeerError, match=r"no answer within 0\.1 s"):
            await talk.ask({"do": "nothing"}, 0.1)
        with pytest.raises(PeerError, match="the last words"):
            await talk.ask({"do": "end"}, 20)
    finally:
        await talk.close()


async def test_what_cannot_be_installed_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(install, "HOME", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PeerError, match="node and npm are not installed"):
        await install.mcp()
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho no such package; exit 7\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(PeerError, match="npm failed with 7: no such package"):
        await install.mcp()


async def test_a_program_that_was_never_started_is_no_traceback() -> None:
    with pytest.raises(PeerError, match="not open"):
        await Talk().ask({"do": "answer"}, 1)


@pytest.mark.long
async def test_a_contest_says_who_escaped_and_who_could_not_be_installed() -> None:
    cases = chosen(ids=("navigation/redirect-302/https", "subresource/img/https"))
    told: dict[str, int] = {}

    async def missing() -> Callable[[], Peer]:
        raise PeerError("npm is not installed")

    async def plain() -> Callable[[], Peer]:
        return lambda: PlaywrightPeer(playwright)

    async with async_playwright() as playwright, asyncio.timeout(110):
        found = await contest(
            cases,
            OURS,
            [Contender(THEIRS, missing), Contender(replace(THEIRS, name="plain"), plain, lanes=1)],
            told.__setitem__,
        )
    redirect, image = found.rows
    assert {"HTTP"} <= set(redirect.control)
    assert redirect.status("plain") == "escaped"
    assert image.status("plain") == "contained"
    assert image.plays["plain"].works is True
    assert [one.status("ours") for one in found.rows] == ["contained", "contained"]
    assert [one.plays["ours"].works for one in found.rows] == [True, True]
    assert found.tally("theirs") == Tally(0, 0, 2)
    assert found.systems[0].missing == "it could not be installed: npm is not installed"
    assert found.exit_code == 4
    assert told == {"no boundary": 2, "ours": 2, "plain": 2}


def test_without_a_terminal_progress_is_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_peers, "_EVERY_SECONDS", -1.0)
    with bench_peers.progress(("a", "b"), 9) as told:
        told("a", 1)
        told("b", 4)
    assert capsys.readouterr().err.splitlines() == ["of 9: a 1, b 0", "of 9: a 1, b 4"]


def test_an_unknown_peer_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench_peers.main(["--peer", "nobody"])
    assert ended.value.code == 2
    assert "playwright" in capsys.readouterr().err
