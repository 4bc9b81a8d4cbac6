"""Cancelling embedding jobs under full load: how long until one is `Canceled`, and what is still sent.

Each job is cancelled at a moment of its own while it embeds a path of many files; the embeddings server takes
its time for a request, as a real one does. Each job has a version of the index of its own, and so all to do.
"""

import argparse
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from azure.storage.blob import ContainerClient

from benchmarks.report import report
from benchmarks.stack import local_stack
from local.emulators.all import Emulators, emulators
from local.host import clean_environment, host, origin
from local.http_client import request
from local.ports import free_port
from local.settings import Port

JOBS = 200
FILES = 200
LATENCY = 0.08
ENV = "benchmark"
# Enough for a few hundred milliseconds of work beyond the start of the embedding.
_LONGEST_WAIT = 0.4
HEADER = ["jobs cancelled", "Canceled after, p50 s", "p99 s", "most s", "requests after the 202, most",
          "of jobs that spent, usage adds up", "staged blobs left"]  # fmt: skip


def main() -> None:
    """Measures, and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cancel")
    parser.add_argument("--jobs", type=int, default=JOBS)
    options = parser.parse_args()
    with TemporaryDirectory() as folder, emulators(local_stack(Path(folder))) as stack:
        _prepare(stack)
        with _app(stack, Path(folder)) as api:
            row = _measure(stack, api, options.jobs)
    if options.jobs == JOBS:
        report("cancel", f"Cancelling jobs over {FILES} files, {LATENCY:g} s a request", HEADER, [row])
    else:
        print(row)


@contextmanager
def _app(stack: Emulators, folder: Path) -> Iterator[str]:
    port = Port("PORT", free_port())
    environment = clean_environment(stack.storage.connection_string) | stack.app_settings()
    environment |= {"EMBEDDINGS_TOKENS_PER_REQUEST": "4000"}
    with host(port, state_file=folder / "state.db", environment=environment, log=folder / "host.log"):
        yield origin(port)


def _prepare(stack: Emulators) -> None:
    with ContainerClient.from_connection_string(stack.storage.connection_string, "load") as files:
        files.create_container()
        for number in range(FILES):
            parts = (f"Paragraph {n} of file {number} tells of thing {n * number}." for n in range(60))
            files.upload_blob(f"docs/{number}.txt", "\n\n".join(parts))


def _measure(stack: Emulators, api: str, jobs: int) -> list[object]:
    stack.embeddings.reset()
    stack.embeddings.configure(latency=LATENCY)
    chance = random.Random(7)  # noqa: S311 - the same moments in each run
    seconds, sent = [], []
    for number in range(jobs):
        took, after = _cancel_one(stack, api, f"v{number}", chance.uniform(0, _LONGEST_WAIT))
        seconds.append(took)
        sent.append(after)
    usage = request("GET", f"{api}/api/usage/{ENV}").json()["months"][0]["tokens"]
    with ContainerClient.from_connection_string(stack.storage.connection_string, "jobs") as container:
        left = len(list(container.list_blob_names(name_starts_with="staging/")))
    p99 = quantiles(seconds, n=100)[98]
    adds_up = "yes" if usage == stack.embeddings.counters()["tokens"] else "no"
    return [jobs, median(seconds), p99, max(seconds), max(sent), adds_up, left]


def _cancel_one(stack: Emulators, api: str, version: str, wait: float) -> tuple[float, int]:
    """How long it took to end, and how many requests were answered after the 202 that were not under way."""
    before = stack.embeddings.counters()["requests"]
    body = {"env": ENV, "version": version, "filesPath": "load/docs"}
    job = request("POST", f"{api}/api/orchestrators/start", body=body).json()["id"]
    deadline = time.monotonic() + 60
    while stack.embeddings.counters()["requests"] == before and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(wait)
    uri = f"{api}/api/status/{job}"
    if request("DELETE", uri).status != HTTPStatus.ACCEPTED:
        raise RuntimeError(f"Job {job} had ended before it was cancelled: give it more files.")
    told, sent = time.perf_counter(), stack.embeddings.counters()["requests"]
    while (status := request("GET", uri).json())["status"] in {"Pending", "Running"}:
        time.sleep(0.01)
    if status["status"] != "Canceled":
        raise RuntimeError(f"A job that was cancelled is {status['status']}.")
    return time.perf_counter() - told, stack.embeddings.counters()["requests"] - sent


if __name__ == "__main__":
    main()
