"""Fuzzes one target, guided by coverage: `python -m tests.fuzz.guided TARGET -max_total_time=60`.

Ends with 0 if every promise held, and else with the input that broke one in `crash-…` and its traceback.
"""

import sys

import atheris

with atheris.instrument_imports(include=["harness.policy", "harness.gateway", "harness.yamlfile"]):
    from tests.fuzz import targets


def main() -> None:
    """Fuzz until the limits that libFuzzer was given are reached."""
    name = sys.argv.pop(1)
    with targets.Wire() as wire:
        match name:
            case "policy":
                target = targets.policy
            case "effect":
                target = targets.effect
            case "wire":
                target = wire.feed
            case _:
                sys.exit(f"no target is called {name!r}: there are policy, effect and wire")
        atheris.Setup(sys.argv, target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
