"""A host that dies in the middle of a job, as in a power cut, and one that starts again on its state file."""

from pathlib import Path

import pytest
from azure.data.tables import TableClient

from local.emulators.azurite import ACCOUNT, Azurite
from local.samples.audit_table import reference_count
from local.settings import StackSettings
from tests.support.api_client import StartHost
from tests.support.table_proxy import TableProxy, table_proxy

START, END = "1990-01-01", "1990-03-31"


@pytest.fixture(scope="module")
def expected(audit_table: TableClient) -> int:
    for number in range(60):
        key = {"PartitionKey": f"1990-0{1 + number % 3}-{1 + number % 28:02}", "RowKey": str(number)}
        audit_table.upsert_entity({**key, "CertNumber": "c", "identificationNumber": number % 37})
    return reference_count(audit_table, START, END)


def submit_and_kill(start_host: StartHost, proxy: TableProxy, state: Path, storage: str, *, end: str) -> str:
    """The id of a job whose host was killed while its activities waited for the table."""
    with start_host(state, AUDIT_STORAGE=storage) as (api, service):
        job: str = api.submit(START, end).json()["id"]
        assert proxy.is_holding.wait(30)
        service.kill()
    return job


def through(proxy_origin: str, storage: Azurite) -> str:
    """The connection string of the same storage with its tables behind the proxy."""
    account = storage.connection_string.split("BlobEndpoint")[0]
    return f"{account}TableEndpoint={proxy_origin}/{ACCOUNT};"


@pytest.mark.parametrize(("end", "passing"), [(END, 0), (END, 25), ("1990-01-05", 2)])
def test_killed_host_resumes_where_it_stopped(  # noqa: PLR0917 - fixtures
    start_host: StartHost,
    storage: Azurite,
    stack_settings: StackSettings,
    audit_table: TableClient,
    tmp_path: Path,
    expected: int,
    end: str,
    passing: int,
) -> None:
    state = tmp_path / "state.db"
    with table_proxy(stack_settings.table.number, passing=passing) as (proxy, proxy_origin):
        connection_string = through(proxy_origin, storage)
        job = submit_and_kill(start_host, proxy, state, connection_string, end=end)
        interrupted = set(proxy.held)
        before = len(proxy.filters)
        proxy.release()
        with start_host(state, AUDIT_STORAGE=connection_string) as (api, _):
            status = api.finished(job)

    assert (status["status"], status["result"]) == ("Completed", reference_count(audit_table, START, end))
    assert interrupted <= set(proxy.filters[before:])
    assert expected > 0


def test_job_that_had_ended_is_readable_after_a_kill(start_host: StartHost, tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with start_host(state) as (api, service):
        ended = api.run(START, "1990-01-05")
        service.kill()

    with start_host(state) as (api, _):
        assert api.status(ended["id"]).json() == ended
