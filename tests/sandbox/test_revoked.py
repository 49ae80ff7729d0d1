from typing import Any

from harness.clearance import Resource
from harness.sandbox.revoked import Revoked


class Page:
    """A page that says what it is told to."""

    def __init__(self) -> None:
        self.listeners: dict[str, Any] = {}

    def on(self, name: str, listener: Any) -> None:
        self.listeners[name] = listener


class Failed:
    method, url = "POST", "https://evil.test/x"
    resource_type = "ping"

    def __init__(self, failure: str) -> None:
        self.failure = failure


class Tab:
    def __init__(self) -> None:
        self.page = Page()


def test_only_what_the_allowlist_stopped_is_told_and_only_of_the_web() -> None:
    told: list[tuple[str, str, Resource]] = []
    notes: list[str] = []

    def hear(method: str, url: str, resource: Resource) -> str | None:
        told.append((method, url, resource))
        return None if "allowed" in url else f"{url}: not there"

    tab: Any = Tab()
    Revoked(hear, notes.append).watch(tab)
    tab.page.listeners["requestfailed"](Failed("net::ERR_ABORTED"))
    assert told == []
    tab.page.listeners["requestfailed"](Failed("net::ERR_NETWORK_ACCESS_REVOKED"))
    tab.on_error_page("https://allowed.test/")
    tab.on_frame("https://evil.test/frame")
    tab.on_frame("about:blank")
    assert told == [
        ("POST", "https://evil.test/x", "fetch"),
        ("GET", "https://allowed.test/", "document"),
        ("GET", "https://evil.test/frame", "frame"),
    ]
    assert notes == [
        "the browser stopped https://evil.test/x: not there",
        "the browser stopped https://evil.test/frame: not there",
    ]


def test_a_page_cannot_fill_a_trace_with_it() -> None:
    told: list[str] = []

    def hear(_method: str, url: str, _resource: Resource) -> None:
        told.append(url)

    tab: Any = Tab()
    notes: list[str] = []
    Revoked(hear, notes.append).watch(tab)
    for number in range(1_000):
        tab.on_frame(f"https://evil.test/{number}")
    assert len(told) == 199
    assert ["further ones are not told" in note for note in notes] == [True]
