"""Running one step of a job: again after a while, with durable timers, where what stopped it passes."""

from collections.abc import Callable
from dataclasses import replace

from shared_code.jobs import OrchestrationContext, Patience, Progress, Step, Steps, Waiting
from shared_code.jobs.steps import Failed
from shared_code.workflows.attempts import AnyAnswer, attempt
from shared_code.workflows.pauses import CANCELED, wait


def run_step(
    context: OrchestrationContext,
    step: Step,
    answer: type[AnyAnswer],
    *,
    progress: Progress,
    patience: Patience,
    after: Callable[[Failed], Step] | None = None,
) -> Steps[AnyAnswer | Failed]:
    """Runs one activity until it has an answer, it has failed for good, patience is over, or it is cancelled.

    Args:
        context: of the job's orchestration.
        step: what the activity is to do.
        answer: the class of what it answers.
        progress: what the job shows meanwhile; while it waits, with the reason.
        patience: how long to go on trying.
        after: the step that is tried next, where it has to know how the last try ended.
    """
    waiting = None
    while True:
        result = yield from attempt(context, step, answer)
        if not isinstance(result, Failed) or not result.trouble:
            return result
        waiting = Waiting.after(result.failure, result.trouble, waiting, context.current_utc_datetime)
        if waiting.is_over(result.trouble, patience):
            return replace(result, trouble=None)
        step = after(result) if after else step
        if (yield from wait(context, waiting, progress)):
            return Failed(failure=CANCELED)
        context.set_custom_status(progress.to_json())
