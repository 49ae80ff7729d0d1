"""A run that looks like a real one, written by the real writer."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

EPOCH = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)


@pytest.fixture
def now() -> Callable[[], datetime]:
    """A clock that ticks 10 ms a look."""
    looked = iter(range(10**9))
    return lambda: EPOCH + timedelta(milliseconds=10 * next(looked))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "traces" / "run-1"
