"""The audit query as a job: which dates, and how they are cut into windows."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar, Self

from shared_code.jobs.date_range import DateRange, Window
from shared_code.jobs.durable import Json
from shared_code.jobs.failures import DEFAULT_PATIENCE
from shared_code.jobs.job_input import JobInLanes
from shared_code.jobs.parallelism import LANES, LARGE_STEPS_AT_ONCE

_SMALL_RANGE_DAYS = 7
_MAX_WINDOW_DAYS = 31


@dataclass(frozen=True, kw_only=True)
class AuditQueryJob(JobInLanes):
    """Count the distinct identification numbers of the audit table in a date range."""

    KIND: ClassVar[str] = "audit-query"

    dates: DateRange
    window_days: int

    # No other request is for the same job.
    id: ClassVar[None] = None
    # It spends nothing.
    account: ClassVar[None] = None

    @classmethod
    def plan(cls, dates: DateRange, *, patience: timedelta = DEFAULT_PATIENCE) -> Self:
        """Cuts the work: one window for a small range, else eight or more, of which eight run at once."""
        if dates.days <= _SMALL_RANGE_DAYS:
            return cls(dates=dates, window_days=_SMALL_RANGE_DAYS, lanes=1, wave_size=1, patience=patience)
        window_days = min(_MAX_WINDOW_DAYS, -(-dates.days // LARGE_STEPS_AT_ONCE))
        windows = -(-dates.days // window_days)
        lanes = 1 if windows <= LARGE_STEPS_AT_ONCE else LANES
        return cls(
            dates=dates,
            window_days=window_days,
            lanes=lanes,
            wave_size=LARGE_STEPS_AT_ONCE // lanes,
            patience=patience,
        )

    def windows(self) -> list[Window]:
        """The windows that together make up the range."""
        return self.dates.windows(self.window_days)

    @property
    def request(self) -> tuple[DateRange]:
        """The dates, however the work is cut."""
        return (self.dates,)

    def to_json(self) -> Json:
        """The orchestration's input: JSON values only."""
        return {
            **super().to_json(),
            "start": self.dates.start.isoformat(),
            "end": self.dates.end.isoformat(),
            "windowDays": self.window_days,
        }

    @classmethod
    def _members(cls, value: Json) -> dict[str, Any]:
        return {
            **super()._members(value),
            "dates": DateRange(date.fromisoformat(value["start"]), date.fromisoformat(value["end"])),
            "window_days": value["windowDays"],
        }
