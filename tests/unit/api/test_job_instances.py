import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared_code.api.job_instances import (
    JobStarter,
    StartedJob,
    find_job,
    is_live,
    new_job_id,
    require_running,
    row_of,
    start_job,
)
from shared_code.errors import (
    BudgetReached,
    EventRunning,
    HostUnavailable,
    IdempotencyKeyReused,
    InvalidIdempotencyKey,
    JobEnded,
    JobNotFound,
    JobSuspended,
    JobTableUnavailable,
    TrackingIdReused,
)
from shared_code.jobs import (
    COST_UNIT,
    AuditQueryJob,
    Budget,
    EmbedFilesJob,
    Job,
    is_job_id,
    keyed_job_id,
    month_of,
    parse_job,
)
from shared_code.jobs.date_range import DateRange
from shared_code.jobs.job_rows import JobRow
from shared_code.settings import Settings
from shared_code.usage.month import MonthUsage
from tests.support.durable_host_fake import FakeHost, instance
from tests.support.job_table_fake import FakeJobTable
from tests.unit.jobs.test_embed_event import job_of

JOB = AuditQueryJob.plan(DateRange(date(2021, 2, 3), date(2021, 2, 5)))
OTHER = AuditQueryJob.plan(DateRange(date(2021, 2, 3), date(2021, 2, 6)))
EVENT = job_of()
BUDGETS = {"prod": Budget(amount=50, recheck_seconds=60)}
ID = "0123456789abcdef0123456789abcdef"


def test_new_ids_are_jobs_and_differ():
    first, second = new_job_id(), new_job_id()
    assert is_job_id(first)
    assert first != second


async def submit(host: FakeHost, job: Job, *, table: FakeJobTable | None = None, **more: Any) -> StartedJob:
    return await start_job(JobStarter(host, (table or FakeJobTable()).opened), job, **more)


async def test_jobs_without_a_key_are_started_anew_each_time():
    host = FakeHost()
    ids = [(await submit(host, JOB, idempotency_key=None)).id for _ in range(2)]
    assert host.started == ids
    assert len(set(ids)) == 2


async def test_input_of_a_started_job_is_the_job_and_its_release():
    host = FakeHost()
    started = await submit(host, JOB, idempotency_key=None)
    given = json.loads(host.instances[started.id]["input"])
    assert (parse_job(given), given["release"]) == (JOB, Settings({}).release)


async def test_same_key_and_request_give_the_same_job_with_its_present_status():
    host = FakeHost()
    first = await submit(host, JOB, idempotency_key="key")
    host.instances[first.id]["runtimeStatus"] = "Completed"
    again = await submit(host, JOB, idempotency_key="key")
    assert (again.id, again.runtime_status) == (first.id, "Completed")
    assert host.started == [first.id]


async def test_same_key_with_another_request_is_refused():
    host = FakeHost()
    await submit(host, JOB, idempotency_key="key")
    with pytest.raises(IdempotencyKeyReused):
        await submit(host, OTHER, idempotency_key="key")


async def test_same_key_after_another_plan_of_the_work_is_the_same_request():
    host = FakeHost()
    first = await submit(host, JOB, idempotency_key="key")
    recut = AuditQueryJob(dates=JOB.dates, window_days=1, lanes=2, wave_size=4)
    assert (await submit(host, recut, idempotency_key="key")).id == first.id


async def test_race_for_one_key_is_a_replay_for_the_loser():
    winner = instance(status="Running", input=json.dumps(JOB.to_json()))
    host = FakeHost(appears_late=winner)
    started = await submit(host, JOB, idempotency_key="key")
    assert (started.id, started.runtime_status) == (keyed_job_id("key"), "Running")


async def test_race_for_one_key_with_another_request_is_refused():
    host = FakeHost(appears_late=instance(input=json.dumps(OTHER.to_json())))
    with pytest.raises(IdempotencyKeyReused):
        await submit(host, JOB, idempotency_key="key")


@dataclass
class SlowTable(FakeJobTable):
    """A table that takes its time: meanwhile another request comes, and its job ends."""

    host: FakeHost = field(default_factory=FakeHost)

    async def put(self, row: JobRow) -> None:
        await super().put(row)
        if not self.host.started:
            await submit(self.host, EVENT, idempotency_key="another")
            self.host.instances[EVENT.id]["runtimeStatus"] = "Completed"


async def test_event_runs_once_although_its_job_ends_while_a_second_request_is_noted():
    host = FakeHost(replaceable=True)
    table = SlowTable(host=host)
    found = await submit(host, EVENT, table=table, idempotency_key="mine")
    assert (found.runtime_status, host.started, table.kept) == ("Completed", [EVENT.id], [])


