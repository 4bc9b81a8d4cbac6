"""Embedding every file below a blob path: list, estimate, embed page by page, delete what is gone.

Names do not travel through here: a listing stages them as numbered pages, and activities get the numbers.
A file that cannot be embedded is an entry of the ledger; the job fails only for what stops all of its files.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

from shared_code.jobs import Account, EmbedFilesJob, JobFailed, whole_ledger
from shared_code.usage.metering import budget_left
from shared_code.workflows.fan_out import Totals, fan_out, run_step

LIST_FILES = "list-files-activity"
EMBED_FILE = "embed-file-activity"
DELETE_STALE = "delete-stale-activity"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What has been listed so far.

    Attributes:
        files: all files below the path.
        unchanged: those of them that are in the index as they are.
        size: bytes of the others.
        tokens: what the others are estimated to have.
        pages: staged pages of the others.
        known: sources below the path that the index holds.
        vanished: those of them that are no files any more.
        stale_pages: staged pages of the vanished ones.
        budget_left: what the environment may still spend; None without a limit.
        error: why the listing could not go on.
    """

    files: int = 0
    unchanged: int = 0
    size: int = 0
    tokens: int = 0
    pages: int = 0
    known: int = 0
    vanished: int = 0
    stale_pages: int = 0
    budget_left: float | None = None
    error: dict[str, str] | None = None

    def extended(self, part: dict[str, Any]) -> "Listing":
        """The listing with the next part; a part counts what it found under these names."""
        names = ("files", "unchanged", "size", "tokens", "pages", "known", "vanished", "stale_pages")
        return replace(self, **{name: getattr(self, name) + part[name] for name in names})

    def has_shrunk(self, limit: float) -> bool:
        """Whether more of the known sources are gone than may be believed."""
        return self.vanished > limit * self.known


def embed_files(context: Any, job: EmbedFilesJob) -> Generator[Any, Any, dict[str, Any]]:
    """Brings the index in line with the files of the job's path.

    Raises:
        JobFailed: the path, a setting or a service stopped the job; the custom status tells the client why.
    """
    common = {"jobId": context.instance_id, "job": job.to_json()}
    listing = yield from _list(context, job, common)
    if job.budget:
        listing = replace(listing, budget_left=(yield from budget_left(context, job.env)))
    if job.dry_run or listing.error:
        return (yield from _end(context, job, listing, Totals(error=listing.error)))
    _report(context, job, "embedding", listing, Totals(), lanes=job.lanes)
    embedded = yield from _for_pages(context, job, EMBED_FILE, listing.pages, common, account=job.account)
    deleted = yield from _delete_vanished(context, job, listing, embedded, common)
    return (yield from _end(context, job, listing, embedded + deleted))


def _list(context: Any, job: EmbedFilesJob, common: dict[str, Any]) -> Generator[Any, Any, Listing]:
    """Lists in parts that each take an activity's time at most; a part names the marker of the next."""
    listing, marker = Listing(), None
    while True:
        _report(context, job, "listing", listing, Totals())
        at = {"marker": marker, "firstPage": listing.pages, "firstStalePage": listing.stale_pages}
        part = yield from run_step(context, LIST_FILES, {**common, **at})
        if not part["ok"]:
            return replace(listing, error=part["error"])
        listing, marker = listing.extended(part), part["marker"]
        if marker is None:
            return listing if listing.files or listing.known else replace(listing, error=_nothing_found(job))


def _delete_vanished(
    context: Any, job: EmbedFilesJob, listing: Listing, embedded: Totals, common: dict[str, Any]
) -> Generator[Any, Any, Totals]:
    """Deletes what is gone, unless the job has failed or more is gone than can be meant."""
    if embedded.error or not listing.vanished or listing.has_shrunk(job.plan.shrink_limit):
        return Totals()
    # These lanes have the ids of the ones before, whose counts are in the totals already.
    _report(context, job, "deleting", listing, embedded)
    return (yield from _for_pages(context, job, DELETE_STALE, listing.stale_pages, common))


def _for_pages(
    context: Any,
    job: EmbedFilesJob,
    activity: str,
    pages: int,
    common: dict[str, Any],
    *,
    account: Account | None = None,
) -> Generator[Any, Any, Totals]:
    if not pages:
        return Totals()
    items = [{"page": page} for page in range(pages)]
    at_once = {"lanes": job.lanes, "page_size": job.page_size}
    return (yield from fan_out(context, activity, items, common=common, account=account, **at_once))


def _end(
    context: Any, job: EmbedFilesJob, listing: Listing, totals: Totals
) -> Generator[Any, Any, dict[str, Any]]:
    yield from run_step(context, DELETE_STALE, {"jobId": context.instance_id, "discard": True})
    if totals.error:
        _report(context, job, "failed", listing, totals)
        raise JobFailed(**totals.error)
    _report(context, job, "estimated" if job.dry_run else "done", listing, totals)
    counts = totals.counts
    tokens = counts.get("tokens", 0)
    return {
        "files": listing.files,
        "embedded": counts.get("completed", 0),
        "unchanged": listing.unchanged + counts.get("skipped", 0),
        "failed": counts.get("failed", 0),
        "deleted": counts.get("deleted", 0),
        "chunks": counts.get("chunks", 0),
        "tokens": tokens,
        "requests": counts.get("requests", 0),
        "cost": job.plan.cost(tokens),
        **_ledger(context, job, listing, totals),
    }


def _ledger(context: Any, job: EmbedFilesJob, listing: Listing, totals: Totals) -> dict[str, Any]:
    """What concerns the whole path comes first; of the files that failed, only the first ones are in here."""
    shrunk = [_shrunk(job, listing)] if listing.has_shrunk(job.plan.shrink_limit) else []
    is_cut = totals.counts.get("failed", 0) > len(totals.ledger)
    whole = {"wholeLedger": whole_ledger(context.instance_id)} if is_cut else {}
    return {"ledger": shrunk + totals.ledger, **whole}


def _report(
    context: Any, job: EmbedFilesJob, phase: str, listing: Listing, totals: Totals, *, lanes: int = 0
) -> None:
    progress = totals + Totals(counts={"skipped": listing.unchanged})
    estimate = {
        "files": listing.files - listing.unchanged,
        "bytes": listing.size,
        "tokens": listing.tokens,
        "cost": job.plan.cost(listing.tokens),
    }
    if listing.budget_left is not None:
        estimate["budgetLeft"] = listing.budget_left
    context.set_custom_status(
        {
            "phase": phase,
            "total": listing.files,
            "lanes": lanes,
            "estimate": estimate,
            **progress.progress(),
        }
    )


def _nothing_found(job: EmbedFilesJob) -> dict[str, str]:
    """A path that was mistyped looks like this; one whose files are gone is known to the index."""
    return {
        "code": "NothingFound",
        "message": f"There is no file at {job.files_path} or below it, and there never was: "
        "check filesPath, capital letters too, or put files there first.",
    }


def _shrunk(job: EmbedFilesJob, listing: Listing) -> dict[str, str]:
    share = f"{listing.vanished} of {listing.known} sources below {job.files_path} are gone"
    return {
        "source": job.files_path,
        "code": "ListingShrank",
        "message": f"{share}, more than a share of {job.plan.shrink_limit:g}: nothing was deleted.",
    }
