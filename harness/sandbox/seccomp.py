"""The system calls that nothing inside a sandbox may make, as a seccomp filter.

`REFUSED` is the table; `program()` assembles it into classic BPF, the form `bwrap --seccomp` reads. What
a browser needs for its own sandbox stays: `clone` and `unshare` of user, pid and network namespaces,
`chroot`, and further seccomp filters. A filter can only narrow what the ones before it left.
"""

import errno
import platform
import struct
from typing import Literal, NamedTuple

from harness.errors import SandboxError

Machine = Literal["x86_64", "aarch64"]


class Call(NamedTuple):
    """A refused system call: its number on each machine, what it answers, and why it is refused."""

    name: str
    x86_64: int | None
    aarch64: int | None
    answer: int
    why: str


_P, _S = errno.EPERM, errno.ENOSYS

REFUSED = (
    Call("io_uring_setup", 425, 425, _S, "a second way to make most system calls, past every filter"),
    Call("io_uring_enter", 426, 426, _S, "as io_uring_setup"),
    Call("io_uring_register", 427, 427, _S, "as io_uring_setup"),
    Call("bpf", 321, 280, _P, "programs in the kernel"),
    Call("perf_event_open", 298, 241, _P, "reads other processes, long record of kernel bugs"),
    Call("userfaultfd", 323, 282, _P, "makes races in the kernel easy to win"),
    Call("memfd_secret", 447, 447, _S, "memory that even root cannot read"),
    Call("add_key", 248, 217, _P, "keyrings are not separated by namespaces"),
    Call("request_key", 249, 218, _P, "as add_key; starts a program on the host"),
    Call("keyctl", 250, 219, _P, "as add_key"),
    Call("ptrace", 101, 117, _P, "takes over other processes"),
    Call("process_vm_readv", 310, 270, _P, "reads other processes"),
    Call("process_vm_writev", 311, 271, _P, "writes into other processes"),
    Call("process_madvise", 440, 440, _P, "reaches into other processes"),
    Call("process_mrelease", 448, 448, _P, "reaches into other processes"),
    Call("pidfd_getfd", 438, 438, _P, "takes open files from other processes"),
    Call("kcmp", 312, 272, _P, "compares the kernel's addresses"),
    Call("mount", 165, 40, _P, "changes what is visible"),
    Call("umount2", 166, 39, _P, "uncovers what a mount hides"),
    Call("pivot_root", 155, 41, _P, "changes what is visible"),
    Call("open_tree", 428, 428, _P, "the new mount calls"),
    Call("move_mount", 429, 429, _P, "the new mount calls"),
    Call("fsopen", 430, 430, _P, "the new mount calls"),
    Call("fsconfig", 431, 431, _P, "the new mount calls"),
    Call("fsmount", 432, 432, _P, "the new mount calls"),
    Call("fspick", 433, 433, _P, "the new mount calls"),
    Call("mount_setattr", 442, 442, _P, "the new mount calls"),
    Call("open_tree_attr", 467, 467, _P, "the new mount calls"),
    Call("setns", 308, 268, _P, "enters other namespaces"),
    Call("open_by_handle_at", 304, 265, _P, "opens files that are not mounted here"),
    Call("name_to_handle_at", 303, 264, _P, "goes with open_by_handle_at"),
    Call("fanotify_init", 300, 262, _P, "watches whole file systems"),
    Call("fanotify_mark", 301, 263, _P, "watches whole file systems"),
    Call("quotactl", 179, 60, _P, "administers file systems"),
    Call("quotactl_fd", 443, 443, _P, "administers file systems"),
    Call("swapon", 167, 224, _P, "administers memory"),
    Call("swapoff", 168, 225, _P, "administers memory"),
    Call("move_pages", 279, 239, _P, "moves other processes' memory"),
    Call("migrate_pages", 256, 238, _P, "moves other processes' memory"),
    Call("kexec_load", 246, 104, _P, "starts another kernel"),
    Call("kexec_file_load", 320, 294, _P, "starts another kernel"),
    Call("reboot", 169, 142, _P, "stops the machine"),
    Call("init_module", 175, 105, _P, "loads code into the kernel"),
    Call("finit_module", 313, 273, _P, "loads code into the kernel"),
    Call("delete_module", 176, 106, _P, "unloads code from the kernel"),
    Call("create_module", 174, None, _S, "loads code into the kernel"),
    Call("syslog", 103, 116, _P, "reads the kernel's messages"),
    Call("acct", 163, 89, _P, "records every process of the machine"),
    Call("settimeofday", 164, 170, _P, "the clock belongs to the host"),
    Call("clock_settime", 227, 112, _P, "the clock belongs to the host"),
    Call("adjtimex", 159, 171, _P, "the clock belongs to the host"),
    Call("clock_adjtime", 305, 266, _P, "the clock belongs to the host"),
    Call("sethostname", 170, 161, _P, "administers the machine"),
    Call("setdomainname", 171, 162, _P, "administers the machine"),
    Call("vhangup", 153, 58, _P, "administers terminals"),
    Call("iopl", 172, None, _P, "talks to hardware"),
    Call("ioperm", 173, None, _P, "talks to hardware"),
    Call("modify_ldt", 154, None, _P, "old, long record of kernel bugs"),
    Call("lookup_dcookie", 212, 18, _P, "profiles the kernel"),
    Call("remap_file_pages", 216, 234, _S, "old, long record of kernel bugs"),
    Call("uselib", 134, None, _S, "old, long record of kernel bugs"),
    Call("clone3", 435, 435, _S, "its flags cannot be read here; libraries fall back to clone"),
)

FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
"""The socket families that remain. AF_VSOCK would speak to the hypervisor, AF_PACKET to the wire."""

NAMESPACES = {
    "CLONE_NEWTIME": 0x00000080,
    "CLONE_NEWNS": 0x00020000,
    "CLONE_NEWCGROUP": 0x02000000,
    "CLONE_NEWUTS": 0x04000000,
    "CLONE_NEWIPC": 0x08000000,
}
"""Namespaces that nothing inside may make; a new mount namespace is where most kernel bugs were reached."""

TERMINAL = {"TIOCSTI": 0x5412, "TIOCLINUX": 0x541C}
"""Terminal requests that would type into the harness's own terminal."""

_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_NUMBERS = {
    "x86_64": {"socket": 41, "socketpair": 53, "clone": 56, "unshare": 272, "ioctl": 16},
    "aarch64": {"socket": 198, "socketpair": 199, "clone": 220, "unshare": 97, "ioctl": 29},
}
_X32 = 0x40000000
_CSIGNAL = 0xFF

_LOAD, _JEQ, _JGE, _JSET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_NR, _ARCH = 0, 4


def machine() -> Machine:
    """Say which machine this is.

    Raises:
        SandboxError: if there is no table for it.
    """
    match platform.machine():
        case "x86_64":
            return "x86_64"
        case "aarch64":
            return "aarch64"
        case other:
            raise SandboxError(f"no seccomp filter for {other}: bubblewrap runs on x86_64 and aarch64")


def program(target: Machine) -> bytes:
    """Assemble the filter: `struct sock_filter` after `struct sock_filter`, as `bwrap --seccomp` reads it."""
    numbers = _NUMBERS[target]
    code = [
        _line(_LOAD, _ARCH),
        _line(_JEQ, _AUDIT[target], yes=1),
        _line(_RETURN, _KILL),
        _line(_LOAD, _NR),
    ]
    if target == "x86_64":
        code += [_line(_JGE, _X32, no=1), _line(_RETURN, _ERRNO | _S)]
    for call in REFUSED:
        number = call.x86_64 if target == "x86_64" else call.aarch64
        if number is not None:
            code += [_line(_JEQ, number, no=1), _line(_RETURN, _ERRNO | call.answer)]
    for name in ("socket", "socketpair"):
        code += _only(numbers[name], 0, tuple(FAMILIES.values()), errno.EAFNOSUPPORT)
    flags = sum(NAMESPACES.values())
    code += _no_bits(numbers["clone"], 0, flags & ~_CSIGNAL)
    code += _no_bits(numbers["unshare"], 0, flags)
    for request in TERMINAL.values():
        code += _not(numbers["ioctl"], 1, request)
    code.append(_line(_RETURN, _ALLOW))
    return b"".join(code)


def _line(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("<HBBI", code, yes, no, value)


def _argument(index: int) -> int:
    return 16 + 8 * index


def _block(number: int, body: list[bytes]) -> list[bytes]:
    # The accumulator holds the call's number before and after.
    return [_line(_JEQ, number, no=len(body) + 1), *body, _line(_LOAD, _NR)]


def _only(number: int, argument: int, values: tuple[int, ...], answer: int) -> list[bytes]:
    tests = [_line(_JEQ, value, yes=len(values) - place) for place, value in enumerate(values)]
    return _block(number, [_line(_LOAD, _argument(argument)), *tests, _line(_RETURN, _ERRNO | answer)])


def _no_bits(number: int, argument: int, bits: int) -> list[bytes]:
    return _block(
        number,
        [_line(_LOAD, _argument(argument)), _line(_JSET, bits, no=1), _line(_RETURN, _ERRNO | _P)],
    )


def _not(number: int, argument: int, value: int) -> list[bytes]:
    return _block(
        number,
        [_line(_LOAD, _argument(argument)), _line(_JEQ, value, no=1), _line(_RETURN, _ERRNO | _P)],
    )
