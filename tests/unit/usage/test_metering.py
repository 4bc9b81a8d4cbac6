"""Lanes with a meter: what they report to the usage entity, and how they wait for their budget."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared_code.jobs import Account, Budget
from shared_code.workflows.fan_out import fan_out
from tests.unit.workflow_driver import Driver, Numbered, UsageHost

KEY = "prod:2026-11"
BROKEN = {"code": "Broken", "message": "It broke."}
FREE = Account(env="prod", price=20_000, budget=None)
# A million tokens cost 0.02.
LIMITED = replace(FREE, budget=Budget(amount=0.02, recheck_seconds=60))


def page(_name: Any, _payload: Any) -> Any:
    return {"ok": True, "counts": {"completed": 1, "tokens": 500_000, "requests": 2}}


def run(items: int, account: Account | None, *, lanes: int = 1, answer: Any = page, **usage: Any) -> Any:
    driver = Driver(answer, usage=UsageHost(**usage))
    steps = [Numbered(n) for n in range(items)]
    totals = driver.run(
        fan_out(driver, steps, lanes=lanes, wave_size=1, patience=timedelta(hours=1), account=account)
    )
    return driver, totals


def figures(driver: Driver, key: str = KEY) -> tuple[int, int, int]:
    usage = driver.usage.months[key]
    return usage.tokens, usage.requests, usage.cost


def test_usage_is_what_the_pages_of_all_lanes_counted():
    driver, totals = run(7, FREE, lanes=3)
    assert figures(driver) == (3_500_000, 14, 3_500_000 * 20_000)
    assert totals.counts["tokens"] == 3_500_000
    assert driver.usage.months[KEY].meters == {}


def test_usage_is_current_after_every_page():
    driver, _ = run(3, FREE)
    assert [(reading["tokens"], reading["ended"]) for reading in driver.usage.readings] == [
        (500_000, False),
        (1_000_000, False),
        (1_500_000, True),
    ]


def test_lane_without_a_budget_asks_once_for_its_number():
    driver, _ = run(5, FREE)
    assert driver.usage.asked == 1


def test_work_without_an_account_is_not_metered():
    driver, _ = run(5, None)
    assert (driver.usage.asked, driver.usage.readings) == (0, [])


def test_what_a_failed_page_has_spent_is_reported_and_ends_the_meter():
    def fail(_name: Any, payload: Any) -> Any:
        return page(_name, payload) if payload["n"] else {"ok": False, "error": BROKEN}

    driver, _ = run(4, FREE, lanes=2, answer=fail)
    assert figures(driver)[0] == 1_000_000
    assert driver.usage.months[KEY].meters == {}


def test_page_is_counted_in_the_month_in_which_it_began():
    def last_minute(_name: Any, payload: Any) -> Any:
        driver.usage.now = datetime(2026, 12, 1, 0, 0, payload["n"], tzinfo=UTC)
        return page(_name, payload)

    driver = Driver(last_minute)
    work = fan_out(
        driver,
        [Numbered(n) for n in range(3)],
        lanes=1,
        wave_size=1,
        patience=timedelta(hours=1),
        account=FREE,
    )
    driver.run(work)
    assert figures(driver)[0] == 500_000
    assert figures(driver, "prod:2026-12")[0] == 1_000_000
    assert [usage.meters for usage in driver.usage.months.values()] == [{}, {}]


def test_job_is_held_before_the_page_that_follows_the_last_of_the_budget():
    waits = []

    def raise_budget(usage: UsageHost) -> None:
        waits.append((usage.now, usage.months[KEY].tokens))
        usage.environment["MONTHLY_BUDGETS"] = "prod=1" if len(waits) == 2 else "prod=0.02"

    driver, totals = run(4, LIMITED, environment={"MONTHLY_BUDGETS": "prod=0.02"}, on_timer=raise_budget)
    began = driver.usage.now - timedelta(minutes=2)
    assert waits == [(began + timedelta(minutes=n), 1_000_000) for n in (1, 2)]
    assert totals.counts["completed"] == 4
    assert figures(driver)[0] == 2_000_000


def test_held_job_says_so_and_why_until_it_goes_on():
    def raise_budget(usage: UsageHost) -> None:
        usage.environment["MONTHLY_BUDGETS"] = "prod=1"

    driver, _ = run(3, LIMITED, environment={"MONTHLY_BUDGETS": "prod=0.02"}, on_timer=raise_budget)
    statuses = driver.lanes["job:lane:0"].statuses
    held = [status.get("phase") for status in statuses]
    assert held == [None, None, None, None, None, "held", "held", None]
    assert next(status for status in statuses if "held" in status)["held"]["code"] == "BudgetReached"


def test_held_job_goes_on_when_the_month_has_changed():
    def next_month(usage: UsageHost) -> None:
        usage.now = datetime(2026, 12, 1, tzinfo=UTC)

    driver, _ = run(3, LIMITED, environment={"MONTHLY_BUDGETS": "prod=0.02"}, on_timer=next_month)
    assert figures(driver)[0] == 1_000_000
    assert figures(driver, "prod:2026-12")[0] == 500_000
    assert [usage.meters for usage in driver.usage.months.values()] == [{}, {}]


def test_job_that_may_never_begin_leaves_no_trace_in_the_usage():
    def give_way(usage: UsageHost) -> None:
        usage.environment.clear()

    driver, _ = run(1, LIMITED, environment={"MONTHLY_BUDGETS": "prod=0"}, on_timer=give_way)
    assert (driver.usage.asked, driver.usage.months[KEY].opened) == (2, 1)
