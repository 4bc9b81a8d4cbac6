"""Cron expressions as the Functions host reads them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devhost.triggers.ncrontab import Crontab, InvalidCrontab
from devhost.triggers.timer_schedule import InvalidSchedule, parse_schedule

BEGIN = datetime(2026, 1, 1)  # noqa: DTZ001 - a Crontab knows no zones; a Thursday
BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1))  # noqa: DTZ001 - see above


def field(low: int, high: int) -> st.SearchStrategy[str]:
    """A field's texts: any value, one, a list, a range, and steps."""
    number = st.integers(low, high)
    span = st.tuples(number, number).map(lambda ends: f"{ends[0]}-{ends[1]}")
    base = st.one_of(st.just("*"), number.map(str), span)
    stepped = st.tuples(base, st.integers(1, high)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    return st.lists(st.one_of(base, stepped), min_size=1, max_size=3).map(",".join)


EXPRESSIONS = st.tuples(
    field(0, 59), field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)
).map(" ".join)


def matches(crontab: Crontab, moment: datetime) -> bool:
    return (
        moment.second in crontab.seconds
        and moment.minute in crontab.minutes
        and moment.hour in crontab.hours
        and moment.day in crontab.days
        and moment.month in crontab.months
        and (moment.weekday() + 1) % 7 in crontab.weekdays
    )


@given(EXPRESSIONS, MOMENTS)
def test_next_time_is_later_whole_and_matches_every_field(expression, moment):
    crontab = Crontab.parse(expression)
    found = crontab.next_after(moment)
    assert found > moment
    assert found.microsecond == 0
    assert matches(crontab, found)


@settings(max_examples=50)
@given(EXPRESSIONS, MOMENTS)
def test_nothing_between_two_times_is_skipped(expression, moment):
    crontab = Crontab.parse(expression)
    found = crontab.next_after(moment)
    second = moment.replace(microsecond=0) + timedelta(seconds=1)
    for _ in range(5000):
        if second >= found:
            return
        assert not matches(crontab, second)
        second += timedelta(seconds=1)


@given(EXPRESSIONS, MOMENTS, st.floats(0, 1))
def test_every_moment_before_the_next_time_has_the_same_next_time(expression, moment, share):
    crontab = Crontab.parse(expression)
    found = crontab.next_after(moment)
    between = moment + (found - moment) * share
    assert between == found or crontab.next_after(between) == found


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("0 */5 * * * *", ["2026-01-01 00:05:00", "2026-01-01 00:10:00"]),
        ("*/5 * * * *", ["2026-01-01 00:05:00", "2026-01-01 00:10:00"]),
        ("30 0 3 * * *", ["2026-01-01 03:00:30", "2026-01-02 03:00:30"]),
        ("0 0 9-17/4 * * MON-FRI", ["2026-01-01 09:00:00", "2026-01-01 13:00:00", "2026-01-01 17:00:00"]),
        ("0 30 9 * Jan Mon", ["2026-01-05 09:30:00", "2026-01-12 09:30:00"]),
        ("0 0 0 1,15 february,Mar *", ["2026-02-01 00:00:00", "2026-02-15 00:00:00", "2026-03-01 00:00:00"]),
        ("0 20/20 1 * * *", ["2026-01-01 01:20:00", "2026-01-01 01:40:00", "2026-01-02 01:20:00"]),
        ("0 7/1 1 * * *", ["2026-01-01 01:07:00", "2026-01-02 01:07:00"]),
        ("0 0 0 * * FRI-MON", ["2026-01-02 00:00:00", "2026-01-05 00:00:00"]),
        ("0 0 0 29 2 *", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("0 0 0 29 2 sun", ["2032-02-29 00:00:00", "2060-02-29 00:00:00"]),
        ("0 0 0 31 * *", ["2026-01-31 00:00:00", "2026-03-31 00:00:00"]),
        ("59 59 23 31 12 *", ["2026-12-31 23:59:59", "2027-12-31 23:59:59"]),
    ],
)
def test_expression_stands_for_these_times(expression, times):
    crontab, moment, found = Crontab.parse(expression), BEGIN, []
    for _ in times:
        moment = crontab.next_after(moment)
        found.append(str(moment))
    assert found == times


def test_days_of_month_and_week_must_both_match():
    assert str(Crontab.parse("0 0 0 13 * fri").next_after(BEGIN)) == "2026-02-13 00:00:00"


def test_leap_day_of_a_century_without_one_is_skipped():
    moment = datetime(2096, 3, 1)  # noqa: DTZ001 - a Crontab knows no zones
    assert str(Crontab.parse("0 0 0 29 2 *").next_after(moment)) == "2104-02-29 00:00:00"


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("* * * *", "has 4 fields"),
        ("60 * * * * *", "60 is not a valid second"),
        ("0 0 24 * * *", "24 is not a valid hour"),
        ("0 0 0 0 * *", "0 is not a valid day of the month"),
        ("0 0 0 * * 7", "7 is not a valid day of the week"),
        ("0 0 0 * foo *", "'foo' is not a valid month"),
        ("0 0 0 ? * *", "not a valid day of the month"),
        ("0 1,,2 * * * *", "'' is not a valid minute"),
        ("0 */ * * * *", "'' is not a valid minute"),
        ("0 -5 * * * *", "'' is not a valid minute"),
        ("0 0 0 30 2 *", "never comes true"),
        ("0 0 0 31 4,6 *", "never comes true"),
    ],
)
def test_impossible_expression_is_refused_with_its_reason(expression, reason):
    with pytest.raises(InvalidCrontab, match=reason):
        Crontab.parse(expression)


def test_timespan_is_a_constant_interval():
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert parse_schedule("1.02:00:00").next_after(noon) == noon + timedelta(days=1, hours=2)


@pytest.mark.parametrize("text", ["", "soon", "00:00:00", "25:00:00"])
def test_text_that_is_neither_cron_nor_timespan_is_refused(text):
    with pytest.raises(InvalidSchedule, match="not recognized as a valid cron expression or timespan"):
        parse_schedule(text)


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("2026-01-10T00:00", "2026-01-10T02:00"),
        ("2026-07-10T00:00", "2026-07-10T01:00"),
        ("2026-03-28T12:00", "2026-03-29T01:00"),
        ("2026-10-24T12:00", "2026-10-25T02:00"),
    ],
)
def test_schedule_follows_the_clocks_of_its_time_zone(after, due):
    schedule = parse_schedule("0 0 3 * * *", BERLIN)
    assert schedule.next_after(at(after)) == at(due)


def test_hour_that_clocks_repeat_makes_no_time_due_in_the_past():
    schedule = parse_schedule("0 */10 * * * *", BERLIN)
    for minutes in range(0, 180, 7):
        moment = at("2026-10-25T00:00") + timedelta(minutes=minutes)
        assert schedule.next_after(moment) > moment


def test_time_that_clocks_leave_out_is_due_an_hour_later_by_them():
    schedule = parse_schedule("0 30 2 * * *", BERLIN)
    assert schedule.next_after(at("2026-03-28T12:00")) == at("2026-03-29T01:30")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
