"""Embedding a live event as a job: its ids, of which the job's follows, and how long it is waited for."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self

from shared_code.errors import InvalidField
from shared_code.jobs.account import Account, Budget
from shared_code.jobs.approval import NO_APPROVAL, ApprovalRule
from shared_code.jobs.compatibility import came_from_queue
from shared_code.jobs.durable import Json
from shared_code.jobs.embed_files import FIELDS as FILE_FIELDS
from shared_code.jobs.embedding_plan import EmbeddingPlan
from shared_code.jobs.failures import DEFAULT_PATIENCE
from shared_code.jobs.fields import flag, label
from shared_code.jobs.job_input import PaidJob

FIELDS = ("trackingId", "sessionId", "env", "version", "force")
# What an Azure Table takes as a key; a service gets it as a segment of a path, which "." and ".." are not.
_EVENT_KEY = re.compile(r"(?!\.{1,2}$)[^/\\#?\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,255}")
_SHORTEST_WAIT, _LONGEST_WAIT = timedelta(seconds=2), timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class EventDefaults:
    """What a live event's job is given beside its own ids.

    Attributes:
        env: for an event that names none.
        index_version: likewise.
        wait: how long an event may stay unknown before its job fails.
        plan: how its text becomes vectors.
        budgets: those of environments that have one.
        patience: how long a job waits for a service that is away.
        approval: which jobs over files wait for an approval.
    """

    env: str
    index_version: str
    wait: timedelta
    plan: EmbeddingPlan
    budgets: Mapping[str, Budget]
    patience: timedelta = DEFAULT_PATIENCE
    approval: ApprovalRule = NO_APPROVAL


@dataclass(frozen=True, kw_only=True)
class EmbedEventJob(PaidJob):
    """Embed one live event into one version of an environment's index.

    Attributes:
        force: whether it is to run again although it has completed.
        waits: the pauses between looks for an event that is not known yet.
        submission: names the request that began the job: what of the index it has paid for is known by it.
        from_queue: whether its message is gone by now, so that a failure has to leave another.
    """

    KIND: ClassVar[str] = "embed-event"

    # It runs in its own orchestration.
    lanes: ClassVar[int] = 0

    tracking_id: str
    session_id: str
    force: bool = False
    waits: tuple[timedelta, ...] = ()
    submission: str = ""
    from_queue: bool = False

    @classmethod
    def parse(cls, body: Any, defaults: EventDefaults) -> Self:
        """Reads a request's JSON body, or a message's.

        Raises:
            InvalidField: a field is missing, unknown or malformed; the first one is named.
        """
        if not isinstance(body, dict):
            raise InvalidField("body", "send a JSON object with trackingId and sessionId")
        for name in body:
            if name in FILE_FIELDS and name not in FIELDS:
                raise InvalidField(name, "for jobs over files only: send this or trackingId, not both")
            if name not in FIELDS:
                raise InvalidField(name, f"unknown; use {', '.join(FIELDS)}")
        env = label(body.get("env", defaults.env), "env")
        return cls(
            tracking_id=_event_key(body, "trackingId"),
            session_id=_event_key(body, "sessionId"),
            env=env,
            index_version=label(body.get("version", defaults.index_version), "version"),
            plan=defaults.plan,
            budget=defaults.budgets.get(env),
            force=flag(body, "force"),
            waits=_waits(defaults.wait),
            patience=defaults.patience,
        )

    @property
    def id(self) -> str:
        """The job's id, which follows from the tracking id: an event that comes twice finds its job."""
        identity = json.dumps((self.env, self.index_version, self.tracking_id)).encode()
        return hashlib.blake2b(identity, digest_size=16, person=b"event").hexdigest()

    @property
    def account(self) -> Account:
        """Where the job's spending is added up."""
        return Account(env=self.env, price=self.plan.price, budget=self.budget)

    @property
    def request(self) -> tuple[str, str, str, str]:
        """What the client asked for."""
        return self.env, self.index_version, self.tracking_id, self.session_id

    @property
    def message(self) -> Json:
        """The message that asks for this job."""
        force = {"force": True} if self.force else {}
        ids = {"trackingId": self.tracking_id, "sessionId": self.session_id}
        return {**ids, "env": self.env, "version": self.index_version, **force}

    def to_json(self) -> Json:
        """The orchestration's input: JSON values only."""
        return {
            **super().to_json(),
            "trackingId": self.tracking_id,
            "sessionId": self.session_id,
            "force": self.force,
            "waits": [int(wait.total_seconds()) for wait in self.waits],
            "run": self.submission,
            "fromQueue": self.from_queue,
        }

    @classmethod
    def _members(cls, value: Json) -> dict[str, Any]:
        return {
            **super()._members(value),
            "tracking_id": value["trackingId"],
            "session_id": value["sessionId"],
            "force": value["force"],
            "waits": tuple(timedelta(seconds=wait) for wait in value["waits"]),
            "submission": value["run"],
            "from_queue": came_from_queue(value),
        }


def _event_key(body: Mapping[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not _EVENT_KEY.fullmatch(value):
        raise InvalidField(
            field, "use 1 to 255 characters, none of them a control character or one of / \\ # ?"
        )
    return value


def _waits(total: timedelta) -> tuple[timedelta, ...]:
    """Pauses that double up to a limit; whole seconds and none below two, which timers would pass over."""
    waits: list[timedelta] = []
    pause, left = _SHORTEST_WAIT, total
    while left >= _SHORTEST_WAIT:
        # What would be left over for a last pause is waited with this one, if it is too short for a timer.
        waits.append(pause if left - pause >= _SHORTEST_WAIT else left)
        left -= waits[-1]
        pause = min(2 * pause, _LONGEST_WAIT)
    return tuple(waits)
