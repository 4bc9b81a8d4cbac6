"""How a job ends that its client cancelled: nothing runs any more, what it staged goes, and it says who."""

from dataclasses import replace

from shared_code.jobs import Failure, OrchestrationContext, Phase, Progress, Steps
from shared_code.jobs.compatibility import discard_activity
from shared_code.jobs.job_input import JobInput
from shared_code.jobs.steps import Discarded, DiscardStaged
from shared_code.workflows.attempts import attempt
from shared_code.workflows.pauses import CANCELED
from shared_code.workflows.steps import run_step

# Where storage cannot say.
_SOMEBODY = "unknown"


def is_cancel(failure: Failure | None) -> bool:
    """Whether a job ends because its client wants it to."""
    return failure is not None and failure.code == CANCELED.code


def discard_staged(
    context: OrchestrationContext,
    job: JobInput,
    failure: Failure | None,
    progress: Progress,
    *,
    closes: bool = True,
) -> Steps[str | None]:
    """Discards what a job has staged that has done its work, with a failure or without.

    A job that would end well waits until storage can say whether it was cancelled before.

    Args:
        context: of the job's orchestration.
        job: whose staged blobs go.
        failure: what stopped it.
        progress: what it shows if it waits.
        closes: whether the job ends now, so that a cancel comes too late; not so after a round of a watch.

    Returns:
        Who had it end; None if nobody had, until now.
    """
    activity = discard_activity(job.KIND, job.version)
    step = DiscardStaged(job_id=context.instance_id, KIND=job.KIND, activity=activity, closes=closes)
    if closes and not failure:
        surely = yield from run_step(context, step, Discarded, progress=progress, patience=job.patience)
        if isinstance(surely, Discarded):
            return surely.canceled_by
        failure = surely.failure  # a cancel may have ended the wait: storage can say now whose it was
    discarded = yield from attempt(context, step, Discarded)
    by = discarded.canceled_by if isinstance(discarded, Discarded) else None
    return by or (_SOMEBODY if is_cancel(failure) else None)


def show_canceled(context: OrchestrationContext, progress: Progress, by: str | None) -> None:
    """Shows who had the job end, and how far it came."""
    ended = replace(progress, phase=Phase.CANCELED, lanes=0, error=None, canceled_by=by)
    context.set_custom_status(ended.to_json())
