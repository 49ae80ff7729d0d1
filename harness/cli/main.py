"""The `harness` command.

Exit codes: 0 done, 1 checks, 2 usage, 3 boundary, 4 failure, 5 trace, 130 interrupted.

Little is imported here, so that an interrupt is met in order from the first moment on.
"""

import sys
import traceback
from collections.abc import Sequence

from harness.cli.signals import EXIT_CODE, Interrupts
from harness.cli.streams import prepare, say
from harness.errors import HarnessError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    interrupts = Interrupts()
    interrupts.install()
    prepare()
    try:
        from harness.cli.parser import parse  # noqa: PLC0415 - see above

        options = parse(sys.argv[1:] if arguments is None else arguments, interrupts)
        return int(options.run(options))
    except HarnessError as error:
        say(f"harness: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("harness: interrupted")
        return EXIT_CODE
    except Exception as error:  # noqa: BLE001 - a person gets a message, never a traceback
        place = traceback.extract_tb(error.__traceback__)[-1]
        say(
            f"harness: {type(error).__name__}: {error} (at {place.filename}:{place.lineno}); "
            "if this is not your machine's doing, please report it"
        )
        return 4


if __name__ == "__main__":
    raise SystemExit(main())
