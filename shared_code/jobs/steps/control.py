"""The steps by which a job learns what was decided about it, and clears up."""

from dataclasses import dataclass
from typing import ClassVar, Self

from shared_code.jobs.approval import Decision
from shared_code.jobs.durable import Counts, Json


@dataclass(frozen=True, kw_only=True)
class CheckJob:
    """Say whether a job is still to go on."""

    KIND: ClassVar[str] = ""
    NAME: ClassVar[str] = "check-job"
    FAILED: ClassVar[Counts] = {}
    activity: ClassVar[str] = "check-job-activity"

    job_id: str

    def to_json(self) -> Json:
        """The activity's input."""
        return {"jobId": self.job_id}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(job_id=value["jobId"])


@dataclass(frozen=True, kw_only=True)
class TakeDecision:
    """Say what was decided about a job that waits; with `expires`, decide that it is too late."""

    KIND: ClassVar[str] = "embed-files"
    NAME: ClassVar[str] = "take-decision"
    FAILED: ClassVar[Counts] = {}
    activity: ClassVar[str] = "take-decision-activity"

    job_id: str
    round: int
    expires: bool

    def to_json(self) -> Json:
        """The activity's input."""
        return {"jobId": self.job_id, "round": self.round, "expires": self.expires}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(job_id=value["jobId"], round=value["round"], expires=value["expires"])


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What was decided about a job; None if nothing is yet."""

    decision: Decision | None = None

    def to_json(self) -> Json:
        """The activity's answer."""
        return {"decision": self.decision.to_json() if self.decision else None}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        decision = value["decision"]
        return cls(decision=Decision.from_json(decision) if decision else None)


@dataclass(frozen=True, kw_only=True)
class DiscardStaged:
    """Discard what a job of this kind has staged.

    Attributes:
        closes: whether the job has done its work, so that nobody can cancel it any more.
    """

    NAME: ClassVar[str] = "discard"
    FAILED: ClassVar[Counts] = {}

    job_id: str
    KIND: str
    activity: str = "discard-staged-activity"
    closes: bool = False

    def to_json(self) -> Json:
        """The activity's input."""
        return {"jobId": self.job_id, "kind": self.KIND, "discard": True, "closes": self.closes}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote; jobs of the first version did not say their kind."""
        return cls(job_id=value["jobId"], KIND=value.get("kind", ""), closes=value.get("closes", False))


@dataclass(frozen=True, kw_only=True)
class Discarded:
    """What a job had staged is gone.

    Attributes:
        canceled_by: who had the job end; None if nobody had.
    """

    canceled_by: str | None = None

    def to_json(self) -> Json:
        """The activity's answer."""
        return {"canceledBy": self.canceled_by} if self.canceled_by else {}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(canceled_by=value.get("canceledBy"))
