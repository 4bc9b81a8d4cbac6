import asyncio
import json
import logging
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.identity.aio import DefaultAzureCredential

from shared_code.clients import clients
from shared_code.clients.composition import Clients
from shared_code.errors import ContainerNotAllowed
from shared_code.http_pool import FixedAuth, ServiceError, TokenAuth
from shared_code.settings import Settings
from shared_code.storage.table_account import TableAccount
from shared_code.telemetry import log_scope

TABLES = "https://account.table.core.windows.net"
BLOBS = "https://account.blob.core.windows.net"
COSMOS = {"COSMOS_ENDPOINT": "https://account.documents.azure.com"}
KEY = "a2V5LW9mLWV2ZXJ5dGhpbmc="
SIGNED = "?sv=2024-01-01&sig=c2lnbmF0dXJl"


async def audit_service(built: Clients) -> Any:
    """The audit table's service, as the pool knows it."""
    table = await built.audit_table()
    return built.pool.service(table.service_name).service


async def test_development_storage_is_the_local_emulator():
    built = Clients(Settings({"AzureWebJobsStorage": "UseDevelopmentStorage=true"}))
    assert (await audit_service(built)).base_url == "http://127.0.0.1:10002/devstoreaccount1"
    assert built.jobs_container.url == "http://127.0.0.1:10000/devstoreaccount1/jobs"
    await built.close()


async def test_account_url_is_used_with_the_identity_of_the_app():
    built = Clients(
        Settings({"AUDIT_STORAGE": TABLES, "AZURE_STORAGE_CONNECTION_STRING": BLOBS}),
    )
    assert isinstance((await audit_service(built)).auth, TokenAuth)
    assert isinstance(built.jobs_container.credential, DefaultAzureCredential)
    await built.close()


@pytest.mark.parametrize("name", ["AZURE_CLIENT_ID", "AzureWebJobsStorage__clientId"])
async def test_every_service_without_a_key_gets_tokens_of_the_identity_that_is_named(azure_site, name):
    own = {"AzureWebJobsStorage__accountName": "own", name: "of-the-app"}
    built = Clients(Settings({**own, "EMBEDDINGS_ENDPOINT": "https://own.openai.azure.com", **COSMOS}))
    await (await audit_service(built)).auth.headers("GET", "")
    service: Any = built.embeddings.http.service
    await service.auth.headers("POST", "")
    assert built.jobs_container.credential is built.identity
    assert built.index_container._client.client_connection.aad_credentials is built.identity
    assert azure_site.tokens == [
        ("https://storage.azure.com", "of-the-app"),
        ("https://cognitiveservices.azure.com", "of-the-app"),
    ]
    await built.close()


async def test_without_a_client_id_the_identity_is_the_one_of_the_site(azure_site):
    built = Clients(Settings({"AzureWebJobsStorage__accountName": "own"}))
    await (await audit_service(built)).auth.headers("GET", "")
    assert azure_site.tokens == [("https://storage.azure.com", "")]
    await built.close()


async def test_signed_account_url_needs_no_identity():
    built = Clients(
        Settings({"AUDIT_STORAGE": TABLES + SIGNED, "AZURE_STORAGE_CONNECTION_STRING": BLOBS + SIGNED})
    )
    assert (await audit_service(built)).auth is None
    assert built.jobs_container.credential is None
    await built.close()


async def test_files_outside_the_allowed_containers_are_out_of_reach():
    built = Clients(
        Settings({"AzureWebJobsStorage": "UseDevelopmentStorage=true", "ALLOWED_CONTAINERS": "a-b-c"})
    )
    assert built.source_files("a-b-c")
    for container in ("jobs", "others"):
        with pytest.raises(ContainerNotAllowed):
            built.source_files(container)
    await built.close()


async def test_each_client_is_built_once():
    built = Clients(Settings({"AzureWebJobsStorage": "UseDevelopmentStorage=true"}))
    assert await built.audit_table() is await built.audit_table()
    assert built.pool is built.pool
    await built.close()


@pytest.mark.parametrize(
    ("endpoint", "key", "kind"),
    [
        ("https://api.openai.com/v1", "", type(None)),
        ("https://api.openai.com/v1", "key", FixedAuth),
        ("https://own.openai.azure.com", "key", FixedAuth),
        ("https://own.openai.azure.com", "", TokenAuth),
    ],
)
async def test_embeddings_are_signed_for_as_their_address_and_key_tell(endpoint, key, kind):
    built = Clients(Settings({"EMBEDDINGS_ENDPOINT": endpoint, "EMBEDDINGS_API_KEY": key}))
    assert isinstance(built.embeddings.http.service.auth, kind)
    await built.close()


