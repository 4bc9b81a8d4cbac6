"""An older release that runs again: jobs of the newer one wait for it and say so, older ones go on."""

from pathlib import Path

import pytest
from azure.data.tables import TableClient

from local.emulators.azurite import Azurite
from local.settings import StackSettings
from tests.e2e.test_killed_host import through
from tests.support.api_client import StartHost
from tests.support.table_proxy import table_proxy

RELEASE = "AzureFunctionsJobHost__extensions__durableTask__defaultVersion"


@pytest.mark.parametrize("end", ["1991-01-04", "1991-06-30"], ids=["one window", "lanes"])
def test_job_of_a_newer_release_says_that_it_waits_and_ends_when_it_is_back(  # noqa: PLR0917 - fixtures
    start_host: StartHost,
    storage: Azurite,
    stack_settings: StackSettings,
    audit_table: TableClient,
    tmp_path: Path,
    end: str,
) -> None:
    state = tmp_path / "state.db"
    with table_proxy(stack_settings.table.number, passing=0) as (proxy, origin):
        own = {"AUDIT_STORAGE": through(origin, storage)}
        with start_host(state, **own, **{RELEASE: "2.0"}) as (api, service):
            job = api.submit("1991-01-01", end).json()["id"]
            assert proxy.is_holding.wait(30)
            service.kill()
        proxy.release()
        with start_host(state, **own, **{RELEASE: "1.0"}) as (api, _):
            waiting = api.status(job).json()
            assert api.run("1991-01-01", end)["status"] == "Completed"
        with start_host(state, **own, **{RELEASE: "2.0"}) as (api, _):
            ended = api.finished(job)

    progress = waiting["progress"]
    assert (waiting["status"], progress["phase"]) == ("Running", "waiting")
    assert (progress["waiting"]["service"], progress["waiting"]["code"]) == ("release", "NewerRelease")
    assert "Release 2.0 started the job, and release 1.0 runs" in progress["waiting"]["message"]
    assert (ended["status"], ended["progress"]["phase"]) == ("Completed", "done")


@pytest.mark.usefixtures("audit_table")
def test_job_that_a_newer_release_went_on_with_ends_on_the_older_one(
    start_host: StartHost, storage: Azurite, stack_settings: StackSettings, tmp_path: Path
) -> None:
    """Its lanes belong to the release of the job, not to the one that started them."""
    state = tmp_path / "state.db"
    with table_proxy(stack_settings.table.number, passing=0) as (proxy, origin):
        own = {"AUDIT_STORAGE": through(origin, storage)}
        with start_host(state, **own, **{RELEASE: "1.0"}) as (api, service):
            job = api.submit("1991-01-01", "1991-06-30").json()["id"]
            service.kill()
        with start_host(state, **own, **{RELEASE: "2.0"}) as (_, service):
            assert proxy.is_holding.wait(30)
            service.kill()
        proxy.release()
        with start_host(state, **own, **{RELEASE: "1.0"}) as (api, _):
            status = api.finished(job)
            assert status["status"] == "Completed", status["error"]
