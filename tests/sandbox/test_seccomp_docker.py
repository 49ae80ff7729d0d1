"""The container's profile: what it allows, what it never does, and that an engine takes it."""

import json
import re
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import APIError
from engines import needs_docker, socket
from harness.sandbox.engine import Engine
from harness.sandbox.recipe import IMAGE
from harness.sandbox.seccomp import FAMILIES, NAMESPACES, REFUSED
from harness.sandbox.seccomp_docker import ALLOWED, OPENED, profile, text

HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")


def rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text())["syscalls"]
    return found


def allowed() -> dict[str, list[dict[str, Any]]]:
    by_name: dict[str, list[dict[str, Any]]] = {}
    for rule in rules():
        if rule["action"] == "SCMP_ACT_ALLOW":
            for name in rule["names"]:
                by_name.setdefault(name, []).append(rule)
    return by_name


def passes(name: str, *arguments: int) -> bool:
    """Whether a call is allowed, as the engine's library reads the rules."""

    def holds(one: dict[str, Any]) -> bool:
        given = arguments[one["index"]]
        match one["op"]:
            case "SCMP_CMP_EQ":
                return bool(given == one["value"])
            case "SCMP_CMP_MASKED_EQ":
                return bool(given & one["value"] == one["valueTwo"])
            case other:
                pytest.fail(other)

    return any(all(map(holds, rule.get("args", ()))) for rule in allowed().get(name, ()))


def test_what_is_not_named_is_refused() -> None:
    said = json.loads(text())
    assert said == profile()
    assert said["defaultAction"] == "SCMP_ACT_ERRNO"
    assert {rule["action"] for rule in rules()} == {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"}
    # The names of other architectures' tables, such as 32 bits, are no way round it.
    assert [one["subArchitectures"] for one in said["archMap"]] == [[], []]


def test_nothing_that_bubblewraps_filter_refuses_is_allowed() -> None:
    assert {call.name for call in REFUSED} & set(allowed()) == set()


def test_every_rule_says_why_and_every_call_that_is_opened_has_a_reason() -> None:
    assert all(rule["comment"] for rule in rules())
    assert all(OPENED.values())
    comments = {rule["comment"] for name in OPENED for rule in allowed()[name]}
    assert comments == set(OPENED.values())


def test_no_call_stands_twice_or_beside_its_own_narrower_rule() -> None:
    names = [name for group in ALLOWED.values() for name in group.split()]
    assert len(names) == len(set(names))
    assert set(names) & {*OPENED, "socket", "socketpair", "personality"} == set()


@pytest.mark.parametrize("name", ["clone", "unshare"])
def test_chromiums_namespaces_can_be_made_and_no_others(name: str) -> None:
    assert passes(name, 0x10000000 | 0x20000000 | 0x40000000)
    for flag in NAMESPACES.values():
        assert not passes(name, flag)
        assert not passes(name, flag | 0x10000000)


def test_only_the_listed_socket_families_pass() -> None:
    assert {family for family in range(64) if passes("socket", family)} == set(FAMILIES.values())
    assert {family for family in range(64) if passes("socketpair", family)} == {FAMILIES["AF_UNIX"]}


def test_no_kind_of_program_that_loses_protections_can_be_chosen() -> None:
    assert passes("personality", 0xFFFFFFFF)
    for flag in (0x0040000, 0x0100000, 0x0400000, 0x0800000):
        assert not passes("personality", flag), hex(flag)


@pytest.mark.skipif(not HEADER.exists(), reason="needs the kernel's headers: apt-get install linux-libc-dev")
def test_the_names_are_the_kernels() -> None:
    known = set(re.findall(r"#define __NR_(\w+) ", HEADER.read_text("utf-8")))
    newer = {"fchmodat2", "futex_requeue", "futex_wait", "futex_wake", "mseal", "cachestat"}
    assert set(allowed()) - known <= newer


@needs_docker
def test_an_engine_takes_it_and_no_other_text() -> None:
    engine = Engine(socket())
    api = docker.APIClient(f"unix://{socket()}")
    made: list[str] = []

    def make(said: str) -> str:
        made.append(engine.create(IMAGE, {"security_opt": [f"seccomp={said}"], "network_mode": "none"}))
        return made[-1]

    try:
        # The engine reads a profile when a container starts. This one ends at once: it has no door.
        one = make(text())
        api.start(one)
        assert api.wait(one, timeout=30)["StatusCode"] == 127
        other = make("{nothing")
        with pytest.raises(APIError, match="seccomp profile"):
            api.start(other)
    finally:
        for one in made:
            engine.remove(one)
        engine.close()
        api.close()
