"""The system calls that a container's programs may make, as a seccomp profile for the Docker engine.

What is not named is refused. The list is Docker's own, less what a browser has no use for; OPENED is what it
adds, since Docker's closes it: without these Chromium cannot build its own sandbox, which is worth more. The
calls that bubblewrap's filter refuses, `harness.sandbox.seccomp`, are none of these.
"""

import errno
import json
from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from harness.sandbox.seccomp import FAMILIES, NAMESPACES, REFUSED

OPENED: Final = {
    "clone": "Chromium makes user, pid and network namespaces for its renderers; no other kind of namespace",
    "unshare": "as clone",
    "chroot": "in a user namespace of its own, a renderer leaves every file behind by it",
}
"""What Docker's own profile keeps from a container without capabilities, and why it is open here."""

ALLOWED: Final = {
    "files": """
        access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2
        fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr
        flistxattr flock fstat fstatfs fsync ftruncate futimesat getcwd getdents getdents64 getxattr
        inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl lchown lgetxattr link linkat
        listxattr llistxattr lseek lstat mkdir mkdirat newfstatat open openat openat2 pread64 preadv
        preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv rename renameat renameat2
        rmdir sendfile splice stat statfs statx symlink symlinkat sync sync_file_range syncfs tee truncate
        umask unlink unlinkat utime utimensat utimes vmsplice write writev""",
    "memory": """
        brk get_mempolicy madvise mbind membarrier memfd_create mincore mlock mlock2 mlockall mmap mprotect
        mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect set_mempolicy
        shmat shmctl shmdt shmget""",
    "processes": """
        arch_prctl execve execveat exit exit_group fork getcpu getpgid getpgrp getpid getppid getpriority
        getrlimit getrusage getsid gettid kill pidfd_open pidfd_send_signal prctl prlimit64 rseq
        sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
        sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam
        sched_setscheduler sched_yield set_robust_list get_robust_list set_tid_address setpgid setpriority
        setrlimit setsid tgkill times tkill vfork wait4 waitid""",
    "signals": """
        alarm pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
        rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sigaltstack signalfd signalfd4""",
    "who one is": """
        capget capset getegid geteuid getgid getgroups getresgid getresuid getuid setfsgid setfsuid setgid
        setgroups setregid setresgid setresuid setreuid setuid""",
    "time": """
        clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time
        timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime
        timerfd_settime""",
    "waiting": """
        epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 futex
        futex_requeue futex_wait futex_waitv futex_wake pipe pipe2 poll ppoll pselect6 select""",
    "sockets": """
        accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg
        sendmmsg sendmsg sendto setsockopt shutdown""",
    "the rest": """
        getrandom landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp sysinfo uname""",
}
"""The calls, by what they are for."""

_ALLOW, _ERRNO = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)


def profile() -> dict[str, JsonValue]:
    """Give the profile, as the engine's `--security-opt seccomp=FILE` takes it."""
    return {
        "defaultAction": _ERRNO,
        "archMap": [
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []},
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": []},
        ],
        "syscalls": list(_rules()),
    }


def text() -> str:
    """Give the profile as JSON."""
    return json.dumps(profile(), indent=1) + "\n"


def _rules() -> Iterator[JsonValue]:
    for purpose, names in ALLOWED.items():
        yield {"names": [*sorted(names.split())], "action": _ALLOW, "comment": purpose}
    namespaces = sum(NAMESPACES.values())
    for name, why in OPENED.items():
        rule: dict[str, JsonValue] = {"names": [name], "action": _ALLOW, "comment": why}
        if name != "chroot":
            # Of a masked comparison, `value` is the mask and `valueTwo` what must be left.
            masked: JsonValue = {"index": 0, "value": namespaces, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
            rule["args"] = [masked]
        yield rule
    for family, number in FAMILIES.items():
        yield _equal("socket", number, family)
    yield _equal("socketpair", FAMILIES["AF_UNIX"], "AF_UNIX")
    for number in _PERSONALITIES:
        yield _equal("personality", number, "a kind of program that changes no protection")
    missing = sorted(call.name for call in REFUSED if call.answer == errno.ENOSYS)
    why = "as if the kernel did not have them, so that libraries take another way"
    yield {"names": [*missing], "action": _ERRNO, "errnoRet": errno.ENOSYS, "comment": why}


def _equal(name: str, value: int, why: str) -> JsonValue:
    argument: JsonValue = {"index": 0, "value": value, "valueTwo": 0, "op": "SCMP_CMP_EQ"}
    return {"names": [name], "action": _ALLOW, "args": [argument], "comment": why}
