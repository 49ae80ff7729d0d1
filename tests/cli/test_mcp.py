"""`harness mcp` keeps standard output for the protocol, and ends in order whoever ends it."""

import json
import signal
import subprocess

import pytest
from harness.trace.reader import Trace
from tests.cli.commands import Command, Place, Started


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ((), "name either a task or --start URL"),
        (("shop/find-a-tea", "--start", "https://shop.test/"), "name either a task or --start URL"),
        (("--start", "shop.test"), "write a whole URL"),
        (("--start", "https://shop.test/"), "give one, such as --policy shopping"),
        (("shop/find-a-te",), "did you mean 'shop/find-a-tea'?"),
        (("shop/find-a-tea", "--approve", "terminal"), "type --approve deny or --approve auto"),
        (("shop/find-a-tea", "--approve", "me"), "no approver is called 'me'"),
        (("shop/find-a-tea", "--sandbox", "bubble"), "did you mean 'bubblewrap'?"),
    ],
)
def test_wrong_usage_is_one_line_before_anything_starts(
    command: Command, place: Place, typed: tuple[str, ...], words: str
) -> None:
    told = command("mcp", *typed)
    assert (told.code, told.out, told.err.count("\n")) == (2, "", 1)
    assert words in told.err
    assert not (place.folder / "traces").exists()


LOUD = """
print("loud at import")

async def app(scope, receive, send):
    print("loud at work", flush=True)
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"<h1>Hello</h1>"})
"""


def greeted(place: Place) -> Started:
    """Start the server on a world that prints, and shake hands."""
    (place.folder / "loud.py").write_text(LOUD)
    place.task(hosts='{a.test: "loud:app"}')
    one = place.start("mcp", "task.yaml", "--sandbox", "bubblewrap", stdin=subprocess.PIPE)
    params = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    assert one.process.stdin is not None
    assert one.process.stdout is not None
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    one.process.stdin.write(json.dumps(hello) + "\n")
    one.process.stdin.flush()
    answer = json.loads(one.process.stdout.readline())
    assert answer["result"]["serverInfo"]["name"] == "harness"
    return one


def ended(place: Place, outcome: str) -> None:
    """The trace is complete, says how it ended, and nothing is left."""
    assert place.verified().complete
    last = Trace.open(place.trace()).events[-1].event
    assert last.kind == "run_finished"
    assert last.outcome == outcome
    assert place.left() == []


def test_a_client_that_hangs_up_ends_the_run(place: Place) -> None:
    one = greeted(place)
    assert one.process.stdin is not None
    one.process.stdin.close()
    code, out, said = one.end()
    assert (code, out) == (0, ""), said
    assert [one in said for one in ("done after 1 step", "loud at import", "loud at work")] == [True] * 3
    ended(place, "done")


@pytest.mark.long
def test_a_signal_ends_the_run_while_the_client_is_silent(place: Place) -> None:
    one = greeted(place)
    code, out, said = one.end(signal.SIGTERM)
    assert (code, out) == (130, ""), said
    assert "Traceback" not in said
    ended(place, "interrupted")


def test_a_browser_that_does_not_start_is_said_and_the_client_is_let_go(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    place.task()
    one = place.start("mcp", "task.yaml", "--sandbox", "bubblewrap", stdin=subprocess.PIPE)
    code, out, said = one.end()
    assert (code, out) == (4, ""), said
    assert "harness: " in said
    assert "Traceback" not in said
    ended(place, "error")
