from typing import Any

from harness.clearance import Refusal, Resource
from harness.sandbox.revoked import Revoked

REVOKED = "net::ERR_NETWORK_ACCESS_REVOKED"


class Page:
    """A page that says what it is told to."""

    def __init__(self) -> None:
        self.listeners: dict[str, Any] = {}

    def on(self, name: str, listener: Any) -> None:
        self.listeners[name] = listener


class Failed:
    method = "POST"
    resource_type = "ping"

    def __init__(self, failure: str, url: str = "https://evil.test/x", *, page: bool = False) -> None:
        self.failure = failure
        self.url = url
        self._page = page

    def is_navigation_request(self) -> bool:
        return self._page


class Tab:
    def __init__(self) -> None:
        self.page = Page()


def test_only_what_the_allowlist_stopped_is_told_and_only_of_the_web() -> None:
    told: list[tuple[str, str, Resource]] = []
    notes: list[str] = []

    def hear(method: str, url: str, resource: Resource) -> Refusal | None:
        told.append((method, url, resource))
        return None if "allowed" in url else Refusal(rule="domains.load", reason="not there")

    tab: Any = Tab()
    Revoked(hear, notes.append).watch(tab)
    tab.page.listeners["requestfailed"](Failed("net::ERR_ABORTED"))
    assert told == []
    for url in ("https://evil.test/x", "https://allowed.test/y", "blob:z"):
        tab.page.listeners["requestfailed"](Failed(REVOKED, url))
    tab.page.listeners["requestfailed"](Failed(REVOKED, "https://evil.test/page", page=True))
    assert told == [
        ("POST", "https://evil.test/x", "fetch"),
        ("POST", "https://allowed.test/y", "fetch"),
    ]
    assert notes == ["the browser stopped POST https://evil.test/x: not there"]


def test_a_page_cannot_fill_a_trace_with_it() -> None:
    told: list[str] = []

    def hear(_method: str, url: str, _resource: Resource) -> None:
        told.append(url)

    tab: Any = Tab()
    notes: list[str] = []
    Revoked(hear, notes.append).watch(tab)
    for number in range(1_000):
        tab.page.listeners["requestfailed"](Failed(REVOKED, f"https://evil.test/{number}"))
    assert len(told) == 199
    assert ["further ones are not told" in note for note in notes] == [True]
