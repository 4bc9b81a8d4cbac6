"""What stops an embedding job is a value of its activities; what a retry may cure is raised."""

import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared_code.clients.composition import Clients
from shared_code.settings import Settings
from shared_code.storage import decisions
from tests.support.activities import delete_stale, discard, embed_page, list_files
from tests.support.durable_host_fake import FakeHost, instance
from tests.unit.embedding_fakes import JOB
from tests.unit.storage_stub import StorageStub, clients_of

KEY = "c2VjcmV0LWtleQ=="
LISTED = {"marker": None, "firstPage": 0, "firstStalePage": 0}
COSMOS = {"COSMOS_ENDPOINT": "https://localhost:1", "COSMOS_KEY": KEY}


def payload(**more: Any) -> dict[str, Any]:
    return {"jobId": "job", "job": JOB.to_json(), **more}


@pytest.mark.parametrize(
    ("environment", "setting"),
    [
        ({}, "AZURE_STORAGE_CONNECTION_STRING"),
        ({"AzureWebJobsStorage": "nonsense"}, "AZURE_STORAGE_CONNECTION_STRING"),
        ({"AzureWebJobsStorage": "UseDevelopmentStorage=true"}, "COSMOS_ENDPOINT"),
        ({**COSMOS, "AzureWebJobsStorage": "UseDevelopmentStorage=true", "COSMOS_KEY": "?"}, "COSMOS_KEY"),
    ],
)
async def test_bad_setting_is_a_failure_that_names_it_and_tells_no_value(environment, setting, monkeypatch):
    # No storage answers here whether the job was cancelled.
    monkeypatch.setattr(decisions, "_SECONDS_FOR_A_LOOK", 0.05)
    clients = Clients(Settings(environment))
    answer = await list_files(clients, payload(**LISTED))
    await clients.close()

    assert answer["error"]["code"] in {"MissingSetting", "InvalidSetting"}
    assert f"Setting {setting} " in answer["error"]["message"]
    assert "nonsense" not in json.dumps(answer)


async def test_missing_container_is_a_failure_as_a_value():
    async with clients_of(StorageStub(), **COSMOS) as clients:
        answer = await list_files(clients, payload(**LISTED))

    assert answer == {
        "ok": False,
        "error": {
            "code": "ContainerNotFound",
            "message": "Container docs does not exist: check filesPath, or create it.",
        },
        "counts": {},
    }


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_storage_is_a_failure_that_names_its_setting(status):
    async with clients_of(StorageStub(refuse=status), **COSMOS) as clients:
        answer = await list_files(clients, payload(**LISTED))

    assert answer["error"]["code"] == "AccessDenied"
    assert "AZURE_STORAGE_CONNECTION_STRING" in answer["error"]["message"]


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_index_is_a_failure_that_names_its_setting(status):
    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"code": "no", "message": "no"}, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", refuse)
    async with TestServer(app) as server:
        cosmos = {"COSMOS_ENDPOINT": str(server.make_url("")), "COSMOS_KEY": KEY}
        async with clients_of(StorageStub(has_container=True), **cosmos) as clients:
            answer = await list_files(clients, payload(**LISTED))

    assert answer["error"]["code"] == "AccessDenied"
    assert "COSMOS_KEY" in answer["error"]["message"]


@pytest.mark.parametrize("step", [embed_page, delete_stale])
async def test_missing_page_is_a_failure_that_tells_to_submit_again(step):
    async with clients_of(StorageStub(has_container=True), **COSMOS) as clients:
        answer = await step(clients, payload(page=7))

    assert answer["error"]["code"] == "StagedRunsMissing"
    assert "7.json" in answer["error"]["message"]


async def test_discard_leaves_the_ledger():
    stub = StorageStub(has_container=True)
    async with clients_of(stub) as clients:
        for name in ("staging/job/pages/0.json", "staging/job/stale/0.json", "ledger/job/0.json"):
            await clients.jobs_container.upload_blob(name, b"[]")
        assert await discard(clients, {"jobId": "job"}, FakeHost()) == {"ok": True}

    assert list(stub.blobs) == ["ledger/job/0.json"]


@pytest.mark.parametrize(("status", "code"), [("Suspended", "JobSuspended"), ("Terminated", "JobEnded")])
async def test_page_of_a_job_that_was_stopped_spends_nothing(status: str, code: str):
    stub = StorageStub(has_container=True)
    async with clients_of(stub, **COSMOS) as clients:
        answer = await embed_page(clients, payload(page=0), FakeHost({"job": instance(status=status)}))

    assert (answer["error"]["code"], answer["counts"]) == (code, {})
    assert answer.get("trouble", {}).get("endless", False) is (status == "Suspended")
