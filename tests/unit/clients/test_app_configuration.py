"""Where the audit table is, read from an App Configuration store: with the real SDKs, over https."""

import asyncio
import time

import pytest

from shared_code.clients.app_configuration import load_audit_storage
from shared_code.clients.composition import Clients
from shared_code.errors import AccessDenied, ConfigurationUnavailable, InvalidSetting
from shared_code.settings import Settings
from tests.support.activities import query_window
from tests.support.configuration_services import ConfigurationServices
from tests.unit.activities.test_audit_query import window_of
from tests.unit.storage_stub import KEY, StorageStub, clients_of

STORAGE = "DefaultEndpointsProtocol=https;AccountName=audited;AccountKey=c2VjcmV0"
AUDITED = "https://audited.table.core.windows.net"


@pytest.fixture
def services(azure_site: ConfigurationServices, monkeypatch: pytest.MonkeyPatch) -> ConfigurationServices:
    # The SDKs let a failure rest for five seconds and back off between retries: no test has to wait for them.
    monkeypatch.setattr("azure.appconfiguration.provider._utils.min_uptime", 0)
    monkeypatch.setattr("azure.core.pipeline.policies.RetryPolicy.BACKOFF_MAX", 0)
    return azure_site


async def audit_endpoint(services: ConfigurationServices, **environment: str) -> str:
    built = Clients(Settings({"AppConfigEndpoint": services.store, "AUDIT_STORAGE": "other", **environment}))
    try:
        table = await built.audit_table()
        return built.pool.service(table.service_name).service.base_url
    finally:
        await built.close()


async def test_value_of_the_store_takes_the_place_of_the_setting(services):
    services.value = STORAGE
    assert await audit_endpoint(services) == AUDITED


async def test_reference_to_a_key_vault_is_resolved(services):
    services.reference, services.secrets["storage"] = f"{services.vault}/secrets/storage", STORAGE
    assert await audit_endpoint(services) == AUDITED


async def test_store_and_vault_are_asked_with_the_identity_that_is_named(services):
    services.reference, services.secrets["storage"] = f"{services.vault}/secrets/storage", STORAGE
    await audit_endpoint(services, AZURE_CLIENT_ID="of-the-app")
    assert {client_id for _, client_id in services.tokens} == {"of-the-app"}
    assert len({resource for resource, _ in services.tokens}) == 2


async def test_all_steps_of_a_process_load_the_store_once(services):
    services.value = STORAGE
    built = Clients(Settings({"AppConfigEndpoint": services.store}))
    tables = await asyncio.gather(*(built.audit_table() for _ in range(8)))
    await built.close()
    assert (len(set(tables)), services.loads) == (1, 1)


async def test_store_is_not_read_before_a_step_needs_it(services):
    built = Clients(
        Settings({"AppConfigEndpoint": services.store, "AzureWebJobsStorage__accountName": "own"})
    )
    assert built.jobs_container
    await built.close()
    assert services.loads == 0


async def test_failure_of_the_store_is_not_kept(services):
    services.value, services.store_status = STORAGE, 503
    built = Clients(Settings({"AppConfigEndpoint": services.store}))
    with pytest.raises(ConfigurationUnavailable, match=r"AppConfigEndpoint answered 503: try again"):
        await built.audit_table()
    services.store_status = None
    assert await built.audit_table()
    await built.close()


async def test_key_that_was_renewed_is_found_when_the_old_one_is_refused(services):
    stub = StorageStub(refuse=403)
    async with clients_of(stub, AppConfigEndpoint=services.store) as built:
        services.value = storage = built.settings.files_storage
        first = await built.audit_table()
        refused = await query_window(built, window_of())
        services.value, stub.refuse = storage.replace(KEY, "cmVuZXdlZA=="), None
        read = await query_window(built, window_of())
        second = await built.audit_table()

    assert (refused["error"]["code"], read["ok"]) == ("AccessDenied", True)
    assert (second is first, services.loads) == (False, 2)


async def test_table_stays_the_same_where_the_store_has_no_other_value(services):
    async with clients_of(StorageStub(), AppConfigEndpoint=services.store) as built:
        services.value = built.settings.files_storage
        first = await built.audit_table()
        built.forget_audit_table()
        assert await built.audit_table() is first


async def test_failing_store_does_not_hold_up_the_event_loop(services, monkeypatch):
    monkeypatch.setattr("azure.appconfiguration.provider._utils.min_uptime", 0.5)
    services.store_status = 403
    began, turns = time.monotonic(), 0
    loading = asyncio.create_task(audit_endpoint(services))
    while not loading.done():
        await asyncio.sleep(0.005)
        turns += 1
    assert isinstance(loading.exception(), AccessDenied)
    assert turns > 10 * (time.monotonic() - began)


@pytest.mark.parametrize(
    ("held", "error", "sentence"),
    [
        ({}, InvalidSetting, "give the store the key storage-account-connection-string with the label"),
        ({"value": "no storage"}, InvalidSetting, "AppConfigEndpoint has an invalid value: use a storage"),
        ({"reference": "{vault}/secrets/other"}, InvalidSetting, "refers to a secret that does not exist"),
        ({"reference": "no-url"}, InvalidSetting, "does not refer to a secret of a Key Vault"),
        ({"value": STORAGE, "store_status": 403}, AccessDenied, "role App Configuration Data Reader"),
        (
            {"reference": "{vault}/secrets/storage", "vault_status": 403},
            AccessDenied,
            "Key Vault Secrets User",
        ),
        ({"value": STORAGE, "has_identity": False}, AccessDenied, "There is no identity to sign in with"),
        (
            {"reference": "https://127.0.0.1:1/secrets/s"},
            ConfigurationUnavailable,
            "Key Vault does not answer",
        ),
    ],
)
async def test_what_is_wrong_is_named_without_any_value(services, held, error, sentence):
    services.secrets["storage"] = STORAGE
    for name, value in held.items():
        setattr(services, name, value.format(vault=services.vault) if name == "reference" else value)
    with pytest.raises(error, match=sentence) as failure:
        await audit_endpoint(services)
    assert "AccountKey" not in str(failure.value)


async def test_silent_store_is_worth_another_try(services):
    services.secured = 1
    with pytest.raises(ConfigurationUnavailable, match=r"AppConfigEndpoint does not answer: try again"):
        await audit_endpoint(services)


async def test_store_that_hangs_is_worth_another_try_after_a_while(services):
    services.value, services.answers_after = STORAGE, 2.0
    with pytest.raises(ConfigurationUnavailable, match=r"AppConfigEndpoint does not answer: try again"):
        await load_audit_storage(services.store, client_id="", seconds=0.5)


async def test_thread_that_asks_a_store_which_hangs_comes_to_an_end(services, monkeypatch):
    monkeypatch.setattr("shared_code.clients.app_configuration._ANSWER", 0.2)
    services.value, services.answers_after = STORAGE, 3.0
    with pytest.raises(ConfigurationUnavailable, match=r"AppConfigEndpoint does not answer: try again"):
        await load_audit_storage(services.store, client_id="", seconds=60)
