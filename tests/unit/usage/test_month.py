"""What the usage entity keeps and answers, and that a reading counts once in whatever order it comes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.errors import BudgetReached
from shared_code.jobs import Budget
from shared_code.settings import Settings
from shared_code.usage.metering import ASK, READ
from shared_code.usage.month import MonthUsage, UnknownOperation, answer, beginning_of_next

KEY = "prod:2026-11"
FREE = Settings({})
PAGES = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 50)), min_size=1, max_size=6)


def asked(usage: MonthUsage, settings: Settings = FREE, **payload: Any) -> tuple[MonthUsage, Any]:
    return answer(usage, KEY, ASK, {"meter": None, "limited": True, **payload}, settings)


def read(usage: MonthUsage, **reading: Any) -> MonthUsage:
    return answer(usage, KEY, READ, {"requests": 1, "cost": 0, "ended": False, **reading}, FREE)[0]


def spent(cost: int) -> MonthUsage:
    return MonthUsage(cost=cost * 10**12)


def readings_of(number: int, pages: list[tuple[int, int]], price: int) -> list[dict[str, Any]]:
    """What a lane reports: figures that grow page by page, and the last time that it has ended."""
    sums = [(sum(t for t, _ in pages[:n]), sum(r for _, r in pages[:n])) for n in range(1, len(pages) + 1)]
    return [
        {
            "meter": number,
            "tokens": tokens,
            "requests": requests,
            "cost": tokens * price,
            "ended": n == len(sums),
        }
        for n, (tokens, requests) in enumerate(sums, start=1)
    ]


@given(lanes=st.lists(PAGES, max_size=5), price=st.integers(0, 10**6), data=st.data())
def test_any_order_and_repetition_of_readings_gives_the_exact_sums(lanes, price, data):
    usage = MonthUsage()
    sent = []
    for number, pages in enumerate(lanes, start=1):
        usage = usage.with_meter()
        sent += readings_of(number, pages, price)
    repeated = data.draw(st.lists(st.sampled_from(sent), max_size=20)) if sent else []
    for reading in data.draw(st.permutations(sent + repeated)):
        usage = read(usage, **json.loads(json.dumps(reading)))

    tokens = sum(tokens for pages in lanes for tokens, _ in pages)
    assert (usage.tokens, usage.cost) == (tokens, tokens * price)
    assert usage.requests == sum(requests for pages in lanes for _, requests in pages)
    assert usage.meters == {}


@given(pages=PAGES, data=st.data())
def test_lane_that_never_ends_counts_as_far_as_it_was_heard_in_any_order(pages, data):
    usage = MonthUsage().with_meter()
    sent = [{**reading, "ended": False} for reading in readings_of(1, pages, 3)]
    heard = data.draw(st.lists(st.sampled_from(sent), min_size=1))
    for number, reading in enumerate(heard, start=1):
        usage = read(usage, **reading)
        assert usage.tokens == max(each["tokens"] for each in heard[:number])
    assert usage.cost == 3 * usage.tokens


@given(pages=PAGES, asks=st.integers(1, 4))
def test_meter_that_is_asked_for_twice_adds_nothing(pages, asks):
    usage = MonthUsage()
    for _ in range(asks):
        usage, given_out = asked(usage)
    for reading in readings_of(given_out["meter"], pages, 3):
        usage = read(usage, **reading)
    assert usage.tokens == sum(tokens for tokens, _ in pages)


@given(pages=PAGES)
def test_sums_are_current_after_every_page(pages):
    usage = MonthUsage().with_meter()
    for reading in readings_of(1, pages, 3):
        usage = read(usage, **reading)
        assert (usage.tokens, usage.requests) == (reading["tokens"], reading["requests"])


def test_state_stays_small_over_thousands_of_jobs():
    usage = MonthUsage()
    for _ in range(3_000):
        usage, given_out = asked(usage)
        usage = read(usage, meter=given_out["meter"], tokens=7, cost=21, ended=True)
    assert usage == MonthUsage(tokens=21_000, requests=3_000, cost=63_000, opened=3_000)
    assert len(json.dumps(usage.to_json())) < 100


def test_meters_have_different_numbers_and_keep_them():
    usage, first = asked(MonthUsage())
    usage, second = asked(usage)
    _, again = asked(usage, meter=1)
    assert [each["meter"] for each in (first, second, again)] == [1, 2, 1]


def test_reading_of_a_meter_that_was_never_given_out_is_ignored():
    assert read(MonthUsage(), meter=9, tokens=5) == MonthUsage()


def test_state_survives_its_way_through_json():
    usage = read(MonthUsage().with_meter(), meter=1, tokens=5, cost=10**22)
    assert MonthUsage(**json.loads(json.dumps(usage.to_json()))) == usage


def test_job_is_held_with_a_reason_when_the_budget_is_spent():
    usage, answered = asked(spent(50), Settings({"MONTHLY_BUDGETS": "prod=50"}))
    assert answered["held"]["code"] == "BudgetReached"
    assert "50 of 50 are spent" in answered["held"]["message"]
    assert usage == spent(50)  # no meter for who may not begin


@pytest.mark.parametrize("budgets", ["", "dev=1", "prod=50.000001"])
def test_job_goes_on_while_something_is_left_or_there_is_no_limit(budgets):
    assert asked(spent(50), Settings({"MONTHLY_BUDGETS": budgets}))[1] == {"meter": 1, "held": None}


def test_job_that_began_without_a_budget_is_not_held():
    assert asked(spent(50), Settings({"MONTHLY_BUDGETS": "prod=1"}), limited=False)[1]["held"] is None


def test_malformed_budget_holds_jobs_until_it_is_mended():
    _, answered = asked(MonthUsage(), Settings({"MONTHLY_BUDGETS": "prod"}))
    assert answered["held"]["code"] == "InvalidSetting"
    assert "MONTHLY_BUDGETS" in answered["held"]["message"]


def test_unknown_operation_is_refused_by_name():
    with pytest.raises(UnknownOperation):
        answer(MonthUsage(), KEY, "multiply", {}, FREE)


def test_budget_of_nothing_stops_everything():
    with pytest.raises(BudgetReached, match="0 of 0 are spent"):
        MonthUsage().require_budget("prod", "2026-11", Budget(amount=0, recheck_seconds=60))


@pytest.mark.parametrize(
    ("month", "begins"),
    [("2026-11", datetime(2026, 12, 1, tzinfo=UTC)), ("2026-12", datetime(2027, 1, 1, tzinfo=UTC))],
)
def test_next_month_begins_on_its_first_day(month, begins):
    assert beginning_of_next(month) == begins
