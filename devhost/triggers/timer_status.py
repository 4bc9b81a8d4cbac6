"""What the host remembers of its timers between two starts: when each ran last and is due next.

The file lies beside the state file; a host whose state is in memory remembers nothing.
"""

import contextlib
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

FILE_SUFFIX = ".timers.json"
NEVER = datetime.min.replace(tzinfo=UTC)  # as the Functions host writes it to the function


@dataclass(frozen=True, slots=True)
class TimerStatus:
    """One timer's past and future; `last` is `NEVER` until it has run."""

    last: datetime
    next: datetime
    last_updated: datetime

    def to_json(self) -> dict[str, str]:
        """The members by the names that functions read."""
        times = {"Last": self.last, "Next": self.next, "LastUpdated": self.last_updated}
        return {name: time.isoformat() for name, time in times.items()}

    @classmethod
    def from_json(cls, content: dict[str, str]) -> "TimerStatus":
        """Reads what `to_json` wrote; raises KeyError, TypeError or ValueError if it is something else."""
        last, following, updated = (
            datetime.fromisoformat(content[name]) for name in ("Last", "Next", "LastUpdated")
        )
        return cls(last, following, updated)


class TimerMemory:
    """The statuses of an app's timers by function name."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._statuses = {} if path is None else _read(path)

    def get(self, name: str) -> TimerStatus | None:
        """What is known of a timer."""
        return self._statuses.get(name)

    def set(self, name: str, status: TimerStatus) -> None:
        """Remembers a timer's status; a file that cannot be written is reported and costs no run."""
        self._statuses[name] = status
        if self._path is None:
            return
        content = {name: status.to_json() for name, status in sorted(self._statuses.items())}
        try:
            _replace(self._path, json.dumps(content, indent=2))
        except OSError as error:
            logger.warning("The timers' state cannot be kept in %s: %s", self._path, error)


def _replace(path: Path, text: str) -> None:
    # A host that is killed while it writes leaves the old file, not half of a new one.
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _read(path: Path) -> dict[str, TimerStatus]:
    with contextlib.suppress(FileNotFoundError):
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return {name: TimerStatus.from_json(status) for name, status in content.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning("The timers' state in %s is not readable and is replaced: %r", path, error)
    return {}