async def test_key_whose_instance_is_no_readable_job_is_refused():
    host = FakeHost({keyed_job_id("key"): instance(input='{"kind": "other"}')})
    with pytest.raises(IdempotencyKeyReused):
        await submit(host, JOB, idempotency_key="key")


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "é", "a\nb"])
async def test_unusable_key_is_refused_before_the_host_is_asked(key):
    host = FakeHost()
    with pytest.raises(InvalidIdempotencyKey):
        await submit(host, JOB, idempotency_key=key)
    assert host.asked == []


def embedding_job(**fields: Any) -> EmbedFilesJob:
    body = {"env": "prod", "version": "v1", "filesPath": "docs", **fields}
    return EmbedFilesJob.parse(body, Settings({}).embedding_plan, BUDGETS)


def host_that_has_spent(amount: int) -> FakeHost:
    key = f"prod:{month_of(datetime.now(UTC))}"
    return FakeHost(entities={key: MonthUsage(cost=amount * COST_UNIT).to_json()})


async def test_job_is_not_started_when_its_environment_has_spent_its_budget():
    host = host_that_has_spent(50)
    with pytest.raises(BudgetReached, match="prod is reached: 50 of 50 are spent"):
        await submit(host, embedding_job(), idempotency_key=None)
    assert host.started == []


async def test_request_of_an_earlier_job_finds_it_when_the_budget_is_spent():
    host = host_that_has_spent(49)
    first = await submit(host, embedding_job(), idempotency_key="key")
    host.entities = host_that_has_spent(50).entities
    assert (await submit(host, embedding_job(), idempotency_key="key")).id == first.id


@pytest.mark.parametrize("job", [JOB, embedding_job(dryRun=True), embedding_job(env="dev")])
async def test_job_that_spends_nothing_or_has_no_limit_is_started_all_the_same(job):
    host = host_that_has_spent(50)
    await submit(host, job, idempotency_key=None)
    assert len(host.started) == 1


async def after(status: str) -> FakeHost:
    """A host on which the event's job is in this state."""
    host = FakeHost()
    await submit(host, EVENT, idempotency_key="first")
    host.instances[EVENT.id]["runtimeStatus"] = status
    host.started.clear()
    return host


@pytest.mark.parametrize("status", ["Pending", "Running", "Suspended", "ContinuedAsNew", "Completed"])
@pytest.mark.parametrize("key", [None, "first", "other"])
async def test_event_that_comes_again_finds_its_job_with_a_key_or_without(status, key):
    host = await after(status)
    found = await submit(host, EVENT, idempotency_key=key)
    seen = "Running" if status == "ContinuedAsNew" else status
    assert (found.id, found.runtime_status, host.started) == (EVENT.id, seen, [])


@pytest.mark.parametrize("status", ["Failed", "Terminated", "Canceled"])
async def test_event_whose_job_came_to_nothing_runs_again_for_any_session(status):
    host = FakeHost({EVENT.id: instance(status=status, input=json.dumps(EVENT.to_json()))}, replaceable=True)
    started = await submit(host, job_of(sessionId="other"), idempotency_key=None)
    assert (started.id, host.started) == (EVENT.id, [EVENT.id])


async def test_forced_event_runs_again_when_its_job_has_completed():
    host = await after("Completed")
    host.replaceable = True
    await submit(host, job_of(force=True), idempotency_key=None)
    assert host.started == [EVENT.id]


@pytest.mark.parametrize("status", ["Pending", "Running", "Suspended"])
async def test_forced_event_whose_job_is_live_is_refused_and_not_dropped(status):
    host = await after(status)
    with pytest.raises(EventRunning, match="when it has ended"):
        await submit(host, job_of(force=True), idempotency_key=None)
    assert host.started == []


async def test_job_that_runs_wants_its_work_done():
    await require_running(FakeHost({"job": instance()}), "job")


async def test_job_that_is_suspended_is_waited_for():
    with pytest.raises(JobSuspended):
        await require_running(FakeHost({"job": instance(status="Suspended")}), "job")


@pytest.mark.parametrize("status", ["Terminated", "Failed", "Completed", "Canceled"])
async def test_nothing_more_is_done_for_a_job_that_has_ended(status):
    with pytest.raises(JobEnded):
        await require_running(FakeHost({"job": instance(status=status)}), "job")


async def test_nothing_more_is_done_for_a_job_that_was_purged():
    with pytest.raises(JobEnded):
        await require_running(FakeHost(), "job")


async def test_host_that_cannot_say_stops_no_work():
    await require_running(FakeHost(broken=Exception("503")), "job")


async def test_forced_event_that_is_repeated_with_its_key_runs_once():
    host = await after("Completed")
    host.replaceable = True
    for _ in range(2):
        await submit(host, job_of(force=True), idempotency_key="again")
        host.instances[EVENT.id]["runtimeStatus"] = "Completed"
    assert host.started == [EVENT.id]


