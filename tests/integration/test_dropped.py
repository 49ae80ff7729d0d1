"""A request waits while a person decides, and is dropped if the page that made it goes away meanwhile."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness
import pytest
from asgi import give, module
from harness.action import Answer
from harness.clearance import Approval, Question, Reply
from harness.screen import Observation
from harness.trace.reader import Trace
from harness.trace.verify import verify

PAGE = """<!doctype html><title>{path}</title><h1>{path}</h1><script>
addEventListener('load', async () => {{
  const ways = {{
    '/leave': () => {{
      fetch('/pay', {{method: 'POST', body: 'a'}});
      fetch('/asked').then(() => location = '/next');
    }},
    '/abort': () => {{
      const stop = new AbortController();
      fetch('/pay', {{method: 'POST', body: 'a', signal: stop.signal}}).catch(() => fetch('/said'));
      fetch('/asked').then(() => stop.abort());
    }},
    '/frame': () => {{
      const frame = document.body.appendChild(document.createElement('iframe'));
      frame.contentWindow.fetch('/pay', {{method: 'POST', body: 'a'}});
      fetch('/asked').then(() => frame.remove());
    }},
    '/stay': async () => {{
      const answer = await fetch('/pay', {{method: 'POST', body: 'a'}});
      document.title = await answer.text();
      fetch('/said');
    }},
  }};
  ways[location.pathname]?.();
}});
</script>"""
POLICY = {
    "name": "p",
    "domains": {"navigate": ["shop.test"]},
    "default": {"action": "allow", "request": "allow"},
    "rules": [{"name": "paying", "on": "request", "when": {"method": "POST"}, "verdict": "ask"}],
    "approval": {"timeout": "60s"},
}


class Site:
    """One host; `/asked` answers once a person was asked."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.asked = asyncio.Event()
        self.said = asyncio.Event()

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        self.seen.append(f"{scope['method']} {scope['path']}")
        if scope["path"] == "/said":
            self.said.set()
        if scope["path"] == "/asked":
            await self.asked.wait()
        body = b"paid" if scope["method"] == "POST" else PAGE.format(path=scope["path"]).encode()
        await give(send, body)


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    with module("waiting_site", found):
        yield found


class Thinking:
    """Somebody who never answers, or says yes."""

    def __init__(self, site: Site, *, answers: bool) -> None:
        self.questions: list[Question] = []
        self.withdrawn = asyncio.Event()
        self._site = site
        self._answers = answers

    async def decide(self, question: Question) -> Approval:
        self.questions.append(question)
        self._site.asked.set()
        if self._answers:
            return question.approve(by="ada")
        try:
            await asyncio.Event().wait()
        finally:
            self.withdrawn.set()
        raise AssertionError


class Until:
    """A model that waits for something to happen, then says that it is done."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def reply(self, _observation: Observation) -> Reply:
        async with asyncio.timeout(60):
            await self._event.wait()
        return Reply(actions=(Answer(text="over"),))


def task(path: str) -> harness.Task:
    return harness.Task(
        name="wait", goal="g", start=f"https://shop.test{path}", hosts={"shop.test": "waiting_site:app"}
    )


@pytest.mark.parametrize("way", ["leave", "abort", "frame"])
async def test_a_request_whose_page_went_away_is_dropped_and_the_trace_says_so(
    site: Site, way: str, tmp_path: Path
) -> None:
    approver = Thinking(site, answers=False)
    result = await harness.run(
        task(f"/{way}"),
        model=Until(approver.withdrawn),
        policy=harness.Policy.model_validate(POLICY),
        sandbox="bubblewrap",
        approver=approver,
        traces=tmp_path,
    )
    assert [question.effect.kind for question in approver.questions] == ["request"]
    assert approver.withdrawn.is_set()
    assert "POST /pay" not in site.seen
    assert result.outcome == "done", result.reason
    events = [one.event for one in Trace.open(Path(result.trace)).events]
    (given,) = [one for one in events if one.kind == "approval_given"]
    assert (given.approval.by, given.approval.decision) == ("withdrawn", "deny")
    assert "the page that made the request went away" in given.approval.note
    asked = next(one for one in events if one.kind == "approval_asked")
    assert asked.effect.kind == "request"
    assert asked.effect.id not in [one.request for one in events if one.kind == "responded"]
    assert verify(Path(result.trace)).ok


async def test_a_page_that_waits_gets_its_answer(site: Site, tmp_path: Path) -> None:
    approver = Thinking(site, answers=True)
    await harness.run(
        task("/stay"),
        model=Until(site.said),
        policy=harness.Policy.model_validate(POLICY),
        sandbox="bubblewrap",
        approver=approver,
        traces=tmp_path,
    )
    assert site.seen.count("POST /pay") == 1
