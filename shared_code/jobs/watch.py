"""A path that is embedded again and again: its interval, and what became of its last round."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from shared_code.jobs.durable import Json
from shared_code.jobs.failures import Failure

MOST_WATCH_MINUTES = 31 * 24 * 60


@dataclass(frozen=True, kw_only=True)
class Round:
    """One round of a watch that has ended.

    Attributes:
        number: from 1 on.
        ended_at: when it did.
        counts: those of the result; none of a round that failed.
        error: why it failed.
    """

    number: int
    ended_at: datetime
    counts: Mapping[str, float]
    error: Failure | None = None

    def to_json(self) -> Json:
        """JSON values only."""
        error = {"error": self.error.to_json()} if self.error else {}
        return {"round": self.number, "endedAt": self.ended_at.isoformat(), **self.counts, **error}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        own = {"round", "endedAt", "error"}
        return cls(
            number=value["round"],
            ended_at=datetime.fromisoformat(value["endedAt"]),
            counts={name: count for name, count in value.items() if name not in own},
            error=Failure.from_json(value["error"]) if "error" in value else None,
        )


@dataclass(frozen=True, kw_only=True)
class Watch:
    """How often a path is embedded, and how far that has come.

    Attributes:
        minutes: from the end of a round to the beginning of the next one.
        round: the one that runs, or is to run next.
        last: the one before.
        next_at: when the next one begins; None while one runs.
    """

    minutes: int
    round: int = 1
    last: Round | None = None
    next_at: datetime | None = None

    def after(self, last: Round) -> "Watch":
        """The watch between a round and the next one."""
        pause = timedelta(minutes=self.minutes)
        return replace(self, round=last.number + 1, last=last, next_at=last.ended_at + pause)

    def begun(self) -> "Watch":
        """The watch in its next round."""
        return replace(self, next_at=None)

    def to_json(self) -> Json:
        """JSON values only."""
        return {
            "minutes": self.minutes,
            "round": self.round,
            "last": self.last.to_json() if self.last else None,
            "nextAt": self.next_at.isoformat() if self.next_at else None,
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        last, next_at = value["last"], value["nextAt"]
        return cls(
            minutes=value["minutes"],
            round=value["round"],
            last=Round.from_json(last) if last else None,
            next_at=datetime.fromisoformat(next_at) if next_at else None,
        )
