"""The demo: one audit query over HTTP, as a user makes it, checked against two other ways to count."""

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from azure.data.tables import TableClient
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from local.azurite import azurite
from local.errors import DemoFailed
from local.host import clean_environment, host, origin, require_free
from local.http_client import request
from local.sample_data import END, KNOWN_ANSWER, START, reference_count, seed
from local.services import RunningService
from local.settings import StackSettings
from local.stack import clear_if_fresh

TABLE = "audit"
ENDED = {"Completed", "Failed", "Terminated", "Canceled"}
JOB_SECONDS = 120.0
POLL_SECONDS = 0.1  # finer than Retry-After asks, so that the time shown is the job's and not the poll's


@dataclass(frozen=True)
class Measured:
    """A count, and how long it took."""

    count: int
    seconds: float


def run_demo(settings: StackSettings) -> None:
    """Run the demo beside whatever else runs. Raises DemoFailed unless all counts agree."""
    settings = settings.apart("demo")
    require_free(settings.host)
    clear_if_fresh(settings)
    console = Console(highlight=False)
    with (
        azurite(settings) as storage,
        TableClient.from_connection_string(storage.connection_string, TABLE) as table,
    ):
        if seed(table):
            console.print("Wrote the sample data (once).")
        with host(
            settings.host,
            state_file=settings.state / "host" / "state.db",
            environment=clean_environment(storage.connection_string),
            log=settings.state / "host.log",
        ) as serving:
            job = _measure(lambda: _run_job(console, serving, origin(settings.host)))
        reference = _measure(lambda: reference_count(table, START, END))
    report(console, job, reference)


def _measure(count: Callable[[], int]) -> Measured:
    started = time.perf_counter()
    return Measured(count(), time.perf_counter() - started)


def _run_job(console: Console, serving: RunningService, host_origin: str) -> int:
    try:
        return _submit_and_poll(console, host_origin)
    except OSError:
        serving.check()  # its own last words tell more than a refused connection
        raise


def _submit_and_poll(console: Console, host_origin: str) -> int:
    url = f"{host_origin}/api/submit/query?s={START}&e={END}"
    console.print(f"GET {url}", soft_wrap=True)
    submitted = request("GET", url)
    if submitted.status != http.client.ACCEPTED:
        raise DemoFailed(f"The host answered {submitted.status} instead of 202: {submitted.text}")
    status_uri = submitted.json()["statusUri"]
    console.print(f"202 Accepted: {status_uri}", soft_wrap=True)
    status = _poll(console, status_uri)
    if status["status"] != "Completed":
        raise DemoFailed(f"The job ended as {status['status']}: {status.get('error')}")
    return int(status["result"])


def _poll(console: Console, status_uri: str) -> dict[str, Any]:
    deadline = time.monotonic() + JOB_SECONDS
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("Pending", total=None)
        while time.monotonic() < deadline:
            status: dict[str, Any] = request("GET", status_uri).json()
            progress = status.get("progress") or {}
            bars.update(
                bar,
                description=status["status"],
                total=progress.get("total") or None,
                completed=progress.get("completed", 0),
            )
            if status["status"] in ENDED:
                return status
            time.sleep(POLL_SECONDS)
    raise DemoFailed(f"The job has not ended after {JOB_SECONDS:.0f} seconds: {status_uri}")


def report(console: Console, job: Measured, reference: Measured) -> None:
    """Print the counts beside each other. Raises DemoFailed unless they agree."""
    table = Table()
    table.add_column(f"{START} to {END}")
    table.add_column("people", justify="right")
    table.add_column("seconds", justify="right")
    table.add_row("the job, over HTTP", f"{job.count:,}", f"{job.seconds:.2f}")
    table.add_row("one sequential query", f"{reference.count:,}", f"{reference.seconds:.2f}")
    table.add_row("known from the sample data", f"{KNOWN_ANSWER:,}", "")
    console.print(table)
    if not job.count == reference.count == KNOWN_ANSWER:
        raise DemoFailed("The three counts differ, so the job's answer is wrong.")
    console.print("All three agree.")
