"""How often a search misses: ways to cut and to search, on the same model, store and questions.

The questions are those of the golden sets (`local/golden`). A question is missed where none of the first 20
chunks is of a source that answers it. Nobody asks a language model anything.
"""

# The peers are installed for `make bench` only, so that their types are not always known.
# mypy: disable-error-code="import-not-found, misc"

import argparse
import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from azure.cosmos.aio import CosmosClient

from benchmarks.report import report
from benchmarks.stack import local_stack
from local.emulators.all import Emulators, emulators
from local.emulators.cosmos.service import KEY
from local.emulators.embeddings.app import API_KEY
from local.golden import Corpus, Question, corpora
from local.http_client import request
from shared_code.documents import DocumentLimits, extract
from shared_code.documents.chunking import chunk, count_tokens
from shared_code.documents.context import before_text, context_of, joined
from shared_code.embeddings.client import Embedding
from shared_code.embeddings.vectors import Vector
from shared_code.index.cosmos_container import CosmosContainer
from shared_code.index.cosmos_partition import CosmosPartition
from shared_code.index.cosmos_search import CosmosSearch
from shared_code.index.cosmos_version import CosmosVersion
from shared_code.jobs.search import Mode, Query
from shared_code.search.hybrid import search

TOP = 20
DIMENSIONS = 256
CHUNK_TOKENS, OVERLAP_TOKENS = 512, 64
_AT_ONCE, _TEXTS_A_REQUEST = 8, 200


@dataclass(frozen=True)
class Piece:
    """A chunk as one of the contenders makes it.

    Attributes:
        source: the document that it is from.
        text: what is stored.
        context: what it stands under, stored beside the text.
        before: as much of that as is embedded with the text.
    """

    source: str
    text: str
    context: str = ""
    before: str = ""


@dataclass(frozen=True)
class Score:
    """What a way to search found of a corpus: the rank of the first right chunk, or None, by question."""

    ranks: Sequence[int | None]

    @property
    def misses(self) -> int:
        """Questions without a right chunk."""
        return self.ranks.count(None)

    def recall(self, top: int) -> float:
        """The share of questions that one of the `top` first chunks answers."""
        return sum(1 for rank in self.ranks if rank and rank <= top) / len(self.ranks)

    @property
    def reciprocal_rank(self) -> float:
        """The mean of 1/rank; 0 for a miss."""
        return sum(1 / rank for rank in self.ranks if rank) / len(self.ranks)


