"""Embedding one live event: its details are fetched, then embedded and written.

An event may come before its details: the look-up is repeated after durable timers, whose lengths are in the
job's input. At its environment's budget the job is held before it does anything. The text itself does not
travel through here.
"""

from collections.abc import Generator
from typing import Any

from shared_code.jobs import EmbedEventJob, JobFailed
from shared_code.usage.metering import HELD, held, held_status, spent
from shared_code.workflows.fan_out import Totals, run_step

FETCH_EVENT = "fetch-event-activity"
EMBED_EVENT = "embed-event-activity"
# What may be otherwise after a while; by their names, since a failure crosses the history as a value.
_PASSING = {"EventNotFound", "EventsUnavailable"}


def embed_event(context: Any, job: EmbedEventJob) -> Generator[Any, Any, dict[str, Any] | None]:
    """Embeds the job's event.

    Raises:
        JobFailed: a step failed; the custom status, which outlives the failure, tells the client why.
    """
    begun = context.get_input()
    # A generation begins without a custom status, and the status route reads it meanwhile.
    status = {"phase": "fetching", "total": 1}
    context.set_custom_status(held_status(status, begun.get(HELD)))
    if reason := (yield from held(context, job.account, status=status)):
        context.continue_as_new({**begun, HELD: reason})
        return None
    payload = {"jobId": context.instance_id, "job": job.to_json()}
    step = yield from _fetch(context, job, payload)
    if step["ok"]:
        _report(context, "embedding")
        step = yield from run_step(context, EMBED_EVENT, payload)
    return (yield from _end(context, job, step))


def _fetch(context: Any, job: EmbedEventJob, payload: dict[str, Any]) -> Generator[Any, Any, dict[str, Any]]:
    fetched = yield from run_step(context, FETCH_EVENT, payload)
    for wait in job.waits:
        if fetched["ok"] or fetched["error"]["code"] not in _PASSING:
            break
        _report(context, "waiting")
        yield context.create_timer(context.current_utc_datetime + wait)
        fetched = yield from run_step(context, FETCH_EVENT, payload)
    return fetched


def _end(context: Any, job: EmbedEventJob, step: dict[str, Any]) -> Generator[Any, Any, dict[str, Any]]:
    if not step["ok"]:
        _report(context, "failed", Totals.of(step))
        raise JobFailed(**step["error"])
    counts = step["counts"]
    yield from spent(context, job.account, counts)
    _report(context, "done", Totals.of(step))
    return {
        "trackingId": job.tracking_id,
        "sessionId": job.session_id,
        "documents": counts["documents"],
        "embedded": counts["embedded"],
        "tokens": counts["tokens"],
        "requests": counts["requests"],
        "cost": job.plan.cost(counts["tokens"]),
    }


def _report(context: Any, phase: str, totals: Totals = Totals()) -> None:  # noqa: B008 - it is never changed
    context.set_custom_status({"phase": phase, "total": 1, **totals.progress()})
