"""A folder for one run: short, locked while the run lives, swept up after `kill -9`.

    <base>/run-3f9a0c1b7d52e684/     mode 0711, so that the sandbox's own user can pass through
        lock                         held with flock() while the run lives
        …                            sockets, profile, downloads on their way
    <base>/kept-3f9a0c1b7d52e684/    what such a folder is called when it is kept for a look inside

A lock dies with its process, however it ends; so a folder whose lock is free belongs to nobody.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import SandboxError

SOCKET_PATH_MAX = 107
"""Bytes that fit into `sockaddr_un`, without the final zero."""

_RUN = "run-"
_NEW = "new-"
_KEPT = "kept-"
_ROOM_FOR_A_SOCKET = 60


def base_folder(env: Mapping[str, str] = os.environ) -> Path:
    """Give the folder that holds the runs of this user, made if need be.

    It is `$XDG_RUNTIME_DIR/harness`, or `harness-<uid>` among the temporary files. For root it must be
    reachable by the unprivileged user that the browser runs as, which `/run/user/0` is not.

    Raises:
        SandboxError: if no such folder can be made, or somebody else owns it.
    """
    uid = os.geteuid()
    candidates = [Path(tempfile.gettempdir()) / f"harness-{uid}", Path(f"/tmp/harness-{uid}")]  # noqa: S108
    if runtime := env.get("XDG_RUNTIME_DIR"):
        candidates.insert(0, Path(runtime) / "harness")
    problems: list[str] = []
    for folder in dict.fromkeys(candidates):
        try:
            folder.mkdir(mode=0o711, exist_ok=True)
            found = folder.lstat()
        except OSError as error:
            problems.append(f"{folder}: {error.strerror}")
            continue
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o022:
            problems.append(f"{folder}: not a folder that only this user can write to")
        elif uid == 0 and not reachable(folder):
            problems.append(f"{folder}: only root can enter it")
        elif len(os.fsencode(folder)) > SOCKET_PATH_MAX - _ROOM_FOR_A_SOCKET:
            problems.append(f"{folder}: too long for the path of a Unix socket")
        else:
            folder.chmod(0o711)
            return folder
    raise SandboxError(
        f"no folder for the run's sockets ({'; '.join(problems)}): set TMPDIR to a short path that is yours"
    )


def reachable(path: Path) -> bool:
    """Say whether any user can pass through every folder on the way to a path, and through it."""
    folders = [path, *path.parents] if path.is_dir() else list(path.parents)
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)


class RunFolder:
    """A run's own folder, from `with RunFolder.create() as run:` to the end of the block."""

    def __init__(self, path: Path, lock: int) -> None:
        """Hold a folder by its locked file; `create` makes both."""
        self.path = path
        self._lock = lock

    @classmethod
    def create(
        cls, base: Path | None = None, token: Callable[[], str] = lambda: secrets.token_hex(8)
    ) -> Self:
        """Sweep up after dead runs, then make and lock a new folder.

        Raises:
            SandboxError: if the disk is full or the folder cannot be made.
        """
        base = base or base_folder()
        sweep(base)
        name = token()
        new, path = base / f"{_NEW}{name}", base / f"{_RUN}{name}"
        lock = -1
        try:
            new.mkdir(mode=0o711)
            new.chmod(0o711)
            # Under another name until it is held: one who sweeps up at this moment would take it.
            unheld = new / "unheld"
            lock = os.open(unheld, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unheld.rename(new / "lock")
            new.rename(path)
        except OSError as error:
            if lock >= 0:
                os.close(lock)
            shutil.rmtree(new, ignore_errors=True)
            raise SandboxError(f"the run's folder {path} cannot be made: {error.strerror}") from error
        return cls(path, lock)

    def remove(self) -> None:
        """Delete the folder and let go of the lock. Safe to call twice."""
        if self._lock < 0:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)
        self._lock = -1

    def keep(self) -> Path:
        """Leave the folder under another name for a look inside, and let go of the lock.

        Returns:
            Where it is now; `discard` takes it away.

        Raises:
            SandboxError: if it cannot be renamed.
        """
        kept = self.path.with_name(f"{_KEPT}{self.path.name.removeprefix(_RUN)}")
        try:
            self.path.rename(kept)
        except OSError as error:
            raise SandboxError(f"the run's folder {self.path} cannot be kept: {error.strerror}") from error
        os.close(self._lock)
        self._lock = -1
        return kept

    def __enter__(self) -> Self:
        """Give the folder."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the folder."""
        self.remove()


def sweep(base: Path | None = None) -> tuple[Path, ...]:
    """Remove the folders of runs that are dead; never one whose lock is held.

    Returns:
        The folders that were removed.
    """
    base = base or base_folder()
    removed = []
    for folder in sorted(base.iterdir()):
        if folder.name.startswith((_RUN, _NEW)) and not folder.is_symlink() and _dead(folder):
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
    return tuple(removed)


def live(base: Path | None = None) -> tuple[Path, ...]:
    """Give the folders of this user's runs that live."""
    base = base or base_folder()
    return tuple(one for one in sorted(base.glob(f"{_RUN}*")) if not one.is_symlink() and holds(one))


def kept(base: Path | None = None) -> tuple[Path, ...]:
    """Give the folders that were kept for a look inside."""
    base = base or base_folder()
    return tuple(one for one in sorted(base.glob(f"{_KEPT}*")) if one.is_dir() and not one.is_symlink())


def discard(base: Path | None = None) -> tuple[Path, ...]:
    """Delete the folders that were kept, and give them."""
    found = kept(base)
    for folder in found:
        shutil.rmtree(folder, ignore_errors=True)
    return found


def holds(folder: Path) -> bool:
    """Say whether somebody holds a run's folder.

    A folder that is gone, or whose lock is free, is nobody's. One that cannot be looked at, or has no lock,
    may be another user's or not a run's at all: it counts as held, so that nothing of it is taken away.
    """
    try:
        folder.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return not _dead(folder)


def _dead(folder: Path) -> bool:
    # A folder still called new- may be a moment away from its lock: one without a lock file is left alone.
    with contextlib.suppress(OSError):
        lock = os.open(folder / "lock", os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(lock)
        return True
    return False
