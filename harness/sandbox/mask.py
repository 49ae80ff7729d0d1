"""Paints over whatever shows a secret, before anybody is sent the picture.

The browser gives a snapshot of every frame's text and fields, which is searched here: the value never goes
into a page to be looked for. Fields that a secret was typed into are painted as long as they hold anything.

Not covered: text in pictures, canvases, videos and plugins; a value that the page shows encoded, backwards or
in part; and a page that shows it only for the moment in which the picture is taken.
"""

import io
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from PIL import Image, ImageDraw
from playwright.async_api import CDPSession
from playwright.async_api import Error as PlaywrightError

from harness.clearance import Box
from harness.sandbox.chrome import encode
from harness.sandbox.ground_frames import LostError, bounds
from harness.sandbox.tab import OpenTab
from harness.secrets import Vault

Json = dict[str, Any]
_INK: Final = "#303030"
_MARGIN: Final = 2
_SHOWN: Final = ("value", "placeholder", "label", "alt")
_FIELDS: Final = ("INPUT", "TEXTAREA", "SELECT")
_BLANK: Final = re.compile(r"[\W_]+")


class Masks:
    """Finds what shows a secret in a tab, and paints over it."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._needles = [_squeezed(one.value) for one in vault]
        self._filled: set[tuple[str, int]] = set()

    def __bool__(self) -> bool:
        return bool(self._vault)

    def filled(self, document: str, node: int) -> None:
        """Remember a field that a secret was typed into."""
        self._filled.add((document, node))

    async def over(self, tab: OpenTab, png: bytes) -> bytes:
        """Give a picture of a tab with everything painted that shows a secret.

        Raises:
            SandboxError: if the page crashed or does not answer.
            LostError: if it changed too much to be searched.
        """
        return paint(png, await self._boxes(tab))

    async def _boxes(self, tab: OpenTab) -> list[Box]:
        found = await self._in_session(tab, tab.cdp, (0.0, 0.0))
        for session, where in await tab.call(_frames(tab), "find the frames of a page"):
            found += await self._in_session(tab, session, where)
        return found

    async def _in_session(self, tab: OpenTab, session: CDPSession, offset: tuple[float, float]) -> list[Box]:
        snapshot: Json = await tab.call(
            session.send("DOMSnapshot.captureSnapshot", {"computedStyles": []}), "search a page for secrets"
        )
        boxes: list[Box] = []
        for document in snapshot["documents"]:
            for node in sorted(self._showing(document, snapshot["strings"])):
                for box in await _drawn(session, node):
                    place = {"x": box.x + offset[0], "y": box.y + offset[1]}
                    boxes.append(box.model_copy(update=place))
        return boxes

    def _showing(self, document: Json, strings: list[str]) -> set[int]:
        nodes = document["nodes"]
        names = [strings[at] for at in nodes["nodeName"]]
        numbers, parents = nodes["backendNodeId"], nodes["parentIndex"]
        found: set[int] = set()
        address = strings[document["frameId"]]
        typed = {
            at: _string(strings, value)
            for values in (nodes["inputValue"], nodes["textValue"])
            for at, value in zip(values["index"], values["value"], strict=True)
        }
        for at, number in enumerate(numbers):
            pairs = [strings[one] for one in nodes["attributes"][at]]
            said = dict(zip(pairs[::2], pairs[1::2], strict=True))
            if names[at] == "#text":
                if self._holds(_string(strings, nodes["nodeValue"][at])):
                    found.add(_menu(at, names, parents, numbers))
            elif names[at] == "INPUT" and said.get("type", "").lower() == "password":
                continue
            else:
                shown = (typed.get(at, ""), *(said.get(name, "") for name in _SHOWN))
                kept = (address, number) in self._filled and typed.get(at, "?") != ""
                if kept or any(map(self._holds, shown)):
                    found.add(number)
        return found | self._across(document["layout"], numbers, strings)

    def _across(self, layout: Json, numbers: list[int], strings: list[str]) -> set[int]:
        """Find a value whose parts stand in several elements, one after another."""
        shown = [
            (numbers[at], _string(strings, string))
            for at, string in zip(layout["nodeIndex"], layout["text"], strict=True)
            if string >= 0
        ]
        pieces: list[str] = []
        owners: list[int] = []
        for place, (_, said) in enumerate(shown):
            squeezed = _BLANK.sub("", said).casefold()
            pieces.append(squeezed)
            owners += [place] * len(squeezed)
        text, found = "".join(pieces), set[int]()
        for needle in self._needles:
            for at in _places(text, needle):
                # Signs were left out of the comparison: those inside and next to it belong to it.
                first, last = owners[at], owners[at + len(needle) - 1]
                while first > 0 and not pieces[first - 1]:
                    first -= 1
                while last + 1 < len(pieces) and not pieces[last + 1]:
                    last += 1
                found |= {number for number, _ in shown[first : last + 1]}
        return found

    def _holds(self, text: str) -> bool:
        squeezed = _squeezed(text)
        return any(needle and needle in squeezed for needle in self._needles)


def paint(png: bytes, boxes: Sequence[Box]) -> bytes:
    """Give a picture with boxes painted over."""
    if not boxes:
        return png
    with Image.open(io.BytesIO(png)) as source:
        image = source.convert("RGB")
    brush = ImageDraw.Draw(image)
    for box in boxes:
        right, bottom = box.x + box.width + _MARGIN, box.y + box.height + _MARGIN
        brush.rectangle((box.x - _MARGIN, box.y - _MARGIN, right, bottom), fill=_INK)
    return encode(image)


def covered(png: bytes) -> bytes:
    """Give a picture of which nothing is to be seen."""
    with Image.open(io.BytesIO(png)) as source:
        return encode(Image.new("RGB", source.size, _INK))


def _squeezed(text: str) -> str:
    bare = _BLANK.sub("", text).casefold()
    # A value that is nothing but signs is looked for as it stands.
    return bare or "".join(text.split()).casefold()


def _string(strings: list[str], at: int) -> str:
    return strings[at] if at >= 0 else ""


def _places(text: str, needle: str) -> Iterator[int]:
    place = text.find(needle) if needle else -1
    while place >= 0:
        yield place
        place = text.find(needle, place + 1)


def _menu(at: int, names: list[str], parents: list[int], numbers: list[int]) -> int:
    """The menu that shows a text, or else the text itself."""
    above = parents[at]
    for _ in range(8):
        if above < 0:
            break
        if names[above] in _FIELDS:
            return numbers[above]
        above = parents[above]
    return numbers[at]


async def _drawn(session: CDPSession, node: int) -> list[Box]:
    try:
        quads = (await session.send("DOM.getContentQuads", {"backendNodeId": node}))["quads"]
        model = await _box(session, node)
    except PlaywrightError as error:
        if "layout" in str(error) or "compute" in str(error):
            return []  # it is not drawn
        raise LostError("what shows a secret has just changed") from error
    return [bounds(quad) for quad in quads] + model


async def _box(session: CDPSession, node: int) -> list[Box]:
    try:
        model = (await session.send("DOM.getBoxModel", {"backendNodeId": node}))["model"]
    except PlaywrightError:
        return []  # a text has no box of its own
    return [bounds(model["border"])]


async def _frames(tab: OpenTab) -> list[tuple[CDPSession, tuple[float, float]]]:
    """Give the sessions of frames in other processes, and where each begins on the screen."""
    known: dict[str, tuple[CDPSession, tuple[float, float]]] = {}
    tree = await tab.cdp.send("Page.getFrameTree")
    known[tree["frameTree"]["frame"]["id"]] = (tab.cdp, (0.0, 0.0))
    out: list[tuple[CDPSession, tuple[float, float]]] = []
    left = await tab.sessions.apart(tab.page)
    for _ in range(len(left)):
        for name, session in list(left.items()):
            for parent, (left_edge, top) in list(known.values()):
                corner = await _corner(parent, name)
                if corner is not None:
                    where = (left_edge + corner[0], top + corner[1])
                    known[name] = (session, where)
                    out.append((session, where))
                    del left[name]
                    break
    if left:
        raise LostError("a frame cannot be placed on the screen")
    return out


async def _corner(parent: CDPSession, frame: str) -> tuple[float, float] | None:
    try:
        owner = await parent.send("DOM.getFrameOwner", {"frameId": frame})
    except PlaywrightError:
        return None
    try:
        model = await parent.send("DOM.getBoxModel", {"backendNodeId": owner["backendNodeId"]})
    except PlaywrightError:
        return (-1e6, -1e6)  # it is not drawn, and nothing in it is
    quad = model["model"]["content"]
    if abs(quad[1] - quad[3]) > 1 or abs(quad[0] - quad[6]) > 1:
        raise LostError("a frame that may show a secret is turned")
    return quad[0], quad[1]
