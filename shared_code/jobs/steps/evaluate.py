"""The steps of an evaluation."""

from dataclasses import dataclass
from typing import ClassVar, Self

from shared_code.jobs.durable import Counts, Json
from shared_code.jobs.evaluate import EvaluateJob
from shared_code.jobs.evaluation import Miss, Quality
from shared_code.jobs.steps.paid_page import PaidPage


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
class AskQuestions(PaidPage):
    """Ask one staged page of golden questions, and stage what was found."""

    KIND: ClassVar[str] = "evaluate"
    NAME: ClassVar[str] = "ask-questions"
    FAILED: ClassVar[Counts] = {}
    activity: ClassVar[str] = "ask-questions-activity"

    job: EvaluateJob
    tokens: int

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote."""
        job = EvaluateJob.from_json(value["job"])
        own = {name: value[name] for name in cls.OWN if name in value}
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
