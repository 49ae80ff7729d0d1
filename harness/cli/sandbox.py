"""`harness sandbox build|ls|clean`."""

import argparse
import time

from harness.cli.signals import unwind
from harness.cli.streams import say, show, show_json
from harness.errors import SandboxError
from harness.sandbox import present
from harness.words import visible

_MB = 1_000_000


def build(options: argparse.Namespace) -> int:
    """Build the browser's image, with progress on standard error and what came of it on standard output."""
    from harness.sandbox import image  # noqa: PLC0415 - the SDK is loaded only when used
    from harness.sandbox.engine import Engine  # noqa: PLC0415

    engine = Engine(present.engine_socket())
    try:
        with options.interrupts.told(unwind):
            made = image.build(engine, lambda line: say(visible(line, 300)), cache=options.cache)
    finally:
        engine.close()
    if options.json:
        show_json(made.model_dump(mode="json"))
        return 0
    for line in made.packages:
        show(line)
    show(f"image     {made.name}")
    show(f"digest    {made.digest}")
    show(f"size      {made.size / _MB:.0f} MB, {len(made.packages)} packages")
    show(f"chromium  {made.chromium}, released {made.released}; packages fetched {made.fetched}")
    return 0


def ls(options: argparse.Namespace) -> int:
    """List every sandbox of this machine."""
    from harness.sandbox import leftovers  # noqa: PLC0415 - the SDK is loaded only when used
    from harness.sandbox.engine import Engine  # noqa: PLC0415

    engine, why = None, ""
    try:
        engine = Engine(present.engine_socket())
        engine.facts()
    except SandboxError as error:
        engine, why = None, str(error)
    try:
        rows = leftovers.found(engine, time.time())
    finally:
        if engine:
            engine.close()
    if options.json:
        show_json({"sandboxes": [one.model_dump(mode="json") for one in rows], "engine": why})
        return 0
    for one in rows:
        used = f"{one.memory / _MB:.0f} MB" if one.memory is not None else "-"
        whose = "kept" if one.kept else "run lives" if one.alive else "run is dead"
        name = one.id[:12] if one.kind == "docker" else one.id
        age = _age(one.age)
        show(f"{one.kind:<10} {name:<21} {visible(one.run):<38} {one.state:<8} {age:>7} {used:>8}  {whose}")
    if not rows:
        show("no sandboxes")
    if why:
        say(f"harness: without containers: {why}")
    return 0


def clean(options: argparse.Namespace) -> int:
    """Remove what dead runs left."""
    from harness.sandbox import leftovers  # noqa: PLC0415 - the SDK is loaded only when used
    from harness.sandbox.engine import Engine  # noqa: PLC0415

    engine, why = None, ""
    try:
        engine = Engine(present.engine_socket())
    except SandboxError as error:
        why = str(error)
    try:
        gone = leftovers.clean(engine, kept=options.kept)
    finally:
        if engine:
            engine.close()
    if options.json:
        show_json({**gone.model_dump(mode="json"), "engine": why})
        return 0
    for what, names in (("container", gone.containers), ("folder", gone.folders)):
        for name in names:
            show(f"removed {what} {name}")
    if not (gone.containers or gone.folders):
        show("nothing was left")
    if why:
        say(f"harness: without containers: {why}")
    return 0


def _age(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} d"
