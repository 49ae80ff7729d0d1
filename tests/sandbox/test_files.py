"""Files given to pages."""

from pathlib import Path
from typing import Any

import pytest
from harness.action import Click, Press, Type, Upload
from harness.errors import ActionError
from harness.sandbox.files import listing, payloads

pytestmark = pytest.mark.asyncio(loop_scope="session")

ONE, MANY = Click(x=60, y=35), Click(x=60, y=75)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    up = tmp_path / "up"
    up.mkdir(exist_ok=True)
    (up / "a.txt").write_text("alpha")
    (up / "b.json").write_text("{}")
    (up / "sub").mkdir()
    (tmp_path / "secret").write_text("secret")
    (up / "link").symlink_to(tmp_path / "secret")
    return up


async def opened(pilot: Any, where: Click) -> Any:
    await pilot.go("files.html")
    await pilot.done(where)
    for _ in range(20):
        await pilot.see()
        if pilot.driver._over.modal is not None:
            break
    return pilot.driver._over.modal


async def click(pilot: Any, key: str) -> Any:
    piece = next(piece for piece in pilot.driver._over.modal.pieces(1280, 720) if piece.key == key)
    return await pilot.do(Click(x=piece.x + 9, y=piece.y + 9))


async def test_only_plain_files_are_listed(folder: Path) -> None:
    assert listing(folder) == ("a.txt", "b.json")
    assert listing(None) == ()
    assert listing(folder / "none") == ()


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "sub/x", "..", ".", "", "link", "sub", "no", "a\0b", "..\\x"]
)
async def test_names_outside_the_folder_are_refused(folder: Path, name: str) -> None:
    with pytest.raises(ActionError):
        payloads(folder, (name,))


async def test_a_file_that_is_too_large_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.sandbox.files.UPLOAD", 6)
    assert len(payloads(folder, ("a.txt",))) == 1
    with pytest.raises(ActionError, match="fewer or smaller"):
        payloads(folder, ("a.txt", "b.json"))


async def test_upload_without_a_chooser_or_folder_says_so(pilot: Any, flight: Any) -> None:
    assert "no file chooser is open" in (await pilot.do(Upload(files=("a.txt",)))).message
    bare = await flight(uploads=None)
    await opened(bare, ONE)
    assert "no upload folder" in (await bare.do(Upload(files=("a.txt",)))).message


@pytest.mark.usefixtures("folder")
async def test_upload_gives_a_file(pilot: Any) -> None:
    await opened(pilot, ONE)
    assert not (await pilot.do(Upload(files=("link",)))).ok
    assert not (await pilot.do(Upload(files=("a.txt", "b.json")))).ok
    await pilot.done(Upload(files=("a.txt",)))
    await pilot.until("got.length")
    assert await pilot.js("got") == [["a.txt", "text/plain", "alpha"]]
    assert pilot.driver._over.modal is None


@pytest.mark.usefixtures("folder")
async def test_files_are_chosen_from_pixels(pilot: Any) -> None:
    plain = await pilot.go("files.html")
    await opened(pilot, MANY)
    shown = await pilot.see()
    assert shown.screenshot.sha256 != plain.screenshot.sha256
    assert "no file is chosen" in (await click(pilot, "open")).message
    for key in ("file:a.txt", "file:b.json", "file:a.txt", "file:a.txt", "open"):
        assert (await click(pilot, key)).ok
    await pilot.until("got.length")
    assert [name for name, _, _ in await pilot.js("got")] == ["b.json", "a.txt"]


async def test_a_file_is_chosen_with_keys(pilot: Any, folder: Path) -> None:
    await opened(pilot, ONE)
    assert not (await pilot.do(Type(text="zzz"))).ok
    assert not (await pilot.do(Press(keys=("x",)))).ok
    await pilot.done(Press(keys=("ArrowDown",)), Press(keys=("ArrowDown",)), Press(keys=("Enter",)))
    await pilot.until("got.length")
    assert [name for name, _, _ in await pilot.js("got")] == ["b.json"]
    assert folder.is_dir()


async def test_the_chooser_is_cancelled_and_turns_pages(pilot: Any, folder: Path) -> None:
    for number in range(30):
        (folder / f"n{number:02}").write_text("x")
    await opened(pilot, ONE)
    assert (await click(pilot, "next")).ok
    assert (await click(pilot, "file:n08")).ok
    assert (await click(pilot, "prev")).ok
    assert (await click(pilot, "cancel")).ok
    assert pilot.driver._over.modal is None
    assert await pilot.js("got") == []
