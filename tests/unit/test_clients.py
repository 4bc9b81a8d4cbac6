import asyncio
from typing import Any

from azure.identity.aio import DefaultAzureCredential

from shared_code.clients import Clients, clients
from shared_code.settings import Settings

TABLES = "https://account.table.core.windows.net"
BLOBS = "https://account.blob.core.windows.net"
SIGNED = "?sv=2024-01-01&sig=c2lnbmF0dXJl"


async def test_development_storage_is_the_local_emulator():
    built = Clients(Settings({"AzureWebJobsStorage": "UseDevelopmentStorage=true"}))
    assert built.audit_table.url == "http://127.0.0.1:10002/devstoreaccount1"
    assert built.jobs_container.url == "http://127.0.0.1:10000/devstoreaccount1/jobs"
    await built.close()


async def test_account_url_is_used_with_the_identity_of_the_app():
    built = Clients(
        Settings({"AUDIT_STORAGE": TABLES, "AZURE_STORAGE_CONNECTION_STRING": BLOBS}),
    )
    assert isinstance(built.audit_table.credential, DefaultAzureCredential)
    assert isinstance(built.jobs_container.credential, DefaultAzureCredential)
    await built.close()


async def test_signed_account_url_needs_no_identity():
    built = Clients(
        Settings({"AUDIT_STORAGE": TABLES + SIGNED, "AZURE_STORAGE_CONNECTION_STRING": BLOBS + SIGNED})
    )
    assert not isinstance(built.audit_table.credential, DefaultAzureCredential)
    assert built.jobs_container.credential is None
    await built.close()


async def test_each_client_is_built_once():
    built = Clients(Settings({"AzureWebJobsStorage": "UseDevelopmentStorage=true"}))
    assert built.audit_table is built.audit_table
    assert built.days_at_once is built.days_at_once
    await built.close()


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
