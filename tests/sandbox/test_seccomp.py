"""The filter, run by a small interpreter of its own and then by the kernel."""

import errno
import re
import struct
from pathlib import Path

import pytest
from harness.sandbox.seccomp import FAMILIES, NAMESPACES, REFUSED, Machine, program

ALLOW, KILL = 0x7FFF0000, 0x80000000
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "i386": 0x40000003}
SOCKET = {"x86_64": 41, "aarch64": 198}
SOCKETPAIR = {"x86_64": 53, "aarch64": 199}
CLONE = {"x86_64": 56, "aarch64": 220}
UNSHARE = {"x86_64": 272, "aarch64": 97}
IOCTL = {"x86_64": 16, "aarch64": 29}
NEWUSER, NEWPID, NEWNET, SIGCHLD = 0x10000000, 0x20000000, 0x40000000, 17

both = pytest.mark.parametrize("machine", ["x86_64", "aarch64"])


def verdict(machine: Machine, number: int, *arguments: int, arch: str | None = None) -> int:
    """Run the filter as the kernel would: what a call answers."""
    padded = (*arguments, *(0,) * (6 - len(arguments)))
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, ARCH[arch or machine], 0, *padded)
    lines = list(struct.iter_unpack("<HBBI", program(machine)))
    accumulator = place = 0
    for _ in lines:
        code, yes, no, value = lines[place]
        place += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, value)
            case 0x15:
                place += yes if accumulator == value else no
            case 0x35:
                place += yes if accumulator >= value else no
            case 0x45:
                place += yes if accumulator & value else no
            case 0x06:
                return int(value)
            case other:
                pytest.fail(f"instruction {other:#x}")
    pytest.fail("the filter does not end")


def refused(number: int) -> int:
    return 0x00050000 | number


@both
def test_every_call_of_the_table_is_refused_with_its_answer(machine: Machine) -> None:
    for call in REFUSED:
        number = call.x86_64 if machine == "x86_64" else call.aarch64
        if number is not None:
            assert verdict(machine, number) == refused(call.answer), call.name


@both
def test_calls_beside_the_table_pass(machine: Machine) -> None:
    known = {call.x86_64 if machine == "x86_64" else call.aarch64 for call in REFUSED}
    special = {table[machine] for table in (SOCKET, CLONE, UNSHARE, IOCTL)} | {SOCKETPAIR[machine]}
    for number in range(480):
        if number not in known | special:
            assert verdict(machine, number) == ALLOW, number


@both
def test_another_architecture_is_killed(machine: Machine) -> None:
    other = "aarch64" if machine == "x86_64" else "x86_64"
    assert verdict(machine, 0, arch=other) == KILL
    assert verdict(machine, 0, arch="i386") == KILL


def test_the_x32_numbers_are_refused() -> None:
    assert verdict("x86_64", 0x40000000 | 0) == refused(errno.ENOSYS)
    assert verdict("x86_64", 0x40000000 | 101) == refused(errno.ENOSYS)
    assert verdict("x86_64", -1) == refused(errno.ENOSYS)


@both
def test_only_the_listed_socket_families_pass(machine: Machine) -> None:
    for family in range(64):
        expected = ALLOW if family in FAMILIES.values() else refused(errno.EAFNOSUPPORT)
        assert verdict(machine, SOCKET[machine], family) == expected, family


@both
def test_chromiums_own_sandbox_may_make_its_namespaces(machine: Machine) -> None:
    wanted = NEWUSER | NEWPID | NEWNET
    assert verdict(machine, CLONE[machine], wanted | SIGCHLD) == ALLOW
    assert verdict(machine, UNSHARE[machine], wanted) == ALLOW


@both
@pytest.mark.parametrize("name", sorted(NAMESPACES))
def test_other_namespaces_are_refused(machine: Machine, name: str) -> None:
    assert verdict(machine, UNSHARE[machine], NAMESPACES[name] | NEWUSER) == refused(errno.EPERM)
    if name != "CLONE_NEWTIME":
        assert verdict(machine, CLONE[machine], NAMESPACES[name] | SIGCHLD) == refused(errno.EPERM)


@both
def test_typing_into_a_terminal_is_refused(machine: Machine) -> None:
    assert verdict(machine, IOCTL[machine], 0, 0x5412) == refused(errno.EPERM)
    assert verdict(machine, IOCTL[machine], 0, 0x541C) == refused(errno.EPERM)
    assert verdict(machine, IOCTL[machine], 0, 0x5401) == ALLOW


@pytest.mark.parametrize(
    ("column", "header", "pattern"),
    [
        ("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", r"#define __NR_(\w+) (\d+)"),
        ("aarch64", "/usr/include/asm-generic/unistd.h", r"#define __NR(?:3264)?_(\w+) (\d+)"),
    ],
)
def test_the_numbers_are_the_kernels(column: str, header: str, pattern: str) -> None:
    if not Path(header).exists():
        pytest.skip("needs the kernel's headers: apt-get install linux-libc-dev")
    numbers = {name: int(number) for name, number in re.findall(pattern, Path(header).read_text("utf-8"))}
    for call in REFUSED:
        ours = call.x86_64 if column == "x86_64" else call.aarch64
        assert call.name not in numbers or numbers[call.name] == ours, call.name
