import re
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from harness.action import AskUser, Click, Goto
from harness.clearance import Target
from harness.errors import TraceError
from harness.trace.events import Acted, Failed, Noted
from harness.trace.reader import Trace
from harness.trace.report import write_report

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`\u202e"


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def report(folder: Path, **more: int) -> tuple[str, Page]:
    out = folder / "report.html"
    write_report(Trace.open(folder), out, **more)
    html = out.read_text(encoding="utf-8")
    page = Page(html)
    assert page.open == []
    return html, page


def test_everything_of_the_run_is_on_the_page(run: Path) -> None:
    _, page = report(run)
    for words in (
        "buy-a-mug",
        "Buy one blue mug.",
        "Done",
        "bubblewrap",
        "network namespace",
        "shopping",
        "abababababababab",
        "18,234 tokens",
        "0.04 USD",
        "5 allowed",
        "1 denied",
        "order_id",
        "10042",
        "the screen shows Thank you",
        "there are two",
        "Click 'Add to cart' (button) in https://shop.test at 60, 42",
        "POST https://shop.test/cart/items",
        "https://shop.test/terms",
        "No rule speaks of it.",
        "It spends money.",
        "by ada after 12.3 s",
        "One mug.",
        "https://tracker.test/pixel",
        "2 requests · 1 refused · 4.3 kB",
        "A dialog said: Added.",
        "Download completed: a.pdf (the page called it '../a.pdf'), 48.2 kB",
        "Warning by acme",
        "SandboxError",
        "the model says it is done",
        'click "Add to cart"',
    ):
        assert words in page.text, words
    assert "Not isolated" not in page.text
    assert "Unfinished" not in page.text
    assert [one["id"] for one in page.all("section")] == ["step-1", "step-2", "step-3", "step-4"]
    assert [one["data-has"] for one in page.all("section")] == [
        "refused requests",
        "",
        "refused approvals",
        "",
    ]


def test_the_page_needs_nothing_else(run: Path) -> None:
    html, page = report(run)
    assert page.all("link") == []
    addresses = [
        value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")
    ]
    assert all(str(value).startswith(("data:image/", "#")) for value in addresses)
    assert "url(" not in html
    assert "@import" not in html
    (policy,) = [
        one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy"
    ]
    assert str(policy).startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in str(policy)


def test_a_picture_is_in_the_page_once(run: Path) -> None:
    html, page = report(run)
    uris = re.findall(r"data:image/png;base64,[A-Za-z0-9+/=]+", html)
    assert len(uris) == len(set(uris)) == 3
    (use,) = page.all("use")
    assert use["href"] in [f"#{one.get('id')}" for one in page.all("image")]
    assert all(one["alt"] and one["loading"] == "lazy" for one in page.all("img"))


def test_all_text_of_pages_and_models_is_escaped(
    story: Any, folder: Path, png: Callable[[str], bytes]
) -> None:
    story.start(goal=EVIL)
    story.look(1, png("white"), title=EVIL, thought=EVIL, url=f"https://a.test/{EVIL}")
    story.act(
        1,
        Click(x=1, y=1),
        Target(role=EVIL, name=EVIL, tag=EVIL, href=EVIL, form_action=EVIL, frame_origin=EVIL),
    )
    story.act(1, Goto(url=EVIL), outcome="ask", index=1)
    story.act(1, AskUser(question=EVIL), index=2)
    story.request(1, EVIL, EVIL, "deny")
    story.write(
        Acted(step=1, index=3, action=Goto(url=EVIL), status="failed", message=EVIL, rule=EVIL),
        Noted(step=1, text=EVIL),
        Failed(step=1, error=EVIL, message=EVIL),
    )
    html, page = report(folder)
    assert len(page.all("script")) == 1
    assert not [attributes for _, attributes in page.tags if "onerror" in attributes]
    assert "\u202e" not in html
    assert page.text.count("<script>alert(1)</script>") > 12
    assert "⟨U+202E⟩" in page.text


def test_what_is_wrong_is_said_on_top(story: Any, folder: Path, png: Callable[[str], bytes]) -> None:
    story.start(isolated=False)
    story.look(1, png("white"))
    story.act(1, Click(x=1, y=1))
    file = folder / "events.jsonl"
    file.write_bytes(file.read_bytes()[:-9])
    _, page = report(folder)
    assert "Not isolated." in page.text
    assert "The end of the trace is torn." in page.text
    assert "Unfinished." in page.text
    assert "The run ended before it was recorded." in page.text
    for blob in (folder / "blobs").rglob("*"):
        if blob.is_file():
            blob.write_bytes(b"")
    _, page = report(folder)
    assert "This trace does not verify." in page.text
    assert "the blob was changed" in page.text


def test_beyond_its_budget_pictures_get_smaller(run: Path) -> None:
    html, page = report(run, budget=0)
    assert "data:image/png" not in html
    assert len(re.findall("data:image/jpeg", html)) == 3
    assert "3 pictures shown smaller" in page.text


def test_a_report_that_cannot_be_written_leaves_nothing(run: Path, tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot be written"):
        write_report(Trace.open(run), tmp_path / "gone" / "report.html")
    (tmp_path / "report.html").mkdir()
    with pytest.raises(TraceError, match="cannot be written"):
        write_report(Trace.open(run), tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_a_real_browser_shows_it_and_its_script_runs(run: Path) -> None:
    report(run)
    done = subprocess.run(
        [
            "chromium",
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--dump-dom",
            f"--user-data-dir={run.parent / 'profile'}",
            f"file://{run}/report.html",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert re.search(r'<html lang="en" class="js">', done.stdout), done.stderr
