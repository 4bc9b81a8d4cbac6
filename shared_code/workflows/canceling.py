"""How a job ends that its client cancelled: nothing runs any more, what it staged goes, and it says who."""

from dataclasses import replace

from shared_code.jobs import Failure, OrchestrationContext, Phase, Progress, Steps
from shared_code.jobs.compatibility import discard_activity
from shared_code.jobs.steps import Discarded, DiscardStaged
from shared_code.workflows.attempts import attempt
from shared_code.workflows.pauses import CANCELED

# Where storage cannot say.
_SOMEBODY = "unknown"


def is_cancel(failure: Failure | None) -> bool:
    """Whether a job ends because its client wants it to."""
    return failure is not None and failure.code == CANCELED.code


def discard_staged(
    context: OrchestrationContext, kind: str, version: int, failure: Failure | None, *, closes: bool = True
) -> Steps[str | None]:
    """Discards what a job has staged that has done its work, with a failure or without.

    Args:
        context: of the job's orchestration.
        kind: of the job.
        version: of the job.
        failure: what stopped it.
        closes: whether the job ends now, so that a cancel comes too late; not so after a round of a watch.

    Returns:
        Who had it end; None if nobody had, until now.
    """
    activity = discard_activity(kind, version)
    step = DiscardStaged(job_id=context.instance_id, KIND=kind, activity=activity, closes=closes)
    discarded = yield from attempt(context, step, Discarded)
    by = discarded.canceled_by if isinstance(discarded, Discarded) else None
    return by or (_SOMEBODY if is_cancel(failure) else None)


def show_canceled(context: OrchestrationContext, progress: Progress, by: str | None) -> None:
    """Shows who had the job end, and how far it came."""
    ended = replace(progress, phase=Phase.CANCELED, lanes=0, error=None, canceled_by=by)
    context.set_custom_status(ended.to_json())
