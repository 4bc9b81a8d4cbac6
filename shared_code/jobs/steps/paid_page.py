"""A page of a fan-out that embeds, and so spends: what it may spend, and what was counted of it before."""

from dataclasses import dataclass, field
from typing import ClassVar

from shared_code.jobs.durable import Counts, Json
from shared_code.jobs.embed_files import EmbedFilesJob
from shared_code.jobs.evaluate import EvaluateJob


@dataclass(frozen=True, kw_only=True)
class PaidPage:
    """One staged page that a step of a job pays for.

    Attributes:
        page: its number in the job.
        tokens: what it is estimated to need, or is known to lack; None in jobs of earlier releases.
        paid: what earlier answers of the page have counted as spent.
        tallies: of earlier tries, by their names, where storage could not take them.
    """

    OWN: ClassVar[tuple[str, ...]] = ("page", "tokens", "paid", "tallies")

    job_id: str
    job: EmbedFilesJob | EvaluateJob
    page: int
    tokens: int | None
    paid: Counts = field(default_factory=dict)
    tallies: Json = field(default_factory=dict)

    @property
    def grant(self) -> int | None:
        """How many tokens it may spend; None without a limit."""
        return self.tokens if self.job.budget else None

    def to_json(self) -> Json:
        """The activity's input."""
        own = {"page": self.page, "tokens": self.tokens, "paid": dict(self.paid), "tallies": self.tallies}
        return {"jobId": self.job_id, "job": self.job.to_json(), **own}
