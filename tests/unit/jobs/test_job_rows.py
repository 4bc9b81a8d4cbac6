from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.jobs.job_rows import SUBMITTED_AT, JobRow, before, is_row_key, row_key

ID = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 28, 10, 0, 0, 123_000, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
JOB = {"kind": "embed-files", "env": "prod"}
MOMENTS = st.integers(10**6, 90_000_000_000_000_000).map(lambda us: EPOCH + timedelta(microseconds=us))


@given(MOMENTS, MOMENTS)
def test_later_job_sorts_before_an_earlier_one(one: datetime, other: datetime):
    one, other = (JobRow.new(ID, JOB, moment).submitted_at for moment in (one, other))
    assert (row_key(one, ID) < row_key(other, ID)) == (one > other)


@given(MOMENTS)
def test_key_of_a_row_tells_its_job_and_time(moment: datetime):
    row = JobRow.new(ID, JOB, moment)
    assert JobRow.at(row.key, kind="embed-files", env="prod") == row


@given(MOMENTS, MOMENTS)
def test_only_jobs_submitted_after_a_moment_sort_before_its_mark(moment: datetime, submitted: datetime):
    rounded = JobRow.new(ID, JOB, moment).submitted_at
    row = JobRow.new(ID, JOB, submitted)
    assert (row.key < before(rounded)) == (row.submitted_at > rounded)


@pytest.mark.parametrize("year", [1, 1969])
def test_every_job_was_submitted_after_a_moment_before_all_clocks(year: int):
    assert JobRow.new(ID, JOB, NOW).key < before(datetime(year, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("text", ["", "x", f"{1:014}-{'x' * 32}", f"{1:014}-{ID}\n", f"{1:013}-{ID}"])
def test_other_text_is_not_a_key(text: str):
    assert not is_row_key(text)
    with pytest.raises(ValueError, match="not the key"):
        JobRow.at(text)


def test_row_is_of_the_instance_that_was_started_with_it():
    row = JobRow.new(ID, JOB, NOW)
    assert row.is_of(row.input_of(JOB), NOW)
    assert JobRow.of(ID, row.input_of(JOB), NOW + timedelta(hours=1)) == row


def test_row_of_a_start_that_never_came_about_is_not_of_an_earlier_run():
    earlier, row = JobRow.new(ID, JOB, NOW), JobRow.new(ID, JOB, NOW + timedelta(minutes=1))
    assert not row.is_of(earlier.input_of(JOB), NOW)
    assert not row.is_of(JOB, NOW)  # one that an earlier release began


def test_row_of_an_earlier_release_is_that_of_each_of_its_executions():
    row = JobRow.of(ID, JOB, NOW)
    assert row.is_of(JOB, NOW)
    assert row.is_of(JOB, NOW + timedelta(hours=1))


@pytest.mark.parametrize("given_", [None, "text", [], {}, {"kind": 1, "env": None}])
def test_input_that_is_no_job_has_a_row_without_kind(given_):
    assert (JobRow.of(ID, given_, NOW).kind, JobRow.of(ID, given_, NOW).env) == ("", "")


def test_time_of_submission_is_in_the_input():
    assert JobRow.new(ID, JOB, NOW).input_of(JOB) == {**JOB, SUBMITTED_AT: "2026-11-28T10:00:00.123+00:00"}
