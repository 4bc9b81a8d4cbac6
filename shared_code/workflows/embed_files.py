"""Embedding every file below a blob path: list, estimate, embed page by page, delete what is gone.

Names do not travel through here: a listing stages them as numbered pages, and activities get the numbers.
A file that cannot be embedded is an entry of the ledger; the job fails only for what stops all of its files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from shared_code.jobs import (
    EmbedFilesJob,
    Estimate,
    Failure,
    JobFailed,
    Json,
    LedgerEntry,
    OrchestrationContext,
    Phase,
    Progress,
    Steps,
    Totals,
    whole_ledger,
)
from shared_code.jobs.approval import Approval
from shared_code.jobs.ledger import LISTING_SHRANK
from shared_code.jobs.steps import (
    DeleteStale,
    EmbedPage,
    Failed,
    ListFiles,
    PartListed,
)
from shared_code.usage.metering import budget_left
from shared_code.workflows.approval import approval
from shared_code.workflows.canceling import discard_staged, show_canceled
from shared_code.workflows.fan_out import LaneStep, fan_out
from shared_code.workflows.steps import run_step

_SUMS = (
    "files", "unchanged", "size", "tokens", "pages", "known", "vanished", "stale_pages", "vanished_itself",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What has been listed so far.

    Attributes:
        found: the sums of all parts; its marker says where the next part begins.
        budget_left: what the environment may still spend; None without a limit.
        approval: of a job that needs one.
        error: why the listing could not go on.
    """

    found: PartListed = field(default_factory=PartListed)
    budget_left: float | None = None
    approval: Approval | None = None
    error: Failure | None = None

    def extended(self, part: PartListed) -> "Listing":
        """The listing with its next part."""
        sums = {name: getattr(self.found, name) + getattr(part, name) for name in _SUMS}
        page_tokens = self.found.page_tokens + part.page_tokens
        return replace(self, found=PartListed(**sums, page_tokens=page_tokens, marker=part.marker))

    def has_shrunk(self, job: EmbedFilesJob) -> bool:
        """Whether more of the known sources are gone than may be believed; not so for a path of one file."""
        vanished = self.found.vanished - self.found.vanished_itself
        known = self.found.known - self.found.vanished_itself
        return not job.allow_shrink and vanished > job.plan.shrink_limit * known


@dataclass(frozen=True, kw_only=True)
class FilesEmbedded:
    """What a job, or a round of a watch, has done.

    Attributes:
        result: as the client gets it.
        is_canceled: whether it ended before it was done, or a cancel came just then.
    """

    result: Json
    is_canceled: bool


def embed_files(context: OrchestrationContext, job: EmbedFilesJob) -> Steps[FilesEmbedded]:
    """Brings the index in line with the files of the job's path.

    Raises:
        JobFailed: the path, a setting or a service stopped the job; the custom status says why.
    """
    listing = yield from _list(context, job)
    if job.budget:
        listing = replace(listing, budget_left=(yield from budget_left(context, job.env)))
    if job.dry_run or listing.error:
        return (yield from _end(context, job, listing, Totals(error=listing.error)))
    approved = yield from approval(context, job, _progress(job, Phase.LISTING, listing, Totals()))
    if isinstance(approved, Failure):
        return (yield from _end(context, job, listing, Totals(error=approved)))
    listing = replace(listing, approval=approved)
    _report(context, job, Phase.EMBEDDING, listing, Totals(), lanes=job.lanes)
    pages = list(_pages(context, job, listing.found))
    embedded = yield from _in_lanes(context, job, pages, spends=True)
    deleted = yield from _delete_vanished(context, job, listing, embedded)
    return (yield from _end(context, job, listing, embedded + deleted))


def _list(context: OrchestrationContext, job: EmbedFilesJob) -> Steps[Listing]:
    """Lists in parts that each take an activity's time at most; a part names the marker of the next."""
    listing = Listing()
    while True:
        progress = _report(context, job, Phase.LISTING, listing, Totals())
        found = listing.found
        step = ListFiles(
            job_id=context.instance_id,
            job=job,
            marker=found.marker,
            first_page=found.pages,
            first_stale_page=found.stale_pages,
        )
        part = yield from run_step(context, step, PartListed, progress=progress, patience=job.patience)
        if isinstance(part, Failed):
            return replace(listing, error=part.failure)
        listing = listing.extended(part)
        if part.marker is None:
            found = listing.found
            return listing if found.files or found.known else replace(listing, error=_nothing_found(job))


def _pages(context: OrchestrationContext, job: EmbedFilesJob, found: PartListed) -> Iterator[EmbedPage]:
    """The pages to embed; a listing that an earlier release began does not tell the tokens of each."""
    tokens: Sequence[int | None] = found.page_tokens
    if len(tokens) != found.pages:
        tokens = [None] * found.pages
    for page, needed in enumerate(tokens):
        yield EmbedPage(job_id=context.instance_id, job=job, page=page, tokens=needed)