def main() -> None:
    """Measures, and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval")
    parser.add_argument("cutters", nargs="*", choices=[*CUTTERS, []], help="default: all, and a table")
    options = parser.parse_args()
    sets = corpora()
    with TemporaryDirectory() as folder:
        settings = replace(local_stack(Path(folder)), model="wordllama")
        with emulators(settings) as stack:
            rows = asyncio.run(_rows(stack, sets, options.cutters or list(CUTTERS)))
    questions = sum(len(corpus.questions) for corpus in sets)
    header = ["chunks", "search", *(f"misses@{TOP} {each.name}" for each in sets), "together"]
    header += ["% fewer", "recall@1", "recall@5", "MRR"]
    title = f"{questions} questions of {len(sets)} golden sets, vectors of wordllama"
    if not options.cutters:
        report("retrieval", title, header, rows)
        return
    for row in rows:
        print(row)


async def _rows(stack: Emulators, sets: Sequence[Corpus], cutters: Sequence[str]) -> list[list[object]]:
    asked = {each.name: _embed(stack, [question.text for question in each.questions]) for each in sets}
    found: dict[tuple[str, str], list[Score]] = {("none", "the same for all"): list(map(_constant, sets))}
    async with CosmosClient(stack.cosmos.endpoint, KEY) as client:
        for cutter, corpus in product(cutters, sets):
            index = await _filled(client, stack, corpus, cutter)
            for mode in Mode:
                score = await _score(index, corpus, asked[corpus.name], mode)
                found.setdefault((cutter, mode), []).append(score)
                print(f"{corpus.name}, {cutter}, {mode}: {score.misses} missed", flush=True)
    plain = sum(score.misses for score in found.get(("plain", "vector"), []))
    return [_row(*name, scores, plain) for name, scores in found.items()]


def _row(cutter: str, mode: str, scores: Sequence[Score], plain: int) -> list[object]:
    whole = Score([rank for score in scores for rank in score.ranks])
    fewer = 100 * (1 - whole.misses / plain) if plain else 0.0
    shares = whole.recall(1), whole.recall(5), whole.reciprocal_rank
    return [cutter, mode, *(score.misses for score in scores), whole.misses, fewer, *shares]


def _constant(corpus: Corpus) -> Score:
    """Always the same answer: the sources that answer most questions."""
    counted = Counter(name for question in corpus.questions for name in question.answered_by)
    top = [name for name, _ in counted.most_common(TOP)]
    return Score([_rank(top, question.answered_by) for question in corpus.questions])


def _rank(found: Sequence[str], answered_by: Sequence[str]) -> int | None:
    return next((place for place, name in enumerate(found, start=1) if name in answered_by), None)


def _plain(corpus: Corpus) -> Iterator[Piece]:
    return (Piece(piece.source, piece.text) for piece in _in_context(corpus))


def _in_context(corpus: Corpus) -> Iterator[Piece]:
    for name, text in corpus.documents.items():
        document = extract(name, text.encode(), DocumentLimits())
        for each in chunk(document, max_tokens=CHUNK_TOKENS, overlap_tokens=OVERLAP_TOKENS):
            context = context_of(each)
            yield Piece(name, each.text, joined(context), before_text(each, context))


def _llama_index(corpus: Corpus) -> Iterator[Piece]:
    from llama_index.core.node_parser import SentenceSplitter  # noqa: PLC0415 - for this one alone

    # Its own sizes; it would download the vocabulary that it counts with by default.
    splitter = SentenceSplitter(tokenizer=lambda text: [0] * count_tokens(text))
    for name, text in corpus.documents.items():
        yield from (Piece(name, part) for part in splitter.split_text(text))


def _lang_chain(corpus: Corpus) -> Iterator[Piece]:
    from langchain_text_splitters import RecursiveCharacterTextSplitter  # noqa: PLC0415 - as above

    splitter = RecursiveCharacterTextSplitter()
    for name, text in corpus.documents.items():
        yield from (Piece(name, part) for part in splitter.split_text(text))


CUTTERS: Mapping[str, Callable[[Corpus], Iterator[Piece]]] = {
    "plain": _plain,
    "with context": _in_context,
    "LlamaIndex": _llama_index,
    "LangChain": _lang_chain,
}


async def _filled(client: CosmosClient, stack: Emulators, corpus: Corpus, cutter: str) -> CosmosSearch:
    """A container of their own for the chunks: the words of others would count in the scores of texts."""
    slots = asyncio.Semaphore(_AT_ONCE)
    name = f"{corpus.name}-{cutter}".replace(" ", "-")
    container = CosmosContainer(client, database="golden", name=name, slots=slots)
    await container.create(DIMENSIONS)
    pieces = list(CUTTERS[cutter](corpus))
    vectors = _embed(stack, [piece.before + piece.text for piece in pieces])
    items = (
        {
            "id": str(number),
            "pk": name,
            "index": name,
            "ordinal": number,
            "source": piece.source,
            "text": piece.text,
            "context": piece.context,
        }
        for number, piece in enumerate(pieces)
    )
    await CosmosPartition(container.proxy, name, slots).upsert(zip(items, vectors, strict=True))
    return CosmosSearch(CosmosVersion(container, name), slots)


def _embed(stack: Emulators, texts: Sequence[str]) -> list[Vector]:
    vectors: list[Vector] = []
    for start in range(0, len(texts), _TEXTS_A_REQUEST):
        body = {"model": "wordllama", "input": texts[start : start + _TEXTS_A_REQUEST]}
        headers = {"Authorization": f"Bearer {API_KEY}"}
        answer = request("POST", f"{stack.embeddings.endpoint}/embeddings", headers=headers, body=body)
        vectors += [Vector.of(item["embedding"]) for item in answer.json()["data"]]
    return vectors


@dataclass(frozen=True)
class _Known:
    """The vector of a question that was embedded with all others."""

    vector: Vector

    async def embed(self, text: str) -> Embedding:  # noqa: ARG002 - there is one question
        """The vector."""
        return Embedding(self.vector, 0)


async def _score(index: CosmosSearch, corpus: Corpus, vectors: Sequence[Vector], mode: Mode) -> Score:
    async def rank(question: Question, vector: Vector) -> int | None:
        query = Query(env="golden", text=question.text, mode=mode, top=TOP)
        answer = await search(index, _Known(vector), query)
        return _rank([str(hit.source) for hit in answer.hits], question.answered_by)

    return Score(await asyncio.gather(*map(rank, corpus.questions, vectors)))


if __name__ == "__main__":
    main()
