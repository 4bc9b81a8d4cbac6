from dataclasses import replace
from typing import Any

import pytest

from shared_code.errors import InvalidField
from shared_code.jobs import EmbeddingPlan, EmbedFilesJob, parse_job
from shared_code.jobs.approval import ApprovalRule

PLAN = EmbeddingPlan(
    model="m", dimensions=None, chunk_tokens=512, overlap_tokens=64, price_per_million=0.02, shrink_limit=0.5
)
REQUEST = {"env": "prod", "version": "v1", "filesPath": "docs"}


def job_of(rule: ApprovalRule, **fields: Any) -> EmbedFilesJob:
    return EmbedFilesJob.parse({**REQUEST, **fields}, PLAN, {}, approval=rule)


@pytest.mark.parametrize(
    ("setting", "request_", "limit"),
    [(None, None, None), (5, None, 5), (None, 3, 3), (5, 3, 3), (5, 8, 5), (5, 0, 0)],
)
def test_lower_limit_counts(setting, request_, limit):
    fields = {} if request_ is None else {"approvalAbove": request_}
    assert job_of(ApprovalRule(above=setting), **fields).rule.above == limit


def test_job_waits_only_above_its_limit():
    rule = ApprovalRule(above=5)
    assert [rule.applies_to(cost) for cost in (0, 5, 5.000001)] == [False, False, True]
    assert not ApprovalRule().applies_to(1e9)


@pytest.mark.parametrize("value", [-1, True, "5", None, [], float("nan"), float("inf"), 1e13])
def test_limit_that_is_no_amount_is_refused(value):
    with pytest.raises(InvalidField, match="approvalAbove"):
        job_of(ApprovalRule(), approvalAbove=value)


def test_rule_and_watch_travel_in_the_input_and_older_inputs_have_none():
    job = job_of(ApprovalRule(above=5, days=3), approvalAbove=2, watchMinutes=30)
    assert parse_job(job.to_json()) == job
    old = {
        name: value
        for name, value in job.to_json().items()
        if name not in {"approval", "approvalAbove", "watch"}
    }
    assert parse_job(old) == replace(job, approval=ApprovalRule(), approval_above=None, watch=None)


def test_request_is_the_same_whatever_the_setting_was():
    one, other = job_of(ApprovalRule(above=5)), job_of(ApprovalRule())
    assert one.asks_the_same_as(other)
    assert not one.asks_the_same_as(job_of(ApprovalRule(), approvalAbove=5))


def test_watch_is_known_by_what_it_watches():
    ids = {job_of(ApprovalRule(), watchMinutes=minutes).id for minutes in (5, 30)}
    others = {
        job_of(ApprovalRule(), watchMinutes=5, **{name: value}).id
        for name, value in (("env", "dev"), ("version", "v2"), ("filesPath", "docs/a"))
    }
    assert (len(ids), len(others | ids), job_of(ApprovalRule()).id) == (1, 4, None)
