"""Where the whole ledger of a job is kept: its result has room for the first entries only."""

from collections.abc import Sequence
from typing import Protocol

from shared_code.jobs.progress import LedgerEntry
from shared_code.jobs.source_containers import JOBS_CONTAINER

# Of an entry that concerns the whole path; it is in the job's result alone.
LISTING_SHRANK = "ListingShrank"
# Of entries that say what was not read of a file that is embedded all the same.
NOTES = frozenset(
    {"AttachmentNotRead", "PagesWithoutText", "PartNotRead", "RecordsNotRead", "TextWithoutFont"}
)


class Ledger(Protocol):
    """The ledger of one job, kept by the pages of its files."""

    async def pages(self, *, after: int) -> Sequence[int]:
        """The numbers of the pages that have entries, in their order, after a given one."""

    async def read(self, page: int) -> Sequence[LedgerEntry]:
        """The entries of a page."""


def failed_sources(entries: Sequence[LedgerEntry]) -> list[str]:
    """The files among them that were not embedded, each once."""
    return list(dict.fromkeys(entry.source for entry in entries if entry.code not in NOTES))


def ledger_prefix(job_id: str) -> str:
    """What the names of the blobs begin with that hold a job's ledger together."""
    return f"ledger/{job_id}/"


def whole_ledger(job_id: str) -> dict[str, str]:
    """The container of those blobs, and what their names begin with."""
    return {"container": JOBS_CONTAINER, "prefix": ledger_prefix(job_id)}
