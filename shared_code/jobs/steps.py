"""The steps of jobs: what each activity gets, and what it answers; one class for either end.

An activity answers `{"ok": true, ...}`, or `{"ok": false, "error"[, "trouble", "counts"]}`, which is Failed.
Names on the wire stay as they are in histories that were recorded: a job may run across a deployment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from shared_code.jobs.approval import Decision
from shared_code.jobs.compatibility import FAILED_ITEM
from shared_code.jobs.date_range import Window
from shared_code.jobs.durable import Counts, Json
from shared_code.jobs.embed_event import EmbedEventJob
from shared_code.jobs.embed_files import EmbedFilesJob
from shared_code.jobs.evaluate import EvaluateJob
from shared_code.jobs.evaluation import Miss, Quality
from shared_code.jobs.failures import Failure, Trouble
from shared_code.jobs.progress import LedgerEntry, Totals


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A step that could not do its work.

    Attributes:
        failure: why.
        trouble: what has to recover first; None if another try cannot help.
        counts: what was done, and spent, before.
    """

    failure: Failure
    trouble: Trouble | None = None
    counts: Counts = field(default_factory=dict)

    @property
    def totals(self) -> Totals:
        """What a job has of it when it ends there."""
        return Totals(counts=self.counts, error=self.failure)

    def to_json(self) -> Json:
        """The activity's answer."""
        trouble = {"trouble": self.trouble.to_json()} if self.trouble else {}
        return {"ok": False, "error": self.failure.to_json(), "counts": dict(self.counts), **trouble}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        trouble = value.get("trouble")
        return cls(
            failure=Failure.from_json(value["error"]),
            trouble=Trouble.from_json(trouble) if trouble else None,
            counts=value.get("counts", FAILED_ITEM),
        )


