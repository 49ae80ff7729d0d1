"""Files that pages gave."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from harness.action import Click
from harness.clearance import Cleared, FileOffer, Refusal, Verdict, clear, digest
from harness.sandbox.downloads import copy

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def downloaded(pilot: Any, y: int) -> Any:
    await pilot.go("files.html")
    await pilot.done(Click(x=30, y=y))
    async with asyncio.timeout(20):
        while True:
            screen = await pilot.see()
            if screen.downloads and screen.downloads[-1].status != "started":
                return screen


async def test_a_download_is_kept_and_reported(pilot: Any) -> None:
    (first,) = (await downloaded(pilot, 110)).downloads
    assert (first.name, first.suggested, first.size, first.status) == (
        "report.csv",
        "report.csv",
        4,
        "completed",
    )
    assert (pilot.options.downloads / "report.csv").read_bytes() == b"1,2\n"
    second = (await downloaded(pilot, 110)).downloads[1]
    assert second.name == "report (2).csv"


async def test_a_hostile_name_stays_in_the_folder(pilot: Any) -> None:
    (evil,) = (await downloaded(pilot, 150)).downloads
    assert evil.status == "completed"
    assert len(evil.name) <= 100
    assert "/" not in evil.name
    assert "\u202e" not in evil.name
    assert [path.name for path in pilot.options.downloads.iterdir()] == [evil.name]


async def test_a_broken_download_is_reported(pilot: Any) -> None:
    screen = await downloaded(pilot, 190)
    assert screen.downloads[0].status == "failed"
    assert screen.downloads[0].why


async def test_a_file_is_kept_only_with_a_ticket(flight: Any) -> None:
    offers: list[FileOffer] = []
    answers = ["refused", "fails", ""]

    async def keep(offer: FileOffer) -> Cleared | Refusal:
        answer = answers[len(offers)]
        offers.append(offer)
        if answer == "fails":
            raise OSError("nobody there")
        if answer == "refused":
            return Refusal(rule="no files", reason="not here")
        allowed = Verdict(outcome="allow", rule="a", reason="", policy="", effect=digest(offer))
        return clear(offer, allowed)

    pilot = await flight(keep=keep)
    for status, why in (("failed", "no files"), ("failed", "nobody"), ("completed", "")):
        screen = await downloaded(pilot, 110)
        assert (screen.downloads[-1].status, why in screen.downloads[-1].why) == (status, True)
    assert [path.name for path in pilot.options.downloads.iterdir()] == [screen.downloads[-1].name]
    assert [offer.name for offer in offers] == ["report.csv"] * 3
    assert offers[0].page.endswith("/files.html")


async def test_only_a_plain_file_of_the_browsers_own_folder_is_copied(tmp_path: Path) -> None:
    given = tmp_path / "given"
    (given / "below").mkdir(parents=True)
    mine = tmp_path / "mine"
    mine.write_bytes(b"mine")
    (given / "plain").write_bytes(b"plain")
    (given / "below" / "plain").write_bytes(b"plain")
    (given / "link").symlink_to(mine)
    os.link(mine, given / "second")
    os.mkfifo(given / "pipe")
    assert copy(given / "plain", tmp_path / "kept", given) == 5
    assert (tmp_path / "kept").read_bytes() == b"plain"
    for source, why in (
        (given / "link", "a link"),
        (given / "second", "not a plain file"),
        (given / "pipe", "not a plain file"),
        (given / "below" / "plain", "outside its folder"),
        (mine, "outside its folder"),
    ):
        with pytest.raises(OSError, match=why):
            copy(source, tmp_path / "other", given)
    with pytest.raises(FileExistsError):
        copy(given / "plain", tmp_path / "kept", given)
    assert not (tmp_path / "other").exists()
