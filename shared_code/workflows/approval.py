"""Waiting for a person: a job whose estimate is above a limit goes on when somebody approves it.

The event only says that something was decided. What was decided is written down where the first decision is
the only one, and when the time is over the job itself decides there, so that no two outcomes can meet. ADR 43
has the reasons.
"""

from dataclasses import replace

from shared_code.errors import ApprovalExpired, ApprovalRejected
from shared_code.jobs import EmbedFilesJob, Failure, OrchestrationContext, Phase, Progress, Steps
from shared_code.jobs.approval import APPROVAL_EVENT, Approval, Decision
from shared_code.jobs.durable import CANCEL_EVENT, SHORT_PAUSE, Moment
from shared_code.jobs.steps import Decided, Failed, TakeDecision
from shared_code.workflows.pauses import CANCELED, pause
from shared_code.workflows.steps import run_step


def approval(
    context: OrchestrationContext, job: EmbedFilesJob, progress: Progress
) -> Steps[Approval | Failure | None]:
    """The approval of a job that needs one, when it has it; or why it may not go on.

    Args:
        context: of the job's orchestration.
        job: what is asked for.
        progress: what the job shows, with its estimate.
    """
    cost = progress.estimate.cost if progress.estimate else 0
    rule = job.rule
    if rule.above is None or not rule.applies_to(cost):
        return None
    waits = Approval(above=rule.above, expires_at=context.current_utc_datetime + rule.period)
    awaiting = replace(progress, phase=Phase.AWAITING_APPROVAL, approval=waits)
    decided = yield from _decided(context, job, awaiting, until=waits.expires_at)
    if isinstance(decided, Failure):
        return decided
    if decided.approved:
        return replace(waits, decision=decided)
    if decided.is_expiry:
        return Failure.of(ApprovalExpired(cost, days=rule.days))
    return Failure.of(ApprovalRejected(cost, by=decided.by, comment=decided.comment))


def _decided(
    context: OrchestrationContext, job: EmbedFilesJob, awaiting: Progress, *, until: Moment
) -> Steps[Decision | Failure]:
    """Waits until there is a decision; after the last moment there is one in any case."""
    while True:
        context.set_custom_status(awaiting.to_json())
        woken = yield from pause(context, until, APPROVAL_EVENT)
        if woken == CANCEL_EVENT:
            return CANCELED
        step = TakeDecision(job_id=context.instance_id, round=job.round, expires=woken is None)
        taken = yield from run_step(context, step, Decided, progress=awaiting, patience=job.patience)
        if isinstance(taken, Failed):
            return taken.failure
        if taken.decision:
            return taken.decision
        # Somebody raised the event by hand: it may be seen again at once, and again.
        if (yield from pause(context, context.current_utc_datetime + SHORT_PAUSE)):
            return CANCELED