@dataclass(frozen=True, kw_only=True)
class ItemDone:
    """What every step that runs in lanes answers.

    Attributes:
        counts: what it did and spent; where it `lacks` something, what it spent alone.
        ledger: what it could not do.
        lacks: how many tokens more it needs to be done; it runs again when it is granted them.
    """

    counts: Counts = field(default_factory=dict)
    ledger: tuple[LedgerEntry, ...] = ()
    lacks: int = 0

    @property
    def totals(self) -> Totals:
        """What a job has of it."""
        return Totals(counts=self.counts, ledger=self.ledger)

    def to_json(self) -> Json:
        """The activity's answer."""
        ledger = {"ledger": [entry.to_json() for entry in self.ledger]} if self.ledger else {}
        lacks = {"lacks": self.lacks} if self.lacks else {}
        return {"counts": dict(self.counts), **ledger, **lacks}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads the answer; steps that count something else beside have more members."""
        ledger = tuple(map(LedgerEntry.from_json, value.get("ledger", [])))
        return cls(counts=value.get("counts", {}), ledger=ledger, lacks=value.get("lacks", 0))


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


@dataclass(frozen=True, kw_only=True)
class DiscardStaged:
    """Discard what a job of this kind has staged."""

    NAME: ClassVar[str] = "discard"
    FAILED: ClassVar[Counts] = {}

    job_id: str
    KIND: str
    activity: str = "discard-staged-activity"

    def to_json(self) -> Json:
        """The activity's input."""
        return {"jobId": self.job_id, "kind": self.KIND, "discard": True}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote; jobs of the first version did not say their kind."""
        return cls(job_id=value["jobId"], KIND=value.get("kind", ""))


@dataclass(frozen=True, kw_only=True)
class ListFiles:
    """List a part of a job's files from a marker on, and stage what changed and what vanished.

    Attributes:
        marker: where the part before ended; None for the first part. Only the listing knows what is in it.
        first_page: the number of the first page to stage.
        first_stale_page: likewise, of vanished files.
    """

    KIND: ClassVar[str] = "embed-files"
    NAME: ClassVar[str] = "list-files"
    FAILED: ClassVar[Counts] = {}
    activity: ClassVar[str] = "list-files-activity"

    job_id: str
    job: EmbedFilesJob
    marker: Mapping[str, Any] | None
    first_page: int
    first_stale_page: int

    def to_json(self) -> Json:
        """The activity's input."""
        return {
            "jobId": self.job_id,
            "job": self.job.to_json(),
            "marker": self.marker,
            "firstPage": self.first_page,
            "firstStalePage": self.first_stale_page,
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(
            job_id=value["jobId"],
            job=EmbedFilesJob.from_json(value["job"]),
            marker=value["marker"],
            first_page=value["firstPage"],
            first_stale_page=value["firstStalePage"],
        )


@dataclass(frozen=True, kw_only=True)
class PartListed:
    """One part of a listing, counted.

    Attributes:
        files: all files in it.
        unchanged: those of them that are in the index as they are.
        size: bytes of the others.
        tokens: what the others are estimated to have.
        page_tokens: of them, what each page is estimated to have.
        pages: how many pages of the others were staged.
        known: sources that the index holds.
        vanished: those of them that are no longer files.
        stale_pages: how many pages of the vanished were staged.
        vanished_itself: whether one of the vanished is the path itself, which named a file.
        marker: where the next part begins; None after the last part.
    """

    files: int = 0
    unchanged: int = 0
    size: int = 0
    tokens: int = 0
    page_tokens: tuple[int, ...] = ()
    pages: int = 0
    known: int = 0
    vanished: int = 0
    stale_pages: int = 0
    vanished_itself: int = 0
    marker: Mapping[str, Any] | None = None

    def to_json(self) -> Json:
        """The activity's answer."""
        return {**vars(self), "page_tokens": list(self.page_tokens)}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        known = {name: value[name] for name in cls.__dataclass_fields__ if name in value}
        return cls(**{**known, "page_tokens": tuple(value.get("page_tokens", ()))})


@dataclass(frozen=True, kw_only=True)
class EmbedPage:
    """Bring one staged page of files into the index.

    Attributes:
        tokens: what the page is estimated to need, or is known to lack; None in jobs of earlier releases.
        paid: what earlier answers of the page have counted as spent.
    """

    KIND: ClassVar[str] = "embed-files"
    NAME: ClassVar[str] = "embed-page"
    FAILED: ClassVar[Counts] = {}
    OWN: ClassVar[tuple[str, ...]] = ("page", "tokens", "paid")
    activity: ClassVar[str] = "embed-file-activity"

    job_id: str
    job: EmbedFilesJob
    page: int
    tokens: int | None = None
    paid: Counts = field(default_factory=dict)

    @property
    def grant(self) -> int | None:
        """How many tokens it may spend; None without a limit."""
        return self.tokens if self.job.budget else None

    def to_json(self) -> Json:
        """The activity's input."""
        own = {"page": self.page, "tokens": self.tokens, "paid": dict(self.paid)}
        return {"jobId": self.job_id, "job": self.job.to_json(), **own}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote; jobs that began before pages had grants say neither tokens nor paid."""
        return cls(
            job_id=value["jobId"],
            job=EmbedFilesJob.from_json(value["job"]),
            page=value["page"],
            tokens=value.get("tokens"),
            paid=value.get("paid", {}),
        )


@dataclass(frozen=True, kw_only=True)
class DeleteStale:
    """Take one staged page of vanished files out of the index."""

    KIND: ClassVar[str] = "embed-files"
    NAME: ClassVar[str] = "delete-stale"
    FAILED: ClassVar[Counts] = {}
    OWN: ClassVar[tuple[str, ...]] = ("page",)
    activity: ClassVar[str] = "delete-stale-activity"

    job_id: str
    job: EmbedFilesJob
    page: int

    def to_json(self) -> Json:
        """The activity's input."""
        return {"jobId": self.job_id, "job": self.job.to_json(), "page": self.page}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(job_id=value["jobId"], job=EmbedFilesJob.from_json(value["job"]), page=value["page"])


@dataclass(frozen=True, kw_only=True)
class FetchEvent:
    """Look a live event up, and check its details."""

    KIND: ClassVar[str] = "embed-event"
    NAME: ClassVar[str] = "fetch-event"
    FAILED: ClassVar[Counts] = {}
    activity: ClassVar[str] = "fetch-event-activity"

    job_id: str
    job: EmbedEventJob

    def to_json(self) -> Json:
        """The activity's input."""
        return {"jobId": self.job_id, "job": self.job.to_json()}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(job_id=value["jobId"], job=EmbedEventJob.from_json(value["job"]))


@dataclass(frozen=True, kw_only=True)
class EmbedEvent(FetchEvent):
    """Bring a live event into the index.

    Attributes:
        paid: what earlier tries of the step have counted as spent.
        tries: how many of them have said what they spent.
    """

    NAME: ClassVar[str] = "embed-event"
    activity: ClassVar[str] = "embed-event-activity"

    paid: Counts = field(default_factory=dict)
    tries: int = 0

    def to_json(self) -> Json:
        """The activity's input."""
        own: Json = {"paid": dict(self.paid), "tries": self.tries}
        return {**super().to_json(), **{name: value for name, value in own.items() if value}}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        job = EmbedEventJob.from_json(value["job"])
        return cls(job_id=value["jobId"], job=job, paid=value.get("paid", {}), tries=value.get("tries", 0))


@dataclass(frozen=True, kw_only=True)
class EventFetched:
    """How long the text of an event is: the text itself does not travel through the history.

    Attributes:
        characters: of the text.
        tokens: that embedding it takes at most.
    """

    characters: int
    tokens: int = 0

    def to_json(self) -> Json:
        """The activity's answer."""
        return {"characters": self.characters, "tokens": self.tokens}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(characters=value["characters"], tokens=value.get("tokens", 0))


@dataclass(frozen=True, kw_only=True)
class PoisonEvent(FetchEvent):
    """Put the message of an event that could not be embedded on the poison queue."""

    NAME: ClassVar[str] = "poison-event"
    activity: ClassVar[str] = "poison-event-activity"


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


@dataclass(frozen=True, kw_only=True)
class ReadQuestions:
    """Read the golden questions of an evaluation, and stage them in pages."""

    KIND: ClassVar[str] = "evaluate"
    NAME: ClassVar[str] = "read-questions"
    FAILED: ClassVar[Counts] = {}
    activity: ClassVar[str] = "read-questions-activity"

    job_id: str
    job: EvaluateJob

    def to_json(self) -> Json:
        """The activity's input."""
        return {"jobId": self.job_id, "job": self.job.to_json()}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(job_id=value["jobId"], job=EvaluateJob.from_json(value["job"]))


@dataclass(frozen=True, kw_only=True)
class QuestionsRead:
    """How many questions there are.

    Attributes:
        questions: in all.
        digest: of what they ask for: two files with the same questions have the same.
        page_tokens: what each staged page of them takes at most.
    """

    questions: int
    digest: str
    page_tokens: tuple[int, ...]

    def to_json(self) -> Json:
        """The activity's answer."""
        return {
            "questions": self.questions, "digest": self.digest, "pageTokens": list(self.page_tokens),
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        page_tokens = tuple(value["pageTokens"])
        return cls(questions=value["questions"], digest=value["digest"], page_tokens=page_tokens)


@dataclass(frozen=True, kw_only=True)
class AskQuestions:
    """Ask one staged page of golden questions, and stage what was found.

    Attributes:
        tokens: what the page takes at most.
        paid: what earlier answers of the page have counted as spent.
    """

    KIND: ClassVar[str] = "evaluate"
    NAME: ClassVar[str] = "ask-questions"
    FAILED: ClassVar[Counts] = {}
    OWN: ClassVar[tuple[str, ...]] = ("page", "tokens", "paid")
    activity: ClassVar[str] = "ask-questions-activity"

    job_id: str
    job: EvaluateJob
    page: int
    tokens: int
    paid: Counts = field(default_factory=dict)

    @property
    def grant(self) -> int | None:
        """How many tokens it may spend; None without a limit."""
        return self.tokens if self.job.budget else None

    def to_json(self) -> Json:
        """The activity's input."""
        own = {"page": self.page, "tokens": self.tokens, "paid": dict(self.paid)}
        return {"jobId": self.job_id, "job": self.job.to_json(), **own}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        job = EvaluateJob.from_json(value["job"])
        own = {name: value[name] for name in cls.OWN}
        return cls(job_id=value["jobId"], job=job, **own)


@dataclass(frozen=True, kw_only=True)
class SumUp:
    """Make the figures of an evaluation of what was found, and keep them with the version."""

    KIND: ClassVar[str] = "evaluate"
    NAME: ClassVar[str] = "sum-up"
    FAILED: ClassVar[Counts] = {}
    activity: ClassVar[str] = "sum-up-activity"

    job_id: str
    job: EvaluateJob
    pages: int
    digest: str

    def to_json(self) -> Json:
        """The activity's input."""
        own = {"pages": self.pages, "digest": self.digest}
        return {"jobId": self.job_id, "job": self.job.to_json(), **own}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        job = EvaluateJob.from_json(value["job"])
        return cls(job_id=value["jobId"], job=job, pages=value["pages"], digest=value["digest"])


@dataclass(frozen=True, kw_only=True)
class SummedUp:
    """The figures of an evaluation.

    Attributes:
        quality: of the version.
        missed: how many questions were not answered.
        not_indexed: of them, those of which the index has none of the sources.
        misses: the first of them; all are in the job's ledger.
    """

    quality: Quality
    missed: int
    not_indexed: int
    misses: tuple[Miss, ...] = ()

    def to_json(self) -> Json:
        """The activity's answer."""
        return {
            "quality": self.quality.figures,
            "missed": self.missed,
            "notIndexed": self.not_indexed,
            "misses": [miss.to_json() for miss in self.misses],
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        return cls(
            quality=Quality.from_figures(value["quality"]),
            missed=value["missed"],
            not_indexed=value["notIndexed"],
            misses=tuple(map(Miss.from_json, value["misses"])),
        )
