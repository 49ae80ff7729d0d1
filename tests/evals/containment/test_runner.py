"""The suite itself, against the real sandbox: a few of every class here, all of them in the long run."""

from collections.abc import Sequence

import pytest
from engines import needs_docker
from harness.evals.containment.catalogue import catalogue, chosen
from harness.evals.containment.rig import Choose
from harness.evals.containment.runner import run
from harness.evals.containment.score import Report
from harness.sandbox.base import Sandbox, SandboxOptions
from harness.sandbox.bubblewrap import BubblewrapSandbox
from harness.sandbox.docker import DockerSandbox
from harness.sandbox.process import ProcessSandbox

WALLS = pytest.mark.parametrize(
    "walled",
    [BubblewrapSandbox, pytest.param(DockerSandbox, marks=[needs_docker, pytest.mark.long])],
    ids=lambda one: one.kind,
)


def bare(options: SandboxOptions) -> Sandbox:
    return ProcessSandbox(options)


def wrong(report: Report) -> Sequence[str]:
    return [f"{one.id}: {one.status}: {one.why}" for one in report.cases if one.status != "contained"]


@WALLS
async def test_a_few_are_contained_with_both_controls(walled: Choose) -> None:
    cases = chosen(
        ids=(
            "scheme/file/goto",
            "navigation/redirect-302/https",
            "socket/websocket/https",
            "proxy/CL-and-TE",
            "machine/read-a-file",
            "approval/timer",
            "stale/its-action",
            "file/given-to-a-page-a-link",
            "secret/in-base64-after-a-letter",
            "rebinding/second",
        )
    )
    report = await run(cases, walled)
    assert wrong(report) == []
    assert (report.escaped, report.stray, report.exit_code) == (0, (), 0)
    assert all(one.stopped_by for one in report.cases)


async def test_what_isolates_nothing_is_found_out() -> None:
    report = await run(chosen(ids=["scheme/file/goto"]), bare)
    (found,) = report.cases
    assert (found.status, found.signs, report.exit_code) == ("escaped", ("pixels",), 5)


async def test_without_a_program_inside_bytes_are_not_counted() -> None:
    report = await run(chosen(ids=["proxy/absolute"]), bare)
    assert {one.status for one in report.cases} == {"not counted"}
    assert report.exit_code == 0


@pytest.mark.long
@pytest.mark.timeout(1500)
@WALLS
async def test_everything_is_contained(walled: Choose) -> None:
    report = await run(catalogue(), walled)
    assert [one for one in wrong(report) if ": escaped:" in one] == []
    assert report.stray == ()
    assert report.counted >= 250
