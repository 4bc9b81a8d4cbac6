"""What clients ask for: the inputs of the orchestrations, their ids, and how their work is cut.

Everything a workflow needs is in here, so that a workflow reads no setting; this module does no I/O.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, ClassVar, Self
from uuid import uuid4

from shared_code.containers import CONTAINER_NAME
from shared_code.date_range import DateRange, Window
from shared_code.errors import AppError, InvalidField, InvalidIdempotencyKey, InvalidJob

ORCHESTRATOR = "orchestrator-function"

_JOB_ID = re.compile(r"[0-9a-f]{32}")
_IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,255}")

LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,30}[A-Za-z0-9])?")
LABEL_FORM = "1 to 32 letters, digits, dots, dashes or underscores"
_LONGEST_PREFIX = 900
_EMBED_FIELDS = ("env", "version", "filesPath", "dryRun")
EMBEDDING_BODY = "a JSON object with env, version and filesPath, or with trackingId and sessionId"
EVENT_FIELDS = ("trackingId", "sessionId", "env", "version", "force")
# What an Azure Table takes as a key; a service gets it as a segment of a path, which "." and ".." are not.
_EVENT_KEY = re.compile(r"(?!\.{1,2}$)[^/\\#?\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,255}")

# A price of a million tokens has six decimals at most, so that of one token is whole in these parts.
COST_UNIT = 10**12

_SMALL_RANGE_DAYS = 7
_MAX_WINDOW_DAYS = 31
# Windows, and pages of files, that one process works on at once: each is large, and keeps a core busy. More
# activities may run on a host, for live events: those are small, and wait for other services.
LARGE_STEPS_AT_ONCE = 8
_LANES = 4
_SHORTEST_WAIT, _LONGEST_WAIT = timedelta(seconds=2), timedelta(seconds=30)


class JobFailed(AppError):
    """A job ended for a known reason, which its client may read."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self._code = code

    @property
    def code(self) -> str:
        """The code of the failure that ended the job."""
        return self._code


def new_job_id() -> str:
    """An id for a job that nobody will ask for again."""
    return uuid4().hex


def keyed_job_id(idempotency_key: str) -> str:
    """The one id that follows from a client's Idempotency-Key.

    Raises:
        InvalidIdempotencyKey: the key is blank, too long or not printable ASCII.
    """
    if not idempotency_key.strip() or not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise InvalidIdempotencyKey
    return hashlib.blake2b(idempotency_key.encode(), digest_size=16, person=b"idempotency-key").hexdigest()


