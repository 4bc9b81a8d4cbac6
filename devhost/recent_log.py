"""The last records of the log, kept in memory so that a client can ask for those of one instance."""

import json
import logging
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devhost.app.app_frames import AppFrames
from devhost.logs import CategoryLevels, JsonFormatter
from devhost.worker import invocation

_KEPT = 10_000  # records
_LONGEST = 20_000  # characters of a record's JSON


class RecentLog(logging.Handler):
    """Keeps what the log shows, beside whatever else takes its records."""

    def __init__(self, levels: Mapping[str, str], app_dir: Path) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter(AppFrames(app_dir)))
        self.addFilter(CategoryLevels(levels).accepts)
        self._records: deque[tuple[str | None, str, str]] = deque(maxlen=_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a record; one that is too long is left out."""
        text = self.format(record)
        if len(text) <= _LONGEST:
            call = invocation.current.get()
            self._records.append((call.instance_id if call else None, record.getMessage(), text))

    def of_instance(self, instance_id: str) -> list[dict[str, Any]]:
        """The records of calls for an instance and those that name it, oldest first."""
        marks = (
            f"({instance_id})",
            f"nstance {instance_id} ",
            f"ntity {instance_id} ",
        )  # as the engine writes
        return [
            json.loads(text)
            for instance, message, text in tuple(self._records)
            if instance == instance_id or any(mark in message for mark in marks)
        ]
