"""What a job or a lane shows while it runs: its custom status, written by workflows and read by the API."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from shared_code.jobs.approval import Approval
from shared_code.jobs.durable import Json
from shared_code.jobs.failures import Failure, Waiting
from shared_code.jobs.watch import Watch

# Of a ledger only this many entries travel through a history; all of it is in the blobs of the job's pages.
LEDGER_LIMIT = 100
_OWN = {"phase", "total", "lanes", "estimate", "held", "waiting", "error", "canceledBy", "approval", "watch"}


class Phase(StrEnum):
    """What a job is doing."""

    PENDING = "pending"  # it has been submitted, and nothing has begun
    LISTING = "listing"  # its files are compared with the index
    READING = "reading"  # windows of the audit table, or golden questions, are read
    COUNTING = "counting"  # the union of the windows is counted, or what questions have found is summed up
    FETCHING = "fetching"  # a live event is looked up
    EMBEDDING = "embedding"
    ASKING = "asking"  # golden questions are asked
    DELETING = "deleting"  # files that are gone are taken out of the index
    WAITING = "waiting"  # something has to recover first
    AWAITING_APPROVAL = "awaiting-approval"  # somebody has to approve the estimate
    WATCHING = "watching"  # a round has ended, and the next one is to come
    HELD = "held"  # the environment's budget is spent
    ESTIMATED = "estimated"  # a dry run has ended
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"  # a client had it end


@dataclass(frozen=True)
class LedgerEntry:
    """What became of one thing that a job could not do, such as a file."""

    source: str
    code: str
    message: str

    def to_json(self) -> Json:
        """JSON values only."""
        return {"source": self.source, "code": self.code, "message": self.message}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(value["source"], value["code"], value["message"])


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What became of a job's items so far.

    Attributes:
        counts: sums of what the items count: `completed`, `failed`, `skipped`, and a workflow's own.
        error: the first failure that stopped a lane.
        ledger: what became of single things that an item could not do, the first of them only.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    error: Failure | None = None
    ledger: tuple[LedgerEntry, ...] = ()

    def __add__(self, other: "Totals") -> "Totals":
        names = {**self.counts, **other.counts}
        return Totals(
            counts={name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in names},
            error=self.error or other.error,
            ledger=(self.ledger + other.ledger)[:LEDGER_LIMIT],
        )

    @classmethod
    def sum_of(cls, parts: Iterable["Totals"]) -> "Totals":
        """All of them together."""
        return sum(parts, cls())

    def to_json(self) -> Json:
        """JSON values only."""
        return {
            "counts": dict(self.counts),
            "error": self.error.to_json() if self.error else None,
            "ledger": [entry.to_json() for entry in self.ledger],
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(
            counts=value["counts"],
            error=Failure.from_json(value["error"]) if value["error"] else None,
            ledger=tuple(map(LedgerEntry.from_json, value["ledger"])),
        )


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a job over files is expected to embed, and to cost in the currency of the price.

    Attributes:
        files: those that are not in the index as they are.
        size: their bytes.
        tokens: what they are estimated to have.
        budget_left: what the environment may still spend; None without a limit.
    """

    files: int
    size: int
    tokens: int
    cost: float
    budget_left: float | None = None

    def to_json(self) -> Json:
        """JSON values only."""
        left = {} if self.budget_left is None else {"budgetLeft": self.budget_left}
        return {
            "files": self.files,
            "bytes": self.size,
            "tokens": self.tokens,
            "cost": self.cost,
            **left,
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(
            files=value["files"],
            size=value["bytes"],
            tokens=value["tokens"],
            cost=value["cost"],
            budget_left=value.get("budgetLeft"),
        )


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A look at a job, or at one of its lanes, which has no phase of its own.

    Attributes:
        total: how many items the job has.
        lanes: how many lanes run, whose own progress has what is not in here.
        held: why the job waits for its budget.
        waiting: what the job waits for.
        canceled_by: who had the job end.
        approval: of a job that needs one.
        watch: of a job that is done again and again.
    """

    phase: Phase | None = None
    total: int = 0
    lanes: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    error: Failure | None = None
    estimate: Estimate | None = None
    held: Failure | None = None
    waiting: Waiting | None = None
    canceled_by: str | None = None
    approval: Approval | None = None
    watch: Watch | None = None

    def to_json(self) -> Json:
        """The custom status; it has room for 16 KB only, so no ledger is in it."""
        phase = Phase.HELD if self.held else Phase.WAITING if self.waiting else self.phase
        optional: Mapping[str, Any] = {
            "phase": phase and phase.value,
            "estimate": self.estimate and self.estimate.to_json(),
            "held": self.held and self.held.to_json(),
            "waiting": self.waiting and self.waiting.to_json(),
            "canceledBy": self.canceled_by,
            "approval": self.approval and self.approval.to_json(),
            "watch": self.watch and self.watch.to_json(),
        }
        return {
            "total": self.total,
            "lanes": self.lanes,
            **{name: value for name, value in optional.items() if value is not None},
            **self.counts,
            "error": self.error and self.error.to_json(),
        }

    @classmethod
    def from_json(cls, value: Any) -> "Progress":
        """Reads a custom status; an instance has none before its first step."""
        status: Json = value or {}
        error, estimate = status.get("error"), status.get("estimate")
        held, waiting = status.get("held"), status.get("waiting")
        approval, watch = status.get("approval"), status.get("watch")
        return cls(
            phase=Phase(status["phase"]) if "phase" in status else None,
            total=status.get("total", 0),
            lanes=status.get("lanes", 0),
            counts={name: count for name, count in status.items() if name not in _OWN},
            error=Failure.from_json(error) if error else None,
            estimate=Estimate.from_json(estimate) if estimate else None,
            held=Failure.from_json(held) if held else None,
            waiting=Waiting.from_json(waiting) if waiting else None,
            canceled_by=status.get("canceledBy"),
            approval=Approval.from_json(approval) if approval else None,
            watch=Watch.from_json(watch) if watch else None,
        )
