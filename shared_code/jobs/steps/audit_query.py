"""The steps of an audit query."""

from dataclasses import dataclass
from typing import ClassVar, Self

from shared_code.jobs.date_range import Window
from shared_code.jobs.durable import Counts, Json
from shared_code.jobs.progress import Totals


@dataclass(frozen=True, kw_only=True)
class QueryWindow:
    """Read one window of the audit table; with `stage`, keep its ids for the count of their union."""

    KIND: ClassVar[str] = "audit-query"
    NAME: ClassVar[str] = "query-window"
    OWN: ClassVar[tuple[str, ...]] = ("window",)
    FAILED: ClassVar[Counts] = {"failed": 1}
    activity: ClassVar[str] = "query-storage-account-activity-function"

    job_id: str
    window: Window
    stage: bool

    def to_json(self) -> Json:
        """The activity's input."""
        return {"jobId": self.job_id, "window": self.window.to_json(), "stage": self.stage}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(job_id=value["jobId"], window=Window.from_json(value["window"]), stage=value["stage"])


@dataclass(frozen=True, kw_only=True)
class WindowRead:
    """How many distinct ids a window has, and how many of its rows have none."""

    count: int
    skipped: int

    @property
    def totals(self) -> Totals:
        """What a job has of it."""
        return Totals(counts={"completed": 1, "skipped": self.skipped})

    def to_json(self) -> Json:
        """The activity's answer."""
        return {"count": self.count, "counts": dict(self.totals.counts)}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(count=value["count"], skipped=value["counts"]["skipped"])


@dataclass(frozen=True, kw_only=True)
class CountDistinct:
    """Count the union of the windows that a job has staged."""

    KIND: ClassVar[str] = "audit-query"
    NAME: ClassVar[str] = "count-distinct"
    FAILED: ClassVar[Counts] = {}
    activity: ClassVar[str] = "count-distinct-activity"

    job_id: str
    runs: int

    def to_json(self) -> Json:
        """The activity's input."""
        return {"jobId": self.job_id, "runs": self.runs}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(job_id=value["jobId"], runs=value["runs"])


@dataclass(frozen=True, kw_only=True)
class DistinctCounted:
    """How many distinct ids the windows have together."""

    count: int

    def to_json(self) -> Json:
        """The activity's answer."""
        return {"count": self.count}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(count=value["count"])
