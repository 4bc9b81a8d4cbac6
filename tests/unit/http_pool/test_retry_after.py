from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from shared_code.http_pool.retry_after import parse_retry_after

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def parse(headers: dict[str, str]) -> float | None:
    return parse_retry_after(CIMultiDict(headers), NOW.timestamp())


@given(seconds=st.integers(0, 10**9))
def test_whole_seconds_are_read_as_they_stand(seconds):
    assert parse({"Retry-After": f" {seconds} "}) == seconds


@given(milliseconds=st.floats(0, 1e9, allow_subnormal=False).map(lambda number: round(number, 3)))
@pytest.mark.parametrize("name", ["retry-after-ms", "x-ms-retry-after-ms", "Retry-After-Ms"])
def test_milliseconds_win_over_seconds(name, milliseconds):
    assert parse({"Retry-After": "99", name: f"{milliseconds:f}"}) == pytest.approx(milliseconds / 1_000)


@given(seconds=st.integers(-10_000_000, 10_000_000))
def test_date_is_the_time_until_then_and_never_negative(seconds):
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert parse({"Retry-After": date}) == max(0, seconds)


@given(seconds=st.integers(0, 10_000), ahead=st.integers(-10_000, 10_000))
def test_date_is_measured_by_the_clock_of_the_service(seconds, ahead):
    sent = NOW + timedelta(seconds=ahead)
    headers = {
        "Date": format_datetime(sent, usegmt=True),
        "Retry-After": format_datetime(sent + timedelta(seconds=seconds), usegmt=True),
    }
    assert parse(headers) == seconds


@pytest.mark.parametrize(
    "date",
    ["Sat, 21 Nov 2026 12:00:30 GMT", "Saturday, 21-Nov-26 12:00:30 GMT", "Sat Nov 21 12:00:30 2026"],
)
def test_all_three_forms_of_an_http_date_are_read(date):
    assert parse({"Retry-After": date}) == 30


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_other_text_says_nothing_and_breaks_nothing(text):
    for name in ("Retry-After", "retry-after-ms"):
        value = parse({name: text})
        assert value is None or value >= 0


@pytest.mark.parametrize("text", ["", "-1", "soon", "nan", "inf", "1e3", "\u0661", "9" * 400, "0x10", "1 2"])
def test_text_that_is_no_time_says_nothing(text):
    assert parse({"Retry-After": text}) is None
