"""Tests that need a Docker engine with the image: skipped by name where there is none, unless told not to.

`HARNESS_NEEDS_DOCKER=1`, as `.ci/run` sets it, makes a missing engine or image a failure.
"""

import os
from pathlib import Path

import pytest
from harness.errors import SandboxError
from harness.sandbox.engine import Engine
from harness.sandbox.present import engine_socket
from harness.sandbox.recipe import IMAGE


def missing() -> str:
    """Say what is missing for a container, or nothing."""
    try:
        engine = Engine(engine_socket())
        try:
            return "" if engine.image(IMAGE) else f"the image {IMAGE} is not built: harness sandbox build"
        finally:
            engine.close()
    except SandboxError as error:
        return str(error)


WHY = missing()
needs_docker = pytest.mark.skipif(
    bool(WHY) and not os.environ.get("HARNESS_NEEDS_DOCKER"), reason=f"needs a Docker engine: {WHY}"
)
"""For a test, or for a module as `pytestmark`."""


def socket() -> Path:
    """Give the engine's socket."""
    return engine_socket()
