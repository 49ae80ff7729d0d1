import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from haralyzer import HarParser
from harness.sandbox.chromium import find_chromium
from harness.trace.export import har
from harness.trace.reader import Trace
from playwright.async_api import async_playwright
from tests.trace.export.conftest import SITE


def made(trace: Trace, tmp_path: Path) -> dict[str, Any]:
    har.export(trace, tmp_path / "a.har")
    log: dict[str, Any] = json.loads((tmp_path / "a.har").read_text())["log"]
    return log


def one(log: dict[str, Any], url: str) -> dict[str, Any]:
    found: dict[str, Any] = next(entry for entry in log["entries"] if entry["request"]["url"] == url)
    return found


def test_bodies_are_decoded_and_binary_ones_are_base64(trace: Trace, tmp_path: Path) -> None:
    log = made(trace, tmp_path)
    page = one(log, SITE)["response"]
    assert page["content"]["text"].startswith("<!doctype html>")
    assert page["content"]["size"] == len(page["content"]["text"])
    assert page["content"]["size"] - page["content"]["compression"] == page["bodySize"]
    assert one(log, SITE + "dot.bin")["response"]["content"]["encoding"] == "base64"
    posted = one(log, SITE + "buy")["request"]["postData"]
    assert posted["text"] == "sku=MUG&n=1"
    assert posted["params"] == [{"name": "sku", "value": "MUG"}, {"name": "n", "value": "1"}]


def test_a_refused_request_is_there_with_its_rule_and_step(trace: Trace, tmp_path: Path) -> None:
    found = one(made(trace, tmp_path), "https://tracker.test/pixel")
    assert found["response"]["status"] == 403
    told = found["_harness"]
    assert (told["verdict"], told["rule"], told["step"], told["refused"]) == ("deny", "domains", 1, True)
    assert found["comment"].startswith("refused by domains")


def test_websocket_messages_are_as_chrome_writes_them(trace: Trace, tmp_path: Path) -> None:
    messages = one(made(trace, tmp_path), "wss://shop.test/live")["_webSocketMessages"]
    assert [(one["type"], one["opcode"], one["data"]) for one in messages] == [
        ("send", 1, "hi"),
        ("receive", 2, "AP8="),
        ("send", 1, ""),
    ]
    assert messages[2]["_refused"] == "limits: too long"
    assert 1.7e9 < messages[0]["time"] < 1.8e9


def test_pages_are_documents_and_a_redirect_makes_no_second_one(trace: Trace, tmp_path: Path) -> None:
    log = made(trace, tmp_path)
    assert next((page["id"], page["title"]) for page in log["pages"]) == ("page_1", "Bought")
    assert one(log, SITE + "old")["pageref"] == one(log, SITE + "s.css")["pageref"] == "page_1"
    assert one(log, SITE + "old")["response"]["redirectURL"] == SITE


def test_an_old_trace_without_bodies_is_read_by_another_reader(plain: Trace, tmp_path: Path) -> None:
    made(plain, tmp_path)
    found = HarParser.from_file(tmp_path / "a.har")
    assert found.pages[0].entries[0].request.method == "POST"
    assert {entry.status for page in found.pages for entry in page.entries} == {200, 403}


async def test_a_real_page_is_served_from_it(trace: Trace, tmp_path: Path) -> None:
    har.export(trace, tmp_path / "a.har")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), chromium_sandbox=False)
        context = await browser.new_context()
        await context.route_from_har(tmp_path / "a.har")
        page = await context.new_page()
        await page.goto(SITE + "old")
        await page.wait_for_function("document.title === 'Bought'")
        assert page.url == SITE
        colour = await page.eval_on_selector("h1", "one => getComputedStyle(one).color")
        assert colour == "rgb(1, 2, 3)"
        await browser.close()


@pytest.mark.long
def test_the_usual_validator_finds_nothing_wrong(trace: Trace, plain: Trace, tmp_path: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm and node install and run the validator")
    subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "har-validator@5.1.5"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=90,
    )
    script = "require('har-validator').har(JSON.parse(require('fs').readFileSync('a.har')))"
    script += ".then(() => console.log('valid'), e => console.log(JSON.stringify(e.errors)))"
    for run in (trace, plain):
        har.export(run, tmp_path / "a.har")
        told = subprocess.run([node, "-e", script], cwd=tmp_path, check=True, capture_output=True, text=True)
        assert told.stdout.strip() == "valid"
