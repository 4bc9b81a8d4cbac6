"""Usage by the Durable host's client: the months of an environment, and whether a job may start.

What the entity keeps is usage's to say. Workflows tell what is spent; where one was ended, this does.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from azure.durable_functions import EntityId

from shared_code.jobs import COST_UNIT, Account, Budget, Counts, DurableClient, Json, month_of, spending_of
from shared_code.jobs.host import of_host
from shared_code.usage.metering import ADD, USAGE_ENTITY, entity_key
from shared_code.usage.month import MonthUsage, beginning_of_next

MONTHS = 12


def utc_now() -> datetime:
    """The time of day that tells the month."""
    return datetime.now(UTC)


async def require_budget(
    client: DurableClient, account: Account | None, *, clock: Callable[[], datetime] = utc_now
) -> None:
    """Checks that a new job may spend something.

    Raises:
        BudgetReached: its environment has spent the month's budget.
        HostUnavailable: the host did not answer.
    """
    if account and account.budget:
        month = month_of(clock())
        usage = await _usage_of(client, account.env, month)
        usage.require_budget(account.env, month, account.budget)


async def read_usage(
    client: DurableClient, env: str, budget: Budget | None, *, clock: Callable[[], datetime] = utc_now
) -> Json:
    """The body of the answer: the months with any usage among the last twelve, the newest first.

    Raises:
        HostUnavailable: the host did not answer.
    """
    now = clock()
    months = _last_months(now)
    usages = await asyncio.gather(*(_usage_of(client, env, month) for month in months))
    return {
        "env": env,
        "months": [
            _month(month, usage)
            for month, usage in zip(months, usages, strict=True)
            if usage.tokens or usage.requests
        ],
        "budget": _budget(months[0], usages[0], budget, now.timestamp()) if budget else None,
    }


async def report_unheard(
    client: DurableClient, account: Account, counts: Counts, *, clock: Callable[[], datetime] = utc_now
) -> None:
    """Adds what a step has spent whose workflow was ended meanwhile, and hears nothing any more.

    Raises:
        HostUnavailable: the host did not answer.
    """
    spent = spending_of(counts)
    entity = EntityId(USAGE_ENTITY, entity_key(account.env, month_of(clock())))
    reading = {**spent, "cost": spent.get("tokens", 0) * account.price}
    await of_host(client.signal_entity(entity, ADD, reading))


def _last_months(now: datetime) -> list[str]:
    """This month and the ones before it."""
    months = [month_of(now)]
    beginning = now
    while len(months) < MONTHS:
        beginning = beginning.replace(day=1) - timedelta(1)
        months.append(month_of(beginning))
    return months


def _month(month: str, usage: MonthUsage) -> Json:
    estimated = {"estimated": usage.estimated} if usage.estimated else {}
    figures = {"tokens": usage.tokens, "requests": usage.requests, "cost": usage.amount}
    return {"month": month, **figures, **estimated}


def _budget(month: str, usage: MonthUsage, budget: Budget, now: float) -> Json:
    return {
        "month": month,
        "amount": budget.amount,
        "spent": usage.amount,
        "reserved": usage.reserved(now) / COST_UNIT,
        "left": usage.left(budget, now),
        "renewsAt": f"{beginning_of_next(month):%Y-%m-%dT%H:%M:%SZ}",
    }


async def _usage_of(client: DurableClient, env: str, month: str) -> MonthUsage:
    entity = await of_host(client.read_entity_state(EntityId(USAGE_ENTITY, entity_key(env, month))))
    # An entity whose first operation failed is there, without a state.
    return MonthUsage(**(entity.entity_state or {}))
