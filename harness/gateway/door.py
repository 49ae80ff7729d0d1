"""Where a gateway is reached and whom its browser trusts: both can be there before the gateway of the run is.

A browser that is started ahead of its run is told the socket and the key of the authority. What it connects
before the run's gateway is open waits in the socket's line; nobody answers, so nothing gets out.
"""

import socket as sockets
from pathlib import Path
from typing import Final

from harness.errors import SandboxError
from harness.gateway.tls import CertificateAuthority

_LINE: Final = 100


class Door:
    """One Unix socket that is listened at, and one certificate authority. For one run, never for another."""

    def __init__(self, path: Path) -> None:
        """Listen on a Unix socket that only its owner may open. A stale socket in its place is removed.

        Raises:
            SandboxError: if the socket cannot be made.
        """
        self.path = path
        self.authority = CertificateAuthority()
        self._listener: sockets.socket | None = bound(path)
        self._listener.listen(_LINE)

    @property
    def spki(self) -> str:
        """Base64 SHA-256 of the authority's key."""
        return self.authority.spki

    def hand_over(self) -> sockets.socket:
        """Give the listening socket to a gateway, which closes it from now on.

        Raises:
            SandboxError: if another gateway has it, or the door was closed.
        """
        if self._listener is None:
            raise SandboxError(f"the door at {self.path} was used before: every run has its own")
        listener, self._listener = self._listener, None
        return listener

    def close(self) -> None:
        """Close and remove what was not handed over. Safe to call twice."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            self.path.unlink(missing_ok=True)


def bound(path: Path) -> sockets.socket:
    """Bind a Unix socket that only its owner may open, and that is not listened at yet.

    Raises:
        SandboxError: if it cannot be made.
    """
    listener = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    try:
        if path.is_socket():
            path.unlink()
        listener.bind(str(path))
        # Nobody can connect before `listen`, so nobody gets in before the mode is right.
        path.chmod(0o600)
    except OSError as error:
        listener.close()
        raise SandboxError(f"cannot make the gateway's socket {path}: {error}") from error
    return listener
