"""An embedding job beside its peers: a first run, and a second one after a hundredth of the text has changed.

All ask the same server, which takes its time and limits requests. The job reads blobs; the peers read files
on disk by their own readers, or get the text as it is. They keep their vectors in memory or, by their own
stores, in Cosmos DB.
"""

import argparse
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.embed_contenders import Contender, job, peer
from benchmarks.embed_corpus import Draft, drafts, edited
from benchmarks.process_tree import tree_cpu_seconds, tree_peak_megabytes
from benchmarks.report import report
from benchmarks.stack import local_stack
from local.emulators.all import Emulators, emulators
from local.emulators.embeddings.service import Embeddings

LATENCY, REQUESTS_PER_MINUTE = 0.08, 120
DOCUMENTS = 1_000
CHANGED = 0.01
CHARACTERS_A_DOCUMENT = 50_000
HEADER = [
    "",
    "run",
    "seconds",
    "documents a second",
    "CPU seconds",
    "peak MB",
    "requests",
    "tokens",
    "% of the first run's",
]
CONTENDERS = {
    "job": "the job over HTTP, Cosmos DB",
    "llama_index_cosmos": "LlamaIndex, Cosmos DB",
    "lang_chain_cosmos": "LangChain, Cosmos DB",
    "lang_chain_cosmos_given": "LangChain given the text, Cosmos DB",
    "llama_index": "LlamaIndex, in memory",
    "lang_chain": "LangChain, in memory",
}


@dataclass(frozen=True)
class Run:
    """What one run of a contender took; requests and tokens as the server counted them."""

    seconds: float
    cpu_seconds: float
    peak_megabytes: float
    requests: int
    tokens: int


def main() -> None:
    """Measures all contenders, or those that are named, and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embed_files")
    # The empty list is a choice, since argparse checks it too where nothing is named.
    parser.add_argument("contenders", nargs="*", choices=[*CONTENDERS, []], help="default: all, and a table")
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    options = parser.parse_args()
    count = options.documents
    first = drafts(count, CHARACTERS_A_DOCUMENT * count)
    rounds = [first, edited(first, CHANGED)]
    rows = [row for name in options.contenders or CONTENDERS for row in _rows(name, rounds)]
    if options.contenders:
        return
    size = f"{count:,} documents, {CHARACTERS_A_DOCUMENT * count // 1_000_000} MB of text"
    server = f"{LATENCY * 1_000:.0f} ms a request, at most {REQUESTS_PER_MINUTE} a minute"
    report("embed_files", f"Embedding {size}, {server}; then with {CHANGED:.0%} of it changed", HEADER, rows)


def compare(name: str, rounds: Sequence[Sequence[Draft]]) -> list[Run]:
    """The runs of one contender, on emulators that are empty."""
    with (
        TemporaryDirectory() as folder,
        emulators(local_stack(Path(folder))) as stack,
        _opened(name, stack, Path(folder)) as contender,
    ):
        return [_measure(contender, documents, stack.embeddings) for documents in rounds]


def _opened(name: str, stack: Emulators, folder: Path) -> AbstractContextManager[Contender]:
    return job(stack, folder) if name == "job" else peer(name, stack, folder)


def _measure(contender: Contender, documents: Sequence[Draft], server: Embeddings) -> Run:
    contender.prepare(documents)
    server.reset()
    server.configure(latency=LATENCY, requests_per_minute=REQUESTS_PER_MINUTE)
    began, cpu = time.perf_counter(), tree_cpu_seconds(contender.pid)
    contender.ingest()
    seconds = time.perf_counter() - began
    counters = server.counters()
    run = Run(
        seconds,
        tree_cpu_seconds(contender.pid) - cpu,
        tree_peak_megabytes(contender.pid),
        counters["requests"],
        counters["tokens"],
    )
    print(run, flush=True)
    return run


def _rows(name: str, rounds: Sequence[Sequence[Draft]]) -> list[list[object]]:
    runs = compare(name, rounds)
    return [_row(name, number, run, runs[0], len(rounds[0])) for number, run in enumerate(runs, start=1)]


def _row(name: str, number: int, run: Run, first: Run, documents: int) -> list[object]:
    return [
        CONTENDERS[name],
        number,
        run.seconds,
        documents / run.seconds,
        run.cpu_seconds,
        run.peak_megabytes,
        run.requests,
        run.tokens,
        100 * run.tokens / first.tokens,
    ]


if __name__ == "__main__":
    main()
