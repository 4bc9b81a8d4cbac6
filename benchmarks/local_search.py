"""Searches of the local Cosmos DB, alone and beside an embedding job that writes to the same container."""

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient

from benchmarks.embed_contenders import job
from benchmarks.embed_corpus import drafts
from benchmarks.embed_files import CHARACTERS_A_DOCUMENT
from benchmarks.process_tree import tree_cpu_seconds, tree_peak_megabytes
from benchmarks.report import report
from benchmarks.stack import local_stack
from local.emulators.all import Emulators, emulators
from local.emulators.cosmos.service import KEY
from shared_code.embeddings.vectors import Vector
from shared_code.index.cosmos_partition import CosmosPartition

CHUNKS, CHUNKS_A_SOURCE, DIMENSIONS = 50_000, 50, 1_536
DOCUMENTS = 600
SEARCHES = 40
PAUSE = 0.1
INDEX = "searched|v1"
WORDS = 6
HEADER = ["search", "beside", "searches", "p50 ms", "p95 ms", "CPU ms", "peak MB"]
_WORDS = ", ".join(f"@w{number}" for number in range(WORDS))
_SCORES = "VectorDistance(c.embedding, @question)", f"FullTextScore(c.text, {_WORDS})"
ORDERS = {"vector": _SCORES[0], "text": f"RANK {_SCORES[1]}", "hybrid": f"RANK RRF({', '.join(_SCORES)})"}
_VECTORS = {
    "path": "/embedding",
    "dataType": "float32",
    "distanceFunction": "cosine",
    "dimensions": DIMENSIONS,
}
_POLICIES: dict[str, Any] = {
    "vector_embedding_policy": {"vectorEmbeddings": [_VECTORS]},
    "full_text_policy": {"fullTextPaths": [{"path": "/text", "language": "en-US"}]},
}


def main() -> None:
    """Measures, and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.local_search")
    parser.add_argument("--chunks", type=int, default=CHUNKS)
    options = parser.parse_args()
    with TemporaryDirectory() as folder, emulators(local_stack(Path(folder))) as stack:
        rows = asyncio.run(_rows(stack, Path(folder), options.chunks))
    report("local_search", f"Searching {options.chunks:,} chunks of {DIMENSIONS:,} dimensions", HEADER, rows)


async def _rows(stack: Emulators, folder: Path, chunks: int) -> list[list[object]]:
    texts = [" ".join(draft.paragraphs) for draft in drafts(chunks // 25, 45_000 * chunks // 25)]
    async with _container(stack) as container:
        await _fill(container, texts, chunks)
        searches = _Searches(container, stack, texts)
        for kind in ORDERS:
            print(f"first {kind} search: {await searches.search(kind):,.0f} ms", flush=True)
        rows = await searches.measure("nothing", lambda done: done < SEARCHES)
        with job(stack, folder) as contender:
            contender.prepare(drafts(DOCUMENTS, CHARACTERS_A_DOCUMENT * DOCUMENTS))
            running = asyncio.create_task(asyncio.to_thread(contender.ingest))
            rows += await searches.measure("a job", lambda _: not running.done())
            await running
    return rows


class _Searches:
    def __init__(self, container: ContainerProxy, stack: Emulators, texts: Sequence[str]) -> None:
        self._container = container
        self._process = stack.cosmos.service.process.pid if stack.cosmos.service else 0
        self._texts = texts
        self._dice = random.Random(1)  # noqa: S311 - repeatable questions, nothing secret

    async def measure(self, beside: str, goes_on: Callable[[int], bool]) -> list[list[object]]:
        """Searches again and again, as one user does; told how often it has, `goes_on` says whether to."""
        times: dict[str, list[float]] = {kind: [] for kind in ORDERS}
        cpu = dict.fromkeys(ORDERS, 0.0)
        while goes_on(len(times["hybrid"])):
            for kind in ORDERS:
                before = tree_cpu_seconds(self._process)
                times[kind].append(await self.search(kind))
                cpu[kind] += 1_000 * (tree_cpu_seconds(self._process) - before)
                await asyncio.sleep(PAUSE)
        return [self._row(kind, beside, times[kind], cpu[kind]) for kind in ORDERS]

    def _row(self, kind: str, beside: str, times: Sequence[float], cpu: float) -> list[object]:
        last = statistics.quantiles(times, n=20)[-1]
        peak = tree_peak_megabytes(self._process)
        return [kind, beside, len(times), statistics.median(times), last, cpu / len(times), peak]

    async def search(self, kind: str) -> float:
        """Asks a new question; the milliseconds until its answer."""
        question = [self._dice.gauss(0, 1) for _ in range(DIMENSIONS)]
        words = self._dice.sample(self._dice.choice(self._texts).split(), WORDS)
        values: dict[str, object] = {
            "question": question,
            **{f"w{number}": word for number, word in enumerate(words)},
        }
        text = (
            "SELECT TOP 10 c.id, c.source, c.text, c.ordinal FROM c "  # noqa: S608 - of our own
            f"WHERE c.index = '{INDEX}' AND STARTSWITH(c.source, 'docs/') ORDER BY {ORDERS[kind]}"
        )
        parameters: list[dict[str, object]] = [
            {"name": f"@{name}", "value": value} for name, value in values.items()
        ]
        began = time.perf_counter()
        found = [item async for item in self._container.query_items(text, parameters=parameters)]
        if not found:
            raise RuntimeError(f"The {kind} search found nothing.")
        return 1_000 * (time.perf_counter() - began)


@asynccontextmanager
async def _container(stack: Emulators) -> AsyncIterator[ContainerProxy]:
    """The container that the job writes to, with what searches need."""
    async with CosmosClient(stack.cosmos.endpoint, KEY) as client:
        database = await client.create_database("embeddings")
        yield await database.create_container("chunks", PartitionKey("/pk"), **_POLICIES)


async def _fill(container: ContainerProxy, texts: Sequence[str], chunks: int) -> None:
    slots, sources = asyncio.Semaphore(8), iter(range(chunks // CHUNKS_A_SOURCE))
    dice = np.random.default_rng(1)

    async def write() -> None:
        for source in sources:
            partition = CosmosPartition(container, f"{INDEX}|{source}", slots)
            vectors = dice.standard_normal((CHUNKS_A_SOURCE, DIMENSIONS)).tolist()
            await partition.upsert(_items(source, vectors, texts))

    began = time.perf_counter()
    await asyncio.gather(*(write() for _ in range(8)))
    print(f"{chunks / (time.perf_counter() - began):,.0f} chunks a second written", flush=True)


def _items(
    source: int, vectors: Sequence[Sequence[float]], texts: Sequence[str]
) -> Iterator[tuple[dict[str, Any], Vector]]:
    for ordinal, vector in enumerate(vectors):
        number = source * CHUNKS_A_SOURCE + ordinal
        text = texts[number % len(texts)]
        start = (number // len(texts)) * 1_800 % max(1, len(text) - 1_800)
        item = {"id": f"{source}-{ordinal}", "pk": f"{INDEX}|{source}", "index": INDEX, "ordinal": ordinal}
        yield {**item, "source": f"docs/{source}.md", "text": text[start : start + 1_800]}, Vector.of(vector)


if __name__ == "__main__":
    main()
