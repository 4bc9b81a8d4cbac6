"""Every service x every way to fail x half a minute and ten minutes x every job: all of them complete."""

from collections.abc import AsyncIterator
from itertools import product

import pytest

from tests.support.corpus import SELF_CERTIFIED
from tests.support.outage_world import JOBS, SERVICES, USES, OutageWorld, outage_world
from tests.support.outages import BRIEF, FAULTS, FOR_THE_APP

pytestmark = [SELF_CERTIFIED, pytest.mark.soak]
# What a job does not use it does not miss, which one fault shows as well as all.
CELLS = [
    (job, service, fault, seconds)
    for job, service, fault, seconds in product(JOBS, SERVICES, FAULTS, (30, 600))
    if service in USES[job] or (fault, seconds) == ("refused", 600)
    if service != "queues" or fault not in FOR_THE_APP
    if seconds == 30 or fault not in BRIEF
]
# Faults that answer each request, and say truly that nothing was done; the last one lies.
ANSWERED = {"401", "503", "500", "429-1", "429-61", "429-86400"}
CHARGED_AND_DENIED = "executes"
ROW = "{:6} {:11} {:10} {:>6} {:>7} {:>6} {:>8} {:>8} {}"


@pytest.fixture(scope="module")
async def world(stack_settings, storage, cosmos_emulator, embeddings_process) -> AsyncIterator[OutageWorld]:
    async with outage_world(stack_settings, storage, cosmos_emulator, embeddings_process) as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def head(table: list[str]) -> None:
    names = ("job", "service", "fault", "outage", "took s", "failed", "charged", "counted", "result")
    table.append(ROW.format(*names))


@pytest.mark.parametrize(("job", "service", "fault", "seconds"), CELLS)
async def test_job_outlasts_an_outage_and_is_right(  # noqa: PLR0917 - fixtures
    world: OutageWorld, table, seed, job, service, fault, seconds
):
    meeting = await world.meet(job, service, fault, seconds, seed=seed)
    took, tokens = round(meeting.seconds), (meeting.charged, meeting.counted)
    table.append(ROW.format(job, service, fault, seconds, took, meeting.met, *tokens, meeting.result))

    assert meeting.has_completed, meeting
    assert meeting.met > 0 or service not in USES[job]
    if service != "embeddings" or fault in ANSWERED:
        assert meeting.charged == meeting.counted
    elif fault != CHARGED_AND_DENIED:
        assert meeting.charged <= meeting.counted


AT_ONCE = [
    (service, fault)
    for service, fault in product(SERVICES, ("refused", "hangs", "cut", "executes"))
    if service != "queues" or fault not in FOR_THE_APP
]


@pytest.mark.parametrize(("service", "fault"), AT_ONCE)
async def test_many_jobs_at_once_outlast_an_outage_together(world: OutageWorld, seed, service, fault):
    meetings = await world.meet_at_once(service, fault, 30, seed=seed)
    assert [meeting.result for meeting in meetings] == ["right"] * len(meetings)
    assert meetings[-1].met > 0
    if service != "embeddings":
        assert meetings[-1].charged == meetings[-1].counted
    elif fault != CHARGED_AND_DENIED:
        assert meetings[-1].charged <= meetings[-1].counted
