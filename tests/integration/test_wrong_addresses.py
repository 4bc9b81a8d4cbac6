"""A mistyped address of a service: whatever is there instead, the failure names the setting to check."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from local.emulators.azurite import ACCOUNT
from local.emulators.cosmos.service import KEY
from local.ports import LOOPBACK, free_port
from shared_code.clients.composition import Clients
from shared_code.events.source import Event
from shared_code.jobs import EmbedEventJob, Json
from shared_code.network import Network
from shared_code.settings import Settings
from tests.support.activities import count_distinct, embed_event, fetch_event, query_window
from tests.support.app_time import AppTime
from tests.support.corpus import DATABASE, SELF_CERTIFIED
from tests.support.web_servers import serving

pytestmark = SELF_CERTIFIED
ACCOUNT_KEY = f"AccountName={ACCOUNT};AccountKey=a2V5"
WINDOW = {"lower": "2021-02-03", "upper": "2021-02-05", "closed": True}


def web_server(status: int) -> type[BaseHTTPRequestHandler]:
    """A site that has nothing to do with the app."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Location", "https://www.example.com/")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(b"<html>Welcome</html>")

        do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture(params=["nobody", "no-such-host", "page", "not-found", "moved", "no-tls"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where none of the services is."""
    statuses = {"page": 200, "not-found": 404, "moved": 301, "no-tls": 200}
    if request.param == "nobody":
        yield f"http://{LOOPBACK}:{free_port()}"
    elif request.param == "no-such-host":
        yield "http://no-such-host.invalid"
    else:
        scheme = "https" if request.param == "no-tls" else "http"
        with serving(web_server(statuses[request.param])) as port:
            yield f"{scheme}://{LOOPBACK}:{port}"


@asynccontextmanager
async def clients_with(settings: Mapping[str, str]) -> AsyncIterator[Clients]:
    opened = Clients(Settings(dict(settings)), Network(clock=AppTime()))
    try:
        yield opened
    finally:
        await opened.close()


def event_of(clients: Clients) -> Json:
    body = {"trackingId": "t", "sessionId": "s", "env": "wrong"}
    job = EmbedEventJob.parse(body, clients.settings.event_defaults)
    clients.fetched_events.keep(
        job.id, job.submission, Event(tracking_id="t", session_id="s", text="A", time=None)
    )
    return {"jobId": job.id, "job": job.to_json()}


def told(answer: Any) -> str:
    """What a client reads of a step that failed."""
    assert not answer["ok"]
    assert answer["error"]["code"] != "StepFailed", answer
    message: str = answer["error"]["message"]
    return message


async def test_address_of_the_audit_table(address: str):
    wrong = {"AUDIT_STORAGE": f"{ACCOUNT_KEY};TableEndpoint={address}/{ACCOUNT};"}
    async with clients_with(wrong) as clients:
        answer = await query_window(clients, {"jobId": "job", "window": WINDOW, "stage": False})

    assert "AUDIT_STORAGE" in told(answer)


async def test_address_of_the_blobs(address: str):
    wrong = {"AZURE_STORAGE_CONNECTION_STRING": f"{ACCOUNT_KEY};BlobEndpoint={address}/{ACCOUNT};"}
    async with clients_with(wrong) as clients:
        answer = await count_distinct(clients, {"jobId": "job", "runs": 1})

    assert "AZURE_STORAGE_CONNECTION_STRING" in told(answer)


async def test_address_of_the_index(address: str, embedding_settings: dict[str, str]):
    wrong = {**embedding_settings, "COSMOS_ENDPOINT": address, "COSMOS_KEY": KEY}
    async with clients_with(wrong) as clients:
        answer = await embed_event(clients, event_of(clients))

    assert "COSMOS_ENDPOINT" in told(answer)


async def test_address_of_the_embeddings(address: str, embedding_settings: dict[str, str]):
    wrong = {**embedding_settings, "COSMOS_DATABASE": DATABASE, "EMBEDDINGS_ENDPOINT": f"{address}/v1"}
    async with clients_with(wrong) as clients:
        answer = await embed_event(clients, event_of(clients))

    assert "EMBEDDINGS_ENDPOINT" in told(answer)


async def test_address_of_the_events(address: str):
    async with clients_with({"EVENTS_ENDPOINT": address}) as clients:
        answer = await fetch_event(clients, event_of(clients))

    assert "EVENTS_ENDPOINT" in told(answer)
