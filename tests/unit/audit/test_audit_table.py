from typing import Any

import pytest

from shared_code.audit.audit_table import read_window
from shared_code.digests import digest, split
from shared_code.errors import AccessDenied, TableNotFound
from shared_code.http_pool import ServiceError
from shared_code.jobs.date_range import Window
from tests.unit.storage_stub import StorageStub, clients_of

DAYS = Window("2021-02-03", "2021-02-05", closed=True)


def row(key: Any, number: Any = None, **more: Any) -> Any:
    named = {} if number is None else {"identificationNumber": number}
    return {"PartitionKey": key, "CertNumber": "C1", **named, **more}


async def read(stub: Any, window: Any = DAYS, **settings: Any) -> Any:
    async with clients_of(stub, **settings) as clients:
        return await read_window(await clients.audit_table(), window)


def digests(*numbers: Any) -> Any:
    return {digest(number) for number in numbers}


async def test_all_pages_of_all_days_are_read():
    stub = StorageStub([row(f"2021-02-0{3 + number % 3}", f"id{number}") for number in range(30)])
    ids = await read(stub)
    assert split(ids.sorted_run()) == digests(*(f"id{number}" for number in range(30)))
    assert len(stub.queries) == 12


async def test_no_more_pages_are_asked_for_at_once_than_the_setting_allows():
    stub = StorageStub([row("2021-02-03", f"id{number}") for number in range(30)])
    await read(stub, Window("2021-01-01", "2021-03-01", closed=True), AUDIT_CONCURRENCY="3")
    assert stub.at_once == 3


async def test_keys_between_days_belong_to_the_window_and_keys_after_the_end_do_not():
    stub = StorageStub([row("2021-02-03T10", "a"), row("2021-02-04~", "b"), row("2021-02-05T00", "c")])
    ids = await read(stub)
    assert split(ids.sorted_run()) == digests("a", "b")


async def test_open_window_leaves_its_upper_day_to_the_next():
    stub = StorageStub([row("2021-02-04", "a"), row("2021-02-05", "b")])
    ids = await read(stub, Window("2021-02-03", "2021-02-05", closed=False))
    assert split(ids.sorted_run()) == digests("a")


async def test_rows_without_a_certificate_are_not_read():
    stub = StorageStub([row("2021-02-03", "a", CertNumber=""), row("2021-02-03", "b")])
    ids = await read(stub)
    assert split(ids.sorted_run()) == digests("b")
    assert ids.skipped == 0


async def test_rows_without_an_id_are_reported_as_skipped():
    ids = await read(StorageStub([row("2021-02-03"), row("2021-02-04", "a")]))
    assert ids.skipped == 1


async def test_edm_type_of_a_number_is_kept():
    typed = {"identificationNumber@odata.type": "Edm.Int64"}
    ids = await read(StorageStub([row("2021-02-03", "1"), row("2021-02-03", "1", **typed)]))
    assert split(ids.sorted_run()) == {digest("1"), digest("1", "Edm.Int64")}


async def test_missing_table_is_named():
    with pytest.raises(TableNotFound, match="Table audit does not exist"):
        await read(StorageStub(has_table=False))


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_access_names_the_setting(status):
    with pytest.raises(AccessDenied, match="AUDIT_STORAGE"):
        await read(StorageStub(refuse=status))


async def test_other_refusal_is_the_error_of_the_pool():
    with pytest.raises(ServiceError, match=r"table audit of AUDIT_STORAGE: GET .* was refused with status"):
        await read(StorageStub(refuse=400))


async def test_busy_table_is_asked_again():
    stub = StorageStub([row("2021-02-03", "a")], busy=2)
    ids = await read(stub)
    assert split(ids.sorted_run()) == digests("a")