def is_job_id(text: str) -> bool:
    """Whether a text has the shape of a job's id; no lane, entity or foreign path has it."""
    return bool(_JOB_ID.fullmatch(text))


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What an environment may spend in a month, as it was when its job was submitted.

    Attributes:
        amount: in the currency of the price.
        recheck_seconds: after how many seconds a job that is held asks again.
    """

    amount: float
    recheck_seconds: int

    @property
    def limit(self) -> int:
        """The amount in parts, as costs are added up."""
        return _millionths(self.amount) * 1_000_000

    @property
    def recheck(self) -> timedelta:
        """How long a job that is held waits."""
        return timedelta(seconds=self.recheck_seconds)


@dataclass(frozen=True, kw_only=True)
class Account:
    """The environment whose usage a job adds to.

    Attributes:
        env: its label.
        price: of a token, in parts of which the currency has COST_UNIT: whole, so that sums are exact.
        budget: None if there is no limit.
    """

    env: str
    price: int
    budget: Budget | None

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Reads what asdict made of an account."""
        return cls(env=value["env"], price=value["price"], budget=_budget(value["budget"]))


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
        lanes = 1 if windows <= LARGE_STEPS_AT_ONCE else _LANES
        return cls(dates=dates, window_days=window_days, lanes=lanes, page_size=LARGE_STEPS_AT_ONCE // lanes)

    def windows(self) -> list[Window]:
        """The windows that together make up the range."""
        return self.dates.windows(self.window_days)

    def asks_the_same_as(self, other: "Job") -> bool:
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


@dataclass(frozen=True, kw_only=True)
class EmbeddingPlan:
    """How texts become vectors: what a job has to keep to from its first file to its last.

    Attributes:
        dimensions: of a vector; `None` for what the model gives by itself.
        chunk_tokens: the most tokens of a chunk.
        overlap_tokens: tokens that a chunk repeats of the one before it.
        price_per_million: of a million tokens, in whatever currency the setting is in.
        shrink_limit: the share of known sources that may be gone before nothing is deleted any more.
    """

    model: str
    dimensions: int | None
    chunk_tokens: int
    overlap_tokens: int
    price_per_million: float
    shrink_limit: float

    def cost(self, tokens: int) -> float:
        """What so many tokens cost."""
        return tokens * self.price / COST_UNIT

    @property
    def price(self) -> int:
        """Of a token, in parts of which the currency has COST_UNIT."""
        return _millionths(self.price_per_million)


@dataclass(frozen=True, kw_only=True)
class EmbedFilesJob:
    """Embed every file below a blob path into one version of an environment's index."""

    KIND: ClassVar[str] = "embed-files"
    VERSION: ClassVar[int] = 1

    env: str
    index_version: str
    container: str
    prefix: str
    dry_run: bool
    plan: EmbeddingPlan
    budget: Budget | None = None
    lanes: int = _LANES
    page_size: int = LARGE_STEPS_AT_ONCE // _LANES

    @classmethod
    def parse(cls, body: Any, plan: EmbeddingPlan, budgets: Mapping[str, Budget]) -> Self:
        """Reads a request's JSON body; the budgets are those of environments that have one.

        Raises:
            InvalidField: a field is missing, unknown or malformed; the first one is named.
        """
        if not isinstance(body, dict):
            raise InvalidField("body", f"send {EMBEDDING_BODY}")
        for name in body:
            if name not in _EMBED_FIELDS:
                raise InvalidField(name, f"unknown; there are {', '.join(_EMBED_FIELDS)}")
        container, prefix = _files_path(body.get("filesPath"))
        dry_run = body.get("dryRun", False)
        if not isinstance(dry_run, bool):
            raise InvalidField("dryRun", "use true or false")
        env = label(body.get("env"), "env")
        return cls(
            env=env,
            index_version=label(body.get("version"), "version"),
            container=container,
            prefix=prefix,
            dry_run=dry_run,
            plan=plan,
            budget=budgets.get(env),
        )

    @property
    def files_path(self) -> str:
        """The path as the client names it."""
        return f"{self.container}/{self.prefix}".rstrip("/")

    @property
    def account(self) -> Account | None:
        """Where the job's spending is added up; a dry run has none."""
        if self.dry_run:
            return None
        return Account(env=self.env, price=self.plan.price, budget=self.budget)

    def asks_the_same_as(self, other: "Job") -> bool:
        """Whether two jobs have the same request, whatever the settings were then."""
        return isinstance(other, EmbedFilesJob) and self.request == other.request

    @property
    def request(self) -> tuple[str, str, str, bool]:
        """What the client asked for."""
        return self.env, self.index_version, self.files_path, self.dry_run

    def to_json(self) -> dict[str, Any]:
        """The orchestration's input: JSON values only."""
        return {
            "kind": self.KIND,
            "version": self.VERSION,
            "env": self.env,
            "indexVersion": self.index_version,
            "container": self.container,
            "prefix": self.prefix,
            "dryRun": self.dry_run,
            "plan": asdict(self.plan),
            "budget": asdict(self.budget) if self.budget else None,
            "lanes": self.lanes,
            "pageSize": self.page_size,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Reads what to_json wrote."""
        return cls(
            env=value["env"],
            index_version=value["indexVersion"],
            container=value["container"],
            prefix=value["prefix"],
            dry_run=value["dryRun"],
            plan=EmbeddingPlan(**value["plan"]),
            # Jobs of the first release had none.
            budget=_budget(value.get("budget")),
            lanes=value["lanes"],
            page_size=value["pageSize"],
        )


@dataclass(frozen=True, kw_only=True)
class EventDefaults:
    """What a live event's job is given beside its own ids.

    Attributes:
        env: for an event that names none.
        index_version: likewise.
        wait: how long an event may stay unknown before its job fails.
        plan: how its text becomes vectors.
        budgets: those of environments that have one.
    """

    env: str
    index_version: str
    wait: timedelta
    plan: EmbeddingPlan
    budgets: Mapping[str, Budget]


@dataclass(frozen=True, kw_only=True)
class EmbedEventJob:
    """Embed one live event into one version of an environment's index.

    Attributes:
        force: whether it is to run again although it has completed.
        waits: the pauses between looks for an event that is not known yet.
        run: names this run of the job: what of the index it has paid for is known by it.
    """

    KIND: ClassVar[str] = "embed-event"
    VERSION: ClassVar[int] = 1

    tracking_id: str
    session_id: str
    env: str
    index_version: str
    plan: EmbeddingPlan
    budget: Budget | None = None
    force: bool = False
    waits: tuple[timedelta, ...] = ()
    run: str = ""

    @classmethod
    def parse(cls, body: Any, defaults: EventDefaults) -> Self:
        """Reads a request's JSON body, or a message's.

        Raises:
            InvalidField: a field is missing, unknown or malformed; the first one is named.
        """
        if not isinstance(body, dict):
            raise InvalidField("body", "send a JSON object with trackingId and sessionId")
        for name in body:
            if name in _EMBED_FIELDS and name not in EVENT_FIELDS:
                raise InvalidField(name, "it belongs to a job over files: send it or trackingId, not both")
            if name not in EVENT_FIELDS:
                raise InvalidField(name, f"unknown; there are {', '.join(EVENT_FIELDS)}")
        force = body.get("force", False)
        if not isinstance(force, bool):
            raise InvalidField("force", "use true or false")
        env = label(body.get("env", defaults.env), "env")
        return cls(
            tracking_id=_event_key(body, "trackingId"),
            session_id=_event_key(body, "sessionId"),
            env=env,
            index_version=label(body.get("version", defaults.index_version), "version"),
            plan=defaults.plan,
            budget=defaults.budgets.get(env),
            force=force,
            waits=_waits(defaults.wait),
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

    def asks_the_same_as(self, other: "Job") -> bool:
        """Whether two jobs mean the same event, whatever the settings were then."""
        return isinstance(other, EmbedEventJob) and self.request == other.request

    @property
    def request(self) -> tuple[str, str, str, str]:
        """What the client asked for."""
        return self.env, self.index_version, self.tracking_id, self.session_id

    def to_json(self) -> dict[str, Any]:
        """The orchestration's input: JSON values only."""
        return {
            "kind": self.KIND,
            "version": self.VERSION,
            "trackingId": self.tracking_id,
            "sessionId": self.session_id,
            "env": self.env,
            "indexVersion": self.index_version,
            "force": self.force,
            "waits": [int(wait.total_seconds()) for wait in self.waits],
            "run": self.run,
            "plan": asdict(self.plan),
            "budget": asdict(self.budget) if self.budget else None,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Reads what to_json wrote."""
        return cls(
            tracking_id=value["trackingId"],
            session_id=value["sessionId"],
            env=value["env"],
            index_version=value["indexVersion"],
            force=value["force"],
            waits=tuple(timedelta(seconds=wait) for wait in value["waits"]),
            run=value["run"],
            plan=EmbeddingPlan(**value["plan"]),
            budget=_budget(value["budget"]),
        )


def parse_embedding(body: Any, defaults: EventDefaults) -> EmbedFilesJob | EmbedEventJob:
    """Reads the JSON body of a request for either kind of embedding job.

    Raises:
        InvalidField: a field is missing, unknown or malformed; the first one is named.
    """
    if not isinstance(body, dict):
        raise InvalidField("body", f"send {EMBEDDING_BODY}")
    if body.keys() & {"trackingId", "sessionId"}:
        return EmbedEventJob.parse(body, defaults)
    return EmbedFilesJob.parse(body, defaults.plan, defaults.budgets)


def _millionths(amount: float) -> int:
    """Settings have six decimals at most, so nothing is lost."""
    return round(amount * 1_000_000)


def _budget(value: dict[str, Any] | None) -> Budget | None:
    return Budget(**value) if value else None


def label(value: Any, field: str) -> str:
    """The name of an environment or of a version, as a field of a request gives it.

    Raises:
        InvalidField: it cannot be used.
    """
    if not isinstance(value, str) or not LABEL.fullmatch(value):
        raise InvalidField(field, f"use {LABEL_FORM}")
    return value


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


def _files_path(value: Any) -> tuple[str, str]:
    if not isinstance(value, str) or "\\" in value or any(part == ".." for part in value.split("/")):
        raise InvalidField("filesPath", "use container or container/folder")
    container, _, prefix = value.strip("/").partition("/")
    if not CONTAINER_NAME.fullmatch(container):
        raise InvalidField("filesPath", f"{container!r} is no name of a container; use container/folder")
    if len(prefix) > _LONGEST_PREFIX:
        raise InvalidField("filesPath", f"use at most {_LONGEST_PREFIX} characters behind the container")
    return container, f"{prefix}/" if prefix else ""


Job = AuditQueryJob | EmbedFilesJob | EmbedEventJob
_KINDS: dict[str, type[Job]] = {kind.KIND: kind for kind in (AuditQueryJob, EmbedFilesJob, EmbedEventJob)}


def parse_job(value: Any) -> Job:
    """Reads the input of a job's orchestration.

    Raises:
        InvalidJob: the kind or the version is unknown, or a member is missing or malformed.
    """
    name = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in _KINDS:
        raise InvalidJob(f"A job's input needs a kind out of {sorted(_KINDS)}.")
    kind = _KINDS[name]
    if value.get("version") != kind.VERSION:
        raise InvalidJob(
            f"Job kind {kind.KIND}: version {value.get('version')!r} is unknown, not {kind.VERSION}."
        )
    try:
        return kind.from_json(value)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidJob(f"The input of a job of kind {kind.KIND} is malformed: {error!r}.") from error
