"""Why work was not done, as values that travel through histories: for good, or only for now (ADR 34).

A failure ends a job. Trouble passes: the workflow waits with durable timers and tries again, for as long as
the job's patience lasts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self, TypeAlias

from shared_code.errors import AppError
from shared_code.jobs.durable import Json

# Durable timers are cut to whole seconds: below two there would be no wait at all.
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
_BRIEF_PAUSE = timedelta(seconds=10)
_DOUBLINGS = 7
Patience: TypeAlias = timedelta
"""How long a job waits for what has to recover before it ends with the cause."""
DEFAULT_PATIENCE: Patience = timedelta(days=1)
ENDLESS_PATIENCE: Patience = timedelta.max


@dataclass(frozen=True)
class Failure:
    """What went wrong: a stable code for machines, and a sentence that says what to do about it."""

    code: str
    message: str

    @classmethod
    def of(cls, error: AppError) -> Self:
        """The failure that an error of the app stands for."""
        return cls(error.code, str(error))

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(value["code"], value["message"])

    def to_json(self) -> Json:
        """JSON values only."""
        return {"code": self.code, "message": self.message}


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why a step cannot do its work now.

    Attributes:
        service: what has to recover, such as `embeddings`, `index` or `storage`.
        until: when the service expects to be ready again; None if it did not say.
        most_tries: how many tries in a row may end like this; None for any number.
        is_endless: whether it may last longer than the job's patience.
        is_brief: whether it is over soon, so that pauses stay short.
    """

    service: str
    until: datetime | None = None
    most_tries: int | None = None
    is_endless: bool = False
    is_brief: bool = False

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        until = value["until"]
        return cls(
            service=value["service"],
            until=datetime.fromisoformat(until) if until else None,
            most_tries=value["mostTries"],
            is_endless=value.get("endless", False),
            is_brief=value.get("brief", False),
        )

    def to_json(self) -> Json:
        """JSON values only."""
        until = self.until.isoformat() if self.until else None
        return {
            "service": self.service,
            "until": until,
            "mostTries": self.most_tries,
            "endless": self.is_endless,
            "brief": self.is_brief,
        }


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A wait for something that has to recover.

    Attributes:
        service: what is waited for.
        failure: how the last try ended; the job ends with it when its patience is over.
        since: when the first try in a row failed.
        next_try: when the work is tried again.
        tries: how many tries in a row have failed.
        most_tries: how many of the last one's kind may fail in a row; None for any number.
        of_kind: how many of the last ones in a row were of its kind.
    """

    service: str
    failure: Failure
    since: datetime
    next_try: datetime
    tries: int
    most_tries: int | None = None
    of_kind: int = 1

    @classmethod
    def after(cls, failure: Failure, trouble: Trouble, before: "Waiting | None", now: datetime) -> "Waiting":
        """The wait after one more try that ended in trouble; `before` is the wait that preceded the try."""
        tries = before.tries + 1 if before else 1
        # What another kind of trouble took, such as a long outage, is not held against this one.
        of_kind = before.of_kind + 1 if before and before.most_tries == trouble.most_tries else 1
        longest = _BRIEF_PAUSE if trouble.is_brief else _LONGEST_PAUSE
        pause = min(_FIRST_PAUSE * 2 ** min(tries - 1, _DOUBLINGS), longest)
        earliest, latest = now + pause, now + _LONGEST_PAUSE
        # A service that names a time far away may be back sooner: it is asked every few minutes all the same.
        next_try = min(max(earliest, trouble.until or earliest), latest)
        return cls(
            service=trouble.service,
            failure=failure,
            since=before.since if before else now,
            next_try=next_try,
            tries=tries,
            most_tries=trouble.most_tries,
            of_kind=of_kind,
        )

    def is_over(self, trouble: Trouble, patience: Patience) -> bool:
        """Whether the job gives up instead of waiting once more."""
        if trouble.most_tries is not None and self.of_kind >= trouble.most_tries:
            return True
        return not trouble.is_endless and self.next_try - self.since > patience

    @classmethod
    def from_json(cls, value: Json) -> "Waiting":
        """Reads what to_json wrote."""
        return cls(
            service=value["service"],
            failure=Failure(value["code"], value["message"]),
            since=datetime.fromisoformat(value["since"]),
            next_try=datetime.fromisoformat(value["nextTry"]),
            tries=value["tries"],
            most_tries=value.get("mostTries"),  # earlier releases wrote none of these two
            of_kind=value["ofKind"] if "ofKind" in value else value["tries"],
        )

    def to_json(self) -> Json:
        """JSON values only."""
        return {
            "service": self.service,
            **self.failure.to_json(),
            "since": self.since.isoformat(),
            "nextTry": self.next_try.isoformat(),
            "tries": self.tries,
            "mostTries": self.most_tries,
            "ofKind": self.of_kind,
        }
