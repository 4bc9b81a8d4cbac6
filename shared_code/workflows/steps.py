"""Running one step of a job: again after a while, with durable timers, where what stopped it passes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, Self, TypeVar

from azure.durable_functions import RetryOptions

from shared_code.jobs import (
    Failure,
    Json,
    OrchestrationContext,
    Patience,
    Progress,
    Step,
    Steps,
    Trouble,
    Waiting,
)
from shared_code.jobs.steps import Failed

# Storage timers are cut to whole seconds: below two seconds there would be no wait at all.
RETRY = RetryOptions(first_retry_interval_in_milliseconds=5_000, max_number_of_attempts=3)
# Activities answer whatever they raise, so what is raised is the host's: it lost its worker or went past its
# time. The text stays in the host's log, since it carries paths and stack traces.
INTERRUPTED = Failed(
    failure=Failure(
        "StepInterrupted",
        "The host ended a step of the job before it had an answer: see the host's log, then submit the job "
        "again.",
    ),
    trouble=Trouble(service="host"),
)


class Answer(Protocol):
    """What an activity answers."""

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Reads what the activity wrote."""


AnyAnswer = TypeVar("AnyAnswer", bound=Answer)


def run_step(
    context: OrchestrationContext,
    step: Step,
    answer: type[AnyAnswer],
    *,
    progress: Progress,
    patience: Patience,
    after: Callable[[Failed], Step] | None = None,
) -> Steps[AnyAnswer | Failed]:
    """Runs one activity until it has an answer, it has failed for good, or patience is over.

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
        yield from wait(context, waiting, progress)
        context.set_custom_status(progress.to_json())


def attempt(context: OrchestrationContext, step: Step, answer: type[AnyAnswer]) -> Steps[AnyAnswer | Failed]:
    """Runs one activity; what stopped it is a value."""
    task = context.call_activity_with_retry(step.activity, RETRY, step.to_json())
    return (yield from answer_of(task, answer))


def answer_of(task: Any, answer: type[AnyAnswer]) -> Steps[AnyAnswer | Failed]:
    """Waits for an activity."""
    try:
        result: Json = yield task
    except Exception:  # noqa: BLE001 - the SDK raises a bare Exception, whose text is not for the public
        return INTERRUPTED
    return read_answer(result, answer)


def read_answer(result: Json, answer: type[AnyAnswer]) -> AnyAnswer | Failed:
    """What an activity answered."""
    return answer.from_json(result) if result["ok"] else Failed.from_json(result)


def wait(context: OrchestrationContext, waiting: Waiting, progress: Progress) -> Steps[None]:
    """Waits until the next try, and shows for what."""
    context.set_custom_status(replace(progress, waiting=waiting).to_json())
    yield context.create_timer(waiting.next_try)
