import json
from dataclasses import dataclass, field
from datetime import date

import pytest

from shared_code.api.job_control import cancel_job, decide, name_of_client, parse_decision
from shared_code.errors import DecisionTaken, HostUnavailable, InvalidField, JobNotFound, NothingToApprove
from shared_code.jobs import AuditQueryJob
from shared_code.jobs.approval import Decision
from shared_code.jobs.date_range import DateRange
from tests.support.durable_host_fake import FakeHost, instance

ID = "0123456789abcdef0123456789abcdef"
LANES = [f"{ID}:lane:{number}" for number in range(4)]
JOB = json.dumps(AuditQueryJob.plan(DateRange(date(2021, 1, 1), date(2022, 12, 31))).to_json())


@dataclass
class Kept:
    """Keeps what was decided."""

    canceled: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    decision: Decision | None = None

    async def cancel(self, job_id: str, by: str) -> bool:
        if job_id not in self.closed:
            self.canceled.setdefault(job_id, by)
        return job_id in self.canceled

    async def is_canceled(self, job_id: str) -> bool:
        return job_id in self.canceled

    async def approval(self, _job_id: str, _round: int) -> Decision | None:
        return self.decision

    async def approve(self, _job_id: str, _round: int, decision: Decision) -> Decision:
        self.decision = self.decision or decision
        return self.decision


def host_of(status: str = "Running", **lanes: str) -> FakeHost:
    job = {ID: instance(status=status, input=JOB)}
    return FakeHost(
        job
        | {f"{ID}:lane:{n[1:]}": instance("lane-orchestrator-function", each) for n, each in lanes.items()}
    )


@pytest.mark.parametrize("status", ["Pending", "Running", "ContinuedAsNew"])
async def test_live_job_and_its_lanes_are_woken_up_after_the_cancel_is_kept(status):
    host, kept = host_of(status, n0="Running", n3="Pending", n2="Completed"), Kept()
    assert await cancel_job(host, kept, ID, by="ann") == ("Running" if status == "ContinuedAsNew" else status)
    assert kept.canceled == {ID: "ann"}
    assert sorted(host.raised) == [(ID, "cancel"), (LANES[0], "cancel"), (LANES[3], "cancel")]


async def test_suspended_instances_are_resumed():
    host = host_of("Suspended", n0="Suspended", n1="Running")
    await cancel_job(host, Kept(), ID, by="ann")
    assert sorted(host.resumed) == [ID, LANES[0]]


@pytest.mark.parametrize("status", ["Completed", "Failed", "Terminated"])
async def test_job_that_has_ended_is_left_alone(status):
    host, kept = host_of(status), Kept()
    assert await cancel_job(host, kept, ID, by="ann") is None
    assert (host.raised, kept.canceled) == ([], {})


async def test_job_that_has_done_its_work_is_left_alone():
    host, kept = host_of("Running"), Kept(closed={ID})
    assert await cancel_job(host, kept, ID, by="ann") is None
    assert host.raised == []


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


APPROVED = {"approved": True, "by": "ann"}
AWAITING = {"phase": "awaiting-approval", "approval": {"above": 1, "expiresAt": "2026-01-10T00:00:00+00:00"}}


def waiting(status: str = "Running", phase: str = "awaiting-approval") -> FakeHost:
    return FakeHost({ID: instance(status=status, input=JOB, customStatus={**AWAITING, "phase": phase})})


@pytest.mark.parametrize("status", ["Running", "Suspended"])
async def test_decision_is_kept_before_the_job_is_woken_up(status):
    host, kept = waiting(status), Kept()
    assert await decide(host, kept, ID, parse_decision(APPROVED)) is True
    assert kept.decision
    assert (host.raised, host.resumed) == ([(ID, "approval")], [])


async def test_decision_that_was_taken_before_wakes_the_job_up_again():
    host, kept = waiting(), Kept()
    answers = [await decide(host, kept, ID, parse_decision(APPROVED)) for _ in range(2)]
    assert (answers, len(host.raised)) == ([True, False], 2)


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("Pending", "pending"),
        ("Running", "listing"),
        ("Running", "embedding"),
        ("Completed", "done"),
        ("Terminated", "awaiting-approval"),
        ("Running", "waiting"),
    ],
)
async def test_nothing_is_decided_while_nothing_waits_for_it(status, phase):
    kept = Kept()
    with pytest.raises(NothingToApprove):
        await decide(waiting(status, phase), kept, ID, parse_decision(APPROVED))
    assert kept.decision is None


async def test_nothing_is_decided_about_a_job_that_is_to_end():
    with pytest.raises(NothingToApprove):
        await decide(waiting(), Kept(canceled={ID: "ann"}), ID, parse_decision(APPROVED))


@pytest.mark.parametrize("held", [Decision(approved=False), Decision(approved=False, by="ben")])
async def test_another_decision_than_the_one_that_holds_is_refused(held):
    with pytest.raises(DecisionTaken):
        await decide(waiting(), Kept(decision=held), ID, parse_decision(APPROVED))


async def test_rejection_after_the_time_was_over_is_refused():
    rejected, expired = parse_decision({"approved": False}), Kept(decision=Decision(approved=False))
    with pytest.raises(DecisionTaken):
        await decide(waiting("Failed", "failed"), expired, ID, rejected)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "yes",
        {},
        {"approved": 1},
        {"approved": True, "by": 7},
        {"approved": True, "comment": "\x00"},
        {"approved": True, "comment": "x" * 1001},
        {"approved": True, "other": 1},
    ],
)
def test_body_that_is_no_decision_is_refused(body):
    with pytest.raises(InvalidField):
        parse_decision(body)
