"""What steps of every kind of job answer."""

from dataclasses import dataclass, field
from typing import Self

from shared_code.jobs.compatibility import FAILED_ITEM
from shared_code.jobs.durable import Counts, Json
from shared_code.jobs.failures import Failure, Trouble
from shared_code.jobs.progress import LedgerEntry, Totals


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A step that could not do its work.

    Attributes:
        failure: why.
        trouble: what has to recover first; None if another try cannot help.
        counts: what was done, and spent, before.
        tallies: of what was spent, by their names, where storage does not have them; for the next try.
    """

    failure: Failure
    trouble: Trouble | None = None
    counts: Counts = field(default_factory=dict)
    tallies: Json = field(default_factory=dict)

    @property
    def totals(self) -> Totals:
        """What a job has of it when it ends there."""
        return Totals(counts=self.counts, error=self.failure)

    def to_json(self) -> Json:
        """The activity's answer."""
        trouble = {"trouble": self.trouble.to_json()} if self.trouble else {}
        tallies = {"tallies": self.tallies} if self.tallies else {}
        error = self.failure.to_json()
        return {"ok": False, "error": error, "counts": dict(self.counts), **trouble, **tallies}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        trouble = value.get("trouble")
        return cls(
            failure=Failure.from_json(value["error"]),
            trouble=Trouble.from_json(trouble) if trouble else None,
            counts=value.get("counts", FAILED_ITEM),
            tallies=value.get("tallies", {}),
        )


@dataclass(frozen=True, kw_only=True)
class ItemDone:
    """What every step that runs in lanes answers.

    Attributes:
        counts: what it did and spent; where it `lacks` something, what it spent alone.
        ledger: what it could not do.
        lacks: how many tokens more it needs to be done; it runs again when it is granted them.
        tallies: of what it spent, by their names, where storage does not have them; for the next try.
    """

    counts: Counts = field(default_factory=dict)
    ledger: tuple[LedgerEntry, ...] = ()
    lacks: int = 0
    tallies: Json = field(default_factory=dict)

    @property
    def totals(self) -> Totals:
        """What a job has of it."""
        return Totals(counts=self.counts, ledger=self.ledger)

    def to_json(self) -> Json:
        """The activity's answer."""
        ledger = {"ledger": [entry.to_json() for entry in self.ledger]} if self.ledger else {}
        lacks = {"lacks": self.lacks} if self.lacks else {}
        tallies = {"tallies": self.tallies} if self.tallies else {}
        return {"counts": dict(self.counts), **ledger, **lacks, **tallies}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads the answer; steps that count something else beside have more members."""
        ledger = tuple(map(LedgerEntry.from_json, value.get("ledger", [])))
        return cls(
            counts=value.get("counts", {}),
            ledger=ledger,
            lacks=value.get("lacks", 0),
            tallies=value.get("tallies", {}),
        )


@dataclass(frozen=True, kw_only=True)
class Done:
    """The step is done, and has nothing to say."""

    def to_json(self) -> Json:
        """The activity's answer."""
        return {}

    @classmethod
    def from_json(cls, _value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls()
