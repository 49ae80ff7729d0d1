"""The recordings that come with the source still verify, and still make a report."""

from pathlib import Path

import pytest
from harness.trace.reader import Trace
from harness.trace.report import write_report
from harness.trace.verify import verify

EXAMPLES = sorted(
    one for one in (Path(__file__).parents[2] / "traces" / "examples").iterdir() if one.is_dir()
)


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_verifies_and_makes_a_report(folder: Path, tmp_path: Path) -> None:
    found = verify(folder)
    assert found.ok, found.problems
    assert found.complete
    write_report(Trace.open(folder), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "Place order" in page
    assert "spending needs a person" in page
