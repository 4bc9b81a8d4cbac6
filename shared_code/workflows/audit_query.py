"""The audit query: windows of the table are read, each stages its distinct ids, and their union is counted.

A range of one window needs no staging: its activity returns the count.
"""

from collections.abc import Sequence

from shared_code.jobs import (
    AuditQueryJob,
    Failure,
    JobFailed,
    Json,
    OrchestrationContext,
    Phase,
    Progress,
    Steps,
    Totals,
)
from shared_code.jobs.date_range import Window
from shared_code.jobs.steps import (
    CountDistinct,
    DistinctCounted,
    Failed,
    QueryWindow,
    WindowRead,
)
from shared_code.workflows.canceling import discard_staged, is_cancel, show_canceled
from shared_code.workflows.fan_out import fan_out
from shared_code.workflows.steps import run_step


def audit_query(context: OrchestrationContext, job: AuditQueryJob) -> Steps[int | Json]:
    """Counts the distinct identification numbers of the job's dates; of a job that is cancelled, its windows.

    Raises:
        JobFailed: a step failed; the custom status, which outlives the failure, says why.
    """
    windows = job.windows()
    if len(windows) == 1:
        return (yield from _count_at_once(context, job, windows[0]))
    return (yield from _count_staged(context, job, windows))


def _count_at_once(context: OrchestrationContext, job: AuditQueryJob, window: Window) -> Steps[int | Json]:
    progress = Progress(phase=Phase.READING, total=1)
    context.set_custom_status(progress.to_json())
    step = QueryWindow(job_id=context.instance_id, window=window, stage=False)
    read = yield from run_step(context, step, WindowRead, progress=progress, patience=job.patience)
    failure, by = _failure(read), None
    if is_cancel(failure):
        by = yield from discard_staged(context, job, failure, progress)
    return _end(context, read, read.totals, total=1, canceled_by=by)


def _count_staged(
    context: OrchestrationContext, job: AuditQueryJob, windows: Sequence[Window]
) -> Steps[int | Json]:
    total = len(windows)
    _report(context, Phase.READING, Totals(), total=total, lanes=job.lanes)
    totals = yield from fan_out(
        context,
        [QueryWindow(job_id=context.instance_id, window=window, stage=True) for window in windows],
        lanes=job.lanes,
        wave_size=job.wave_size,
        patience=job.patience,
    )
    counted: DistinctCounted | Failed
    if totals.error:
        counted = Failed(failure=totals.error)
    else:
        progress = _report(context, Phase.COUNTING, totals, total=total)
        step = CountDistinct(job_id=context.instance_id, runs=total)
        counted = yield from run_step(
            context, step, DistinctCounted, progress=progress, patience=job.patience
        )
    # A step of its own after the count is recorded: a count that runs twice still finds every run.
    progress = Progress(phase=Phase.COUNTING, total=total, counts=totals.counts)
    by = yield from discard_staged(context, job, _failure(counted), progress)
    return _end(context, counted, totals, total=total, canceled_by=by)


def _end(
    context: OrchestrationContext,
    counted: WindowRead | DistinctCounted | Failed,
    totals: Totals,
    *,
    total: int,
    canceled_by: str | None,
) -> int | Json:
    if canceled_by:
        show_canceled(context, Progress(total=total, counts=totals.counts), canceled_by)
        return {"windows": total, "read": totals.counts.get("completed", 0)}
    if isinstance(counted, Failed):
        _report(context, Phase.FAILED, totals + Totals(error=counted.failure), total=total)
        raise JobFailed(counted.failure)
    _report(context, Phase.DONE, totals, total=total)
    return counted.count


def _failure(answer: WindowRead | DistinctCounted | Failed) -> Failure | None:
    return answer.failure if isinstance(answer, Failed) else None


def _report(
    context: OrchestrationContext, phase: Phase, totals: Totals, *, total: int, lanes: int = 0
) -> Progress:
    """Sets what the status route reads; the totals of running lanes are in the lanes' own statuses."""
    progress = Progress(phase=phase, total=total, lanes=lanes, counts=totals.counts, error=totals.error)
    context.set_custom_status(progress.to_json())
    return progress
