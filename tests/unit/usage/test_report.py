"""What clients read of an environment's usage, and how the months are found."""

from datetime import UTC, datetime

import pytest

from shared_code.errors import HostUnavailable
from shared_code.jobs import COST_UNIT, Budget
from shared_code.usage.month import MonthUsage
from shared_code.usage.report import read_usage
from tests.support.durable_host_fake import FakeHost

SOME = MonthUsage(tokens=1_500, requests=3, cost=30_000_000, opened=9, meters={"9": [5, 1, 100]})
LAST_OF_MARCH = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)


async def report(host: FakeHost, budget: Budget | None = None, *, now: datetime = LAST_OF_MARCH):
    return await read_usage(host, "prod", budget, clock=lambda: now)


async def test_months_with_usage_are_listed_from_the_newest():
    months = ("2026-03", "2026-02", "2025-04")
    host = FakeHost(entities={f"prod:{month}": SOME.to_json() for month in months})
    assert (await report(host))["months"] == [
        {"month": month, "tokens": 1_500, "requests": 3, "cost": 0.00003} for month in months
    ]


async def test_thirteenth_month_and_other_environments_are_not_listed():
    host = FakeHost(entities={key: SOME.to_json() for key in ("prod:2025-03", "dev:2026-03")})
    assert await report(host) == {"env": "prod", "months": [], "budget": None}


async def test_entity_without_a_state_counts_as_nothing():
    assert (await report(FakeHost(entities={"prod:2026-03": None})))["months"] == []


async def test_budget_tells_what_is_left_and_until_when():
    spent = MonthUsage(tokens=1, cost=COST_UNIT // 4)
    host = FakeHost(entities={"prod:2026-03": spent.to_json()})
    assert (await report(host, Budget(amount=2, recheck_seconds=60)))["budget"] == {
        "month": "2026-03",
        "amount": 2,
        "spent": 0.25,
        "reserved": 0,
        "left": 1.75,
        "renewsAt": "2026-04-01T00:00:00Z",
    }


async def test_silent_host_is_unavailable_and_not_an_empty_usage():
    with pytest.raises(HostUnavailable):
        await report(FakeHost(broken=RuntimeError("500")))
