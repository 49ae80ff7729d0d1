"""A model of one's own takes every action of the vocabulary; each effect is observed in the page."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import harness
import pytest
from asgi import Receive, Scope, Send, give, whole
from harness.action import KINDS, Action
from harness.clearance import Approval, Question
from harness.testing import RecordingApprover

PAGES = Path(__file__).parent.parent / "pages" / "vocabulary"
WAITS = 300
Log = list[dict[str, Any]]
Probe = Callable[[harness.Observation, Log], bool]

POLICY = {
    "version": 1,
    "name": "vocabulary",
    "domains": {"navigate": ["page.test"]},
    "default": {"action": "allow", "request": "allow", "navigate": "deny"},
}


class Site:
    """An ASGI app that serves the pages and keeps what they log."""

    def __init__(self) -> None:
        self.log: Log = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await whole(receive)
        kind, status, data = b"text/html", 200, b""
        if scope["path"] == "/log":
            self.log.append(json.loads(body))
        elif scope["path"] == "/hello.txt":
            kind, data = b"application/octet-stream", b"hello"
        else:
            file = PAGES / (scope["path"].strip("/") or "index.html")
            data, status = (file.read_bytes(), 200) if file.is_file() else (b"", 404)
        await give(send, data, kind, status)


@dataclass(frozen=True)
class Eventually:
    """A probe of what goes on after its action is done, such as a download."""

    probe: Probe

    def __call__(self, observation: harness.Observation, log: Log) -> bool:
        return self.probe(observation, log)


class Tour:
    """A model that takes one action after another, and looks at what each did."""

    def __init__(self, steps: list[tuple[dict[str, Any], Probe]], log: Log) -> None:
        self._steps = iter(steps)
        self._log = log
        self._probe: Probe | None = None
        self._last: Action | None = None
        self._waits = 0
        self.taken: set[str] = set()
        self.missed: list[str] = []

    async def reply(self, observation: harness.Observation) -> harness.Reply:
        if self._probe is not None and not self._probe(observation, self._log):
            if isinstance(self._probe, Eventually) and self._waits < WAITS:
                self._waits += 1
                return harness.Reply(actions=(harness.parse_action({"kind": "wait", "seconds": 0.1}),))
            results = [(result.status, result.message) for result in observation.results]
            self.missed.append(f"{self._last}: {results}, {self._log[-4:]}")
        data, self._probe = next(self._steps, ({"kind": "answer", "text": "end"}, None))
        self._last = harness.parse_action(data)
        self.taken.add(self._last.kind)
        self._log.clear()
        return harness.Reply(actions=(self._last,))


def logged(**wanted: object) -> Probe:
    return lambda seen, log: any(wanted.items() <= entry.items() for entry in log)


def status(wanted: str) -> Probe:
    return lambda seen, log: [result.status for result in seen.results] == [wanted]


def done(probe: Probe) -> Probe:
    return lambda seen, log: status("done")(seen, log) and probe(seen, log)


def at(url: str) -> Probe:
    return lambda seen, log: seen.url == url


HOME = "https://page.test/"
SECOND = "https://page.test/second.html"

STEPS: list[tuple[dict[str, Any], Probe]] = [
    ({"kind": "click", "x": 100, "y": 40}, done(logged(id="button", type="click", button=0, detail=1))),
    ({"kind": "click", "x": 100, "y": 40, "button": "middle"}, logged(type="auxclick", button=1)),
    ({"kind": "click", "x": 100, "y": 40, "button": "right"}, logged(type="contextmenu", button=2)),
    ({"kind": "click", "x": 100, "y": 40, "button": "back"}, logged(type="mousedown", button=3)),
    ({"kind": "goto", "url": HOME}, done(at(HOME))),
    ({"kind": "click", "x": 100, "y": 40, "button": "forward"}, logged(type="mousedown", button=4)),
    ({"kind": "goto", "url": HOME}, done(at(HOME))),
    ({"kind": "click", "x": 100, "y": 40, "count": 2}, logged(type="dblclick", detail=2)),
    ({"kind": "click", "x": 100, "y": 40, "count": 3}, logged(type="click", detail=3)),
    (
        {"kind": "click", "x": 100, "y": 40, "modifiers": ["ctrl", "shift"]},
        logged(type="click", mods=["ctrlKey", "shiftKey"]),
    ),
    ({"kind": "move", "x": 90, "y": 35}, done(logged(id="button", type="mousemove"))),
    ({"kind": "mouse_down"}, done(logged(id="button", type="mousedown", button=0))),
    ({"kind": "mouse_up", "x": 95, "y": 36}, done(logged(id="button", type="mouseup", button=0))),
    ({"kind": "click", "x": 100, "y": 95}, done(lambda seen, log: True)),
    ({"kind": "type", "text": "héllo 日本 🙂"}, done(logged(id="text", value="héllo 日本 🙂"))),
    ({"kind": "press", "keys": "ctrl+a"}, done(logged(id="text", type="keydown", key="a", mods=["ctrlKey"]))),
    ({"kind": "press", "keys": ["BackSpace"]}, done(logged(id="text", value=""))),
    ({"kind": "press", "keys": "Page_Down"}, done(logged(id="text", type="keydown", key="PageDown"))),
    (
        {"kind": "hold", "keys": "w", "seconds": 1},
        done(
            lambda seen, log: (
                logged(key="w", repeat=True)(seen, log) and logged(type="keyup", key="w")(seen, log)
            )
        ),
    ),
    ({"kind": "click", "x": 100, "y": 180}, done(lambda seen, log: True)),
    ({"kind": "type", "text": "one\ntwo"}, done(logged(id="area", value="one\ntwo"))),
    (
        {"kind": "scroll", "x": 500, "y": 100, "dy": 300},
        done(lambda seen, log: any(entry.get("top", 0) > 200 for entry in log)),
    ),
    (
        {"kind": "scroll", "x": 500, "y": 100, "dx": 300},
        done(lambda seen, log: any(entry.get("left", 0) > 200 for entry in log)),
    ),
    (
        {"kind": "scroll", "x": 500, "y": 100, "dy": -300},
        done(lambda seen, log: any(entry.get("top") == 0 for entry in log)),
    ),
    ({"kind": "drag", "path": [[440, 290], [520, 290], [640, 290]]}, done(logged(type="drop", data="cargo"))),
    (
        {"kind": "drag", "path": [[420, 400], [500, 420], [600, 400], [650, 440]]},
        done(
            lambda seen, log: (
                {(entry.get("x"), entry.get("y")) for entry in log} >= {(500, 420), (600, 400), (650, 440)}
            )
        ),
    ),
    ({"kind": "wait", "seconds": 0.1}, status("done")),
    ({"kind": "screenshot"}, status("done")),
    (
        {"kind": "zoom", "region": [0, 0, 320, 180]},
        done(lambda seen, log: seen.results[0].image is not None and seen.results[0].image.width >= 640),
    ),
    ({"kind": "click", "x": 60, "y": 265}, done(lambda seen, log: True)),
    ({"kind": "upload", "files": ["letter.txt"]}, done(logged(id="file", name="letter.txt", text="dear"))),
    ({"kind": "goto", "url": SECOND}, done(at(SECOND))),
    ({"kind": "back"}, done(at(HOME))),
    ({"kind": "forward"}, done(at(SECOND))),
    ({"kind": "back"}, done(at(HOME))),
    ({"kind": "reload"}, done(logged(id="page", type="load"))),
    ({"kind": "click", "x": 60, "y": 310}, lambda seen, log: seen.url == SECOND and len(seen.tabs) == 2),
    ({"kind": "close_tab"}, lambda seen, log: seen.url == HOME and len(seen.tabs) == 1),
    ({"kind": "new_tab", "url": SECOND}, lambda seen, log: seen.url == SECOND and len(seen.tabs) == 2),
    ({"kind": "switch_tab", "tab": 1}, done(at(HOME))),
    ({"kind": "switch_tab", "tab": 99}, status("failed")),
    (
        {"kind": "click", "x": 60, "y": 350},
        Eventually(
            lambda seen, log: any(one.status == "completed" and one.size == 5 for one in seen.downloads)
        ),
    ),
    ({"kind": "ask_user", "question": "Which colour?"}, lambda seen, log: seen.results[0].message == "blue"),
    ({"kind": "click", "x": 5000, "y": 5}, status("failed")),
    ({"kind": "upload", "files": ["../../etc/passwd"]}, status("failed")),
    ({"kind": "goto", "url": "https://evil.test/"}, lambda seen, log: seen.results[0].status == "refused"),
    ({"kind": "answer", "text": "end"}, lambda seen, log: True),
]


@pytest.fixture
def site() -> Iterator[Site]:
    app = Site()
    module = ModuleType("vocabulary_site")
    vars(module)["app"] = app
    sys.modules["vocabulary_site"] = module
    yield app
    del sys.modules["vocabulary_site"]


def answer(question: Question) -> Approval:
    return question.approve(by="test", note="blue")


async def test_every_action_has_its_effect_in_the_page(site: Site, tmp_path: Path) -> None:
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    (uploads / "letter.txt").write_text("dear")
    task = harness.Task(
        name="every-action",
        goal="Take every action.",
        start=HOME,
        hosts={"page.test": "vocabulary_site:app"},
        uploads=str(uploads),
    )
    tour = Tour(STEPS, site.log)
    result = await harness.run(
        task,
        model=tour,
        policy=harness.Policy.model_validate(POLICY),
        sandbox="bubblewrap",
        approver=RecordingApprover(answer),
        traces=tmp_path / "traces",
    )
    assert not tour.missed, "\n".join(tour.missed)
    assert result.outcome == "done", result.reason
    assert tour.taken | {"give_up"} == set(KINDS)
    assert [file.read_text() for file in Path(result.trace, "downloads").iterdir()] == ["hello"]


async def test_giving_up_ends_the_run_with_its_reason(site: Site, tmp_path: Path) -> None:
    task = harness.Task(name="g", goal="g", start=HOME, hosts={"page.test": "vocabulary_site:app"})
    tour = Tour([({"kind": "give_up", "reason": "too hard"}, lambda seen, log: True)], site.log)
    result = await harness.run(
        task,
        model=tour,
        policy=harness.Policy.model_validate(POLICY),
        sandbox="bubblewrap",
        approver="deny",
        traces=tmp_path,
    )
    assert (result.outcome, result.exit_code, result.reason) == ("failed", 1, "too hard")
