"""The demo: jobs over HTTP, as a user makes them, on sample data whose right results are known.

An audit query is checked against two other ways to count; an embedding job runs twice, and the second time
must find nothing left to do; a live event is announced by a message and by a request, and embedded once;
the index answers questions, and a version of it that lacks files does not go live.
"""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from azure.data.tables import TableClient
from azure.storage.blob import BlobServiceClient
from rich.console import Console
from rich.table import Table

from local.demo.jobs import Jobs
from local.demo.versions import ask_questions, compare_versions
from local.emulators.all import Emulators, emulators
from local.errors import DemoFailed
from local.host import clean_environment, host, origin, require_free
from local.ports import is_free
from local.samples import events as sample_events
from local.samples import questions as sample_questions
from local.samples.audit_table import END, KNOWN_ANSWER, START, reference_count, rows, seed
from local.samples.documents import CONTAINER, documents, remove_others, upload
from local.settings import StackSettings
from local.stack import clear_if_fresh

TABLE = "audit"
EMBED = {"env": "demo", "version": "v1", "filesPath": CONTAINER}
SHOWN = ("files", "embedded", "unchanged", "failed", "deleted", "chunks", "tokens")


@dataclass(frozen=True)
class Measured:
    """A result, and how long it took."""

    result: Any
    seconds: float


def run_demo(settings: StackSettings) -> None:
    """Runs the demo beside whatever else runs.

    Raises:
        DemoFailed: a result is not right.
    """
    settings = settings.apart("demo")
    require_free(settings.host)
    clear_if_fresh(settings)
    _forget_index(settings)
    console = Console(highlight=False)
    with emulators(settings) as stack:
        _write_samples(console, stack)
        environment = clean_environment(stack.storage.connection_string) | stack.app_settings()
        state_file, log = settings.state / "host" / "state.db", settings.state / "host.log"
        with host(settings.host, state_file=state_file, environment=environment, log=log) as serving:
            jobs = Jobs(console, serving, origin(settings.host))
            _audit(jobs, stack)
            _embed(jobs)
            _tell_twice(jobs, stack)
            ask_questions(jobs, EMBED["env"])
            compare_versions(jobs, EMBED["env"])


def _forget_index(settings: StackSettings) -> None:
    """Begins without the index of an earlier demo, since the first run is to embed every file."""
    folder = settings.state / "cosmos"
    if is_free(settings.cosmos.number) and folder.exists():
        shutil.rmtree(folder)


def _write_samples(console: Console, stack: Emulators) -> None:
    with TableClient.from_connection_string(stack.storage.connection_string, TABLE) as table:
        wrote_rows = seed(table, rows())
    with BlobServiceClient.from_connection_string(stack.storage.connection_string) as blobs:
        wrote_files = upload(blobs)
        remove_others(blobs)
        sample_questions.write(blobs)
    sample_events.write(stack.storage.connection_string)
    if wrote_rows or wrote_files:
        console.print("Wrote the sample data (once).")


def _audit(jobs: Jobs, stack: Emulators) -> None:
    job = _measure(lambda: jobs.run("GET", f"/api/submit/query?s={START}&e={END}"))
    with TableClient.from_connection_string(stack.storage.connection_string, TABLE) as table:
        reference = _measure(lambda: reference_count(table, START, END))
    report_counts(jobs.console, job, reference)


def _embed(jobs: Jobs) -> None:
    runs = [_measure(lambda: jobs.run("POST", "/api/orchestrators/start", EMBED)) for _ in range(2)]
    report_embedding(jobs.console, *runs)


def _tell_twice(jobs: Jobs, stack: Emulators) -> None:
    storage = stack.storage.connection_string
    event = {**sample_events.new_event(storage), "env": EMBED["env"]}
    message = json.dumps(event)
    jobs.console.print(f"Message on the queue {sample_events.QUEUE}: {message}", soft_wrap=True)
    sample_events.send(storage, message)
    report_event(jobs.console, _measure(lambda: jobs.run("POST", "/api/orchestrators/start", event)))


def _measure(run: Callable[[], Any]) -> Measured:
    started = time.perf_counter()
    return Measured(run(), time.perf_counter() - started)


def report_counts(console: Console, job: Measured, reference: Measured) -> None:
    """Prints the counts beside each other.

    Raises:
        DemoFailed: a result is not right.
    """
    table = Table()
    table.add_column(f"{START} to {END}")
    table.add_column("people", justify="right")
    table.add_column("seconds", justify="right")
    table.add_row("the job, over HTTP", f"{job.result:,}", f"{job.seconds:.2f}")
    table.add_row("one sequential query", f"{reference.result:,}", f"{reference.seconds:.2f}")
    table.add_row("known from the sample data", f"{KNOWN_ANSWER:,}", "")
    console.print(table)
    if not job.result == reference.result == KNOWN_ANSWER:
        raise DemoFailed("The three counts differ, so the job's answer is wrong.")
    console.print("All three agree.")


def report_embedding(console: Console, first: Measured, second: Measured) -> None:
    """Prints both runs beside each other.

    Raises:
        DemoFailed: a result is not right.
    """
    table = Table()
    table.add_column(f"files below {CONTAINER}")
    table.add_column("first run", justify="right")
    table.add_column("second run", justify="right")
    for name in SHOWN:
        table.add_row(name, f"{first.result[name]:,}", f"{second.result[name]:,}")
    table.add_row("seconds", f"{first.seconds:.2f}", f"{second.seconds:.2f}")
    console.print(table)
    for entry in first.result["ledger"]:
        console.print(f"{entry['source']}: {entry['message']}", soft_wrap=True)
    _check_embedding(first.result, second.result)
    console.print("Every file is accounted for, and the second run embedded nothing.")


def report_event(console: Console, told: Measured) -> None:
    """Prints what became of an event that was announced twice.

    Raises:
        DemoFailed: a result is not right.
    """
    table = Table()
    for name in ("live event", "documents", "tokens", "seconds"):
        table.add_column(name, justify="left" if name == "live event" else "right")
    result = told.result
    table.add_row(
        result["trackingId"], str(result["documents"]), str(result["tokens"]), f"{told.seconds:.2f}"
    )
    console.print(table)
    if (result["documents"], result["embedded"], result["requests"]) != (1, 1, 1):
        raise DemoFailed("The event should have become one document, by one request for embeddings.")
    console.print("By message and by request it was one job, and one document.")


def _check_embedding(first: dict[str, Any], second: dict[str, Any]) -> None:
    readable = sum(document.readable for document in documents())
    failed = len(documents()) - readable
    if (first["embedded"], first["failed"]) != (readable, failed):
        raise DemoFailed(f"The first run should embed {readable} files and list {failed} as failed.")
    if (second["embedded"], second["unchanged"], second["tokens"]) != (0, readable, 0):
        raise DemoFailed(f"The second run should find {readable} files unchanged and embed none.")
