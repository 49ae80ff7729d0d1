"""Policies that cannot be used: one line each, with place, what is wrong, and the nearest right thing.

`corpus/expected.txt` holds the line for each file in `corpus/`, in the order of their names.
"""

import re
from pathlib import Path

import pytest
from harness.errors import PolicyError
from harness.policy.schema import Policy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FOLDER = Path(__file__).parent / "corpus"
FILES = sorted(FOLDER.glob("*.yaml"))
LINES = (FOLDER / "expected.txt").read_text(encoding="utf-8").splitlines()


def said(file: Path) -> str:
    with pytest.raises(PolicyError) as error:
        Policy.load(file)
    return str(error.value)


def test_there_is_a_line_for_every_file() -> None:
    assert len(LINES) == len(FILES) >= 60
    assert {file.name for file in FILES} == {line.partition(":")[0] for line in LINES}


@pytest.mark.parametrize(
    ("file", "line"), list(zip(FILES, LINES, strict=True)), ids=[file.stem for file in FILES]
)
def test_a_bad_policy_gives_one_line(file: Path, line: str) -> None:
    found = said(file)
    assert found.rpartition(f"{FOLDER.name}/")[2] == line
    assert re.match(r"[\w-]+\.yaml:\d+:\d+: \S", line)
    assert "\n" not in found


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"name: x\n# " + b"x" * 1_000_000, "longer than a file of this kind may be"),
        (b"name: x\nrules: [" + b"[" * 5_000, "nested more than 30 deep"),
        (b"name: \xff\xfe", "is not UTF-8 text"),
        (b"name: x\0y", "not YAML"),
        (
            b"name: x\nrules:\n" + b"  - {name: a, on: plan, when: {}, verdict: ask}\n" * 2,
            "4:6: rules.1.name",
        ),
        ("name: x\ndomains: {navigate: ['a\u202eb.test']}".encode(), "a host pattern is a host"),
    ],
)
def test_files_that_are_too_much_or_not_text(tmp_path: Path, data: bytes, says: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_bytes(data)
    found = said(file)
    assert says in found
    assert "\n" not in found
    assert len(found) < 1_000


def test_a_long_chain_of_extends_ends(tmp_path: Path) -> None:
    for place in range(30):
        (tmp_path / f"p{place}.yaml").write_text(f"name: p{place}\nextends: p{place + 1}.yaml\n")
    assert "policies stand on one another" in said(tmp_path / "p0.yaml")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_policy_with_a_broken_place_is_whole_or_refused_in_one_line(
    tmp_path: Path, data: st.DataObject
) -> None:
    folder = FOLDER.parents[2] / "policies"
    text = data.draw(st.sampled_from(sorted(folder.rglob("*.yaml")))).read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = min(len(text), start + data.draw(st.integers(0, 30)))
    file = tmp_path / "policy.yaml"
    file.write_text(text[:start] + data.draw(st.text(max_size=10)) + text[end:], encoding="utf-8", newline="")
    refused = ""
    try:
        policy = Policy.load(file)
        assert Policy.model_validate(policy.model_dump(mode="json")).sha256 == policy.sha256
    except PolicyError as error:
        refused = str(error)
    assert len(refused.splitlines()) <= 1
