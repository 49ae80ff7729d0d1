"""How long `import harness` takes over starting Python, and that it loads nothing heavy."""

import json
import subprocess
import sys

from benchmarks.figures import Figure, Figures, main, median, percentile

HEAVY = ("playwright", "onnxruntime", "rapidocr", "numpy", "cv2", "PIL", "starlette", "docker", "h11")
_CODE = (
    "import json, sys, time; begun = time.perf_counter(); import {0}; taken = time.perf_counter() - begun;"
    "print(json.dumps([taken, sorted({{name.split('.')[0] for name in sys.modules}})]))"
)


def imported(module: str) -> tuple[float, list[str]]:
    """Seconds to import a module in a new Python, and every package that was loaded."""
    done = subprocess.run(
        [sys.executable, "-c", _CODE.format(module)], check=True, capture_output=True, text=True
    )
    seconds, modules = json.loads(done.stdout)
    return seconds, modules


def measure(*, quick: bool = False) -> Figures:
    """Take the figures."""
    repeats = 1 if quick else 15
    imported("harness")
    ours, playwright, pydantic = [], [], []
    loaded: list[str] = []
    for _ in range(repeats):
        seconds, loaded = imported("harness")
        ours.append(seconds)
        pydantic.append(imported("pydantic.main")[0])
        playwright.append(imported("playwright.async_api")[0])
    return {
        "import_seconds": Figure(
            "import harness",
            "s",
            median(ours),
            median(playwright),
            "import playwright.async_api",
            0.3,
            detail={"p90_s": percentile(ours, 90), "pydantic_alone_s": median(pydantic)},
        ),
        "import_heavy": Figure(
            "heavy packages that import harness loads",
            "",
            len(set(HEAVY) & set(loaded)),
            bar=0,
        ),
    }


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
