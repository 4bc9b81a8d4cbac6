"""Waiting: a durable timer that a client ends by cancelling the job.

The event only wakes a workflow up. What was decided is known by the steps, which look it up, so that an event
that comes to nobody, as between two generations, loses nothing but time. ADR 42 has the reasons.
"""

from dataclasses import replace

from shared_code.errors import JobCanceled
from shared_code.jobs import Account, Failure, OrchestrationContext, Progress, Steps, Waiting
from shared_code.jobs.durable import CANCEL_EVENT, LONGEST_TIMER, Moment

CANCELED = Failure.of(JobCanceled())


def pause(context: OrchestrationContext, until: Moment) -> Steps[bool]:
    """Waits until a time; whether the job was cancelled before."""
    while True:
        fire_at = min(until, context.current_utc_datetime + LONGEST_TIMER)
        timer = context.create_timer(fire_at)
        canceled = context.wait_for_external_event(CANCEL_EVENT)
        first = yield context.task_any([canceled, timer])
        if first is canceled:
            timer.cancel()
            return True
        if fire_at == until:
            return False


def wait(context: OrchestrationContext, waiting: Waiting, progress: Progress) -> Steps[bool]:
    """Waits until the next try, and shows for what; whether the job was cancelled meanwhile."""
    context.set_custom_status(replace(progress, waiting=waiting).to_json())
    return (yield from pause(context, waiting.next_try))


def hold(
    context: OrchestrationContext, account: Account | None, progress: Progress, reason: Failure
) -> Steps[bool]:
    """Waits at a budget, and shows why; whether the job was cancelled meanwhile."""
    context.set_custom_status(replace(progress, held=reason).to_json())
    now = context.current_utc_datetime
    budget = account.budget if account else None
    return (yield from pause(context, now + budget.recheck if budget else now))
