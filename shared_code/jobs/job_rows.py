"""Jobs as their own table knows them: what of a job never changes, and how it ended.

The key of a row begins with the inverted time of submission, so that tables, which sort by key alone, list
the newest job first. It follows from the job's instance: a row that no instance leads to is nobody's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, Self

from shared_code.jobs.durable import Json

# In the input of an instance; a workflow that continues as new keeps it.
SUBMITTED_AT = "submittedAt"
# Milliseconds; times of 14 digits reach beyond the year 5000.
_END_OF_TIME = 10**14
_KEY = re.compile(r"(\d{14})-([0-9a-f]{32})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# Host and worker may read the clock in another order.
_SKEW = timedelta(seconds=1)


def row_key(submitted_at: datetime, job_id: str) -> str:
    """The key of the job that was submitted at this time."""
    return f"{before(submitted_at)}-{job_id}"


def before(moment: datetime) -> str:
    """What sorts after the keys of jobs that were submitted after this moment, and before all others."""
    inverted = _END_OF_TIME - (moment - _EPOCH) // _MILLISECOND
    return f"{min(inverted, _END_OF_TIME - 1):014}"


def is_row_key(text: str) -> bool:
    """Whether a text has the form of a row's key."""
    return bool(_KEY.fullmatch(text))


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """A job in the table of jobs.

    Attributes:
        submitted_at: in whole milliseconds.
        env: empty for a job without one.
        final_status: the status of a job that has ended; empty until somebody has seen that it has.
        ended_at: when it ended, if that is known.
    """

    job_id: str
    submitted_at: datetime
    kind: str = ""
    env: str = ""
    final_status: str = ""
    ended_at: datetime | None = None

    @classmethod
    def new(cls, job_id: str, given: Json, now: datetime) -> Self:
        """The row of a job that is submitted now with this input."""
        moment = now.replace(microsecond=now.microsecond // 1_000 * 1_000)
        return cls(job_id=job_id, submitted_at=moment, **_facts(given))

    @classmethod
    def of(cls, job_id: str, given: Any, created_at: datetime) -> Self:
        """The row of a job that the host knows with this input, as of that time."""
        known: Json = given if isinstance(given, dict) else {}
        submitted = known.get(SUBMITTED_AT)
        moment = datetime.fromisoformat(submitted) if submitted else created_at
        return cls.new(job_id, known, moment)

    @classmethod
    def at(cls, key: str, **facts: Any) -> Self:
        """The row with this key."""
        found = _KEY.fullmatch(key)
        if not found:
            raise ValueError(f"{key!r} is not the key of a job's row.")
        moment = _EPOCH + (_END_OF_TIME - int(found[1])) * _MILLISECOND
        return cls(job_id=found[2], submitted_at=moment, **facts)

    @property
    def key(self) -> str:
        """The key of the row."""
        return row_key(self.submitted_at, self.job_id)

    def is_of(self, given: Any, created_at: datetime) -> bool:
        """Whether the row is that of the instance with this input, rather than of one that never began.

        An earlier release did not say when it submitted a job, and the time of creation is that of the
        present execution.
        """
        if isinstance(given, dict) and SUBMITTED_AT in given:
            return self.submitted_at == datetime.fromisoformat(given[SUBMITTED_AT])
        return self.submitted_at <= created_at + _SKEW

    def ended(self, status: str, at: datetime) -> Self:
        """The row of the job when it has ended; whole seconds are enough for when."""
        return replace(self, final_status=status, ended_at=at.replace(microsecond=0))

    def input_of(self, job: Json) -> Json:
        """The input of the job's instance."""
        return {**job, SUBMITTED_AT: self.submitted_at.isoformat(timespec="milliseconds")}


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Which rows are looked for.

    Attributes:
        final_statuses: any of these, of which an empty one stands for jobs not known to have ended.
        ended_before: jobs that are known to have ended before.
    """

    env: str | None = None
    kind: str | None = None
    final_statuses: tuple[str, ...] = ()
    created_after: datetime | None = None
    ended_before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Filling:
    """How far the table is filled with the jobs that were there before it.

    Attributes:
        marker: leads to the next instances of the host; None before the first.
        is_done: whether all are in.
    """

    marker: str | None = None
    is_done: bool = False


class JobTable(Protocol):
    """The table of jobs. Each call may raise JobTableUnavailable, after which it may be made again."""

    async def put(self, row: JobRow) -> None:
        """Writes a row, or replaces it."""

    async def remove(self, row: JobRow) -> None:
        """Deletes a row, if it is there."""

    async def rows(self, wanted: JobFilter, *, after: str, most: int) -> Sequence[JobRow]:
        """At most `most` rows whose keys come after `after`, the newest job first."""

    async def filling(self) -> Filling:
        """How far the table is filled."""

    async def save_filling(self, filling: Filling) -> None:
        """Notes how far it is."""


def _facts(given: Json) -> dict[str, Any]:
    return {name: value for name in ("kind", "env") if isinstance(value := given.get(name), str)}
