"""Waiting: a durable timer that a client ends by cancelling the job.

The event only wakes a workflow up. What was decided is known by the steps, which look it up, so that an event
that comes to nobody, as between two generations, loses nothing but time. ADR 42 has the reasons.
"""

from dataclasses import replace

from shared_code.errors import JobCanceled
from shared_code.jobs import Account, Failure, OrchestrationContext, Progress, Steps, Waiting
from shared_code.jobs.durable import CANCEL_EVENT, LONGEST_TIMER, Moment

CANCELED = Failure.of(JobCanceled())


def pause(context: OrchestrationContext, until: Moment, *events: str) -> Steps[str | None]:
    """Waits until a time; the event that ended it before, which a cancel always is."""
    while True:
        fire_at = min(until, context.current_utc_datetime + LONGEST_TIMER)
        timer = context.create_timer(fire_at)
        tasks = {name: context.wait_for_external_event(name) for name in (CANCEL_EVENT, *events)}
        first = yield context.task_any([*tasks.values(), timer])
        if first is not timer:
            timer.cancel()
            return next(name for name, task in tasks.items() if task is first)
        if fire_at == until:
            return None


def wait(context: OrchestrationContext, waiting: Waiting, progress: Progress) -> Steps[bool]:
    """Waits until the next try, and shows for what; whether the job was cancelled meanwhile."""
    context.set_custom_status(replace(progress, waiting=waiting).to_json())
    return bool((yield from pause(context, waiting.next_try)))


def hold(
    context: OrchestrationContext, account: Account | None, progress: Progress, reason: Failure
) -> Steps[bool]:
    """Waits at a budget, and shows why; whether the job was cancelled meanwhile."""
    context.set_custom_status(replace(progress, held=reason).to_json())
    now = context.current_utc_datetime
    budget = account.budget if account else None
    return bool((yield from pause(context, now + budget.recheck if budget else now)))
