"""The table of jobs in Azurite."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from local.emulators.azurite import Azurite
from shared_code.clients.composition import Clients
from shared_code.errors import JobTableUnavailable
from shared_code.jobs.job_rows import Filling, JobFilter, JobRow
from shared_code.settings import Settings
from shared_code.storage.job_table import StoredJobs
from tests.support.service_proxy import Call, Reply, service_proxy

BEGAN = datetime(2026, 11, 28, 10, tzinfo=UTC)
ANY = JobFilter()


def settings_on(storage: str) -> Settings:
    hub = f"hub{uuid4().hex[:12]}"
    return Settings(
        {"AzureWebJobsStorage": storage, "AzureFunctionsJobHost__extensions__durableTask__hubName": hub}
    )


@pytest.fixture
async def table(storage: Azurite) -> AsyncIterator[StoredJobs]:
    """The table of a hub of its own, which nothing has been written to."""
    opened = Clients(settings_on(storage.connection_string))
    yield opened.job_table
    await opened.close()


def row(number: int, **facts: Any) -> JobRow:
    return JobRow(job_id=f"{number:032x}", submitted_at=BEGAN + timedelta(seconds=number), **facts)


async def numbers(
    table: StoredJobs, wanted: JobFilter = ANY, *, after: str = "", most: int = 10
) -> list[int]:
    return [int(row.job_id, 16) for row in await table.rows(wanted, after=after, most=most)]


async def test_table_that_nobody_wrote_to_has_no_rows_and_is_not_filled(table):
    await table.remove(row(1))
    assert await numbers(table) == []
    assert await table.filling() == Filling()


async def test_rows_come_newest_first_from_a_key_on(table):
    for number in range(5):
        await table.put(row(number))
    assert await numbers(table, most=2) == [4, 3]
    assert await numbers(table, after=row(3).key) == [2, 1, 0]


async def test_row_is_read_as_it_was_written(table):
    ended = row(1, kind="embed-files", env="prod").ended("Failed", BEGAN + timedelta(hours=1))
    await table.put(row(1, kind="embed-files", env="prod"))
    await table.put(ended)
    for wanted in (ANY, JobFilter(env="prod")):
        assert await table.rows(wanted, after="", most=2) == [ended]


async def test_rows_are_found_by_what_is_known_of_their_jobs(table):
    await table.put(row(1, kind="audit-query"))
    await table.put(row(2, kind="embed-files", env="prod"))
    await table.put(row(3, kind="embed-event", env="prod").ended("Failed", BEGAN))
    assert await numbers(table, JobFilter(env="prod")) == [3, 2]
    assert await numbers(table, JobFilter(kind="embed-files", env="prod")) == [2]
    assert await numbers(table, JobFilter(final_statuses=("",))) == [2, 1]
    assert await numbers(table, JobFilter(final_statuses=("", "Failed"))) == [3, 2, 1]
    assert await numbers(table, JobFilter(created_after=BEGAN + timedelta(seconds=1))) == [3, 2]
    assert await numbers(table, JobFilter(ended_before=BEGAN + timedelta(seconds=1))) == [3]
    assert await numbers(table, JobFilter(ended_before=BEGAN)) == []


async def test_removed_row_is_found_nowhere_and_may_be_removed_again(table):
    gone = row(1, env="prod")
    await table.put(gone)
    for _ in range(2):
        await table.remove(gone)
    assert await numbers(table) == await numbers(table, JobFilter(env="prod")) == []


async def test_filling_goes_on_in_another_process(table, storage):
    await table.save_filling(Filling(marker="abc="))
    assert await table.filling() == Filling(marker="abc=")
    await table.save_filling(Filling(is_done=True))
    assert (await table.filling()).is_done


async def test_table_that_refuses_for_a_while_is_unavailable(storage):
    def refuse(_: Call) -> Reply:
        return Reply(503, {})

    with service_proxy("http://127.0.0.1:9", refuse) as proxy:
        account = storage.connection_string.split("TableEndpoint=")
        text = f"{account[0]}TableEndpoint={proxy.origin}/devstoreaccount1;"
        opened = Clients(settings_on(text))
        with pytest.raises(JobTableUnavailable):
            await opened.job_table.put(row(1))
        await opened.close()
