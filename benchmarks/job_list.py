"""The list of jobs on a task hub of years: its first and its last page, beside what the table alone takes.

Then the list is walked at both ends while jobs are submitted and others purged: each that was there all the
time has to come exactly once.
"""

import argparse
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from azure.data.tables import TableClient

from benchmarks.jobs import storage
from benchmarks.old_jobs import TABLE, OldJob, old_jobs, write
from benchmarks.processes import cpu_seconds
from benchmarks.report import report
from benchmarks.stack import app_on
from devhost.engine.instance import RuntimeStatus
from local.http_client import request
from local.services import RunningService

JOBS = 100_000
EXPIRED = 500
PAGE = 20
WALK = 3_000
_TIMES = 40
HEADER = ["page", "over HTTP, p50 ms", "p99 ms", "CPU of the host, ms", "Azurite alone, p50 ms"]
WALKS = ["end of the list", "jobs seen", "submitted meanwhile", "purged meanwhile", "twice", "missing"]


def main() -> None:
    """Measures, and writes the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.job_list")
    parser.add_argument("--jobs", type=int, default=JOBS)
    count = parser.parse_args().jobs
    with TemporaryDirectory() as folder, storage() as account:
        state = Path(folder) / "state.db"
        expired = old_jobs(EXPIRED, newest=_days_ago(31), status=RuntimeStatus.COMPLETED)
        kept = old_jobs(count - EXPIRED, newest=_days_ago(1), status=RuntimeStatus.COMPLETED)
        write([*kept, *expired], state=state, storage=account)
        with app_on(Path(folder), account) as (api, service):
            pages = _pages(api, account, service, [*kept, *expired])
            walks = [_walk(api, kept, after=""), _walk(api, [*kept, *expired], after=_near_the_end(kept))]
    title = f"of {count:,} jobs"
    if count == JOBS:
        report("job_list", f"Pages of {PAGE} {title}", HEADER, pages)
        report("job_list_walks", f"Walking the list {title} while it changes", WALKS, walks)
    else:
        print(*pages, *walks, sep="\n")


def _pages(api: str, account: str, service: RunningService, jobs: list[OldJob]) -> list[list[object]]:
    """The first page and the last one, over HTTP and from the table."""
    rows: list[list[object]] = []
    with TableClient.from_connection_string(account, TABLE) as table:
        for name, after in (("first", ""), ("last", jobs[-PAGE - 1].row.key)):
            page = partial(request, "GET", f"{api}/api/jobs?top={PAGE}&after={after}")
            if len(page().json()["jobs"]) != PAGE:
                raise RuntimeError(f"The {name} page is not whole: {page().text}")
            before = cpu_seconds(service.process.pid)
            times = _times(page)
            cpu = (cpu_seconds(service.process.pid) - before) / _TIMES
            alone = _times(partial(_bare, table, after))
            rows.append([name, median(times), quantiles(times, n=100)[98], 1_000 * cpu, median(alone)])
    return rows


def _bare(table: TableClient, after: str) -> list[Any]:
    """What the app asks the table for."""
    query = "PartitionKey eq 'jobs'" + (f" and RowKey gt '{after}'" if after else "")
    pages = table.query_entities(query, results_per_page=PAGE + 1, select=["RowKey"]).by_page()
    return list(next(pages))


def _times(call: Callable[[], object]) -> list[float]:
    """How long each of some calls takes, in milliseconds."""
    times = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        call()
        times.append(1_000 * (time.perf_counter() - began))
    return times


def _walk(api: str, jobs: list[OldJob], *, after: str) -> list[object]:
    """Turns pages from one on, while jobs are submitted, and those purged that have expired."""
    expected = [job.row for job in jobs if job.row.key > after][:WALK]
    submitted: list[str] = []
    with _changing(api, submitted):
        seen = Counter(_turned(api, after, until=expected[-1].key))
    gone = [
        row for row in expected if request("GET", f"{api}/api/status/{row.job_id}").status != HTTPStatus.OK
    ]
    stayed = {row.job_id for row in expected} - {row.job_id for row in gone}
    twice = sum(count > 1 for count in seen.values())
    end = "oldest" if after else "newest"
    return [end, len(seen), len(submitted), len(gone), twice, len(stayed - {*seen})]


def _turned(api: str, after: str, *, until: str) -> Iterator[str]:
    """The ids of the jobs of pages from one on, until a row or the last one."""
    following: str | None = after
    while following is not None and following < until:
        page = request("GET", f"{api}/api/jobs?top=100&after={following}").json()
        yield from (job["id"] for job in page["jobs"])
        following = page["next"]


@contextmanager
def _changing(api: str, submitted: list[str]) -> Iterator[None]:
    """Inside the block jobs are submitted, and expired ones purged."""
    over = threading.Event()

    def submit() -> None:
        while not over.wait(0.1):
            answer = request("POST", f"{api}/api/submit/query?s=2021-02-03&e=2021-02-05")
            submitted.append(answer.json()["id"])

    purge = partial(request, "POST", f"{api}/admin/functions/purge-history-function", body={})
    threads = [threading.Thread(target=work) for work in (submit, purge)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _near_the_end(kept: list[OldJob]) -> str:
    """The key of a row after which a walk comes to those that have expired."""
    return kept[-WALK + EXPIRED].row.key


def _days_ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


if __name__ == "__main__":
    main()
