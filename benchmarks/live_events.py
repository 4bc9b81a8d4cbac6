"""Live events through the queue: none may be lost and none doubled, and what was spent has to add up.

The queue holds all messages, some of them twice, before the host starts; the time is from then to the end of
the last job. The embeddings server takes its time for a request, as a real one does.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from azure.cosmos.aio import CosmosClient
from azure.data.tables.aio import TableClient
from azure.storage.queue.aio import QueueClient

from benchmarks.processes import cpu_seconds
from benchmarks.report import report
from benchmarks.stack import local_stack
from local.emulators.all import Emulators, emulators
from local.emulators.cosmos.service import KEY
from local.emulators.embeddings.service import Embeddings
from local.host import clean_environment, host
from local.http_client import request
from local.ports import free_port
from local.samples.events import QUEUE, TABLE, write
from local.settings import Port
from shared_code.concurrency import run_all

EVENTS = 5_000
TOLD_TWICE = 0.1
LATENCY = 0.08
WAITS = ("0", "50")
ENV = "benchmark"
_SENDS_AT_ONCE = 16
_ROWS_A_BATCH = 100
_POLL_SECONDS = 0.2
MANAGEMENT = "/runtime/webhooks/durabletask"
HEADER = [
    "texts wait for others, ms",
    "events",
    "messages",
    "seconds",
    "events a second",
    "requests for embeddings",
    "requests an event",
    "CPU seconds of the host",
    "lost",
    "embedded twice",
    "usage adds up",
]


@dataclass(frozen=True)
class Outcome:
    """What became of all events."""

    seconds: float
    cpu_seconds: float
    counters: dict[str, int]
    usage: dict[str, Any]
    tracking_ids: Sequence[str]


def main() -> None:
    """Measures every wait, or those that are named, and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live_events")
    parser.add_argument("waits", nargs="*", help="milliseconds; default: all of them, and a table")
    parser.add_argument("--events", type=int, default=EVENTS)
    options = parser.parse_args()
    rows = [_row(wait, options.events) for wait in options.waits or WAITS]
    if not options.waits:
        report(
            "live_events",
            f"{options.events:,} live events through the queue, {LATENCY:g} s a request for embeddings",
            HEADER,
            rows,
        )


def _row(wait: str, count: int) -> list[object]:
    messages = [*range(count), *range(0, count, int(1 / TOLD_TWICE))]
    with TemporaryDirectory() as folder, emulators(local_stack(Path(folder))) as stack:
        asyncio.run(_prepare(stack.storage.connection_string, messages))
        outcome = _measure(stack, Path(folder), wait, count)
    requests, tokens = outcome.counters["requests"], outcome.counters["tokens"]
    month = outcome.usage["months"][0]
    lost, doubled = count - len(set(outcome.tracking_ids)), outcome.counters["inputs"] - count
    adds_up = (month["requests"], month["tokens"]) == (requests, tokens)
    row: list[object] = [
        int(wait),
        count,
        len(messages),
        outcome.seconds,
        count / outcome.seconds,
        requests,
        requests / count,
        outcome.cpu_seconds,
        lost,
        doubled,
        "yes" if adds_up else "no",
    ]
    print(row, flush=True)
    return row


def _measure(stack: Emulators, folder: Path, wait: str, count: int) -> Outcome:
    stack.embeddings.reset()
    stack.embeddings.configure(latency=LATENCY)
    port = Port("PORT", free_port())
    environment = clean_environment(stack.storage.connection_string) | stack.app_settings()
    environment |= {"EVENTS_ENV": ENV, "EVENTS_BATCH_MILLISECONDS": wait}
    state, log = folder / "state.db", folder / "host.log"
    with host(port, state_file=state, environment=environment, log=log) as process:
        began = time.perf_counter()
        _wait_for_inputs(stack.embeddings, count)
        _wait_for_jobs(f"http://localhost:{port.number}{MANAGEMENT}/instances")
        seconds = time.perf_counter() - began
        usage = request("GET", f"http://localhost:{port.number}/api/usage/{ENV}").json()
        cpu = cpu_seconds(process.process.pid)
    return Outcome(seconds, cpu, stack.embeddings.counters(), usage, asyncio.run(_documents(stack)))


def _wait_for_inputs(server: Embeddings, count: int) -> None:
    """Until all texts have been embedded; the last jobs end soon afterwards."""
    deadline = time.monotonic() + 600
    while server.counters()["inputs"] < count and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _wait_for_jobs(instances: str) -> None:
    """Until no job runs any more; an entity always does."""
    running = [""]
    while any(not name.startswith("@") for name in running):
        time.sleep(_POLL_SECONDS)
        found = request("GET", f"{instances}?runtimeStatus=Pending,Running&top=2").json()
        running = [instance["instanceId"] for instance in found]
    failed = request("GET", f"{instances}?runtimeStatus=Failed&top=1").json()
    if failed:
        raise RuntimeError(f"A job failed: {failed}")


async def _prepare(storage: str, messages: Sequence[int]) -> None:
    """Writes the events to the table, and the messages to the queue."""
    write(storage)
    async with (
        TableClient.from_connection_string(storage, TABLE) as table,
        QueueClient.from_connection_string(storage, QUEUE) as queue,
    ):
        count = max(messages) + 1
        batches = (
            _rows(first, min(first + _ROWS_A_BATCH, count)) for first in range(0, count, _ROWS_A_BATCH)
        )
        await run_all((_write(table, batch) for batch in batches), at_once=_SENDS_AT_ONCE)
        await run_all((_send(queue, number) for number in messages), at_once=_SENDS_AT_ONCE)


async def _write(table: TableClient, batch: Iterable[tuple[str, dict[str, str]]]) -> None:
    await table.submit_transaction(batch)


async def _send(queue: QueueClient, number: int) -> None:
    await queue.send_message(json.dumps(_ids(number)))


def _ids(number: int) -> dict[str, str]:
    return {"trackingId": f"event-{number:05}", "sessionId": f"session-{number // _ROWS_A_BATCH}"}


def _rows(first: int, end: int) -> list[tuple[str, dict[str, str]]]:
    return [
        (
            "create",
            {
                "PartitionKey": ids["sessionId"],
                "RowKey": ids["trackingId"],
                "text": f"Event {number}: vessel {number % 97} has moored at berth {number % 13}.",
            },
        )
        for number in range(first, end)
        for ids in [_ids(number)]
    ]


async def _documents(stack: Emulators) -> list[str]:
    """The tracking ids of all documents in the index."""
    async with CosmosClient(stack.cosmos.endpoint, KEY) as cosmos:
        chunks = cosmos.get_database_client("embeddings").get_container_client("chunks")
        return [item["trackingId"] async for item in chunks.read_all_items()]


if __name__ == "__main__":
    main()
