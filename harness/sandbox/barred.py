"""Pages and frames that the browser itself would not load: told, since no request was made of them.

A navigation that the managed policy blocks ends before the gateway sees anything of it. What is left of it is
an error page that knows the address it stands for.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Frame

from harness.clearance import Resource
from harness.sandbox.base import SandboxOptions
from harness.sandbox.tab import CALL, OpenTab
from harness.sandbox.words import clean

_ERROR_PAGE = "chrome-error:"
_MOST = 1_000
_AT_ONCE = 20
_UNTOLD = "the browser did not load a page or frame, and it is not recorded which"
_WEB = ("http:", "https:")


class Barred:
    """Watches tabs for error pages.

    Args:
        options: who is told, and whether the browser was told where pages may be.
        note: says something to the model.
    """

    def __init__(self, options: SandboxOptions, note: Callable[[str], None]) -> None:
        self._told = options.barred
        # Without such filters an error page on the web is a failure that the gateway has recorded.
        self._passed = _WEB if options.reach is None else ()
        self._note = note
        self._seen: set[str] = set()
        self._tellings = 0
        # Each frame's first page is judged as it begins where what is refused never comes to the gateway: its
        # error page may be gone before anybody can ask it.
        self._early = options.allowlist
        self._judged: set[str] = set()
        self._looking: set[asyncio.Task[None]] = set()

    def watch(self, tab: OpenTab) -> None:
        """Watch a tab and its frames."""
        if self._told is None:
            return
        tab.unreachable = self._found
        tab.page.on("framenavigated", self._moved)
        if self._early:
            tab.started = self._begun

    async def settled(self) -> None:
        """Wait until every error page is known that was there, as long as a page may take to answer."""
        if self._looking:
            await asyncio.wait(tuple(self._looking), timeout=CALL)

    async def close(self) -> None:
        """Look no further."""
        for task in tuple(self._looking):
            task.cancel()
        await asyncio.gather(*self._looking, return_exceptions=True)

    def _moved(self, frame: Frame) -> None:
        if frame.parent_frame is None or not frame.url.startswith(_ERROR_PAGE):
            return
        if len(self._looking) < _AT_ONCE:
            task = asyncio.get_running_loop().create_task(self._look(frame))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)
        else:
            self._note(_UNTOLD)

    async def _look(self, frame: Frame) -> None:
        """Ask the process of a frame that is not in its tab's; the tab's own session tells of the others."""
        try:
            async with asyncio.timeout(CALL):
                while (above := frame.parent_frame) is not None:
                    try:
                        session = await frame.page.context.new_cdp_session(frame)
                    except PlaywrightError:
                        frame = above
                        continue
                    tree = await session.send("Page.getFrameTree")
                    await session.detach()
                    for one in _frames(tree["frameTree"]):
                        self._found(one)
                    return
        except (TimeoutError, PlaywrightError):
            self._note(_UNTOLD)

    def _begun(self, url: str) -> None:
        if url.lower().startswith(_WEB) and self._tell(url, "frame"):
            self._judged.add(url)

    def _found(self, frame: dict[str, Any]) -> None:
        url = frame.get("unreachableUrl")
        if not isinstance(url, str) or url.lower().startswith(self._passed) or self._told is None:
            return
        loader = str(frame.get("loaderId", ""))
        if loader in self._seen:
            return
        if len(self._seen) >= _MOST:
            self._note(_UNTOLD)
            return
        self._seen.add(loader)
        if "parentId" in frame and url in self._judged:
            self._judged.discard(url)
            return
        self._tell(url, "frame" if "parentId" in frame else "document")

    def _tell(self, url: str, kind: Resource) -> bool:
        """Say what was not loaded, and whether the policy refuses it."""
        try:
            refusal = self._told("GET", url, kind) if self._told and self._tellings < _MOST else None
        except Exception as error:  # noqa: BLE001 - it was not loaded, whoever is told of it
            self._note(f"{_UNTOLD}: {type(error).__name__}: {error}")
            return False
        if refusal is None:
            return False
        self._tellings += 1
        self._note(f"the browser did not load {clean(url, 200)}: {refusal.reason}")
        return True


def _frames(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield tree["frame"]
    for child in tree.get("childFrames", ()):
        yield from _frames(child)
