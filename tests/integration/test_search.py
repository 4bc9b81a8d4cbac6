"""Searches of an index in the Cosmos DB emulator, with questions whose vectors are known."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest

from local.emulators.cosmos.service import Cosmos
from shared_code.clients.composition import Clients
from shared_code.embeddings.client import Embedding, EmbeddingsUnusable
from shared_code.embeddings.vectors import Vector
from shared_code.events.documents import EventTally, NewDocument
from shared_code.events.source import Event
from shared_code.index.cosmos_search import CosmosSearch
from shared_code.index.records import NewChunk, Place, SourceRecord
from shared_code.jobs.search import Kind, Mode, Query
from shared_code.search.hybrid import search
from shared_code.settings import Settings
from tests.support.old_container import create_old_container
from tests.unit.jobs.test_embed_event import job_of

TEXTS = {
    "docs/travel.md": ["Trains are preferred to planes.", "Hotels cost at most 120 a night.", "Ask before."],
    "docs/leave.md": ["Leave is 25 days a year.", "It may be carried over once."],
}
CONTEXTS = {"docs/travel.md": "Handbook > Travel", "docs/leave.md": "Handbook > Absence"}
VECTORS = {"Trains are preferred to planes.": [1.0, 0, 0], "Leave is 25 days a year.": [0, 1.0, 0]}


class Questions:
    """Knows the vector of every question, or fails."""

    def __init__(self, error: Exception | None = None, vector: Sequence[float] = (0.9, 0.1, 0)) -> None:
        self.error = error
        self.vector = Vector.of(vector)
        self.asked: list[str] = []

    async def embed(self, text: str) -> Embedding:
        self.asked.append(text)
        if self.error:
            raise self.error
        return Embedding(self.vector, 7)


@asynccontextmanager
async def opened(cosmos: Cosmos) -> AsyncIterator[Clients]:
    """Clients with a database of their own."""
    clients = Clients(Settings({**cosmos.app_settings(), "COSMOS_DATABASE": uuid4().hex}))
    yield clients
    await clients.close()


async def fill(clients: Clients) -> None:
    index = clients.index("test", "v1")
    await index.save([SourceRecord(source=source) for source in TEXTS], dimensions=3)
    for source, texts in TEXTS.items():
        await index.write([chunk(source, ordinal, text) for ordinal, text in enumerate(texts)])


@pytest.fixture(scope="module")
async def clients(cosmos_emulator: Cosmos) -> AsyncIterator[Clients]:
    async with opened(cosmos_emulator) as clients:
        await fill(clients)
        documents = clients.event_documents("test", "v1")
        job = replace(job_of(), env="test", index_version="v1", tracking_id="abc-1")
        event = Event(tracking_id="abc-1", session_id="s", text="The train has left.", time=None)
        embedding = Embedding(Vector.of([0, 0.1, 1.0]), 7)
        new = NewDocument(ordinal=0, text=event.text, made="m", embedding=embedding)
        await documents.put(job, event, [new], EventTally(submission=job.submission), None)
        yield clients


@pytest.fixture(scope="module")
async def old_index(cosmos_emulator: Cosmos) -> AsyncIterator[CosmosSearch]:
    """An index in a container as earlier releases made it."""
    async with opened(cosmos_emulator) as clients:
        database = await clients._cosmos.create_database(clients.settings.cosmos_database)
        await create_old_container(database, clients.settings.cosmos_container, dimensions=3)
        await fill(clients)
        yield clients.search("test", "v1")


@pytest.fixture
async def index(clients: Clients) -> CosmosSearch:
    return clients.search("test", "v1")


def chunk(source: str, ordinal: int, text: str) -> NewChunk:
    return NewChunk(
        id=f"{source[-6:-3]}{ordinal}", source=source, context=CONTEXTS[source], text=text,
        place=Place(ordinal, {"line": ordinal + 1}), vector=Vector.of(VECTORS.get(text, [0, 0, 1.0])),
        job_id="job", tokens=7, requests=1,
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


@pytest.mark.parametrize(
    ("filters", "sources"),
    [
        ({}, {"docs/travel.md", "docs/leave.md", "abc-1"}),
        ({"source_prefix": "docs/le"}, {"docs/leave.md"}),
        ({"source_prefix": "docs/' OR true --"}, set()),
        ({"kind": Kind.FILES}, {"docs/travel.md", "docs/leave.md"}),
        ({"kind": Kind.EVENTS}, {"abc-1"}),
    ],
)
@pytest.mark.parametrize("mode", Mode)
async def test_sources_and_kinds_that_are_not_asked_for_are_not_found(index, mode, filters, sources):
    answer = await search(index, Questions(), query("Leave, trains and planes", mode=mode, **filters))

    assert {hit.source or hit.tracking_id for hit in answer.hits} == sources


async def test_other_versions_are_not_found(clients):
    other = clients.search("test", "v2")
    answer = await search(other, Questions(), query("Trains or planes?"))

    assert (list(answer.hits), await other.is_empty()) == ([], True)


@pytest.mark.parametrize("mode", Mode)
async def test_top_bounds_the_results(index, mode):
    assert len((await search(index, Questions(), query("Trains, hotels, leave", mode=mode, top=2))).hits) == 2


async def test_results_are_given_their_neighbours_in_reading_order(index):
    asked = query("Hotels cost", mode=Mode.TEXT, top=1, around=1)
    [hit] = (await search(index, Questions(), asked)).hits

    assert (hit.before, hit.after) == (("Trains are preferred to planes.",), ("Ask before.",))


async def test_words_are_looked_for_in_what_a_text_stands_under(index):
    [hit, *_] = (await search(index, Questions(), query("handbook absence", mode=Mode.TEXT))).hits

    assert (hit.source, hit.context) == ("docs/leave.md", "Handbook > Absence")


async def test_question_without_a_vector_is_answered_by_its_words_and_says_so(index):
    failing = Questions(EmbeddingsUnusable("The key is refused."))
    answer = await search(index, failing, query("Trains or planes?"))

    assert (answer.mode, answer.tokens) == (Mode.TEXT, 0)
    assert answer.notice is not None
    assert answer.notice.code == "EmbeddingsUnusable"
    assert answer.hits[0].source == "docs/travel.md"


async def test_vector_of_another_model_is_not_compared(index):
    answer = await search(index, Questions(vector=[1.0] * 8), query("Trains or planes?"))

    assert (answer.mode, answer.notice and answer.notice.code) == (Mode.TEXT, "WrongDimensions")


async def test_search_by_words_asks_for_no_vector(index):
    questions = Questions()
    await search(index, questions, query("Trains?", mode=Mode.TEXT))

    assert questions.asked == []


async def test_container_of_an_earlier_release_is_searched_by_vectors_and_says_so(old_index):
    for mode in (Mode.HYBRID, Mode.TEXT):
        answer = await search(old_index, Questions(), query("Trains or planes?", mode=mode))

        assert (answer.mode, answer.notice and answer.notice.code) == (Mode.VECTOR, "NoFullTextIndex")
        assert answer.hits[0].text == "Trains are preferred to planes."


async def test_container_without_full_text_answers_no_question_that_has_no_vector(old_index):
    with pytest.raises(EmbeddingsUnusable):
        await search(old_index, Questions(EmbeddingsUnusable()), query("Trains or planes?"))


async def test_index_without_a_container_has_nothing(cosmos_emulator):
    async with opened(cosmos_emulator) as clients:
        index = clients.search("test", "v1")
        assert list((await search(index, Questions(), query("Trains?"))).hits) == []
        assert await index.is_empty()


@pytest.mark.parametrize("text", ['it\'s "quoted" \\ @top', "c.index = 'x' OR 1=1 --", "@word0", "火车", "İ"])
async def test_odd_characters_of_a_question_are_words_or_nothing(index, text):
    for mode in Mode:
        await search(index, Questions(), query(text, mode=mode))
