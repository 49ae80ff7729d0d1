import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from harness.trace.export import playwright as playwright_trace
from harness.trace.reader import Trace
from playwright.async_api import expect
from tests.trace.export.viewer import page


def lines(file: Path, name: str) -> list[dict[str, Any]]:
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return [json.loads(line) for line in archive.read(name).decode().splitlines()]


def test_actions_have_titles_points_and_what_policy_and_people_said(trace: Trace, tmp_path: Path) -> None:
    playwright_trace.export(trace, tmp_path / "a.zip")
    found = lines(tmp_path / "a.zip", "trace.trace")
    assert found[0]["version"] == playwright_trace.VERSION
    begun = {one["callId"]: one for one in found if one["type"] == "before"}
    ended = {one["callId"]: one for one in found if one["type"] == "after"}
    assert set(begun) == set(ended)
    assert all(ended[call]["endTime"] >= one["startTime"] for call, one in begun.items())
    press = next(one for one in begun.values() if one["title"].startswith("click 'Buy'"))
    said = [one["message"] for one in found if one["type"] == "log" and one["callId"] == press["callId"]]
    assert said[0].startswith("policy: ask by spending")
    assert "ada: approve" in said[1]
    point = next(one for one in found if one["type"] == "input")
    assert (point["callId"], point["point"]) == (press["callId"], {"x": 16, "y": 22})
    refused = next(one for one in begun.values() if "evil.test" in one["title"])
    assert ended[refused["callId"]]["error"]["message"] == "no"


def test_a_picture_is_in_one_snapshot_and_the_others_point_to_it(trace: Trace, tmp_path: Path) -> None:
    playwright_trace.export(trace, tmp_path / "a.zip")
    shots = [one["snapshot"] for one in lines(tmp_path / "a.zip", "trace.trace") if "snapshot" in one]
    images = [one["html"][2][2] for one in shots]
    assert sum(image[0] == "IMG" for image in images) == 3
    for number, image in enumerate(images):
        if image[0] != "IMG":
            assert images[number - image[0][0]][0] == "IMG"


def test_bodies_are_files_and_every_request_is_there(trace: Trace, tmp_path: Path) -> None:
    playwright_trace.export(trace, tmp_path / "a.zip")
    found = [one["snapshot"] for one in lines(tmp_path / "a.zip", "trace.network")]
    page = next(one for one in found if one["request"]["url"] == "https://shop.test/")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.read(page["response"]["content"]["_file"]).startswith(b"<!doctype html>")
    assert {one["response"]["status"] for one in found} == {200, 302, 403, 101}


@asynccontextmanager
async def shown(file: Path) -> AsyncIterator[str]:
    """Let `playwright show-trace` serve a trace, and give its address."""
    # Where there is a screen it would open the user's own browser too.
    screenless = {name: value for name, value in os.environ.items() if "DISPLAY" not in name}
    words = ("playwright", "show-trace", "--host", "127.0.0.1", "--port", "0", str(file))
    tool = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *words),
        stdout=asyncio.subprocess.PIPE,
        env=screenless,
        start_new_session=True,
    )
    assert tool.stdout is not None
    try:
        async with asyncio.timeout(60):
            while not (found := re.search(rb"http://\S+", await tool.stdout.readline())):
                assert tool.returncode is None
        yield found[0].decode()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(tool.pid, signal.SIGKILL)
        await tool.wait()


async def test_the_trace_viewer_shows_actions_a_screenshot_the_network_and_the_console(
    trace: Trace, tmp_path: Path
) -> None:
    playwright_trace.export(trace, tmp_path / "a.zip")
    async with shown(tmp_path / "a.zip") as address, page() as viewer:
        await viewer.goto(address)
        action = viewer.get_by_text("click 'Buy' (button)").first
        await action.click()
        await expect(viewer.get_by_text("Step 2, the model: It says Buy.").first).to_be_visible()
        picture = viewer.frame_locator("iframe.snapshot-visible").locator("img")
        await expect(picture).to_be_visible()
        assert await picture.evaluate("one => [one.naturalWidth, one.complete]") == [320, True]
        await viewer.get_by_role("tab", name="Network").click()
        await expect(viewer.get_by_text("pixel", exact=True).first).to_be_visible()
        await viewer.get_by_role("tab", name="Console").click()
        await expect(viewer.get_by_text("It <b>broke</b>").first).to_be_visible()
        await expect(viewer.get_by_text("TypeError: no").first).to_be_visible()
        await viewer.get_by_role("tab", name="Errors").click()
        await expect(viewer.get_by_text("no").first).to_be_visible()
