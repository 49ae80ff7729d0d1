import base64
import hashlib
import re
from pathlib import Path

from harness.trace.reader import Trace
from harness.trace.report_html import page
from harness.trace.report_media import Pictures
from harness.trace.timeline import timeline
from harness.trace.verify import verify


def html(folder: Path) -> str:
    trace = Trace.open(folder)
    return "".join(page(trace, timeline(trace), verify(folder), Pictures(trace.blobs, [])))


def test_only_our_own_style_and_script_may_run(run: Path) -> None:
    text = html(run)
    for tag, kind in (("style", "style-src"), ("script", "script-src")):
        (inside,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in text
    assert " style=" not in text
    assert not re.search(r"\son\w+=", re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL))


def test_filters_count_steps_and_the_map_leads_to_each(run: Path) -> None:
    text = html(run)
    for words in ("All steps 4", "Refused 2", "Approvals 1", "Requests 1"):
        assert f">{words}</button>" in text
    assert re.findall(r'<a class="(\w*)" href="#step-(\d)"', text) == [
        ("bad", "1"),
        ("ok", "2"),
        ("bad", "3"),
        ("bad", "4"),
    ]


def test_every_heading_and_landmark_is_there(run: Path) -> None:
    text = html(run)
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert len(re.findall("<h1", text)) == 1
    assert len(re.findall("<main", text)) == 1
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", text) == [
        "Checks",
        "Outputs",
        "Step 1",
        "Step 2",
        "Step 3",
        "Step 4",
    ]
    assert "<title>buy-a-mug: Done</title>" in text
