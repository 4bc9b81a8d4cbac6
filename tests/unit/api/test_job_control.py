import json
from dataclasses import dataclass, field
from datetime import date

import pytest

from shared_code.api.job_control import cancel_job, name_of_client
from shared_code.errors import HostUnavailable, InvalidField, JobNotFound
from shared_code.jobs import AuditQueryJob
from shared_code.jobs.date_range import DateRange
from tests.support.durable_host_fake import FakeHost, instance

ID = "0123456789abcdef0123456789abcdef"
LANES = [f"{ID}:lane:{number}" for number in range(4)]
JOB = json.dumps(AuditQueryJob.plan(DateRange(date(2021, 1, 1), date(2022, 12, 31))).to_json())


@dataclass
class Kept:
    """Keeps who cancelled which job."""

    canceled: dict[str, str] = field(default_factory=dict)

    async def cancel(self, job_id: str, by: str) -> None:
        self.canceled.setdefault(job_id, by)


def host_of(status: str = "Running", **lanes: str) -> FakeHost:
    job = {ID: instance(status=status, input=JOB)}
    return FakeHost(
        job
        | {f"{ID}:lane:{n[1:]}": instance("lane-orchestrator-function", each) for n, each in lanes.items()}
    )


@pytest.mark.parametrize("status", ["Pending", "Running", "ContinuedAsNew"])
async def test_live_job_and_its_lanes_are_woken_up_after_the_cancel_is_kept(status):
    host, kept = host_of(status, n0="Running", n3="Pending", n2="Completed"), Kept()
    assert await cancel_job(host, kept, ID, by="ann") == status
    assert kept.canceled == {ID: "ann"}
    assert sorted(host.raised) == [(ID, "cancel"), (LANES[0], "cancel"), (LANES[3], "cancel")]


async def test_suspended_instances_are_resumed():
    host = host_of("Suspended", n0="Suspended", n1="Running")
    await cancel_job(host, Kept(), ID, by="ann")
    assert sorted(host.resumed) == [ID, LANES[0]]


@pytest.mark.parametrize("status", ["Completed", "Failed", "Terminated"])
async def test_job_that_has_ended_is_left_alone(status):
    host, kept = host_of(status), Kept()
    assert await cancel_job(host, kept, ID, by="ann") == status
    assert (host.raised, kept.canceled) == ([], {})


async def test_job_that_ends_meanwhile_is_no_error():
    host = host_of()
    host.refused = {ID: "Completed"}
    assert await cancel_job(host, Kept(), ID, by="ann") == "Completed"


async def test_host_that_takes_no_event_is_told_as_such_and_the_cancel_is_kept():
    host, kept = host_of(), Kept()
    host.refused = {ID: "Running"}
    with pytest.raises(HostUnavailable):
        await cancel_job(host, kept, ID, by="ann")
    assert kept.canceled == {ID: "ann"}


@pytest.mark.parametrize("job_id", [LANES[0], "x", "0" * 32])
async def test_what_is_no_job_is_not_found(job_id):
    with pytest.raises(JobNotFound):
        await cancel_job(host_of(n0="Running"), Kept(), job_id, by="ann")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[1m", "x" * 201, 7, None])
def test_name_that_cannot_be_shown_is_refused(name):
    with pytest.raises(InvalidField):
        name_of_client(name)
