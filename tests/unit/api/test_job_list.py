import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_code.api.job_list import DEFAULT_TOP, ListQuery, list_jobs
from shared_code.errors import HostUnavailable, InvalidField, JobTableUnavailable
from shared_code.jobs.job_rows import JobRow
from tests.support.durable_host_fake import FakeHost, instance
from tests.support.job_table_fake import FakeJobTable

BEGAN = datetime(2026, 11, 28, 10, tzinfo=UTC)


@dataclass
class World:
    """A hub and its table of jobs."""

    host: FakeHost = field(default_factory=FakeHost)
    table: FakeJobTable = field(default_factory=FakeJobTable)
    submitted: int = 0

    def add(self, *, status: str = "Completed", starts: bool = True, **given: Any) -> str:
        """A job that is submitted a second after the one before."""
        self.submitted += 1
        job_id, job = f"{self.submitted:032x}", {"kind": "audit-query", **given}
        row = JobRow.new(job_id, job, BEGAN + timedelta(seconds=self.submitted))
        self.table.by_key[row.key] = row
        if starts:
            started = instance(status=status, input=json.dumps(row.input_of(job)), output=7)
            self.host.instances[job_id] = started
        return job_id

    async def page(self, **params: str) -> Any:
        return await list_jobs(self.host, self.table, ListQuery.parse(params), retention_days=30)

    async def ids(self, **params: str) -> list[str]:
        return [job["id"] for job in (await self.page(**params))["jobs"]]


def world_of(*statuses: str) -> tuple[World, list[str]]:
    world = World()
    return world, [world.add(status=status) for status in statuses]


async def test_newest_job_comes_first_and_no_result_is_shown():
    world, ids = world_of("Completed", "Running")
    page = await world.page()
    assert [job["id"] for job in page["jobs"]] == ids[::-1]
    assert page["next"] is None
    assert all("result" not in job for job in page["jobs"])
    assert page["jobs"][0]["createdAt"] == "2026-11-28T10:00:02Z"


async def test_no_job_has_no_page_behind_it():
    assert await World().page() == {"jobs": [], "next": None}


@pytest.mark.parametrize("number", [1, 2, 3, 4])
async def test_pages_have_every_job_once(number: int):
    world, ids = world_of(*["Completed"] * 6)
    page = await world.page(top=str(number))
    seen = [job["id"] for job in page["jobs"]]
    while page["next"]:
        page = await world.page(top=str(number), after=page["next"])
        assert 0 < len(page["jobs"]) <= number
        seen += [job["id"] for job in page["jobs"]]
    assert seen == ids[::-1]


async def test_last_page_that_is_full_has_none_behind_it():
    world, _ = world_of("Completed", "Completed")
    assert (await world.page(top="2"))["next"] is None


async def test_page_has_as_many_jobs_as_it_may_by_default():
    world, _ = world_of(*["Completed"] * (DEFAULT_TOP + 1))
    assert len((await world.page())["jobs"]) == DEFAULT_TOP


async def test_job_that_was_never_started_is_not_listed():
    world, ids = world_of("Completed")
    world.add(starts=False)
    world.add(starts=False)
    assert await world.ids(top="1") == ids


async def test_row_of_a_run_that_was_replaced_is_not_listed():
    world, [job_id] = world_of("Failed")
    again = JobRow.new(job_id, {"kind": "embed-event"}, BEGAN + timedelta(hours=1))
    world.table.by_key[again.key] = again
    world.host.instances[job_id] = instance(input=json.dumps(again.input_of({"kind": "embed-event"})))
    assert await world.ids() == [job_id]
    assert (await world.page())["jobs"][0]["createdAt"] == "2026-11-28T11:00:00Z"


