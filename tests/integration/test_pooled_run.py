"""Runs whose browser was there before them: like any other run, and nothing of one is found by the next."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import harness
import pytest
from engines import needs_docker
from harness.action import Answer, Click, Wait
from harness.clearance import Reply
from harness.errors import InputError
from harness.screen import Observation
from harness.trace.reader import Trace
from harness.trace.verify import verify
from pydantic import TypeAdapter

KINDS = ["bubblewrap", pytest.param("docker", marks=[needs_docker, pytest.mark.long])]
PAGE = b"""<!doctype html><title>first</title>
<a style="position:fixed;inset:0" download=notes.txt href="data:text/plain,taken home">x</a><script>
const found = [document.cookie, localStorage.getItem('mark'), sessionStorage.getItem('mark')];
caches.keys().then(names => {
  document.title = JSON.stringify([...found, names.length, history.length, window.name]);
  document.cookie = 'mark=1; max-age=9999';
  localStorage.setItem('mark', 1); sessionStorage.setItem('mark', 1); window.name = 'mark';
  return caches.open('mark');
}).then(() => { document.title += ' done'; });
</script>"""
POLICY = {
    "name": "p",
    "domains": {"navigate": ["a.test"]},
    "default": {"action": "allow", "request": "allow"},
}


class Site:
    """One page, and the cookies that came with the first request for it."""

    def __init__(self) -> None:
        self.cookies: list[str] = []

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        del receive
        if scope["type"] != "http":
            return
        if scope["path"] == "/":
            self.cookies += [value.decode() for name, value in scope["headers"] if name == b"cookie"]
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]}
        )
        await send({"type": "http.response.body", "body": PAGE})


class Visitor:
    """Waits for the page, downloads its file, and answers with what the page found."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.downloads: list[str] = []

    async def reply(self, observation: Observation) -> Reply:
        self.titles.append(observation.title)
        self.downloads = [one.name for one in observation.downloads if one.status == "completed"]
        if not observation.title.endswith("done"):
            return Reply(actions=(Wait(seconds=0.05),))
        if not observation.downloads:
            return Reply(actions=(Click(x=100, y=100),))
        if not self.downloads:
            return Reply(actions=(Wait(seconds=0.05),))
        return Reply(actions=(Answer(text=observation.title.removesuffix(" done")),))


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    module = ModuleType("pooled_site")
    vars(module)["app"] = found
    sys.modules["pooled_site"] = module
    yield found
    del sys.modules["pooled_site"]


def visit() -> harness.Task:
    return harness.Task(
        name="visit", goal="Look.", start="https://a.test/", hosts={"a.test": "pooled_site:app"}
    )


def place(result: harness.Result) -> dict[str, Any]:
    """Give what a trace says of the sandbox."""
    first = Trace.open(Path(result.trace)).events[0].event
    assert first.kind == "run_started"
    return TypeAdapter(dict[str, Any]).validate_python(first.sandbox)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
async def test_a_task_is_done_in_a_sandbox_that_was_there_before_it(kind: str, tmp_path: Path) -> None:
    async with harness.Pool(kind, task="shop/buy-a-mug", size=1, pause=600) as pool:
        await pool.ready()
        (one,) = pool.waiting
        result = await harness.run("shop/buy-a-mug", approver="auto", traces=tmp_path, pool=pool)
        assert result.outcome == "done", result.reason
        assert pool.waiting == ()
        assert not one.folder.path.exists()
    assert verify(Path(result.trace)).ok
    said = place(result)
    assert (said["kind"], said["isolated"], said["warmed"]) == (kind, True, True)
    assert said["browser"].startswith("Chromium ")


@pytest.mark.parametrize("kind", KINDS)
async def test_two_runs_from_one_pool_have_nothing_in_common(kind: str, site: Site, tmp_path: Path) -> None:
    policy = harness.Policy.model_validate(POLICY)
    visitors = (Visitor(), Visitor())
    async with harness.Pool(kind, policy=policy, size=2, pause=600) as pool:
        await pool.ready()
        first, second = pool.waiting
        assert first.door.spki != second.door.spki
        assert first.folder.path != second.folder.path
        results = [
            await harness.run(visit(), model=visitor, policy=policy, traces=tmp_path, pool=pool)
            for visitor in visitors
        ]
    assert [result.outcome for result in results] == ["done", "done"], [one.reason for one in results]
    assert [place(result)["warmed"] for result in results] == [True, True]
    answers = [visitor.titles[-1] for visitor in visitors]
    assert answers[0] == answers[1] == '["",null,null,0,2,""] done'
    assert site.cookies == []
    for result in results:
        (file,) = Path(result.trace, "downloads").iterdir()
        assert file.read_text() == "taken home"
        assert verify(Path(result.trace)).ok


async def test_a_run_that_may_go_elsewhere_starts_its_own_browser(site: Site, tmp_path: Path) -> None:
    wider = harness.Policy.model_validate(
        {**POLICY, "domains": {"navigate": ["a.test"], "load": ["a.test", "b.test"]}}
    )
    other = harness.Policy.model_validate({**POLICY, "domains": {"navigate": ["b.test"]}})
    async with harness.Pool("bubblewrap", policy=other, size=1, pause=600) as pool:
        await pool.ready()
        result = await harness.run(visit(), model=Visitor(), policy=wider, traces=tmp_path, pool=pool)
        assert result.outcome == "done", result.reason
        assert len(pool.waiting) == 1
    assert (place(result)["kind"], place(result)["warmed"]) == ("bubblewrap", False)
    assert site.cookies == []


async def test_a_run_that_finds_none_starts_its_own_browser(site: Site, tmp_path: Path) -> None:
    policy = harness.Policy.model_validate(POLICY)
    async with harness.Pool("bubblewrap", policy=policy, size=1) as pool:
        pass
    result = await harness.run(visit(), model=Visitor(), policy=policy, traces=tmp_path, pool=pool)
    assert result.outcome == "done", result.reason
    assert place(result)["warmed"] is False
    assert site.cookies == []


async def test_a_pool_that_cannot_be_used_is_an_error_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give it a policy or a task"):
        harness.Pool("bubblewrap")
    with pytest.raises(InputError, match="not isolated"):
        harness.Pool("process", policy="shopping")
    with pytest.raises(InputError, match="starts=0"):
        harness.Pool("bubblewrap", policy="shopping", starts=0)
    with pytest.raises(harness.SandboxError, match="no sandbox is called 'dock'"):
        harness.Pool("dock", policy="shopping")
    pool = harness.Pool("bubblewrap", policy="shopping")
    with pytest.raises(InputError, match="leave out the sandbox, or the pool"):
        await harness.run("shop/buy-a-mug", sandbox="process", traces=tmp_path, pool=pool)
    assert list(tmp_path.iterdir()) == []
