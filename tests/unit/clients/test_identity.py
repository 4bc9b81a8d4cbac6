"""The app's identity where nobody issues tokens: what passes, and what ends a job, for each client."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from shared_code.activities.failures import failed
from shared_code.clients.app_configuration import load_audit_storage
from shared_code.clients.composition import Clients
from shared_code.clients.identity import AppIdentity, IdentityUnavailable
from shared_code.errors import AccessDenied
from shared_code.jobs.steps import Failed
from shared_code.settings import Settings
from tests.support.configuration_services import TOKEN, ConfigurationServices

ENVIRONMENT = {
    "AZURE_STORAGE_CONNECTION_STRING": "https://files.blob.core.windows.net",
    "AUDIT_STORAGE": "https://audit.table.core.windows.net",
    "EVENTS_STORAGE": "https://events.table.core.windows.net",
    "COSMOS_ENDPOINT": "https://localhost:1",
    "EMBEDDINGS_ENDPOINT": "https://own.openai.azure.com",
}
SCOPE = "https://storage.azure.com/.default"


async def read_blobs(clients: Clients) -> None:
    await clients.source_files("docs").find("a")


async def read_index(clients: Clients) -> None:
    await clients.index("prod", "v1").records(["docs/a"])


async def read_audit_table(clients: Clients) -> None:
    await (await clients.audit_table()).row("2021-01-01", "1", select="identificationNumber")


async def read_event(clients: Clients) -> None:
    await clients.events.event("event", "session")


async def embed(clients: Clients) -> None:
    await clients.embeddings.embed(["a"], model="any", dimensions=None)


ASKERS = [read_blobs, read_index, read_audit_table, read_event, embed]


@pytest.fixture
def site(azure_site: ConfigurationServices, monkeypatch: pytest.MonkeyPatch) -> ConfigurationServices:
    monkeypatch.setattr("shared_code.clients.identity._RETRIES", 0)
    monkeypatch.setattr("azure.appconfiguration.provider._utils.min_uptime", 0)
    return azure_site


async def outcome(ask: Callable[[Clients], Awaitable[None]]) -> Failed:
    """What a step answers that needs a token for this."""
    clients = Clients(Settings(ENVIRONMENT))
    try:
        await ask(clients)
    except Exception as error:  # noqa: BLE001 - as a step does
        return failed(error, {}, now=datetime.now(UTC))
    finally:
        await clients.close()
    raise AssertionError("nothing failed")


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("ask", ASKERS)
async def test_identity_endpoint_that_fails_is_waited_for_by_its_name(site, ask, status: int):
    site.identity_status = status
    answer = await outcome(ask)

    assert (answer.failure.code, answer.trouble and answer.trouble.service) == (
        "IdentityUnavailable",
        "identity",
    )


@pytest.mark.parametrize("ask", ASKERS)
async def test_identity_endpoint_that_nobody_listens_at_is_waited_for(site, ask, monkeypatch):
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/msi/token")
    answer = await outcome(ask)

    assert answer.trouble
    assert answer.trouble.service == "identity"


@pytest.mark.parametrize("ask", ASKERS)
async def test_identity_that_does_not_exist_ends_the_job_and_the_setting_is_named(site, ask):
    site.has_identity = False
    answer = await outcome(ask)

    assert (answer.failure.code, answer.trouble) == ("AccessDenied", None)
    assert "AZURE_CLIENT_ID" in answer.failure.message


async def test_identity_is_back_as_soon_as_its_endpoint_is(site):
    site.identity_status = 503
    async with AppIdentity("") as identity:
        with pytest.raises(Exception, match="Nobody issues a token"):
            await identity.get_token(SCOPE)
        site.identity_status = None
        assert (await identity.get_token(SCOPE)).token == TOKEN
        assert (await identity.get_token_info(SCOPE)).token == TOKEN


async def test_refusal_is_no_reason_once_nobody_answers_any_more(site, monkeypatch):
    answers = [web.Response(status=400), None]

    async def token(request: web.Request) -> web.Response:
        answer = answers.pop(0) if answers else None
        if answer is None and request.transport:
            request.transport.close()
        return answer or web.Response()

    app = web.Application()
    app.router.add_get("/msi/token", token)
    async with TestServer(app) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", str(server.make_url("/msi/token")))
        async with AppIdentity("") as identity:
            for refusal in (AccessDenied, IdentityUnavailable):
                with pytest.raises(refusal):
                    await identity.get_token(SCOPE)


async def test_store_of_settings_without_a_token_is_waited_for(site):
    site.identity_status = 503
    with pytest.raises(Exception, match="Nobody issues a token") as caught:
        await load_audit_storage(site.store, client_id="")

    trouble = failed(caught.value, {}, now=datetime.now(UTC)).trouble
    assert trouble
    assert trouble.service == "identity"


@asynccontextmanager
async def answering(monkeypatch: pytest.MonkeyPatch, answer: Handler) -> AsyncIterator[AppIdentity]:
    """The app's identity on a site whose endpoint answers so."""
    app = web.Application()
    app.router.add_get("/msi/token", answer)
    async with TestServer(app) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", str(server.make_url("/msi/token")))
        async with AppIdentity("") as identity:
            yield identity


@pytest.mark.parametrize(
    "what",
    [
        {"text": "<html>", "content_type": "text/html"},
        {"text": "", "content_type": "application/json"},
        {"text": "[]", "content_type": "application/json"},
        {"text": '{"access_token": "a', "content_type": "application/json"},
        {"text": '{"access_token": "a", "expires_on": "1000"}', "content_type": "application/json"},
        {"status": 410},
        {"status": 429, "headers": {"Retry-After": "soon"}},
        {"status": 504, "text": "<html>", "content_type": "text/html"},
    ],
)
async def test_answer_that_is_no_token_is_an_outage(site, monkeypatch, what):
    async def answer(_: web.Request) -> web.Response:
        return web.Response(**what)

    async with answering(monkeypatch, answer) as identity:
        with pytest.raises(IdentityUnavailable):
            await identity.get_token(SCOPE)


async def test_day_that_the_endpoint_asks_for_is_not_waited_for(site, monkeypatch):
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "86400"})

    monkeypatch.setattr("shared_code.clients.identity._RETRIES", 2)
    monkeypatch.setattr("shared_code.clients.identity._WHOLE", 0.2)
    async with answering(monkeypatch, answer) as identity, asyncio.timeout(30):
        with pytest.raises(IdentityUnavailable):
            await identity.get_token(SCOPE)
