from collections.abc import Iterable, Iterator
from itertools import islice

import pytest
from azure.data.tables import TableClient

from local.emulators.azurite import Azurite
from local.errors import ForeignTable
from local.samples.audit_table import END, KNOWN_ANSWER, START, Row, reference_count, rows, seed

FIRST_ROWS = list(islice(rows(), 400))  # a few days: to write all of them takes seconds, as the demo shows


@pytest.fixture(scope="module")
def table(storage: Azurite) -> Iterator[TableClient]:
    with TableClient.from_connection_string(storage.connection_string, "sample") as client:
        seed(client, FIRST_ROWS)
        yield client


def counted(sample: Iterable[Row]) -> int:
    """The answer of a plain loop."""
    seen: list[str] = []
    for row in sample:
        in_range = START <= row["PartitionKey"] <= END
        if in_range and row.get("CertNumber") and row.get("identificationNumber") not in (None, *seen):
            seen.append(row["identificationNumber"])
    return len(seen)


def test_known_answer_is_what_a_plain_loop_counts() -> None:
    assert counted(rows()) == KNOWN_ANSWER


def test_reference_query_counts_what_a_plain_loop_counts(table: TableClient) -> None:
    assert reference_count(table, START, END) == counted(FIRST_ROWS) > 0


def test_sample_rows_are_the_same_each_time() -> None:
    assert list(rows()) == list(rows())


def test_sample_holds_every_kind_of_row_that_makes_counting_hard() -> None:
    sample = list(rows())
    people = [row["identificationNumber"] for row in sample if "identificationNumber" in row]

    assert len(people) > len(set(people))
    assert any("identificationNumber" not in row for row in sample)
    assert {row.get("CertNumber", "absent")[:1] for row in sample} == {"", "C", "a"}
    assert any(len(row["PartitionKey"]) > len(START) for row in sample)
    assert any(row["PartitionKey"] > END for row in sample)
    assert any(row["PartitionKey"] < START for row in sample)


def test_sample_is_written_once(table: TableClient) -> None:
    assert not seed(table, FIRST_ROWS)


def test_sample_of_another_version_is_replaced(storage: Azurite) -> None:
    row = {"PartitionKey": START, "RowKey": "1", "CertNumber": "c", "identificationNumber": "one"}
    with TableClient.from_connection_string(storage.connection_string, "replaced") as client:
        client.create_table()
        client.upsert_entity({"PartitionKey": "~sample-data", "RowKey": "state", "Fingerprint": "older"})
        client.upsert_entity({**row, "RowKey": "2", "identificationNumber": "of the older version"})

        assert seed(client, [row])
        assert reference_count(client, START, END) == 1


def test_table_with_other_data_is_left_as_it_is(storage: Azurite) -> None:
    with TableClient.from_connection_string(storage.connection_string, "foreign") as client:
        client.create_table()
        client.create_entity({"PartitionKey": START, "RowKey": "mine"})

        with pytest.raises(ForeignTable, match="left as it is"):
            seed(client, rows())
        assert len(list(client.list_entities())) == 1
