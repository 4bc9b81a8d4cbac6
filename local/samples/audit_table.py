"""A made-up audit table whose right answer is known: the same rows on every machine.

The rows hold what makes counting hard: people seen on several days, keys that fall between two days,
rows without a certificate and rows without a person.
"""

import hashlib
import json
import random
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TransactionOperation

from local.errors import ForeignTable

Row = dict[str, Any]

START, END = "2021-02-01", "2021-03-31"
"""What the demo asks for; the table holds days before and after it too."""
KNOWN_ANSWER = 2_850
"""Distinct people with a certificate from START to END; a test counts them in its own way."""

_FIRST_DAY, _DAYS, _ROWS_A_DAY, _PEOPLE = date(2021, 1, 30), 63, 96, 4_000
_BATCH_SIZE = 100  # the most that Azure Tables take in one transaction
# It sorts after every day, so that no query meets it.
_MARKER = {"PartitionKey": "~sample-data", "RowKey": "state"}


def rows() -> Iterator[Row]:
    """Every row of the table, the same ones each time."""
    dice = random.Random(20210203)  # noqa: S311 - repeatable rows, nothing secret
    for offset in range(_DAYS):
        day = _FIRST_DAY + timedelta(offset)
        for place in range(_ROWS_A_DAY):
            yield _row(dice, day, f"{offset:02}-{place:03}")


def seed(table: TableClient, sample: Iterable[Row]) -> bool:
    """Writes the rows of a sample unless they are there already; whether it wrote.

    Raises:
        ForeignTable: the table holds rows that are not the sample data.
    """
    sample = sorted(sample, key=itemgetter("PartitionKey"))
    fingerprint = hashlib.sha256(json.dumps(sample).encode()).hexdigest()
    state = _state(table)
    if state == fingerprint:
        return False
    if state is not None:
        table.delete_table()
    table.create_table()
    table.upsert_entity({**_MARKER, "Fingerprint": "unfinished"})
    for batch in _batches(sample):
        table.submit_transaction([(TransactionOperation.CREATE, row) for row in batch])
    table.upsert_entity({**_MARKER, "Fingerprint": fingerprint})
    return True


def reference_count(table: TableClient, start: str, end: str) -> int:
    """The answer of one plain query over the whole range, which the job's result has to equal."""
    found = table.query_entities(
        "PartitionKey ge @start and PartitionKey le @end and CertNumber ne ''",
        parameters={"start": start, "end": end},
        select=["identificationNumber"],
    )
    return len({row.get("identificationNumber") for row in found} - {None})


def _row(dice: random.Random, day: date, key: str) -> Row:
    time = dice.choices(["", "T12"], weights=[90, 10])[0]
    row = {
        "PartitionKey": f"{day}{time}",
        "RowKey": key,
        "CertNumber": dice.choices([f"C-{key}", "", None], weights=[90, 5, 5])[0],
        "identificationNumber": dice.choices([f"{dice.randrange(_PEOPLE):08}", None], weights=[97, 3])[0],
    }
    return {name: value for name, value in row.items() if value is not None}


def _state(table: TableClient) -> str | None:
    """The fingerprint in the table; None where there is no table."""
    try:
        return str(table.get_entity(_MARKER["PartitionKey"], _MARKER["RowKey"])["Fingerprint"])
    except ResourceNotFoundError as error:
        if getattr(error, "error_code", None) == "TableNotFound":
            return None
        raise ForeignTable(
            f"The table {table.table_name} holds data that is not the sample data, and is left as it is: "
            "set STATE to another folder for a stack of its own."
        ) from error


def _batches(sample: Iterable[Row]) -> Iterator[list[Row]]:
    for _, group in groupby(sample, key=itemgetter("PartitionKey")):
        partition = list(group)
        for first in range(0, len(partition), _BATCH_SIZE):
            yield partition[first : first + _BATCH_SIZE]
