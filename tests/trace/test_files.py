import os
from pathlib import Path

import pytest
from harness.trace.files import regular


def test_a_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    with regular(tmp_path / "a") as file:
        assert file.read() == b"x"


def test_what_would_hang_or_never_end_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(OSError, match="not a regular file"):
            regular(path)
    with pytest.raises(FileNotFoundError):
        regular(tmp_path / "gone")
