"""The audit query as a job: which dates, and how they are cut into windows."""

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Self

from shared_code.jobs.date_range import DateRange, Window
from shared_code.jobs.steps import LANES, LARGE_STEPS_AT_ONCE

_SMALL_RANGE_DAYS = 7
_MAX_WINDOW_DAYS = 31


@dataclass(frozen=True, kw_only=True)
class AuditQueryJob:
    """Count the distinct identification numbers of the audit table in a date range."""

    KIND: ClassVar[str] = "audit-query"
    VERSION: ClassVar[int] = 1

    dates: DateRange
    window_days: int
    lanes: int
    page_size: int

    # It spends nothing.
    account: ClassVar[None] = None

    @classmethod
    def plan(cls, dates: DateRange) -> Self:
        """Cuts the work: one window for a small range, else eight or more, of which eight run at once."""
        if dates.days <= _SMALL_RANGE_DAYS:
            return cls(dates=dates, window_days=_SMALL_RANGE_DAYS, lanes=1, page_size=1)
        window_days = min(_MAX_WINDOW_DAYS, -(-dates.days // LARGE_STEPS_AT_ONCE))
        windows = -(-dates.days // window_days)
        lanes = 1 if windows <= LARGE_STEPS_AT_ONCE else LANES
        return cls(dates=dates, window_days=window_days, lanes=lanes, page_size=LARGE_STEPS_AT_ONCE // lanes)

    def windows(self) -> list[Window]:
        """The windows that together make up the range."""
        return self.dates.windows(self.window_days)

    def asks_the_same_as(self, other: object) -> bool:
        """Whether two jobs have the same question, however their work is cut."""
        return isinstance(other, AuditQueryJob) and self.dates == other.dates

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
