"""Embedding one live event: its details are fetched, then embedded and written.

An event may come before its details: the look-up is repeated after durable timers, whose lengths are in the
job's input. At its environment's budget the job is held before it spends anything. The text itself does not
travel through here.
"""

from dataclasses import replace

from shared_code.jobs import (
    ENDLESS_PATIENCE,
    Counts,
    EmbedEventJob,
    Failure,
    JobFailed,
    Json,
    OrchestrationContext,
    Phase,
    Progress,
    Steps,
    Waiting,
    spending_of,
)
from shared_code.jobs.compatibility import UNKNOWN_YET, reserves
from shared_code.jobs.steps import Done, EmbedEvent, EventFetched, Failed, FetchEvent, ItemDone, PoisonEvent
from shared_code.usage.metering import HELD, Meter, admitted, held, spent
from shared_code.workflows.canceling import discard_staged, is_cancel, show_canceled
from shared_code.workflows.pauses import CANCELED, hold, wait
from shared_code.workflows.steps import run_step

_FETCHING = Progress(phase=Phase.FETCHING, total=1)
_EMBEDDING = Progress(phase=Phase.EMBEDDING, total=1)


def embed_event(context: OrchestrationContext, job: EmbedEventJob) -> Steps[Json | None]:
    """Embeds the job's event.

    Raises:
        JobFailed: a step failed; the custom status, which outlives the failure, says why.
    """
    begun = context.get_input()
    reason = Failure.from_json(begun[HELD]) if begun.get(HELD) else None
    # A generation begins without a custom status, and the status route reads it meanwhile.
    context.set_custom_status(replace(_FETCHING, held=reason).to_json())
    if not reserves(job.version) and (reason := (yield from held(context, job.account))):
        return (yield from _held(context, job, _FETCHING, reason))
    fetched = yield from _fetch(context, job)
    if isinstance(fetched, Failed):
        return (yield from _ended_early(context, job, fetched))
    meter = Meter(account=job.account)
    if reserves(job.version) and job.budget:
        meter, reason = yield from admitted(context, meter, tokens=fetched.tokens)
        if reason:
            return (yield from _held(context, job, _EMBEDDING, reason))
    context.set_custom_status(_EMBEDDING.to_json())
    embedded = yield from _embed(context, job)
    yield from spent(context, meter, embedded.counts)
    if isinstance(embedded, Failed):
        return (yield from _ended_early(context, job, embedded))
    context.set_custom_status(Progress(phase=Phase.DONE, total=1, counts=embedded.counts).to_json())
    return _result(job, embedded.counts)


def _held(
    context: OrchestrationContext, job: EmbedEventJob, progress: Progress, reason: Failure
) -> Steps[Json | None]:
    """Waits at the budget; then the job starts again, unless it was cancelled."""
    if (yield from hold(context, job.account, progress, reason)):
        return (yield from _ended_early(context, job, Failed(failure=CANCELED)))
    context.continue_as_new({**context.get_input(), HELD: reason.to_json()})
    return None


def _embed(context: OrchestrationContext, job: EmbedEventJob) -> Steps[ItemDone | Failed]:
    """What the step answers in the end, with what all of its tries have spent."""
    step = EmbedEvent(job_id=context.instance_id, job=job)

    def next_try(answer: Failed) -> EmbedEvent:
        nonlocal step
        paid = _sum(step.paid, spending_of(answer.counts))
        tallies = {**step.tallies, **answer.tallies}
        step = replace(step, paid=paid, tallies=tallies)
        return step

    embedded = yield from run_step(
        context, step, ItemDone, progress=_EMBEDDING, patience=job.patience, after=next_try
    )
    return replace(embedded, counts=_sum(embedded.counts, step.paid))


def _sum(counts: Counts, others: Counts) -> Counts:
    return {name: counts.get(name, 0) + others.get(name, 0) for name in {**counts, **others}}


def _fetch(context: OrchestrationContext, job: EmbedEventJob) -> Steps[EventFetched | Failed]:
    step = FetchEvent(job_id=context.instance_id, job=job)
    fetched = yield from run_step(context, step, EventFetched, progress=_FETCHING, patience=job.patience)
    since = context.current_utc_datetime
    for tries, pause in enumerate(job.waits, start=1):
        if not isinstance(fetched, Failed) or fetched.failure.code not in UNKNOWN_YET:
            break
        now = context.current_utc_datetime
        waiting = Waiting(
            service="events", failure=fetched.failure, since=since, next_try=now + pause, tries=tries
        )
        if (yield from wait(context, waiting, _FETCHING)):
            return Failed(failure=CANCELED)
        fetched = yield from run_step(context, step, EventFetched, progress=_FETCHING, patience=job.patience)
    return fetched


def _result(job: EmbedEventJob, counts: Counts) -> Json:
    tokens = counts.get("tokens", 0)
    return {
        "trackingId": job.tracking_id,
        "sessionId": job.session_id,
        "documents": counts.get("documents", 0),
        "embedded": counts.get("embedded", 0),
        "tokens": tokens,
        "requests": counts.get("requests", 0),
        "cost": job.plan.cost(tokens),
    }


def _ended_early(context: OrchestrationContext, job: EmbedEventJob, step: Failed) -> Steps[Json]:
    """What was done of a job that is cancelled; of any other, the message that is gone leaves another.

    Raises:
        JobFailed: the job was not cancelled.
    """
    if is_cancel(step.failure):
        by = yield from discard_staged(context, job, step.failure, _EMBEDDING)
        show_canceled(context, Progress(total=1, counts=step.counts), by)
        return _result(job, step.counts)
    if job.from_queue:
        poison = PoisonEvent(job_id=context.instance_id, job=job)
        # Until its message is there, an event that was given up is nowhere but here.
        yield from run_step(context, poison, Done, progress=_EMBEDDING, patience=ENDLESS_PATIENCE)
    counts = {**step.counts, "failed": 1}
    progress = Progress(phase=Phase.FAILED, total=1, counts=counts, error=step.failure)
    context.set_custom_status(progress.to_json())
    raise JobFailed(step.failure)
