"""How much memory processes take: what they wrote to, each page counted once.

Programs and libraries, which any number of processes share and the kernel can drop at any time, do not count.
"""

from collections.abc import Iterator
from pathlib import Path

_KIB = 1024


def family(pid: int, proc: Path = Path("/proc")) -> Iterator[int]:
    """Give a process and all below it, nearest first, as far as they can be seen."""
    yield pid
    for task in proc.glob(f"{pid}/task/*/children"):
        try:
            children = task.read_text("ascii").split()
        except OSError:
            continue
        for child in children:
            yield from family(int(child), proc)


def used(pid: int, proc: Path = Path("/proc")) -> int:
    """Give the bytes that a process and all below it take; 0 if it is gone."""
    return sum(_one(proc / str(one)) for one in family(pid, proc))


def parent(pid: int, proc: Path = Path("/proc")) -> int | None:
    """Give the process that started another; nothing if it is gone."""
    return _field(proc / str(pid) / "status", ("PPid",))


def _one(folder: Path) -> int:
    shared = _field(folder / "smaps_rollup", ("Pss_Anon", "Pss_Shmem"))
    if shared is None:
        # Chromium's processes show their maps to root alone; without, what they share counts in each.
        shared = _field(folder / "status", ("RssAnon", "RssShmem"))
    return (shared or 0) * _KIB


def _field(file: Path, names: tuple[str, ...]) -> int | None:
    try:
        lines = [line.partition(":") for line in file.read_text("utf-8", errors="replace").splitlines()]
        found = [int(value.split()[0]) for name, _, value in lines if name in names]
    except (OSError, ValueError, IndexError):
        return None
    return sum(found) if found else None
