"""A recorder that people and programs look over the shoulder of."""

from collections.abc import Callable
from typing import Final

import structlog
from pydantic import TypeAdapter

from harness.secrets import Vault
from harness.trace.events import Event
from harness.trace.writer import TraceWriter

_log = structlog.get_logger("harness")
_EVENT: Final[TypeAdapter[Event]] = TypeAdapter(Event)


class Watched:
    """A recorder that also tells somebody about every event, once it is on disk and without secrets.

    Args:
        writer: puts events on disk.
        watch: is told; whatever it raises is logged and ends nothing.
        vault: what nobody is told.
    """

    def __init__(self, writer: TraceWriter, watch: Callable[[Event], None], vault: Vault) -> None:
        self._vault = vault
        self._writer = writer
        self._watch = watch

    @property
    def head(self) -> str:
        """Hash of the last line."""
        return self._writer.head

    def write(self, event: Event, *, sync: bool = False) -> None:
        """Put one event on disk, then tell."""
        self._writer.write(event, sync=sync)
        try:
            self._watch(self._shown(event))
        except Exception as error:  # noqa: BLE001 - whoever watches must not be able to end a run
            _log.warning("the watcher failed", why=f"{type(error).__name__}: {error}")

    def _shown(self, event: Event) -> Event:
        if not self._vault:
            return event
        return _EVENT.validate_python(self._vault.redactor.json(event.model_dump(mode="json", by_alias=True)))

    def blob(self, data: bytes) -> str:
        """Keep bytes."""
        return self._writer.blob(data)
