"""What clients ask for: the inputs of the orchestrations, their ids, and how their work is cut.

Everything a workflow needs is in here, so that a workflow reads no setting; this module does no I/O.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Self
from uuid import uuid4

from shared_code.date_range import DateRange, Window
from shared_code.errors import AppError, InvalidIdempotencyKey, InvalidJob

ORCHESTRATOR = "orchestrator-function"

_JOB_ID = re.compile(r"[0-9a-f]{32}")
_IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,255}")

_SMALL_RANGE_DAYS = 7
_MAX_WINDOW_DAYS = 31
# As many windows at once as host.json lets run: more would wait, fewer would idle.
_WINDOWS_AT_ONCE = 8
_LANES = 4


class JobFailed(AppError):
    """A job ended for a known reason, which its client may read."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self._code = code

    @property
    def code(self) -> str:
        """The code of the failure that ended the job."""
        return self._code


def new_job_id() -> str:
    """An id for a job that nobody will ask for again."""
    return uuid4().hex


def keyed_job_id(idempotency_key: str) -> str:
    """The one id that follows from a client's Idempotency-Key.

    Raises:
        InvalidIdempotencyKey: the key is blank, too long or not printable ASCII.
    """
    if not idempotency_key.strip() or not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise InvalidIdempotencyKey
    return hashlib.blake2b(idempotency_key.encode(), digest_size=16, person=b"idempotency-key").hexdigest()


def is_job_id(text: str) -> bool:
    """Whether a text has the shape of a job's id; no lane, entity or foreign path has it."""
    return bool(_JOB_ID.fullmatch(text))


@dataclass(frozen=True, kw_only=True)
class AuditQueryJob:
    """Count the distinct identification numbers of the audit table in a date range."""

    KIND: ClassVar[str] = "audit-query"
    VERSION: ClassVar[int] = 1

    dates: DateRange
    window_days: int
    lanes: int
    page_size: int

    @classmethod
    def plan(cls, dates: DateRange) -> Self:
        """Cuts the work: one window for a small range, else eight or more, of which eight run at once."""
        if dates.days <= _SMALL_RANGE_DAYS:
            return cls(dates=dates, window_days=_SMALL_RANGE_DAYS, lanes=1, page_size=1)
        window_days = min(_MAX_WINDOW_DAYS, -(-dates.days // _WINDOWS_AT_ONCE))
        windows = -(-dates.days // window_days)
        lanes = 1 if windows <= _WINDOWS_AT_ONCE else _LANES
        return cls(dates=dates, window_days=window_days, lanes=lanes, page_size=_WINDOWS_AT_ONCE // lanes)

    def windows(self) -> list[Window]:
        """The windows that together make up the range."""
        return self.dates.windows(self.window_days)

    def asks_the_same_as(self, other: "AuditQueryJob") -> bool:
        """Whether two jobs have the same question, however their work is cut."""
        return self.dates == other.dates

    def to_json(self) -> dict[str, Any]:
        """The orchestration's input: JSON values only."""
        return {
            "kind": self.KIND,
            "version": self.VERSION,
            "start": self.dates.start.isoformat(),
            "end": self.dates.end.isoformat(),
            "windowDays": self.window_days,
            "lanes": self.lanes,
            "pageSize": self.page_size,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Reads what to_json wrote."""
        return cls(
            dates=DateRange(date.fromisoformat(value["start"]), date.fromisoformat(value["end"])),
            window_days=value["windowDays"],
            lanes=value["lanes"],
            page_size=value["pageSize"],
        )


_KINDS = {AuditQueryJob.KIND: AuditQueryJob}


def parse_job(value: Any) -> AuditQueryJob:
    """Reads the input of a job's orchestration.

    Raises:
        InvalidJob: the kind or the version is unknown, or a member is missing or malformed.
    """
    name = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in _KINDS:
        raise InvalidJob(f"A job's input needs a kind out of {sorted(_KINDS)}.")
    kind = _KINDS[name]
    if value.get("version") != kind.VERSION:
        raise InvalidJob(
            f"Job kind {kind.KIND}: version {value.get('version')!r} is unknown, not {kind.VERSION}."
        )
    try:
        return kind.from_json(value)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidJob(f"The input of a job of kind {kind.KIND} is malformed: {error!r}.") from error
