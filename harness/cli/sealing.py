"""What vouches for a trace when its run has ended: a signature, and its head kept elsewhere."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from harness.errors import InputError, TraceError
from harness.trace.anchor import append, usable
from harness.trace.signing import Signer
from harness.trace.statement import Statement


@dataclass(frozen=True)
class Seal:
    """What is done to a trace at its end."""

    signer: Signer | None = None
    """Signs it."""
    anchor: Path | None = None
    """The anchor file that its head is added to."""

    @classmethod
    def of(
        cls,
        sign: Path | str | None,
        anchor: Path | str | None,
        *,
        shown: Path | None,
        environment: Mapping[str, str] = os.environ,
    ) -> Self:
        """Read the key and look at the anchor file, before anything is started.

        Args:
            sign: the private key's file.
            anchor: the anchor file.
            shown: the folder whose files the sandbox is shown, where a key has no place.
            environment: where the key's passphrase is looked for.

        Raises:
            InputError: if one of them cannot be used.
        """
        signer = None
        if sign is not None:
            key = Path(sign)
            if shown is not None and key.resolve().is_relative_to(shown.resolve()):
                raise InputError(f"{key}: is in the task's folder of uploads; keep the key elsewhere")
            signer = Signer.read(key, environment)
        if anchor is not None:
            try:
                usable(Path(anchor))
            except TraceError as error:
                raise InputError(str(error)) from error
        return cls(signer, None if anchor is None else Path(anchor).absolute())

    def put(self, folder: Path, run_id: str, lines: int, head: str, time: datetime) -> None:
        """Sign and anchor a trace that has ended.

        Raises:
            TraceError: if it cannot be done.
        """
        if lines == 0:
            return
        said = Statement.of(run_id, lines, head, time)
        if self.signer is not None:
            self.signer.sign(folder, said)
        if self.anchor is not None:
            append(self.anchor, said)