@pytest.mark.parametrize("status", ["Running", "Completed"])
@pytest.mark.parametrize("force", [True, False])
async def test_tracking_id_of_another_session_is_refused(status, force):
    host = await after(status)
    with pytest.raises(TrackingIdReused, match="another session"):
        await submit(host, job_of(sessionId="other", force=force), idempotency_key=None)
    assert host.started == []


async def test_race_for_one_event_is_a_find_for_the_loser():
    host = FakeHost(appears_late=instance(status="Running", input=json.dumps(EVENT.to_json())))
    found = await submit(host, EVENT, idempotency_key=None)
    assert (found.id, found.runtime_status) == (EVENT.id, "Running")


async def test_unusable_key_of_an_event_is_refused():
    with pytest.raises(InvalidIdempotencyKey):
        await submit(FakeHost(), EVENT, idempotency_key=" ")


async def test_host_that_does_not_take_a_job_is_unavailable():
    host = FakeHost(appears_late=instance(name="lane-orchestrator-function"))
    with pytest.raises(HostUnavailable):
        await submit(host, JOB, idempotency_key="key")


async def test_job_is_found_by_its_id():
    host = FakeHost({ID: instance()})
    assert (await find_job(host, ID)).name == "orchestrator-function"


@pytest.mark.parametrize(
    "job_id",
    [
        f"{ID}:lane:0",
        "@entity@key",
        "../x",
        "a b/c",
        "a?b",
        "a#b",
        "",
        "é",
        ID.upper(),
        ID + "\n",
        "x" * 9_000,
    ],
)
async def test_odd_id_is_not_found_and_never_reaches_the_host(job_id):
    host = FakeHost({job_id: instance()})
    with pytest.raises(JobNotFound, match="Job not found"):
        await find_job(host, job_id)
    assert host.asked == []


@pytest.mark.parametrize("name", ["lane-orchestrator-function", "other", "@usage@key"])
async def test_instance_of_another_function_is_not_found(name):
    with pytest.raises(JobNotFound):
        await find_job(FakeHost({ID: instance(name=name)}), ID)


@pytest.mark.parametrize(
    "broken",
    [
        {"Message": "Something went wrong", "ExceptionMessage": "secret"},
        "a bare sentence",
        RuntimeError("The operation failed with an unexpected status code 503"),
        OSError("connection refused"),
    ],
)
async def test_failing_host_is_unavailable_and_not_a_missing_job(broken):
    with pytest.raises(HostUnavailable, match="try again"):
        await find_job(FakeHost(broken=broken), ID)


@pytest.mark.parametrize("status", ["Pending", "Running", "Suspended", "ContinuedAsNew"])
async def test_job_that_may_go_on_is_live(status):
    assert await is_live(FakeHost({ID: instance(status=status)}), ID)


@pytest.mark.parametrize("status", ["Completed", "Failed", "Terminated", "Canceled"])
async def test_job_that_has_ended_or_is_forgotten_is_not_live(status):
    assert not await is_live(FakeHost({ID: instance(status=status)}), ID)
    assert not await is_live(FakeHost(), ID)


async def test_nobody_takes_a_job_for_ended_while_the_host_does_not_answer():
    with pytest.raises(HostUnavailable):
        await is_live(FakeHost(broken=RuntimeError("503")), ID)


async def test_job_is_in_the_table_before_it_starts():
    host, table = FakeHost(appears_late=instance()), FakeJobTable()
    with pytest.raises(HostUnavailable):
        await submit(host, JOB, table=table, idempotency_key=None)
    assert [row.kind for row in table.kept] == ["audit-query"]


async def test_job_that_the_table_does_not_take_is_not_started():
    host = FakeHost()
    with pytest.raises(JobTableUnavailable, match="no job was started: send the same request again"):
        await submit(host, JOB, table=FakeJobTable(is_down=True), idempotency_key="key")
    assert host.started == []


async def test_row_of_a_job_follows_from_its_instance():
    host, table = FakeHost(), FakeJobTable()
    started = await submit(host, embedding_job(), table=table, idempotency_key=None)
    assert [row_of(started.id, await find_job(host, started.id))] == list(table.kept)


async def test_event_that_runs_again_has_the_row_of_its_new_run_alone():
    host, table = FakeHost(replaceable=True), FakeJobTable()
    for _ in range(2):
        await submit(host, EVENT, table=table, idempotency_key=None)
        host.instances[EVENT.id]["runtimeStatus"] = "Failed"
    assert [row_of(EVENT.id, await find_job(host, EVENT.id))] == list(table.kept)


async def test_event_runs_again_although_its_old_row_cannot_be_removed():
    host, table = FakeHost(replaceable=True), FakeJobTable(removes=False)
    for _ in range(2):
        await submit(host, EVENT, table=table, idempotency_key=None)
        host.instances[EVENT.id]["runtimeStatus"] = "Failed"
    assert len(host.started) == 2
