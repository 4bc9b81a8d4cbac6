"""The steps of a job over files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from shared_code.jobs.durable import Counts, Json
from shared_code.jobs.embed_files import EmbedFilesJob
from shared_code.jobs.steps.paid_page import PaidPage


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
class EmbedPage(PaidPage):
    """Bring one staged page of files into the index."""

    KIND: ClassVar[str] = "embed-files"
    NAME: ClassVar[str] = "embed-page"
    FAILED: ClassVar[Counts] = {}
    activity: ClassVar[str] = "embed-file-activity"

    job: EmbedFilesJob
    tokens: int | None = None

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what to_json wrote; jobs that began before pages had grants say neither tokens nor paid."""
        return cls(
            job_id=value["jobId"],
            job=EmbedFilesJob.from_json(value["job"]),
            page=value["page"],
            tokens=value.get("tokens"),
            paid=value.get("paid", {}),
            tallies=value.get("tallies", {}),
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
