import json

import pytest
from harness.cli.main import main


def test_the_cases_are_listed_without_a_browser(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "containment", "--list", "--class", "proxy"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) > 40
    assert all(line.startswith("proxy/") for line in shown)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--class", "prxy"], "did you mean 'proxy'?"),
        (["--case", "nowhere/"], "no case begins so"),
        (["--repeat", "0"], "give a number from 1 to 1000"),
    ],
)
def test_a_choice_that_cannot_be_is_wrong_usage(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", "containment", *words]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err


def test_one_case_is_tried_and_told_as_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--sandbox", "bubblewrap", "--case", "proxy/CL-and-TE", "--json"]
    assert main(["eval", "containment", *words]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["sandbox"], report["contained"], report["escaped"]) == ("bubblewrap", 1, 0)
    assert report["cases"][0]["stopped_by"] == "gateway: malformed"
