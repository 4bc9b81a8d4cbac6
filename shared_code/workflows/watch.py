"""Embedding a path once, or again and again, each round with a history of its own.

A round waits for what passes, as any job does. What ends any other job ends a round: the status tells it,
and the next round tries again. ADR 44 has the reasons.
"""

from shared_code.jobs import (
    EmbedFilesJob,
    Failure,
    JobFailed,
    Json,
    OrchestrationContext,
    Phase,
    Progress,
    Steps,
)
from shared_code.jobs.watch import Round, Watch
from shared_code.workflows.canceling import discard_staged, show_canceled
from shared_code.workflows.embed_files import embed_files
from shared_code.workflows.pauses import CANCELED, pause

_COUNTS = (
    "files", "embedded", "unchanged", "failed", "deleted", "chunks", "tokens", "requests", "cost",
)  # fmt: skip


def embed_path(context: OrchestrationContext, job: EmbedFilesJob) -> Steps[Json | None]:
    """Brings the index in line with the job's path; a watch goes on until it is cancelled.

    Raises:
        JobFailed: the path, a setting or a service stopped a job that is not a watch.
    """
    if job.watch:
        return (yield from _round(context, job, job.watch))
    outcome = yield from embed_files(context, job)
    return outcome.result


def _round(context: OrchestrationContext, job: EmbedFilesJob, watch: Watch) -> Steps[Json | None]:
    error = None
    result: Json = {}
    try:
        outcome = yield from embed_files(context, job)
    except JobFailed as failed:
        error = failed.failure
    else:
        result = outcome.result
        if outcome.is_canceled:
            return {**result, "rounds": watch.round}
    return (yield from _between(context, job, watch.after(_ended(context, watch, result, error))))


def _ended(context: OrchestrationContext, watch: Watch, result: Json, error: Failure | None) -> Round:
    counts = {name: result[name] for name in _COUNTS if name in result}
    return Round(number=watch.round, ended_at=context.current_utc_datetime, counts=counts, error=error)


def _between(context: OrchestrationContext, job: EmbedFilesJob, watch: Watch) -> Steps[Json | None]:
    """Waits for the next round; a watch that is cancelled meanwhile returns what its last one did."""
    progress = _idle(watch)
    context.set_custom_status(progress.to_json())
    if watch.next_at and (yield from pause(context, watch.next_at)):
        by = yield from discard_staged(context, job, CANCELED, progress)
        show_canceled(context, progress, by)
        return {**(watch.last.counts if watch.last else {}), "rounds": watch.round - 1}
    # What else is in the input, such as when the job was submitted, is kept.
    context.continue_as_new({**context.get_input(), "watch": watch.begun().to_json()})
    return None


def _idle(watch: Watch) -> Progress:
    counts = watch.last.counts if watch.last else {}
    done = {"completed": "embedded", "failed": "failed", "skipped": "unchanged"}
    return Progress(
        phase=Phase.WATCHING,
        total=int(counts.get("files", 0)),
        counts={name: int(counts.get(count, 0)) for name, count in done.items()},
        watch=watch,
    )
