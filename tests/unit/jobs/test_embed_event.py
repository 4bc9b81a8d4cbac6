"""A live event as a job: what of a request it takes, its id, and how long it waits for its event."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.errors import InvalidField
from shared_code.jobs import (
    EmbedEventJob,
    EmbedFilesJob,
    EventDefaults,
    is_job_id,
    parse_embedding,
    parse_job,
)
from tests.unit.embedding_fakes import PLAN

REQUEST = {"trackingId": "abc123", "sessionId": "sess789"}
DEFAULTS = EventDefaults(env="prod", index_version="v1", wait=timedelta(seconds=20), plan=PLAN, budgets={})


def job_of(defaults: EventDefaults = DEFAULTS, **fields: Any) -> EmbedEventJob:
    return EmbedEventJob.parse({**REQUEST, **fields}, defaults)


def test_event_that_names_no_env_and_version_gets_the_set_ones():
    job = job_of(replace(DEFAULTS, env="test", index_version="v7"))
    assert (job.env, job.index_version) == ("test", "v7")


def test_event_may_name_env_and_version():
    job = job_of(env="staging", version="v2")
    assert (job.env, job.index_version) == ("staging", "v2")


def test_id_of_the_job_follows_from_env_version_and_tracking_id_alone():
    assert is_job_id(job_of().id)
    assert job_of().id == job_of(sessionId="other", force=True).id
    others = [job_of(env="e"), job_of(version="v2"), job_of(trackingId="x")]
    assert len({job.id for job in [job_of(), *others]}) == 4


def test_job_survives_its_way_through_json():
    job = replace(job_of(force=True), submission="run")
    assert parse_job(job.to_json()) == job


def test_job_asks_the_same_whatever_the_settings_were():
    other = job_of(replace(DEFAULTS, wait=timedelta(), plan=replace(PLAN, chunk_tokens=100)))
    assert job_of().asks_the_same_as(other)
    assert not job_of().asks_the_same_as(job_of(sessionId="other"))


def test_request_with_ids_of_an_event_is_for_an_event_and_any_other_for_files():
    files = {"env": "prod", "version": "v1", "filesPath": "docs"}
    assert isinstance(parse_embedding(REQUEST, DEFAULTS), EmbedEventJob)
    assert isinstance(parse_embedding(files, DEFAULTS), EmbedFilesJob)


@pytest.mark.parametrize("fields", [{"filesPath": "docs"}, {"dryRun": True}])
def test_request_that_mixes_both_forms_is_refused(fields: dict[str, Any]):
    with pytest.raises(InvalidField, match="for jobs over files only") as refused:
        parse_embedding({**REQUEST, **fields}, DEFAULTS)
    assert refused.value.field in fields


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"trackingId": ""}, "trackingId"),
        ({"trackingId": None}, "trackingId"),
        ({"trackingId": 5}, "trackingId"),
        ({"trackingId": "a/b"}, "trackingId"),
        ({"trackingId": "a\\b"}, "trackingId"),
        ({"trackingId": "a#b"}, "trackingId"),
        ({"trackingId": "a?b"}, "trackingId"),
        ({"trackingId": "a\nb"}, "trackingId"),
        ({"trackingId": "a\x85b"}, "trackingId"),
        ({"trackingId": "\ud800"}, "trackingId"),
        ({"trackingId": ".."}, "trackingId"),
        ({"trackingId": "x" * 256}, "trackingId"),
        ({"sessionId": ""}, "sessionId"),
        ({"sessionId": "a/b"}, "sessionId"),
        ({"env": "a/b"}, "env"),
        ({"version": 1}, "version"),
        ({"force": "yes"}, "force"),
        ({"tracking": "x"}, "tracking"),
    ],
)
def test_unusable_field_is_named_with_its_fix(fields: dict[str, Any], field: str):
    with pytest.raises(InvalidField, match=f"Field {field} cannot be used: ") as refused:
        job_of(**fields)
    assert refused.value.field == field


@pytest.mark.parametrize("absent", ["trackingId", "sessionId"])
def test_event_without_one_of_its_ids_is_refused(absent: str):
    request = {name: value for name, value in REQUEST.items() if name != absent}
    with pytest.raises(InvalidField, match=f"Field {absent} cannot be used: "):
        parse_embedding(request, DEFAULTS)


@pytest.mark.parametrize("key", ["a b", "ä", "'", "%2F", "a.b", "...", "💡", "x" * 255])
def test_tracking_id_may_have_any_character_that_a_key_may_have(key: str):
    assert job_of(trackingId=key).tracking_id == key


@given(st.integers(0, 3_600))
def test_pauses_add_up_to_the_set_time_and_none_is_too_short_for_a_timer(seconds: int):
    waits = job_of(replace(DEFAULTS, wait=timedelta(seconds=seconds))).waits
    assert sum(waits, timedelta()) == timedelta(seconds=seconds if seconds >= 2 else 0)
    assert all(timedelta(seconds=2) <= wait <= timedelta(seconds=32) for wait in waits)
