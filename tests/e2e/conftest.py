"""The app on the development host and Azurite, as separate processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from azure.data.tables import TableClient

from local.emulators.azurite import Azurite
from local.emulators.embeddings.service import Embeddings
from local.host import clean_environment, host, origin
from local.ports import free_port
from local.services import RunningService
from local.settings import Port
from tests.support.api_client import ApiClient, StartHost
from tests.support.forking import forked_host
from tests.support.service_proxy import ServiceProxy, service_proxy


@pytest.fixture(scope="session")
def start_host(storage: Azurite, tmp_path_factory: pytest.TempPathFactory) -> StartHost:
    """Starts a host with settings of its own; on a used state file it goes on with what that holds."""

    @contextmanager
    def start(state_file: Path | None = None, **settings: str) -> Iterator[tuple[ApiClient, RunningService]]:
        folder = tmp_path_factory.mktemp("host")
        port = Port("PORT", free_port())
        # All hosts share one storage, and a message is for the one whose test sent it.
        own = {"AzureWebJobs.live-event-function.Disabled": "true", **settings}
        environment = clean_environment(storage.connection_string) | own
        state = state_file or folder / "state.db"
        log = folder / "log"
        with host(port, state_file=state, environment=environment, log=log, start=forked_host) as service:
            yield ApiClient(origin(port)), service

    return start


@pytest.fixture(scope="session")
def api(start_host: StartHost) -> Iterator[ApiClient]:
    """The one host of the tests that leave it running."""
    with start_host() as (client, _):
        yield client


@pytest.fixture(scope="session")
def audit_table(storage: Azurite) -> Iterator[TableClient]:
    """The audit table; each test writes to a year of its own."""
    with TableClient.from_connection_string(storage.connection_string, "audit") as table:
        table.create_table()
        yield table


@pytest.fixture
def embeddings_on_the_way(embeddings_server: Embeddings) -> Iterator[ServiceProxy]:
    """A proxy before the embeddings server."""
    with service_proxy(embeddings_server.origin) as proxy:
        yield proxy
