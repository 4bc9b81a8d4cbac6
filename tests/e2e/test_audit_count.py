"""The job's result is the reference query's answer, whatever the table holds."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from azure.data.tables import EdmType, EntityProperty, TableClient, TransactionOperation

from local.emulators.azurite import Azurite
from local.samples.audit_table import reference_count
from tests.support.api_client import ApiClient, StartHost

Row = dict[str, Any]
RANGES = {"one window": ("03-01", "03-05"), "many windows": ("02-20", "05-30")}


def write(table: TableClient, keys: Iterable[str], **values: Any) -> None:
    """One row for each key, with these values."""
    for number, key in enumerate(keys):
        row = {"PartitionKey": key, "RowKey": f"{number}-{len(values)}-{values.get('CertNumber')}", **values}
        table.upsert_entity(row)


def counts(api: ApiClient, table: TableClient, year: int) -> dict[str, tuple[int, int]]:
    """The job's and the reference's count by range; equal pairs are right."""
    bounds = {name: (f"{year}-{start}", f"{year}-{end}") for name, (start, end) in RANGES.items()}
    return {
        name: (api.run(start, end)["result"], reference_count(table, start, end))
        for name, (start, end) in bounds.items()
    }


def test_person_seen_on_many_days_counts_once(api: ApiClient, audit_table: TableClient) -> None:
    days = [f"2001-{month:02}-{day:02}" for month in (2, 3, 4, 5) for day in range(1, 29)]
    write(audit_table, days, CertNumber="c", identificationNumber="everywhere")
    write(audit_table, days[::7], CertNumber="d", identificationNumber="elsewhere")

    assert counts(api, audit_table, 2001) == {"one window": (2, 2), "many windows": (2, 2)}


def test_keys_between_two_days_belong_to_the_range_of_strings(
    api: ApiClient, audit_table: TableClient
) -> None:
    keys = [
        "2002-02-2", "2002-02-20", "2002-02-20T08:30", "2002-02-28~", "2002-02-30", "2002-03", "2002-03-",
        "2002-03-01", "2002-03-01 late", "2002-03-01T", "2002-03-02-\u00e9", "2002-03-04~~", "2002-03-05",
        "2002-03-05 after the end", "2002-03-050", "2002-05-30", "2002-05-30T", "2002-05-31", "2002-2-25",
    ]  # fmt: skip
    for key in keys:
        write(audit_table, [key], CertNumber="c", identificationNumber=key)

    assert counts(api, audit_table, 2002) == {"one window": (6, 6), "many windows": (15, 15)}


def test_rows_without_certificate_or_person_are_not_counted(api: ApiClient, audit_table: TableClient) -> None:
    days = ("2003-03-01", "2003-03-03", "2003-04-01")
    write(audit_table, days, identificationNumber="no certificate")
    write(audit_table, days, CertNumber="", identificationNumber="empty certificate")
    write(audit_table, days, CertNumber="no person")
    write(audit_table, days, CertNumber="c", identificationNumber="right")
    write(audit_table, days[:1], CertNumber="d", identificationNumber="")

    assert counts(api, audit_table, 2003) == {"one window": (2, 2), "many windows": (2, 2)}


def test_values_of_every_type_count_as_the_reference_counts_them(
    api: ApiClient, audit_table: TableClient
) -> None:
    values = [
        "1", 1, 1.0, True, False, 0, "0", 2.5, "2.5", "", " ", "A", "a", "\u00e9", "e\u0301", "\U0001f600",
        EntityProperty(1, EdmType.INT64), EntityProperty(7, EdmType.INT64), "7", b"7",
        UUID(int=7), str(UUID(int=7)), datetime(2020, 1, 1, tzinfo=UTC), "2020-01-01T00:00:00Z",
    ]  # fmt: skip
    for number, value in enumerate(values):
        day = f"2004-03-0{1 + number % 5}"
        write(audit_table, [day], CertNumber=f"c{number}", identificationNumber=value)

    pairs = counts(api, audit_table, 2004)

    assert pairs["one window"][0] == pairs["one window"][1]
    assert pairs["many windows"][0] == pairs["many windows"][1] > len(values) // 2


@pytest.mark.parametrize("seed", [2005, 2006])
def test_random_tables_count_as_the_reference_counts_them(
    api: ApiClient, audit_table: TableClient, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - repeatable rows, nothing secret
    for partition in range(60):
        tail = "".join(dice.choices("0123456789- T~\u00e9", k=dice.randrange(4)))
        day = f"{seed}-0{dice.randrange(2, 7)}-{dice.choice(['', '0', '1', '2', '05', '14', '29'])}{tail}"
        rows = [
            {
                "PartitionKey": day,
                "RowKey": f"{partition}-{number}",
                "CertNumber": dice.choice(["", "c", "d"]),
            }
            | dice.choice([{}, {"identificationNumber": dice.randrange(40)}])
            for number in range(20)
        ]
        audit_table.submit_transaction([(TransactionOperation.UPSERT, row) for row in rows])

    pairs = counts(api, audit_table, seed)

    assert pairs["one window"][0] == pairs["one window"][1]
    assert pairs["many windows"][0] == pairs["many windows"][1] > 0


def test_day_of_several_pages_is_read_to_its_end(api: ApiClient, audit_table: TableClient) -> None:
    for first in range(0, 2_100, 100):
        rows = [
            {"PartitionKey": "2007-03-02", "RowKey": f"{n:05}", "CertNumber": "c", "identificationNumber": n}
            for n in range(first, first + 100)
        ]
        audit_table.submit_transaction([(TransactionOperation.UPSERT, row) for row in rows])

    assert counts(api, audit_table, 2007) == {"one window": (2_100, 2_100), "many windows": (2_100, 2_100)}


def test_iso_date_is_read_as_iso_and_not_day_first(api: ApiClient, audit_table: TableClient) -> None:
    write(audit_table, ["2008-02-03"], CertNumber="c", identificationNumber="third of February")
    write(audit_table, ["2008-03-02", "2008-04-02"], CertNumber="c", identificationNumber="second of March")

    assert api.run("2008-02-03", "2008-02-05")["result"] == 1
    assert api.run("3/2/2008", "5/2/2008")["result"] == 1
    assert api.run("2008-02-03", "2008-03-02")["result"] == 2


def test_empty_range_and_empty_table_count_nobody(
    api: ApiClient, storage: Azurite, start_host: StartHost, audit_table: TableClient
) -> None:
    with TableClient.from_connection_string(storage.connection_string, "empty") as table:
        table.create_table()
    with start_host(AUDIT_TABLE="empty") as (api_of_empty_table, _):
        assert counts(api_of_empty_table, audit_table, 1950) == {"one window": (0, 0), "many windows": (0, 0)}

    assert counts(api, audit_table, 1950) == {"one window": (0, 0), "many windows": (0, 0)}


@pytest.mark.soak
def test_longest_range_that_is_allowed_completes(api: ApiClient, audit_table: TableClient) -> None:
    write(audit_table, ["1960-01-01", "1965-06-01", "1970-01-07"], CertNumber="c", identificationNumber="x")

    status = api.run("1960-01-01", "1970-01-07")

    assert (status["status"], status["result"]) == ("Completed", 1)
