"""What somebody who waits for the index is told where it does not answer."""

from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.cosmos.exceptions import CosmosHttpResponseError

from shared_code.activities import asking
from shared_code.activities.asking import asked
from shared_code.clients.composition import Clients
from shared_code.errors import IndexUnavailable, IndexUnusable, VersionNotFound
from shared_code.settings import Settings

CLIENTS = Clients(Settings({}))


class Throttled:
    """An answer of Cosmos DB that says when to come again."""

    headers = {"retry-after-ms": "12000"}  # noqa: RUF012 - as the SDK has it
    status_code = 429
    reason = "Too many requests"


def of_cosmos(status: int, response: Any = None) -> Exception:
    kind: Any = CosmosHttpResponseError
    error: Exception = kind(status, "AccountKey=secret", response)
    return error


async def raising(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    "error", [of_cosmos(503), of_cosmos(449), ServiceRequestError("gone"), TimeoutError()]
)
async def test_what_passes_is_worth_asking_again(error):
    with pytest.raises(IndexUnavailable) as refused:
        await asked(CLIENTS, raising(error))
    assert (refused.value.code, refused.value.retry_after) == ("IndexUnavailable", "5")
    assert "secret" not in str(refused.value)


async def test_throttled_index_says_when_to_ask_again():
    with pytest.raises(IndexUnavailable) as refused:
        await asked(CLIENTS, raising(of_cosmos(429, Throttled())))
    assert refused.value.retry_after == "12"


@pytest.mark.parametrize(
    ("error", "code"), [(of_cosmos(401), "AccessDenied"), (of_cosmos(400), "EndpointUnusable")]
)
async def test_what_lasts_is_named_and_nobody_is_told_to_try_again(error, code):
    with pytest.raises(IndexUnusable) as refused:
        await asked(CLIENTS, raising(error))
    assert (refused.value.code, refused.value.retry_after) == (code, None)


async def test_day_that_a_service_asks_for_is_no_reason_to_stay_away_so_long(monkeypatch):
    monkeypatch.setitem(Throttled.headers, "retry-after-ms", "86400000")
    with pytest.raises(IndexUnavailable) as refused:
        await asked(CLIENTS, raising(of_cosmos(429, Throttled())))
    assert refused.value.retry_after == "300"


async def test_fault_of_the_app_is_told_as_what_it_is():
    with pytest.raises(ZeroDivisionError):
        await asked(CLIENTS, raising(ZeroDivisionError()))


async def test_errors_of_the_app_are_told_as_they_are():
    with pytest.raises(VersionNotFound):
        await asked(CLIENTS, raising(VersionNotFound("prod", "v9")))


async def test_index_that_hangs_is_not_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(asking, "_SECONDS", 0.01)
    with pytest.raises(IndexUnavailable):
        await asked(CLIENTS, CLIENTS.network.clock.sleep(60))
