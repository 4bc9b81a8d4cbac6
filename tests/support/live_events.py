"""Live events as who submits them sees them: ids in, documents in the index out."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from azure.cosmos import ContainerProxy, CosmosClient
from azure.cosmos.exceptions import CosmosResourceNotFoundError

from local.http_client import Answer, request
from shared_code.jobs import EmbedEventJob, EventDefaults
from shared_code.settings import Settings
from tests.support.api_client import ApiClient, StartHost
from tests.support.corpus import DATABASE
from tests.support.events_service import EventsService, events_service

TIME = "2026-11-20T10:02:11Z"


@dataclass(frozen=True)
class LiveEvents:
    """Events of one test, in an environment of the index of their own."""

    index: ContainerProxy
    env: str

    def named(self, name: str) -> dict[str, str]:
        """The ids of an event."""
        return {"trackingId": f"{self.env}-{name}", "sessionId": f"{self.env}-session"}

    def put(self, service: EventsService, name: str, text: str) -> None:
        """Makes an event known to the events service."""
        ids = self.named(name)
        service.put(ids["trackingId"], ids["sessionId"], text, time=TIME)

    def job_id(self, name: str, **fields: str) -> str:
        """The id of an event's job, which follows from what names the event."""
        defaults = EventDefaults(
            env=self.env, index_version="v1", wait=timedelta(), plan=Settings({}).embedding_plan, budgets={}
        )
        return EmbedEventJob.parse({**self.named(name), **fields}, defaults).id

    def submit(self, api: ApiClient, name: str, **fields: Any) -> Answer:
        """Asks for an event to be embedded."""
        body = {**self.named(name), "env": self.env, **fields}
        return request("POST", f"{api.origin}/api/orchestrators/start", body=body)

    def run(self, api: ApiClient, name: str, **fields: Any) -> dict[str, Any]:
        """The last status of an event's job."""
        return api.finished(self.submit(api, name, **fields).json()["id"])

    def documents(self, name: str) -> list[dict[str, Any]]:
        """The documents of an event in their order."""
        query = "SELECT * FROM c WHERE c.index = @index AND c.trackingId = @id"
        values = {"@index": f"{self.env}|v1", "@id": self.named(name)["trackingId"]}
        parameters: list[dict[str, object]] = [{"name": key, "value": value} for key, value in values.items()]
        try:
            found = list(
                self.index.query_items(query, parameters=parameters, enable_cross_partition_query=True)
            )
        except CosmosResourceNotFoundError:
            return []
        return sorted(found, key=lambda document: int(document["ordinal"]))


@pytest.fixture(scope="module")
def service() -> Iterator[EventsService]:
    """An events service that the test's host asks."""
    with events_service() as serving:
        yield serving


@pytest.fixture(scope="module")
def api(
    start_host: StartHost, embedding_settings: dict[str, str], service: EventsService
) -> Iterator[ApiClient]:
    """A host that asks the events service and takes messages."""
    own = {
        "COSMOS_DATABASE": DATABASE,
        "EVENTS_ENDPOINT": service.origin,
        "EVENTS_WAIT_SECONDS": "4",
        "AzureWebJobs.live-event-function.Disabled": "false",
    }
    with start_host(**embedding_settings, **own) as (client, _):
        yield client


@pytest.fixture
def events(cosmos_client: CosmosClient) -> LiveEvents:
    """An environment without documents."""
    index = cosmos_client.get_database_client(DATABASE).get_container_client("chunks")
    return LiveEvents(index, f"events-{uuid4().hex[:8]}")


def wait_for(condition: Callable[[], bool]) -> None:
    """Returns when something is so."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