@pytest.mark.parametrize("status", ["Pending", "Running", "Suspended", "Completed", "Failed", "Terminated"])
async def test_status_is_that_of_the_host_whatever_the_table_knows(status: str):
    world, ids = world_of("Pending", "Running", "Suspended", "Completed", "Failed", "Terminated")
    listed = (await world.page(status=status))["jobs"]
    assert [job["status"] for job in listed] == [status]
    assert listed[0]["id"] in ids


async def test_jobs_known_to_have_ended_otherwise_are_not_asked_for():
    world, ids = world_of(*["Completed"] * 3, "Failed")
    for row in world.table.kept[1:]:
        await world.table.put(row.ended("Completed", BEGAN))
    assert await world.ids(status="Failed") == ids[3:]
    assert set(world.host.asked) == {ids[3]}


async def test_env_and_kind_narrow_the_list():
    world = World()
    world.add()
    prod = world.add(kind="embed-files", env="prod")
    event = world.add(kind="embed-event", env="prod")
    world.add(kind="embed-files", env="dev")
    assert await world.ids(env="prod") == [event, prod]
    assert await world.ids(env="prod", kind="embed-files") == [prod]
    assert await world.ids(env="none") == []


@pytest.mark.parametrize(
    "moment", ["2026-11-28T10:00:02Z", "2026-11-28T12:00:02+02:00", "2026-11-28T10:00:02"]
)
async def test_jobs_created_after_a_moment_exclude_those_of_it(moment: str):
    world, ids = world_of(*["Completed"] * 3)
    assert await world.ids(createdAfter=moment) == ids[2:]


async def test_few_that_match_make_a_short_page_that_goes_on():
    world = World()
    failed = world.add(status="Failed")
    for _ in range(1_200):
        world.add()
    page, pages = await world.page(status="Failed", top="100"), 1
    while not page["jobs"]:
        page, pages = await world.page(status="Failed", top="100", after=page["next"]), pages + 1
    assert ([job["id"] for job in page["jobs"]], page["next"]) == ([failed], None)
    assert pages == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("env", ""),
        ("env", "a b"),
        ("env", "x' or 'a' eq 'a"),
        ("kind", "other"),
        ("status", "running"),
        ("status", "ContinuedAsNew"),
        ("createdAfter", "yesterday"),
        ("createdAfter", "0001-01-01T00:00:00+14:00"),
        ("top", "0"),
        ("top", "101"),
        ("top", "-1"),
        ("top", "1.5"),
        ("top", "٣"),
        ("top", "9" * 5_000),
        ("after", "x"),
        ("after", f"{1:014}-{'0' * 32}' or RowKey gt '0"),
    ],
)
def test_parameter_that_cannot_be_used_is_named(name: str, value: str):
    with pytest.raises(InvalidField, match=f"^Field {name} cannot be used: use "):
        ListQuery.parse({name: value})


def test_parameters_of_others_such_as_the_function_key_are_ignored():
    assert ListQuery.parse({"code": "key", "x": "y"}) == ListQuery.parse({})


async def test_silent_host_or_table_is_told_as_such():
    world, _ = world_of("Completed")
    world.host.broken = RuntimeError("503")
    with pytest.raises(HostUnavailable):
        await world.page()
    world.table.is_down = True
    with pytest.raises(JobTableUnavailable):
        await world.page()


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["submit", "lose", "purge", "page"]), max_size=40), st.integers(1, 4))
async def test_jobs_that_come_and_go_between_pages_leave_no_gap_and_no_double(steps: list[str], top: int):
    world, there = world_of(*["Completed"] * 8)
    seen, stays, after = list[str](), set(there), ""
    for step in steps + ["page"] * 20:
        if step == "page" and after is not None:
            page = await world.page(top=str(top), after=after)
            seen, after = seen + [job["id"] for job in page["jobs"]], page["next"]
        elif step == "purge" and stays:
            gone = min(stays)
            stays.discard(gone)
            del world.host.instances[gone]
        elif step in {"submit", "lose"}:
            world.add(starts=step == "submit")
    assert len(seen) == len(set(seen))
    assert stays <= set(seen)