def _delete_vanished(
    context: OrchestrationContext, job: EmbedFilesJob, listing: Listing, embedded: Totals
) -> Steps[Totals]:
    """Deletes what is gone, unless the job has failed or more is gone than can be meant."""
    if embedded.error or not listing.found.vanished or listing.has_shrunk(job):
        return Totals()
    # These lanes have the ids of the ones before, whose counts are in the totals already.
    _report(context, job, Phase.DELETING, listing, embedded)
    pages = range(listing.found.stale_pages)
    steps = [DeleteStale(job_id=context.instance_id, job=job, page=page) for page in pages]
    return (yield from _in_lanes(context, job, steps, spends=False))


def _in_lanes(
    context: OrchestrationContext, job: EmbedFilesJob, steps: Sequence[LaneStep], *, spends: bool
) -> Steps[Totals]:
    return (
        yield from fan_out(
            context,
            steps,
            lanes=job.lanes,
            wave_size=job.wave_size,
            patience=job.patience,
            account=job.account if spends else None,
        )
    )


def _end(
    context: OrchestrationContext, job: EmbedFilesJob, listing: Listing, totals: Totals
) -> Steps[FilesEmbedded]:
    progress = _progress(job, Phase.LISTING if job.dry_run else Phase.EMBEDDING, listing, totals)
    by = yield from discard_staged(context, job, totals.error, progress, closes=job.watch is None)
    if by:
        show_canceled(context, _progress(job, Phase.CANCELED, listing, totals), by)
        return FilesEmbedded(result=_result(context, job, listing, totals), is_canceled=True)
    if totals.error:
        _report(context, job, Phase.FAILED, listing, totals)
        raise JobFailed(totals.error)
    _report(context, job, Phase.ESTIMATED if job.dry_run else Phase.DONE, listing, totals)
    return FilesEmbedded(result=_result(context, job, listing, totals), is_canceled=False)


def _result(context: OrchestrationContext, job: EmbedFilesJob, listing: Listing, totals: Totals) -> Json:
    counts = totals.counts
    tokens = counts.get("tokens", 0)
    return {
        "files": listing.found.files,
        "embedded": counts.get("completed", 0),
        "unchanged": listing.found.unchanged + counts.get("skipped", 0),
        "failed": counts.get("failed", 0),
        "deleted": counts.get("deleted", 0),
        "chunks": counts.get("chunks", 0),
        "tokens": tokens,
        "requests": counts.get("requests", 0),
        "cost": job.plan.cost(tokens),
        **_ledger(context, job, listing, totals),
    }


def _ledger(context: OrchestrationContext, job: EmbedFilesJob, listing: Listing, totals: Totals) -> Json:
    """What concerns the whole path comes first; of what concerns single files, only the first is in here."""
    shrunk = [_shrunk(job, listing)] if listing.has_shrunk(job) else []
    entries = totals.counts.get("failed", 0) + totals.counts.get("notes", 0)
    is_cut = entries > len(totals.ledger)
    whole = {"wholeLedger": whole_ledger(context.instance_id)} if is_cut else {}
    return {"ledger": [entry.to_json() for entry in (*shrunk, *totals.ledger)], **whole}


def _report(
    context: OrchestrationContext,
    job: EmbedFilesJob,
    phase: Phase,
    listing: Listing,
    totals: Totals,
    *,
    lanes: int = 0,
) -> Progress:
    progress = _progress(job, phase, listing, totals, lanes=lanes)
    context.set_custom_status(progress.to_json())
    return progress


def _progress(
    job: EmbedFilesJob, phase: Phase, listing: Listing, totals: Totals, *, lanes: int = 0
) -> Progress:
    found = listing.found
    estimate = Estimate(
        files=found.files - found.unchanged,
        size=found.size,
        tokens=found.tokens,
        cost=job.plan.cost(found.tokens),
        budget_left=listing.budget_left,
    )
    counted = totals + Totals(counts={"skipped": found.unchanged})
    return Progress(
        phase=phase,
        total=found.files,
        lanes=lanes,
        counts=counted.counts,
        error=counted.error,
        estimate=estimate,
        approval=listing.approval,
        watch=job.watch,
    )


def _nothing_found(job: EmbedFilesJob) -> Failure:
    """A path that was mistyped looks like this; one whose files are gone is known to the index."""
    return Failure(
        "NothingFound",
        f"There is no file at {job.files_path} or below it, and the index knows of none: "
        "check filesPath, capital letters too, or put files there first.",
    )


def _shrunk(job: EmbedFilesJob, listing: Listing) -> LedgerEntry:
    share = f"{listing.found.vanished} of {listing.found.known} sources below {job.files_path} are gone"
    message = (
        f"{share}, more than a share of {job.plan.shrink_limit:g}: nothing was deleted. If they are meant to "
        'be gone, submit the job again with "allowShrink": true, or raise SHRINK_LIMIT.'
    )
    return LedgerEntry(job.files_path, LISTING_SHRANK, message)
