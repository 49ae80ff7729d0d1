"""Where policy files are: next to the one that names them, or ready-made."""

import re
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_FOLDERS = (_PACKAGE / "_data" / "policies", _PACKAGE.parent / "policies")


def ready_made(name: str) -> Path | None:
    """Find a policy that comes with the harness by its name, such as `shopping`; nothing if there is none."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", name):
        return None
    return next((file for folder in _FOLDERS if (file := folder / f"{name}.yaml").is_file()), None)


def locate(name: str, folder: Path | None) -> Path | None:
    """Find the policy that another one names: a file as seen from its folder, or a ready-made one."""
    if folder is not None:
        for file in (folder / name, folder / f"{name}.yaml"):
            if file.is_file():
                return file.resolve()
    found = ready_made(name)
    return found.resolve() if found else None


def known(folder: Path | None) -> tuple[str, ...]:
    """Name the policies there are: those next to a file, at most a hundred, and the ready-made ones."""
    beside = () if folder is None else sorted(file.name for file in folder.glob("*.yaml"))[:100]
    made = sorted({file.stem for place in _FOLDERS for file in place.glob("*.yaml")})
    return (*made, *beside)
