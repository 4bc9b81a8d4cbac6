"""The audit query beside the algorithm that it replaces: one query, pages one after another, a Python set."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

from azure.data.tables import TableClient, TransactionOperation

from benchmarks.jobs import stack, storage
from benchmarks.processes import cpu_seconds
from benchmarks.report import report
from benchmarks.table_service import FIRST_DAY, Table, serve
from shared_code.activities.audit_query import query_window
from shared_code.clients.composition import Clients
from shared_code.jobs.date_range import DateRange
from shared_code.jobs.steps import QueryWindow
from shared_code.settings import Settings

DAYS, ROWS_A_DAY = 60, 1_000
RUNS = 3
HEADER = ["", "seconds", "times as fast", "CPU us a row", "result"]
Row = list[object]


def main() -> None:
    """Measures both kinds of account and writes a table for each."""
    far = Table(DAYS, ROWS_A_DAY, seconds_a_page=0.06)
    near = Table(DAYS, ROWS_A_DAY, seconds_a_page=0.0)
    with storage() as jobs_storage:
        with serve(far) as account:
            rows = compare(far, jobs_storage, account)
        report("audit_query_far", "Audit query, 60 days x 1,000 rows, 60 ms a page", HEADER, rows)
        _fill(jobs_storage)
        rows = compare(near, jobs_storage, jobs_storage)
        report("audit_query_azurite", "Audit query, 60 days x 1,000 rows, Azurite", HEADER, rows)


def compare(table: Table, jobs_storage: str, account: str) -> list[Row]:
    """The reference, the activity's code alone, and the whole job over HTTP; the best of three each."""
    expected, reference = _best(lambda: sequential(account, table))
    rows = [_row("sequential SDK query", reference, reference, table, expected)]
    count, concurrent = _best(lambda: asyncio.run(window_alone(account, table)))
    rows.append(_row("one window, activity code alone", concurrent, reference, table, count))
    with stack(jobs_storage, account) as running:
        running.run(table.query)  # the first job after a start pays for imports and connections
        count, whole = _best(lambda: running.run(table.query)[0], lambda: cpu_seconds(running.pid))
        rows.append(_row("whole job over HTTP, devhost", whole, reference, table, count))
    if {row[-1] for row in rows} != {expected}:
        raise RuntimeError(f"The results differ: {rows}")
    return rows


def sequential(account: str, table: Table) -> int:
    """The algorithm of the first implementation."""
    last = FIRST_DAY + timedelta(table.days - 1)
    with TableClient.from_connection_string(account, "audit") as client:
        entities = client.query_entities(
            "PartitionKey ge @start and PartitionKey le @end and CertNumber ne ''",
            parameters={"start": FIRST_DAY.isoformat(), "end": last.isoformat()},
            select="identificationNumber",
        )
        return len({entity["identificationNumber"] for entity in entities})


async def window_alone(account: str, table: Table) -> int:
    """The whole range as one window, read by the code of the activity."""
    dates = DateRange(FIRST_DAY, FIRST_DAY + timedelta(table.days - 1))
    (window,) = dates.windows(table.days)
    clients = Clients(Settings({"AzureWebJobsStorage": account, "AUDIT_STORAGE": account}))
    try:
        read = await query_window(clients, QueryWindow(job_id="benchmark", window=window, stage=False))
    finally:
        await clients.close()
    return read.count


Cost = tuple[float, float]


def _best(run: Callable[[], int], cpu: Callable[[], float] = time.process_time) -> tuple[int, Cost]:
    """The result, and the wall and CPU seconds of the fastest run."""
    costs: list[Cost] = []
    for _ in range(RUNS):
        wall, before = time.perf_counter(), cpu()
        result = run()
        costs.append((time.perf_counter() - wall, cpu() - before))
    return result, min(costs)


def _row(name: str, cost: Cost, reference: Cost, table: Table, result: int) -> Row:
    return [name, cost[0], reference[0] / cost[0], 1e6 * cost[1] / table.rows, result]


def _fill(connection_string: str) -> None:
    with TableClient.from_connection_string(connection_string, "audit") as client:
        client.create_table()
        for day in range(DAYS):
            key = (FIRST_DAY + timedelta(day)).isoformat()
            rows = [
                {
                    "PartitionKey": key,
                    "RowKey": f"{row:06}",
                    "CertNumber": f"C-{row}",
                    "identificationNumber": f"{(day * ROWS_A_DAY + row) * 7919 % 54_000:010}",
                }
                for row in range(ROWS_A_DAY)
            ]
            for start in range(0, ROWS_A_DAY, 100):
                client.submit_transaction(
                    [(TransactionOperation.CREATE, row) for row in rows[start : start + 100]]
                )


if __name__ == "__main__":
    main()
