"""Does what it is told with a `BrowserSession` of browser-use. Runs in its own virtual environment.

    python -I browser_use_driver.py CHROMIUM DOMAIN …

It reads a JSON object a line and answers with one; it imports nothing of the harness.
"""

import asyncio
import base64
import json
import os
import sys
from typing import Any

LOADED = "() => new Promise(r => document.readyState == 'complete' ? r('') : window.onload = () => r(''))"


class Driver:
    """One session, and what can be asked of it."""

    def __init__(self, chromium: str, domains: list[str]) -> None:
        from browser_use import BrowserProfile, BrowserSession, Tools  # noqa: PLC0415 - once the output is put aside

        profile = BrowserProfile(
            executable_path=chromium,
            headless=True,
            chromium_sandbox=False,
            allowed_domains=domains,
            block_ip_addresses=True,
            enable_default_extensions=False,
            keep_alive=True,
            args=["--ignore-certificate-errors"],
            viewport={"width": 800, "height": 600},
        )
        self._session = BrowserSession(browser_profile=profile)
        self._tools = Tools()
        self._action = self._tools.registry.create_action_model()

    async def do(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do one thing."""
        match asked["do"]:
            case "open":
                await self._session.start()
            case "goto":
                await self._session.navigate_to(asked["url"], new_tab=asked["tab"])
            case "click":
                return {"note": await self._click()}
            case "loaded":
                await (await self._page()).evaluate(LOADED)
            case "shown":
                page = await self._page()
                return {
                    "url": await page.evaluate("() => location.href"),
                    "length": int(await page.evaluate("() => document.documentElement.outerHTML.length")),
                }
            case "picture":
                return {"png": base64.b64encode(await self._session.take_screenshot()).decode()}
            case "blank":
                await self._blank()
            case other:
                raise ValueError(f"nobody knows how to {other}")
        return {}

    async def _click(self) -> str:
        """Click as an agent does, by number; what has none is clicked through the package's own pages."""
        await self._session.get_browser_state_summary(include_screenshot=False)
        number = await self._session.get_index_by_id("go")
        if number is not None:
            result = await self._tools.act(self._action(click={"index": number}), self._session)
            return str(result.error or "")
        found = await (await self._page()).get_elements_by_css_selector("#go")
        await found[0].click()
        return ""

    async def _page(self) -> Any:
        return await self._session.must_get_current_page()

    async def _blank(self) -> None:
        current = await (await self._page()).get_target_info()
        for page in await self._session.get_pages():
            if (await page.get_target_info())["targetId"] != current["targetId"]:
                await self._session.close_page(page)
        await self._session.navigate_to("about:blank")


async def main(chromium: str, domains: list[str]) -> None:
    # What the package prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    driver = Driver(chromium, domains)
    lines = asyncio.StreamReader(limit=2**20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        asked = json.loads(line)
        try:
            said = await driver.do(asked)
        except Exception as error:  # noqa: BLE001 - whatever a foreign package raises is its answer
            said = {"note": f"{type(error).__name__}: {error}"[:300]}
        answers.write(json.dumps({**said, "id": asked["id"]}) + "\n")
        answers.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
