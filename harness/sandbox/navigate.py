"""Going places: URLs, history, reload. What the network refuses is an outcome, not an error."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import ada_url
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Response
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from harness.errors import SandboxError
from harness.sandbox.base import ActOutcome
from harness.sandbox.tab import OpenTab, first_line
from harness.sandbox.words import clean

PATIENCE: Final = 30.0
"""Seconds to wait for the first bytes of a document; it may still come later."""
_SWAPS: Final = 40
_SWAP_SECONDS: Final = 0.05
_SCHEMES: Final = ("http:", "https:", "about:", "data:")


async def goto(tab: OpenTab, url: str) -> ActOutcome:
    """Load an absolute URL in a tab."""
    try:
        address = ada_url.URL(url)
    except ValueError:
        return ActOutcome(ok=False, message=f"not an absolute URL: {url[:300]!r}; write https://… in full")
    if address.protocol not in _SCHEMES:
        return ActOutcome(
            ok=False, message=f"a tab does not go to {address.protocol} URLs; use https or http"
        )
    return await _go(
        tab,
        lambda: tab.page.goto(address.href, wait_until="commit", timeout=PATIENCE * 1000),
        f"go to {address.href[:300]}",
    )


async def step(tab: OpenTab, by: int) -> ActOutcome:
    """Go back (-1) or forward (+1) in the tab's history."""
    history = await _history(tab)
    wanted = history["currentIndex"] + by
    where = "back" if by < 0 else "forward"
    if not 0 <= wanted < len(history["entries"]):
        return ActOutcome(ok=False, message=f"there is no page to go {where} to")
    move = tab.page.go_back if by < 0 else tab.page.go_forward
    return await _go(tab, lambda: move(wait_until="commit", timeout=PATIENCE * 1000), f"go {where}")


async def _history(tab: OpenTab) -> dict[str, Any]:
    for _ in range(_SWAPS):
        try:
            return await tab.send("Page.getNavigationHistory")
        except SandboxError as error:
            # For a moment, while one page takes another's place, the tab has none that answers.
            if "Not attached to an active page" not in str(error):
                raise
            await asyncio.sleep(_SWAP_SECONDS)
    return await tab.send("Page.getNavigationHistory")


async def reload(tab: OpenTab) -> ActOutcome:
    """Load the page again."""
    return await _go(tab, lambda: tab.page.reload(wait_until="commit", timeout=PATIENCE * 1000), "reload")


async def _go(tab: OpenTab, start: Callable[[], Awaitable[Response | None]], what: str) -> ActOutcome:
    response = await tab.call(_outcome(start), what, PATIENCE + 1)
    if isinstance(response, str):
        began = "Download is starting" in response
        return ActOutcome(ok=began, message="a download began" if began else f"{what}: {response}")
    rule = None if response is None else response.headers.get("x-harness-rule")
    if response is not None and rule is not None:
        word = "refused by the rule" if response.status == 403 else f"no page, but {response.status} from"
        return ActOutcome(ok=False, message=f"{what}: {word} {clean(rule, 200)!r}")
    if response is not None and response.status >= 400:
        return ActOutcome(ok=True, message=f"the server answered {response.status}")
    return ActOutcome(ok=True)


async def _outcome(start: Callable[[], Awaitable[Response | None]]) -> Response | str | None:
    try:
        return await start()
    except PlaywrightTimeoutError:
        return f"no answer within {PATIENCE:g} s; it may still come"
    except PlaywrightError as error:
        return first_line(error)
