from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.errors import (
    DateRangeError,
    EmptyEndDate,
    EmptyStartDate,
    InvalidDateRange,
    InvalidEndDate,
    InvalidStartDate,
)
from shared_code.jobs.date_range import DateRange, Window, parse_date

FORMS = [
    "%Y-%m-%d",
    "%Y%m%d",
    "%Y/%m/%d",
    "%G-W%V-%u",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%d %m %Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %B %Y",
    "%B %d, %Y",
    "%a, %d %b %Y",
    "%A %d %B %Y",
]
TIMES = ["", "T10:00:00", " 10:00", "T23:59:59.123456Z", "T10:00:00+02:00", "T10:00:00 02:00", "T00:30-0500"]
dates = st.dates(date(1900, 1, 1), date(9998, 12, 31))


@given(day=dates, form=st.sampled_from(FORMS))
def test_every_valid_date_is_read_back_from_every_accepted_form(day, form):
    assert parse_date(day.strftime(form)) == day


@given(day=dates, form=st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "%Y%m%d"]), time=st.sampled_from(TIMES))
def test_times_and_offsets_leave_the_date_as_written(day, form, time):
    assert parse_date(day.strftime(form) + time) == day


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-02-03", date(2021, 2, 3)),
        ("3/2/2021", date(2021, 2, 3)),
        ("3 Feb 2021", date(2021, 2, 3)),
        ("3rd February 2021", date(2021, 2, 3)),
        ("Wed, 03 Feb 2021 23:30:00 GMT", date(2021, 2, 3)),
        ("3 Feb 2021 10:00 XYZ", date(2021, 2, 3)),
        ("2021-02-03T23:30:00-11:00", date(2021, 2, 3)),
        ("20210203T100000Z", date(2021, 2, 3)),
        ("2021-W05-3", date(2021, 2, 3)),
        ("  2021-02-03  ", date(2021, 2, 3)),
        ("29/02/2024", date(2024, 2, 29)),
    ],
)
def test_date_is_read_as_it_is_written(text, expected):
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "10",
        "10:30",
        "May",
        "2021",
        "Feb 2021",
        "3 Feb",
        "May 10:30",
        "2021-02",
        "2021-W05",
        "Monday",
        "Feb 2021 01:30",
        "Sunday Feb 2021",
    ],
)
def test_incomplete_date_is_refused(text):
    with pytest.raises(ValueError, match="date"):
        parse_date(text)


@pytest.mark.parametrize(
    "text",
    [
        "31/02/2021",
        "2021-13-01",
        "2021-02-30",
        "2/13/2021",
        "29 Feb 2021",
        "2021-W54-1",
        "2021-02-03T25:00:00",
        "2021-02-03 10:61",
        "9999-12-31",
        "1899-12-31",
        "31 Dec 9999",
        "0001-01-01",
        "٢٠٢١-٠٢-٠٣",
        "\uff12\uff10\uff12\uff11-02-03",
        "9" * 5000,
        "\uff13 Feb 2021",
        "3" + " " * 5000 + "Feb 2021",
        "3 Feb 99999999999999999999",
        "2021-034",
        "3/2/21",
        "3 Feb 21",
        "2021-02-03,2021-02-04",
        "today",
    ],
)
def test_impossible_or_ambiguous_date_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_date(text)


@given(
    text=st.text() | st.text(alphabet="0123456789-/:. TZWFebMay+,") | st.from_regex(r"\A[0-9]{1,4} ?Feb.*")
)
def test_arbitrary_text_is_a_date_or_refused_by_our_own_error(text):
    try:
        found = DateRange.parse(text, "2021-02-03", max_days=3660)
    except DateRangeError:
        return
    assert found.start < found.end


@pytest.mark.parametrize(
    ("start", "end", "error", "sentence"),
    [
        ("", "", EmptyStartDate, "Empty start date."),
        ("  ", "nonsense", EmptyStartDate, "Empty start date."),
        ("nonsense", "", InvalidStartDate, "Invalid start date format."),
        ("2021-02-03", "", EmptyEndDate, "Empty end date."),
        ("2021-02-03", "10:30", InvalidEndDate, "Invalid end date format."),
        ("2021-02-03", "2021-02-02", InvalidDateRange, "Invalid date range."),
        ("2021-02-03", "2021-02-03", InvalidDateRange, "Invalid date range."),
        ("2021-02-03T01:00", "2021-02-03T23:00", InvalidDateRange, "Invalid date range."),
    ],
)
def test_first_fault_is_told_in_the_agreed_sentence(start, end, error, sentence):
    with pytest.raises(error) as refused:
        DateRange.parse(start, end, max_days=3660)
    assert str(refused.value) == sentence


def test_range_of_exactly_the_longest_length_is_accepted():
    assert DateRange.parse("2021-01-01", "2021-01-11", max_days=10).days == 10
    with pytest.raises(InvalidDateRange):
        DateRange.parse("2021-01-01", "2021-01-12", max_days=10)


def test_offset_on_one_date_only_is_no_error():
    found = DateRange.parse("2021-02-03T10:00:00+02:00", "2021-02-05", max_days=10)
    assert found == DateRange(date(2021, 2, 3), date(2021, 2, 5))


ranges = st.builds(
    lambda start, days: DateRange(start, start + timedelta(days)),
    st.dates(date(1900, 1, 1), date(9980, 1, 1)),
    st.integers(1, 400),
)
suffixes = st.text(max_size=3) | st.sampled_from(["", "T10:00", "-x", "\x00", "é", "\U0001f600", "~"])


def holds(window: Any, key: Any) -> Any:
    return window.lower <= key and (key <= window.upper if window.closed else key < window.upper)


def keys_near(dates_: Any) -> Any:
    day = st.integers(-2, dates_.days + 2).map(lambda offset: (dates_.start + timedelta(offset)).isoformat())
    return (
        st.builds(lambda text, cut, suffix: text[:cut] + suffix, day, st.integers(0, 10), suffixes)
        | st.text()
    )


@given(data=st.data(), dates_=ranges, days=st.integers(1, 40))
def test_windows_hold_exactly_the_keys_of_the_reference_filter_once(data, dates_, days):
    key = data.draw(keys_near(dates_))
    expected = dates_.start.isoformat() <= key <= dates_.end.isoformat()
    assert sum(holds(window, key) for window in dates_.windows(days)) == expected


@given(data=st.data(), dates_=ranges, days=st.integers(1, 40))
def test_days_hold_exactly_the_keys_of_their_window_once(data, dates_, days):
    key = data.draw(keys_near(dates_))
    window = data.draw(st.sampled_from(dates_.windows(days)))
    assert sum(holds(day, key) for day in window.days()) == holds(window, key)


def test_only_the_last_window_holds_its_upper_bound():
    windows = DateRange(date(2021, 2, 3), date(2021, 2, 6)).windows(2)
    assert windows == [
        Window("2021-02-03", "2021-02-05", closed=False),
        Window("2021-02-05", "2021-02-06", closed=True),
    ]


def test_window_survives_the_way_through_json():
    window = Window("2021-02-03", "2021-02-05", closed=True)
    assert Window.from_json(window.to_json()) == window
