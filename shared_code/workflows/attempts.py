"""One try of one step of a job; whatever stopped it is a value."""

from typing import Any, Protocol, Self, TypeVar

from azure.durable_functions import RetryOptions

from shared_code.jobs import Failure, Json, OrchestrationContext, Step, Steps, Trouble
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
