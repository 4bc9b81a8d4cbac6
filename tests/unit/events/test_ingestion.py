"""One live event into an index in memory: what is embedded, what is written, and what a repetition costs."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from shared_code.embeddings.batching import BatchedEmbeddings
from shared_code.embeddings.client import EmbeddingRefused
from shared_code.embeddings.vectors import Vector
from shared_code.errors import StepRepeated
from shared_code.events.documents import EventTallies, EventTally, NewDocument, StoredDocument, TallyTaken
from shared_code.events.ingestion import ingest_event
from shared_code.events.source import Event
from shared_code.events.spending import EventSpending
from shared_code.index.records import ContainerMissing
from shared_code.jobs import EmbedEventJob
from tests.unit.embedding_fakes import Crash, FakeEmbeddings, prose
from tests.unit.jobs.test_embed_event import job_of

EVENT = Event(tracking_id="abc123", session_id="sess789", text="An event.", time="2026-11-20T10:02:11Z")
LONG = replace(EVENT, text=prose("trains", sentences=8))
JOB = replace(job_of(), submission="first")
AGAIN = replace(JOB, submission="second")


@dataclass
class FakeDocuments:
    """The documents of one event, and what was done to them in order."""

    items: dict[int, tuple[NewDocument, StoredDocument]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    open: EventTally | None = None
    closed: EventTally | None = None
    version: int = 0
    has_container: bool = True
    crash_at: str = ""
    loses_answers: bool = False

    async def are_there(self, job: EmbedEventJob) -> bool:
        await asyncio.sleep(0)
        return any(stored.submission == job.submission for _, stored in self.items.values())

    async def tallies(self, _job: EmbedEventJob) -> EventTallies:
        opened = (self.open, str(self.version)) if self.open else None
        return EventTallies(opened, [self.closed] if self.closed else [])

    async def write_tally(self, _job: EmbedEventJob, tally: EventTally, etag: str | None) -> str:
        await asyncio.sleep(0)
        if not self.has_container:
            raise ContainerMissing
        if etag != (str(self.version) if self.open else None):
            raise TallyTaken
        self.open, self.version = tally, self.version + 1
        if self.crash_at == "open":
            raise Crash
        if self.loses_answers:  # a write that is sent again finds what it has written
            self.loses_answers = False
            raise TallyTaken
        return str(self.version)

    async def drop_tally(self, _job: EmbedEventJob, etag: str | None) -> None:
        await asyncio.sleep(0)
        self.open = None if etag == str(self.version) else self.open

    async def create_container(self, dimensions: int) -> None:
        assert dimensions
        self.has_container = True

    async def stored(self, _job: EmbedEventJob) -> dict[int, StoredDocument]:
        return {ordinal: stored for ordinal, (_, stored) in self.items.items()}

    async def vectors(self, _job: EmbedEventJob) -> dict[str, Vector]:
        return {new.made: new.embedding.vector for new, _ in self.items.values()}

    async def put(
        self,
        job: EmbedEventJob,
        event: Event,
        documents: Sequence[NewDocument],
        tally: EventTally,
        etag: str | None,
    ) -> None:
        await asyncio.sleep(0)
        if self.crash_at == "put":
            raise Crash
        if documents:
            if etag and (self.open is None or etag != str(self.version)):
                raise TallyTaken
            self.closed, self.open = tally, None
        for new in documents:
            self.done.append(f"put {new.ordinal}")
            stored = StoredDocument(
                ordinal=new.ordinal,
                made=new.made,
                submission=job.submission,
                session_id=event.session_id,
                time=event.time or "now",
            )
            self.items[new.ordinal] = new, stored

    async def amend(self, _job: EmbedEventJob, event: Event, ordinals: Iterable[int]) -> None:
        for ordinal in ordinals:
            self.done.append(f"amend {ordinal}")
            new, stored = self.items[ordinal]
            amended = replace(stored, session_id=event.session_id, time=event.time or "now")
            self.items[ordinal] = new, amended

    async def remove(self, _job: EmbedEventJob, ordinals: Iterable[int]) -> None:
        for ordinal in ordinals:
            self.done.append(f"remove {ordinal}")
            del self.items[ordinal]


async def always() -> None:
    """Every job here wants its work done."""


@dataclass
class World:
    """An index without documents, and an embeddings service."""

    documents: FakeDocuments = field(default_factory=FakeDocuments)
    previous: FakeDocuments | None = None
    service: FakeEmbeddings = field(default_factory=FakeEmbeddings)
    spending: EventSpending = field(init=False)

    async def ingest(
        self,
        event: Event = EVENT,
        job: EmbedEventJob = JOB,
        *,
        paid: Mapping[str, int] | None = None,
        tallies: Mapping[str, Any] | None = None,
    ) -> dict[str, int]:
        self.spending = EventSpending(self.documents, job, dict(paid or {}), dict(tallies or {}), always)
        return await self._ingest(event, job, self.spending)

    async def attempt(self, paid: Mapping[str, int] | None = None) -> Counter[str]:
        """What the step of the event answers, also if another try has gone on instead."""
        spending = EventSpending(self.documents, JOB, dict(paid or {}), {}, always)
        with suppress(StepRepeated):
            return Counter(await self._ingest(LONG, JOB, spending))
        return spending.counts

    async def _ingest(self, event: Event, job: EmbedEventJob, spending: EventSpending) -> dict[str, int]:
        fakes: Any = self
        embeddings = BatchedEmbeddings(fakes.service, wait=0, tokens_per_request=1_000, at_once=8)
        return dict(
            await ingest_event(
                event,
                job,
                documents=fakes.documents,
                embeddings=embeddings,
                previous=fakes.previous,
                spending=spending,
            )
        )

    def texts(self) -> list[str]:
        return [new.text for _, (new, _) in sorted(self.documents.items.items())]


async def test_short_event_is_one_document():
    world = World()
    counts = await world.ingest()
    assert world.texts() == ["An event."]
    assert counts == {"completed": 1, "documents": 1, "embedded": 1, "tokens": 10, "requests": 1}


async def test_long_event_is_several_documents_embedded_by_one_request():
    world = World()
    counts = await world.ingest(LONG)
    assert counts["documents"] == len(world.texts()) > 1
    assert (counts["requests"], len(world.service.batches)) == (1, 1)


async def test_step_that_is_repeated_embeds_nothing_and_counts_the_same():
    world = World()
    first = await world.ingest(LONG)
    world.documents.done.clear()
    assert await world.ingest(LONG) == first
    assert (len(world.service.batches), world.documents.done) == (1, [])


async def test_step_that_broke_off_embeds_what_is_missing_and_counts_all():
    world = World()
    first = await world.ingest(LONG)
    del world.documents.items[1]
    counts = await world.ingest(LONG)
    assert [len(batch) for batch in world.service.batches] == [first["documents"], 1]
    assert counts["tokens"] == first["tokens"] + 10


async def test_another_run_over_unchanged_text_costs_nothing():
    world = World()
    await world.ingest(LONG)
    counts = await world.ingest(LONG, AGAIN)
    assert (counts["skipped"], counts["embedded"], counts["tokens"], counts["requests"]) == (1, 0, 0, 0)


async def test_event_moves_to_another_container_with_its_vectors():
    world = World()
    await world.ingest(LONG)
    texts = world.texts()
    world.previous, world.documents = world.documents, FakeDocuments()
    counts = await world.ingest(LONG, AGAIN)

    assert (world.texts(), counts["tokens"], len(world.service.batches)) == (texts, 0, 1)


async def test_changed_text_replaces_the_documents_and_stale_ones_go_last():
    world = World()
    before = (await world.ingest(LONG))["documents"]
    world.documents.done.clear()
    await world.ingest(EVENT, AGAIN)
    assert world.texts() == ["An event."]
    assert world.documents.done == ["put 0", *(f"remove {ordinal}" for ordinal in range(1, before))]


async def test_other_model_embeds_the_same_text_again():
    world = World()
    await world.ingest()
    with pytest.raises(AssertionError):
        await world.ingest(job=replace(AGAIN, plan=replace(JOB.plan, model="other")))


async def test_time_that_changed_is_told_without_embedding():
    world = World()
    await world.ingest()
    await world.ingest(replace(EVENT, time="2027-01-01T00:00:00Z"), AGAIN)
    assert world.documents.done == ["put 0", "amend 0"]
    assert len(world.service.batches) == 1


async def test_event_without_a_time_keeps_the_one_that_its_documents_have():
    world = World()
    timeless = replace(EVENT, time=None)
    await world.ingest(timeless)
    await world.ingest(timeless, AGAIN)
    assert world.documents.done == ["put 0"]


async def test_nothing_is_written_of_an_event_of_which_a_part_has_no_vector():
    world = World(service=FakeEmbeddings(failing={"Sentence 7": EmbeddingRefused("refused")}))
    with pytest.raises(EmbeddingRefused):
        await world.ingest(LONG)
    assert world.documents.done == []


@pytest.mark.parametrize("hears", [0, 1])
@pytest.mark.parametrize("moments", range(24))
async def test_all_that_two_tries_at_once_spend_is_counted_whichever_is_heard(hears: int, moments: int):
    world = World()
    tries = [asyncio.create_task(world.attempt())]
    for _ in range(moments):
        await asyncio.sleep(0)
    tries.append(asyncio.create_task(world.attempt()))
    heard = (await asyncio.gather(*tries))[hears]
    if not heard["completed"]:  # the host runs the step again
        heard += await world.attempt(paid=heard)

    charged = 10 * sum(map(len, world.service.batches))
    assert "".join(world.texts()).count("Sentence 7") == 1
    assert heard["tokens"] - heard["estimated"] <= charged <= heard["tokens"]
    assert world.documents.open is None


async def broken_off(world: World, fault: str, **more: Any) -> None:
    """A run that ends with its process, while a request is under way or before the documents are written."""
    world.service.crash_after = len(world.service.batches) if fault == "request" else None
    world.documents.crash_at = fault
    with pytest.raises(Crash):
        await world.ingest(LONG, **more)
    world.service.crash_after, world.documents.crash_at = None, ""


@pytest.mark.parametrize("fault", ["request", "put"])
async def test_run_that_breaks_off_is_counted_by_the_next_one_as_what_it_may_have_cost(fault: str):
    world = World()
    await broken_off(world, fault)
    booked = world.documents.open
    counts = await world.ingest(LONG)
    assert booked
    assert booked.counts["estimated"] == counts["estimated"] >= 10 * counts["documents"]
    assert counts["tokens"] == 10 * counts["documents"] + counts["estimated"]
    assert await world.ingest(LONG) == counts


async def test_account_of_documents_that_a_run_wrote_last_is_counted():
    world = World()
    counts = await world.ingest(LONG)
    world.documents.items.popitem()  # of its last batch
    again = await world.ingest(LONG)
    assert (again["embedded"], again["tokens"]) == (counts["documents"], counts["tokens"] + 10)


async def test_each_run_that_breaks_off_is_counted():
    once, twice = World(), World()
    await broken_off(once, "request")
    for _ in range(2):
        await broken_off(twice, "request")
    assert (await twice.ingest(LONG))["estimated"] == 2 * (await once.ingest(LONG))["estimated"]


async def test_account_of_a_try_that_was_heard_or_of_another_run_is_not_counted_again():
    for is_heard in (True, False):
        world = World()
        await broken_off(world, "put")
        assert world.documents.open
        later: Any = {"paid": world.documents.open.counts} if is_heard else {"job": AGAIN}
        counts = await world.ingest(LONG, **later)
        assert (counts["tokens"], counts.get("estimated")) == (10 * counts["documents"], None)


async def test_booking_that_was_done_without_an_answer_is_not_counted_twice():
    world = World(documents=FakeDocuments(loses_answers=True))
    counts = await world.ingest(LONG)
    assert (counts["tokens"], counts.get("estimated")) == (10 * counts["documents"], None)


async def test_booking_of_a_try_that_sent_nothing_is_no_cost_of_the_next_try():
    world = World(documents=FakeDocuments(crash_at="open"))
    with pytest.raises(Crash):
        await world.ingest(LONG)
    world.documents.crash_at = ""
    counts = await world.ingest(LONG, tallies=world.spending.unwritten)
    assert (counts["tokens"], counts.get("estimated")) == (10 * counts["documents"], None)


async def test_requests_that_are_refused_cost_nothing_however_many_tries_there_are():
    documents, heard, tallies = FakeDocuments(), Counter[str](), dict[str, Any]()
    for charged in (0, 0, 60, 0, 30):
        spending = EventSpending(documents, JOB, dict(heard), tallies, always)
        await spending.sending(100)
        await spending.charged(100, tokens=charged, requests=1 if charged else 0, estimated=0)
        heard += spending.counts
        tallies = {**tallies, **spending.unwritten}
    assert heard == {"tokens": 90, "requests": 2}


async def test_first_event_of_an_index_creates_its_container_for_the_vectors_that_come():
    world = World(documents=FakeDocuments(has_container=False))
    counts = await world.ingest()
    assert (world.texts(), world.documents.has_container) == (["An event."], True)
    assert (counts["tokens"], counts["requests"]) == (10, 1)
