"""Searches over HTTP of an index on the local stack, alone and beside an embedding job.

The job writes to the container that is searched. The embeddings server answers at once and limits nothing, so
that the job takes as much of the machine as it can.
"""

import argparse
import asyncio
import http.client
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import numpy as np
from azure.cosmos.aio import CosmosClient

from benchmarks.embed_contenders import job
from benchmarks.embed_corpus import drafts
from benchmarks.embed_files import CHARACTERS_A_DOCUMENT
from benchmarks.process_tree import tree_cpu_seconds, tree_peak_megabytes
from benchmarks.report import report
from benchmarks.stack import local_stack
from local.emulators.all import Emulators, emulators
from local.emulators.cosmos.service import KEY
from local.http_client import request
from local.job_polling import ENDED
from shared_code.embeddings.vectors import Vector
from shared_code.index.cosmos_container import CosmosContainer
from shared_code.index.cosmos_version import CosmosVersion
from shared_code.index.cosmos_writer import CosmosIndex
from shared_code.index.records import NewChunk, Place
from shared_code.jobs.search import Mode

CHUNKS, CHUNKS_A_SOURCE, DIMENSIONS = 50_000, 50, 1_536
CHARACTERS_A_CHUNK = 1_800
DOCUMENTS = 1_000
SEARCHES = 40
PAUSE = 0.1
WORDS = 6
ENV, VERSION = "searched", "v1"
HEADER = ["mode", "beside", "searches", "p50 ms", "p95 ms", "CPU ms of all processes", "peak MB of Cosmos DB"]


def main() -> None:
    """Measures, and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.local_search")
    parser.add_argument("--chunks", type=int, default=CHUNKS)
    options = parser.parse_args()
    with TemporaryDirectory() as folder, emulators(local_stack(Path(folder))) as stack:
        rows = _rows(stack, Path(folder), options.chunks)
    title = f"Searching {options.chunks:,} chunks of {DIMENSIONS:,} dimensions over HTTP"
    report("local_search", title, HEADER, rows)


def _rows(stack: Emulators, folder: Path, chunks: int) -> list[list[object]]:
    texts = [" ".join(draft.paragraphs) for draft in drafts(chunks // 25, 45_000 * chunks // 25)]
    asyncio.run(_fill(stack, texts, chunks))
    with job(stack, folder) as contender:
        searches = _Searches(contender.origin, _processes(stack, contender.pid), texts)
        for mode in Mode:
            print(f"first {mode} search: {searches.search(mode):,.0f} ms", flush=True)
        rows = searches.measure("nothing", lambda done: done < SEARCHES)
        contender.prepare(drafts(DOCUMENTS, CHARACTERS_A_DOCUMENT * DOCUMENTS))
        running = contender.submit()
        rows += searches.measure("an embedding job", lambda _: not _has_ended(running))
    return rows


def _has_ended(status_uri: str) -> bool:
    return request("GET", status_uri).json()["status"] in ENDED


def _processes(stack: Emulators, host: int) -> list[int]:
    """The Cosmos DB stand-in, and what else takes part in a search."""
    return [
        *(service.process.pid for service in (stack.cosmos.service, stack.embeddings.service) if service),
        host,
    ]


class _Searches:
    def __init__(self, origin: str, processes: Sequence[int], texts: Sequence[str]) -> None:
        self._origin = origin
        self._processes = processes
        self._texts = texts
        self._dice = random.Random(1)  # noqa: S311 - repeatable questions, nothing secret

    def measure(self, beside: str, goes_on: Callable[[int], bool]) -> list[list[object]]:
        """Searches again and again, as one user does; told how often it has, `goes_on` says whether to."""
        times: dict[Mode, list[float]] = {mode: [] for mode in Mode}
        cpu = dict.fromkeys(Mode, 0.0)
        while goes_on(len(times[Mode.HYBRID])):
            for mode in Mode:
                before = self._cpu_seconds()
                times[mode].append(self.search(mode))
                cpu[mode] += 1_000 * (self._cpu_seconds() - before)
                time.sleep(PAUSE)
        return [self._row(mode, beside, times[mode], cpu[mode]) for mode in Mode]

    def _row(self, mode: Mode, beside: str, times: Sequence[float], cpu: float) -> list[object]:
        last = statistics.quantiles(times, n=20)[-1]
        peak = tree_peak_megabytes(self._processes[0])
        return [mode.value, beside, len(times), statistics.median(times), last, cpu / len(times), peak]

    def _cpu_seconds(self) -> float:
        return sum(map(tree_cpu_seconds, self._processes))

    def search(self, mode: Mode) -> float:
        """Asks a new question; the milliseconds until its answer."""
        words = self._dice.sample(self._dice.choice(self._texts).split(), WORDS)
        asked = {"env": ENV, "version": VERSION, "q": " ".join(words), "mode": mode.value, "source": "docs/"}
        began = time.perf_counter()
        answer = request("GET", f"{self._origin}/api/search?{urlencode(asked)}")
        taken = 1_000 * (time.perf_counter() - began)
        if answer.status != http.client.OK or not answer.json()["results"] or answer.json()["mode"] != mode:
            raise RuntimeError(f"The {mode} search was answered {answer.status}: {answer.text}")
        return taken


async def _fill(stack: Emulators, texts: Sequence[str], chunks: int) -> None:
    """Writes the chunks as jobs do, to the container that they create."""
    sources = iter(range(chunks // CHUNKS_A_SOURCE))
    dice = np.random.default_rng(1)
    async with CosmosClient(stack.cosmos.endpoint, KEY) as client:
        container = CosmosContainer(client, database="embeddings", name="chunks", slots=asyncio.Semaphore(8))
        await container.create(DIMENSIONS)
        index = CosmosIndex(CosmosVersion(container, f"{ENV}|{VERSION}"))

        async def write() -> None:
            for source in sources:
                vectors = dice.standard_normal((CHUNKS_A_SOURCE, DIMENSIONS)).tolist()
                await index.write(list(_chunks(source, vectors, texts)))

        began = time.perf_counter()
        await asyncio.gather(*(write() for _ in range(8)))
        print(f"{chunks / (time.perf_counter() - began):,.0f} chunks a second written", flush=True)


def _chunks(source: int, vectors: Sequence[Sequence[float]], texts: Sequence[str]) -> Iterator[NewChunk]:
    for ordinal, vector in enumerate(vectors):
        number = source * CHUNKS_A_SOURCE + ordinal
        text = texts[number % len(texts)]
        start = number // len(texts) * CHARACTERS_A_CHUNK % max(1, len(text) - CHARACTERS_A_CHUNK)
        yield NewChunk(
            id=f"{source}-{ordinal}",
            source=f"docs/{source}.md",
            context=" ".join(text[start:].split(None, WORDS)[:WORDS]),
            text=text[start : start + CHARACTERS_A_CHUNK],
            place=Place(ordinal, {"line": ordinal}),
            vector=Vector.of(vector),
            job_id="benchmark",
            tokens=CHARACTERS_A_CHUNK // 5,
            requests=1,
        )


if __name__ == "__main__":
    main()
