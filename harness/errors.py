"""The errors of the harness, one tree of eleven classes.

    HarnessError                 exit 4   something the harness relies on failed
    ├── InputError               exit 2   what a person wrote cannot be used
    │   ├── TaskError            exit 2   … a task file
    │   ├── PolicyError          exit 2   … a policy file
    │   └── ActionError          exit 2   … an action, by a model or a caller
    ├── NotClearedError          exit 3   an effect came to a door without a valid ticket
    ├── SandboxError             exit 4   the browser or its isolation failed
    │   └── BusyError            exit 4   … a page did not answer in time; the run goes on
    ├── ModelError               exit 4   the model could not be asked, or did not answer usefully
    ├── TraceError               exit 5   a trace cannot be written, read or verified
    └── SessionOverError         exit 4   the run behind a session is over; stands with `Session`

Every message says what failed, with what input, and what to do next. Limits and refusals are not
errors: they are outcomes of a run (`harness.Result`).
"""

from typing import ClassVar


class HarnessError(Exception):
    """Anything the harness raises on purpose. The run it ended has a trace that verifies."""

    exit_code: ClassVar[int] = 4


class InputError(HarnessError):
    """Something a person wrote cannot be used. Nothing was started and nothing was written."""

    exit_code = 2


class TaskError(InputError):
    """A task file is missing, unreadable, or says something that cannot be meant."""


class PolicyError(InputError):
    """A policy file is missing, unreadable, or says something that cannot be meant."""


class ActionError(InputError):
    """An action is unknown, misspelt or out of range. It was not judged and not performed."""


class NotClearedError(HarnessError):
    """An effect came to a door without a ticket that `clear()` made for it. Nothing happened."""

    exit_code = 3


class SandboxError(HarnessError):
    """The browser or its isolation failed. The sandbox is closed, or must be."""


class BusyError(SandboxError):
    """A page did not say in time what an action would touch. It was not judged and not performed.

    The browser lives: looking again, or trying later, may do.
    """


class ModelError(HarnessError):
    """The model could not be asked, or its answers cannot be used. Nothing it said was performed."""


class TraceError(HarnessError):
    """A trace cannot be written, read or verified. What was read so far is kept."""

    exit_code = 5
