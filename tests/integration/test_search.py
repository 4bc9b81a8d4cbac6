"""Searches of an index in the Cosmos DB emulator, with questions whose vectors are known."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from local.emulators.cosmos.service import Cosmos
from shared_code.clients.composition import Clients
from shared_code.embeddings.client import Embedding
from shared_code.embeddings.vectors import Vector
from shared_code.index.cosmos_search import CosmosSearch
from shared_code.index.records import NewChunk, Place, SourceRecord
from shared_code.jobs.search import Mode, Query
from shared_code.search.hybrid import search
from shared_code.settings import Settings

TEXTS = {
    "docs/travel.md": ["Trains are preferred to planes.", "Hotels cost at most 120 a night.", "Ask before."],
    "docs/leave.md": ["Leave is 25 days a year.", "It may be carried over once."],
}
VECTORS = {"Trains are preferred to planes.": [1.0, 0, 0], "Leave is 25 days a year.": [0, 1.0, 0]}


class Questions:
    """Knows the vector of every question, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked: list[str] = []

    async def embed(self, text: str) -> Embedding:
        self.asked.append(text)
        if self.error:
            raise self.error
        return Embedding(Vector.of([0.9, 0.1, 0]), 7)


@pytest.fixture(scope="module")
async def clients(cosmos_emulator: Cosmos) -> AsyncIterator[Clients]:
    opened = Clients(Settings({**cosmos_emulator.app_settings(), "COSMOS_DATABASE": uuid4().hex}))
    index = opened.index("test", "v1")
    await index.save([SourceRecord(source=source) for source in TEXTS], dimensions=3)
    for source, texts in TEXTS.items():
        await index.write([chunk(source, ordinal, text) for ordinal, text in enumerate(texts)])
    yield opened
    await opened.close()


@pytest.fixture
async def index(clients: Clients) -> CosmosSearch:
    return clients.search("test", "v1")


def chunk(source: str, ordinal: int, text: str) -> NewChunk:
    return NewChunk(
        id=f"{source[-6:-3]}{ordinal}", source=source, text=text, place=Place(ordinal, {"line": ordinal + 1}),
        vector=Vector.of(VECTORS.get(text, [0, 0, 1.0])), job_id="job", tokens=7, requests=1,
    )  # fmt: skip


def query(text: str, **more) -> Query:
    return Query(env="test", text=text, **more)


@pytest.mark.parametrize("mode", Mode)
async def test_each_mode_finds_the_text_that_answers(index, mode):
    answer = await search(index, Questions(), query("Trains or planes?", mode=mode))

    best = answer.hits[0]
    assert (best.source, best.text, best.position) == (
        "docs/travel.md",
        "Trains are preferred to planes.",
        {"line": 1},
    )
    assert (answer.index, answer.mode, answer.notice) == ("test|v1", mode, None)
    assert answer.tokens == (0 if mode == Mode.TEXT else 7)
    assert [hit.score for hit in answer.hits] == sorted((hit.score for hit in answer.hits), reverse=True)
