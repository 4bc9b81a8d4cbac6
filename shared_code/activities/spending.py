"""Activities that spend: what they spent is counted, also where their workflow was ended meanwhile."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from shared_code.activities.failures import Stopped
from shared_code.activities.results import StepResult, answer
from shared_code.activities.stopping import JobLife
from shared_code.api.job_instances import lane_of_page, require_running, was_ended
from shared_code.clients.composition import Clients
from shared_code.errors import HostUnavailable
from shared_code.files.spending import PageSpending
from shared_code.jobs import Account, Counts, DurableClient, Json, spending_of
from shared_code.jobs.steps import AskQuestions, EmbedEvent, EmbedPage, PaidPage
from shared_code.telemetry import log_event
from shared_code.usage.report import report_unheard

Page = TypeVar("Page", EmbedPage, AskQuestions)
Result = TypeVar("Result")


async def spends_on_page(
    clients: Clients,
    kind: type[Page],
    payload: Json,
    work: Callable[[Clients, Page], Awaitable[StepResult]],
    host: DurableClient,
) -> Json:
    """Runs the step of a page; if its lane was ended by itself, usage hears from here what it spent."""
    value = await answer(clients, kind, payload, work)
    if spent := spending_of(value["counts"]):
        step = kind.from_json(payload)
        await _report_if_unheard(host, lane_of_page(step), step.job.account, spent)
    return value


async def pay_for_page(
    clients: Clients,
    step: PaidPage,
    host: DurableClient,
    work: Callable[[PageSpending, JobLife], Coroutine[Any, Any, Result]],
) -> tuple[Result, PageSpending]:
    """Does the work of a page with a tally of its own, which is closed then.

    Raises:
        Stopped: something stopped the work, the job's end too; with what was spent until then.
    """
    life = JobLife(clients, step.job_id)
    spending = await PageSpending.begin(clients.jobs_container, step, require_wanted=life.require)
    try:
        await require_running(host, step.job_id)
        result = await life.unless_over(partial(work, spending, life), has_paid=spending.is_under_way)
    except Exception as error:
        await spending.close()
        raise Stopped(error, spending.counts, spending.unwritten) from error
    await spending.close()
    return result, spending


async def spends_on_event(
    clients: Clients,
    payload: Json,
    work: Callable[[Clients, EmbedEvent], Awaitable[StepResult]],
    host: DurableClient,
) -> Json:
    """Runs the step of an event; its job tells what all tries have spent when it is done, if it still can."""
    value = await answer(clients, EmbedEvent, payload, work)
    if spent := spending_of(value["counts"]):
        step = EmbedEvent.from_json(payload)
        await _report_if_unheard(host, step.job_id, step.job.account, Counter(spent) + Counter(step.paid))
    return value


async def _report_if_unheard(
    host: DurableClient, instance_id: str, account: Account | None, counts: Counts
) -> None:
    if not account or not await was_ended(host, instance_id):
        return
    tokens = counts.get("tokens", 0)
    try:
        await report_unheard(host, account, counts)
    except HostUnavailable:
        log_event("spending.uncounted", level=logging.ERROR, env=account.env, tokens=tokens)
    else:
        log_event("spending.unheard", env=account.env, tokens=tokens)
