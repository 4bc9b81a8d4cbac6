import asyncio
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError

from shared_code.clients.identity import IdentityUnavailable
from shared_code.errors import AccessDenied, DecisionsUnavailable, LedgerUnavailable
from shared_code.storage import for_requests
from shared_code.storage.for_requests import soon
from tests.unit.storage_stub import StorageStub, clients_of


def refusal(status: int) -> HttpResponseError:
    error = HttpResponseError("refused")
    error.status_code = status
    return error


async def failing(error: Exception) -> Any:
    raise error


async def test_answer_of_storage_is_passed_on():
    assert await soon(asyncio.sleep(0, "an answer"), LedgerUnavailable) == "an answer"


@pytest.mark.parametrize(
    "error",
    [refusal(503), refusal(500), refusal(429), ServiceRequestError("no connection"), IdentityUnavailable()],
)
async def test_storage_that_fails_is_unavailable(error):
    with pytest.raises(LedgerUnavailable) as raised:
        await soon(failing(error), LedgerUnavailable)
    assert raised.value.retry_after == "5"


@pytest.mark.parametrize("status", [401, 403])
async def test_storage_that_refuses_the_app_is_a_fault_of_its_role(status):
    with pytest.raises(AccessDenied, match="role"):
        await soon(failing(refusal(status)), LedgerUnavailable)


async def test_storage_that_hangs_is_not_waited_for_longer_than_a_client_waits(monkeypatch):
    monkeypatch.setattr(for_requests, "_SECONDS", 0.01)
    with pytest.raises(DecisionsUnavailable):
        await soon(asyncio.Event().wait(), DecisionsUnavailable)


async def test_decision_that_storage_does_not_keep_is_refused(monkeypatch):
    monkeypatch.setattr(for_requests, "_SECONDS", 0.5)
    async with clients_of(StorageStub(refuse=503)) as clients:
        with pytest.raises(DecisionsUnavailable):
            await clients.decisions_of_requests.cancel("job", "ann")
