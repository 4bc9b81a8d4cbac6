"""The purge against a hub, a table and blobs in memory, which may be killed at any of its calls."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError

from shared_code.api.retention import Purge, host_time
from shared_code.errors import HostUnavailable
from shared_code.jobs.durable import InstancePage, ListedInstance
from shared_code.jobs.job_rows import Filling, JobRow
from tests.support.durable_host_fake import FakeHost, instance
from tests.support.job_table_fake import FakeJobTable

ENDED = datetime(2026, 10, 1, 10, tzinfo=UTC)
RETENTION = timedelta(30)
EXPIRED = ENDED + RETENTION
JOB = {"kind": "embed-files", "env": "prod"}


class Killed(Exception):
    """The process of the purge ends here."""


@dataclass
class World:
    """Jobs that ended at one moment; after so many calls the purge is killed."""

    host: FakeHost = field(default_factory=FakeHost)
    table: FakeJobTable = field(default_factory=FakeJobTable)
    blobs: dict[str, int] = field(default_factory=dict)
    undeletable: set[str] = field(default_factory=set)
    kill_after: int | None = None
    calls: int = 0
    seconds: float = 0

    def add(self, number: int, *, status: str = "Completed", lane: str = "Completed") -> str:
        """A job with two lanes and blobs."""
        job_id = f"{number:032x}"
        row = JobRow.new(job_id, JOB, ENDED - timedelta(hours=1, seconds=number))
        self.table.by_key[row.key] = row
        times = {"createdTime": "2026-10-01T09:00:00Z", "lastUpdatedTime": "2026-10-01T10:00:00Z"}
        given = json.dumps(row.input_of(JOB))
        self.host.instances[job_id] = instance(status=status, input=given, **times)
        for lane_number in range(2):
            self.host.instances[f"{job_id}:lane:{lane_number}"] = instance("lane", lane, **times)
        self.blobs[job_id] = 3
        return job_id

    async def page(self, token: str | None, *, prefix: str = "") -> InstancePage:
        """The instances of the hub, one on a page."""
        found = [(key, value) for key, value in self.host.instances.items() if key.startswith(prefix)]
        begin = int(token or 0)
        listed = [
            ListedInstance(key, value["name"], value["runtimeStatus"], ENDED, ENDED, given_in(value))
            for key, value in found[begin : begin + 1]
        ]
        return InstancePage(listed, str(begin + 1) if found[begin + 1 :] else None)

    @property
    def is_killed(self) -> bool:
        return self.kill_after is not None and self.calls >= self.kill_after

    async def delete(self, job_id: str) -> None:
        if job_id in self.undeletable:
            raise ResourceExistsError("This operation is not permitted as the blob has a legal hold.")
        self.blobs.pop(job_id, None)

    async def purge(self, now: datetime = EXPIRED + timedelta(seconds=1), **more: Any) -> None:
        mortal: Any = _Mortal
        await Purge(
            client=mortal(self, self.host),
            hub=mortal(self, self),
            table=mortal(self, self.table),
            blobs=mortal(self, self),
            retention_days=RETENTION.days,
            now=now,
            clock=lambda: self.seconds,
        ).run(**more)

    @property
    def is_empty(self) -> bool:
        return not (self.host.instances or self.table.by_key or self.blobs)


class _Mortal:
    """Passes calls on, until the world says that the process is killed."""

    def __init__(self, world: World, service: Any) -> None:
        self._world = world
        self._service = service

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*args: Any, **more: Any) -> Any:
            self._world.calls += 1
            if self._world.is_killed:
                raise Killed
            return await getattr(self._service, name)(*args, **more)

        return call


def world_of(*statuses: str) -> World:
    world = World()
    for number, status in enumerate(statuses):
        world.add(number, status=status)
    return world


def events_in(caplog: pytest.LogCaptureFixture, name: str) -> list[dict[str, Any]]:
    lines = [json.loads(record.message) for record in caplog.records if record.name == "async_jobs"]
    return [line for line in lines if line["event"] == name]


def given_in(value: dict[str, Any]) -> Any:
    return value["input"] and json.loads(value["input"])


async def test_job_goes_with_its_lanes_blobs_and_row_when_it_has_expired():
    world = world_of("Completed", "Failed", "Terminated")
    await world.purge()
    assert world.is_empty


@pytest.mark.parametrize("before", [timedelta(seconds=1), timedelta(days=29)])
async def test_job_can_be_read_until_it_expires(before: timedelta):
    world = world_of("Completed")
    await world.purge(EXPIRED - before)
    assert len(world.host.instances) == 3
    [row] = world.table.kept
    assert (row.final_status, row.ended_at, len(world.blobs)) == ("Completed", ENDED, 1)
    await world.purge()
    assert world.is_empty


@pytest.mark.parametrize("status", ["Pending", "Running", "Suspended", "ContinuedAsNew"])
async def test_live_job_is_never_purged_however_old_it_is(status: str):
    world = world_of(status)
    await world.purge(EXPIRED + timedelta(3_650))
    assert (len(world.host.instances), len(world.table.kept), len(world.blobs)) == (3, 1, 1)


async def test_job_that_was_rewound_lives_and_its_row_says_so():
    world = world_of("Failed")
    await world.purge(EXPIRED - timedelta(1))
    world.host.instances[f"{0:032x}"]["runtimeStatus"] = "Running"
    await world.purge(EXPIRED + timedelta(1))
    assert [row.final_status for row in world.table.kept] == [""]
    assert len(world.host.instances) == 3


async def test_job_that_ended_again_later_is_kept_from_then_on():
    world = world_of("Failed")
    await world.purge(EXPIRED - timedelta(1))
    world.host.instances[f"{0:032x}"]["lastUpdatedTime"] = "2026-10-15T10:00:00Z"
    await world.purge(EXPIRED + timedelta(1))
    assert len(world.host.instances) == 3
    await world.purge(EXPIRED + timedelta(15))
    assert world.is_empty


async def test_job_with_a_live_lane_is_kept():
    world = World()
    world.add(0, status="Terminated", lane="Suspended")
    await world.purge()
    assert (len(world.host.instances), len(world.blobs)) == (3, 1)


async def test_row_of_a_job_that_never_began_goes_after_a_day_and_not_before():
    world = World()
    row = JobRow.new(f"{1:032x}", JOB, ENDED)
    world.table.by_key[row.key] = row
    await world.purge(ENDED + timedelta(hours=23))
    assert list(world.table.kept) == [row]
    await world.purge(ENDED + timedelta(hours=25))
    assert world.is_empty


async def test_row_of_a_replaced_run_goes_without_what_the_new_run_has():
    world = world_of("Completed")
    old = world.table.kept[0].ended("Failed", ENDED)
    new = JobRow.new(old.job_id, JOB, ENDED + timedelta(29))
    world.table.by_key = {row.key: row for row in (old, new)}
    world.host.instances[old.job_id] |= {"input": json.dumps(new.input_of(JOB)), "runtimeStatus": "Running"}
    await world.purge()
    assert list(world.table.kept) == [new]
    assert (len(world.host.instances), len(world.blobs)) == (3, 1)


async def test_leftovers_of_a_job_that_an_operator_purged_go_when_it_would_have_expired():
    world = world_of("Completed")
    await world.purge(EXPIRED - timedelta(1))
    del world.host.instances[f"{0:032x}"]
    await world.purge()
    assert world.is_empty


@pytest.mark.parametrize("call", range(1, 25))
async def test_purge_that_is_killed_at_any_call_is_completed_by_the_next(call: int):
    world = world_of("Completed", "Failed")
    world.add(2, status="Running")
    world.kill_after = call
    with pytest.raises((Killed, HostUnavailable)):
        await world.purge()
    jobs = {key for key in world.host.instances if ":" not in key}
    assert jobs <= {row.job_id for row in world.table.kept}  # else nobody would find it again
    world.kill_after = None
    await world.purge()
    assert {row.job_id for row in world.table.kept} == {f"{2:032x}"} == set(world.blobs)
    assert len(world.host.instances) == 3


async def test_run_that_is_out_of_time_leaves_the_rest_to_the_next():
    world = world_of(*["Completed"] * 3)
    await world.purge(seconds=0)
    assert len(world.blobs) == 3
    await world.purge()
    assert world.is_empty


async def test_jobs_of_an_earlier_release_are_filled_in_and_purged():
    world = world_of("Completed")
    world.table = FakeJobTable(state=Filling())
    await world.purge()
    assert world.is_empty


async def test_silent_host_ends_a_run_that_has_lost_nothing():
    world = world_of("Completed")
    world.host.broken = RuntimeError("503")
    with pytest.raises(HostUnavailable):
        await world.purge()
    world.host.broken = None
    await world.purge()
    assert world.is_empty


async def test_job_whose_blobs_cannot_be_deleted_is_named_and_keeps_no_other_job(caplog):
    world = world_of(*["Completed"] * 5)
    held = f"{3:032x}"
    world.undeletable = {held}
    with pytest.raises(ResourceExistsError):
        await world.purge()
    assert {row.job_id for row in world.table.kept} == {held} == set(world.blobs)
    assert [job["jobId"] for job in events_in(caplog, "job.not_purged")] == [held]
    world.undeletable = set()
    await world.purge()
    assert world.is_empty


async def test_instance_that_the_host_does_not_purge_keeps_no_other_job(caplog):
    world = world_of(*["Completed"] * 5)
    kept = f"{3:032x}"
    world.host.unpurgeable = {kept}
    with pytest.raises(RuntimeError, match="500"):
        await world.purge()
    assert {row.job_id for row in world.table.kept} == {kept} == set(world.host.instances)
    assert [job["jobId"] for job in events_in(caplog, "job.not_purged")] == [kept]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, EXPIRED),
        ({"Next": "0001-01-01T00:00:00"}, EXPIRED),
        ({"Next": "2026-10-02T03:00:00.1234567+00:00"}, datetime(2026, 10, 2, 3, 0, 0, 123_456, tzinfo=UTC)),
        ({"Next": "2026-10-02T05:00:00+02:00"}, datetime(2026, 10, 2, 3, tzinfo=UTC)),
        ({"Next": "2036-10-02T05:00:00+00:00"}, EXPIRED),
    ],
)
def test_time_is_that_at_which_the_host_had_the_timer_due_but_never_in_the_future(status, expected):
    assert host_time(status, clock=lambda: EXPIRED) == expected
