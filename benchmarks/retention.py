"""Purging jobs that expired long ago, while others run: how long it takes, and what it does to those.

The first purge is killed with its host; the next one goes on. Jobs that are as old and have not ended stay.
"""

import argparse
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from azure.data.tables import TableClient
from azure.storage.blob import ContainerClient

from benchmarks.jobs import storage
from benchmarks.old_jobs import TABLE, OldJob, old_jobs, write
from benchmarks.process_tree import tree_cpu_seconds
from benchmarks.report import report
from benchmarks.stack import app_on
from devhost.engine.instance import RuntimeStatus
from local.http_client import request
from local.job_polling import ENDED
from local.services import RunningService

JOBS = 10_000
LIVE = 100
KILL_AFTER = 10.0
_PURGE_SECONDS = 600.0
_PURGE = "/admin/functions/purge-history-function?wait=true"
_RETENTION_DAYS = 30  # unless JOB_RETENTION_DAYS says otherwise
HEADER = ["jobs purged", "seconds", "jobs a second", "ms of CPU a job", "purges, the first killed",
          "live jobs touched", "rows, blobs and jobs left", "jobs run meanwhile",
          "they took, p50 s", "p99 s", "without a purge, p50 s"]  # fmt: skip


@dataclass
class Load:
    """Somebody who submits small jobs one after another; how long each took to its end."""

    api: str
    seconds: list[float] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Submits jobs inside the block."""
        thread = threading.Thread(target=self._submit_all)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _submit_all(self) -> None:
        while not self._over.wait(0.2):
            began = time.perf_counter()
            uri = request("POST", f"{self.api}/api/submit/query?s=2021-02-03&e=2021-02-05").json()[
                "statusUri"
            ]
            while request("GET", uri).json()["status"] not in ENDED:
                time.sleep(0.02)
            self.seconds.append(time.perf_counter() - began)


def main() -> None:
    """Measures, and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retention")
    parser.add_argument("--jobs", type=int, default=JOBS)
    options = parser.parse_args()
    with TemporaryDirectory() as folder, storage() as account:
        expired = old_jobs(options.jobs, newest=_days_ago(31), status=RuntimeStatus.COMPLETED)
        live = old_jobs(LIVE, newest=_days_ago(40), status=RuntimeStatus.RUNNING)
        live += old_jobs(LIVE, newest=_days_ago(50), status=RuntimeStatus.SUSPENDED)
        write(expired, state=Path(folder) / "state.db", storage=account, ledgers=True)
        write(live, state=Path(folder) / "state.db", storage=account)
        row = _measure(Path(folder), account, expired, live)
    if options.jobs == JOBS:
        report("retention", f"Purging {JOBS:,} jobs that have expired, while others run", HEADER, [row])
    else:
        print(row)


def _measure(folder: Path, account: str, expired: list[OldJob], live: list[OldJob]) -> list[object]:
    with app_on(folder, account) as (api, service):
        undisturbed = Load(api)
        with undisturbed.running():
            time.sleep(KILL_AFTER)
        seconds = _purge_and_kill(api, service)
    left_by_first, purges = _expired_rows(account), 1
    with app_on(folder, account) as (api, service):
        disturbed, before = Load(api), tree_cpu_seconds(service.process.pid)
        with disturbed.running():
            while _expired_rows(account):
                seconds += _purge(api)
                purges += 1
        cpu = tree_cpu_seconds(service.process.pid) - before
        touched = sum(not _is_there(api, job) for job in live)
        left = _blobs(account) + sum(_is_there(api, job) for job in expired[::10])
    return [
        len(expired), seconds, round(len(expired) / seconds), 1_000 * cpu / left_by_first, purges,
        touched, left, len(disturbed.seconds), median(disturbed.seconds),
        quantiles(disturbed.seconds, n=100)[98], median(undisturbed.seconds),
    ]  # fmt: skip


def _purge_and_kill(api: str, service: RunningService) -> float:
    """How long a purge has run whose host was killed."""
    killer = threading.Timer(KILL_AFTER, service.kill)
    killer.start()
    with suppress(OSError, HTTPException):
        seconds = _purge(api)
        killer.cancel()
        return seconds
    return KILL_AFTER


def _purge(api: str) -> float:
    """How long a purge takes, in seconds."""
    began = time.perf_counter()
    answer = request("POST", f"{api}{_PURGE}", body={}, seconds=_PURGE_SECONDS)
    if answer.status != HTTPStatus.OK:
        raise RuntimeError(f"The purge failed: {answer.text}")
    return time.perf_counter() - began


def _expired_rows(account: str) -> int:
    """How many rows are left of jobs that have expired."""
    until = _days_ago(_RETENTION_DAYS).isoformat(timespec="seconds")
    query = f"PartitionKey eq 'jobs' and Ended gt '' and Ended lt '{until}'"
    with TableClient.from_connection_string(account, TABLE) as table:
        return sum(1 for _ in table.query_entities(query, select=["RowKey"]))


def _blobs(account: str) -> int:
    with ContainerClient.from_connection_string(account, "jobs") as container:
        return sum(1 for _ in container.list_blob_names())


def _is_there(api: str, job: OldJob) -> bool:
    return request("GET", f"{api}/api/status/{job.row.job_id}").status == HTTPStatus.OK


def _days_ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


if __name__ == "__main__":
    main()
