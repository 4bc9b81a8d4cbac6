import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.errors import InvalidIdempotencyKey, InvalidJob
from shared_code.jobs import AuditQueryJob, is_job_id, keyed_job_id, parse_job
from shared_code.jobs.date_range import DateRange


def job_of(days: Any) -> Any:
    return AuditQueryJob.plan(DateRange(date(2021, 1, 1), date(2021, 1, 1) + timedelta(days)))


@given(days=st.integers(1, 3660))
def test_job_survives_the_way_through_json(days):
    job = job_of(days)
    assert parse_job(json.loads(json.dumps(job.to_json()))) == job


@given(days=st.integers(1, 3660))
def test_plan_runs_at_most_eight_windows_at_once_in_at_most_four_lanes(days):
    job = job_of(days)
    assert job.lanes * job.wave_size <= 8
    assert job.lanes <= 4
    assert job.lanes * job.wave_size == min(8, len(job.windows())) or len(job.windows()) < 8


@pytest.mark.parametrize(
    ("days", "windows", "lanes"), [(1, 1, 1), (7, 1, 1), (8, 8, 1), (60, 8, 1), (248, 8, 1), (3660, 119, 4)]
)
def test_plan_cuts_the_work_by_the_length_of_the_range(days, windows, lanes):
    job = job_of(days)
    assert (len(job.windows()), job.lanes) == (windows, lanes)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"kind": ["audit-query"]},
        {"version": 4},
        {"version": None},
        {"start": "soon"},
        {"end": None},
    ],
)
def test_unknown_or_malformed_job_is_refused(change):
    with pytest.raises(InvalidJob):
        parse_job({**job_of(3).to_json(), **change})


@pytest.mark.parametrize("value", [None, "text", 5, [], {}])
def test_input_that_is_no_job_is_refused(value):
    with pytest.raises(InvalidJob, match="kind"):
        parse_job(value)


def test_unknown_version_is_named_in_the_refusal():
    with pytest.raises(InvalidJob, match="audit-query: version 99"):
        parse_job({**job_of(3).to_json(), "version": 99})


@given(key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=255))
def test_id_follows_from_the_key_alone_and_has_the_shape_of_a_job(key):
    assert keyed_job_id(key) == keyed_job_id(key)
    assert is_job_id(keyed_job_id(key))


def test_different_keys_give_different_ids():
    assert keyed_job_id("a") != keyed_job_id("b")


def test_blank_key_is_refused():
    with pytest.raises(InvalidIdempotencyKey):
        keyed_job_id("  ")