@pytest.mark.parametrize(("setting", "attempt", "total"), [("", 60, 120), ("1", 1, 120), ("90", 90, 180)])
async def test_slow_embeddings_service_has_the_time_of_two_attempts(setting, attempt, total):
    built = Clients(
        Settings({"EMBEDDINGS_ENDPOINT": "https://e.org/v1", "EMBEDDINGS_TIMEOUT_SECONDS": setting})
    )
    timeouts = built.embeddings.http.service.timeouts
    assert (timeouts.attempt, timeouts.total) == (attempt, total)
    await built.close()


async def test_versions_of_an_index_share_the_connections_of_one_client():
    built = Clients(Settings(COSMOS))
    first, second = built.index("prod", "v1")._version, built.event_documents("prod", "v2")._version
    assert first.container is second.container
    await built.close()


async def test_storage_that_fails_is_given_up_within_seconds():
    built = Clients(Settings({"AzureWebJobsStorage": "UseDevelopmentStorage=true"}))
    policy: Any = built.jobs_container._config.retry_policy
    waits = [policy.get_backoff_time({"count": count}) for count in range(policy.connect_retries)]
    await built.close()
    assert sum(waits) < 20


async def test_no_client_shows_a_key_when_it_is_printed():
    storage = f"DefaultEndpointsProtocol=https;AccountName=own;AccountKey={KEY}"
    keys = {"COSMOS_KEY": KEY, "EMBEDDINGS_API_KEY": KEY}
    built = Clients(
        Settings(
            {"AzureWebJobsStorage": storage, "EMBEDDINGS_ENDPOINT": "https://e.org/v1", **keys, **COSMOS}
        )
    )
    services = await audit_service(built), built.embeddings.http.service
    account = TableAccount.parse(storage, built._tokens_for)
    printed = repr(
        [
            built,
            vars(built),
            built.settings,
            built.jobs_container,
            built.index("prod", "v1"),
            *services,
            account,
        ]
    )
    await built.close()
    assert KEY not in printed
    assert "sig" not in repr(TableAccount.parse(TABLES + SIGNED, built._tokens_for))


async def test_activities_of_one_loop_share_their_clients():
    first, second = await asyncio.gather(clients(), clients())
    assert first is second


def test_clients_close_when_their_loop_shuts_down():
    closed: list[str] = []

    async def use() -> Any:
        (await clients())._closing.callback(closed.append, "closed")

    asyncio.run(use())
    assert closed == ["closed"]


def test_each_loop_has_clients_of_its_own():
    async def use() -> Any:
        return await clients()

    assert asyncio.run(use()) is not asyncio.run(use())


async def test_retries_and_failures_of_services_are_events_of_the_step_that_made_the_call(caplog):
    caplog.set_level(logging.INFO, logger="async_jobs")
    built = Clients(Settings({"EMBEDDINGS_ENDPOINT": "http://127.0.0.1:1/v1", "EMBEDDINGS_API_KEY": "k3y"}))
    with log_scope(jobId="job", step="embed-page"), pytest.raises(ServiceError):
        await built.pool.service(built.embeddings.service_name).get("/", params={"sig": "s1g"})
    await built.close()
    retried, *_, failed = [json.loads(message) for message in caplog.messages]
    assert (retried["event"], failed["event"]) == ("service.retried", "service.failed")
    assert (
        retried.items()
        >= {"jobId": "job", "step": "embed-page", "service": "embeddings", "attempts": 1}.items()
    )
    assert retried["waitSeconds"] >= 0
    assert not [secret for secret in ("k3y", "s1g") if secret in caplog.text]


async def test_proxy_of_the_environment_is_gone_through(monkeypatch):
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.headers["Host"])
        return web.Response(status=404, headers={"x-ms-request-id": "1"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as proxy:
        monkeypatch.setenv("http_proxy", str(proxy.make_url("")))
        storage = (
            f"DefaultEndpointsProtocol=http;AccountName=account;AccountKey={KEY};EndpointSuffix=nowhere.test"
        )
        built = Clients(Settings({"AzureWebJobsStorage": storage}))
        assert not await built.jobs_container.exists()
        await built.close()

    assert asked == ["account.blob.nowhere.test"]
