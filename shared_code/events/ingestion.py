"""One live event into the index: text -> chunks -> vectors -> documents in Cosmos DB.

A document that is there is not embedded again, and what a text may cost is booked before it is sent. What is
new is written before what is stale is deleted, and nothing is written for an event of which a part has no
vector: the index keeps what it had.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared_code.documents import Document, Position, Segment
from shared_code.documents.chunking import chunk
from shared_code.embeddings.batching import BatchedEmbeddings, CountedText, Outcome, Payer
from shared_code.embeddings.client import Embedding
from shared_code.embeddings.vectors import Vector
from shared_code.errors import StepRepeated
from shared_code.events.documents import EventDocuments, NewDocument, StoredDocument, TallyTaken
from shared_code.events.source import Event
from shared_code.events.spending import EventSpending
from shared_code.index.fingerprints import text_fingerprint
from shared_code.index.records import ContainerMissing
from shared_code.jobs import EmbeddingPlan, EmbedEventJob


@dataclass(frozen=True, slots=True)
class _Planned:
    """A document as the event has it now."""

    ordinal: int
    text: CountedText
    made: str


@dataclass(frozen=True, slots=True)
class _Unbooked:
    """Pays for what is sent before there is anything to book it in."""

    spending: EventSpending

    async def sending(self, most: int) -> None:
        """Books nothing."""

    async def charged(self, most: int, *, tokens: int, requests: int, estimated: int) -> None:  # noqa: ARG002
        """Adds what was charged."""
        await self.spending.charged(0, tokens=tokens, requests=requests, estimated=estimated)


async def ingest_event(
    event: Event,
    job: EmbedEventJob,
    *,
    documents: EventDocuments,
    embeddings: BatchedEmbeddings,
    previous: EventDocuments | None = None,
    spending: EventSpending,
) -> Counter[str]:
    """Brings an event into the index; what was done, and what was spent that no answer has counted.

    Args:
        event: what to embed.
        job: that embeds it.
        documents: where to.
        embeddings: by which service.
        previous: the documents of a container that this one takes the place of: their vectors are copied.
        spending: gets what is charged, also when an error is raised.

    Raises:
        EmbeddingFailure: a part of the text has no vector.
        EmbeddingsUnusable: no text at all can be embedded.
        ServiceError: the service could not be reached.
        StepRepeated: a later try of the step goes on instead.
    """
    planned = await asyncio.to_thread(lambda: list(_planned(event, job)))
    stored = await documents.stored(job)
    kept = {each.ordinal: stored[each.ordinal] for each in planned if _is_there(each, stored)}
    missing = [each for each in planned if each.ordinal not in kept]
    known = await previous.vectors(job) if previous and missing else {}
    new = [_copied(each, known[each.made]) for each in missing if each.made in known]
    lacking = [each for each in missing if each.made not in known]
    if not lacking or any(document.submission == job.submission for document in stored.values()):
        await spending.look_back()  # no tally will be opened, or one has been closed by documents
    new += await _embedded(lacking, job, documents, embeddings, spending)
    outdated = [ordinal for ordinal, document in kept.items() if _is_outdated(document, event)]
    try:
        await documents.put(job, event, new, spending.tally, spending.etag)
    except TallyTaken:
        raise StepRepeated from None
    await documents.amend(job, event, outdated)
    await documents.remove(job, [ordinal for ordinal in stored if ordinal >= len(planned)])
    before = sum(document.submission == job.submission for document in kept.values())
    counts = Counter(completed=1) if new or before else Counter(skipped=1)
    counts.update(documents=len(planned), embedded=len(new) + before, tokens=0, requests=0)
    counts.update(spending.counts)
    return counts


def most_tokens(event: Event, plan: EmbeddingPlan) -> int:
    """More tokens than the text of an event takes: hardly one of them has less than two bytes."""
    chunks = plan.chunk_tokens / (plan.chunk_tokens - plan.overlap_tokens)
    return 1 + round(len(event.text.encode("utf-8", "surrogatepass")) / 2 * chunks)


def _planned(event: Event, job: EmbedEventJob) -> Iterator[_Planned]:
    document = Document((Segment(event.text, Position(line=1)),))
    plan = job.plan
    chunks = chunk(document, max_tokens=plan.chunk_tokens, overlap_tokens=plan.overlap_tokens)
    for ordinal, each in enumerate(chunks):
        yield _Planned(ordinal, CountedText(each.text, each.tokens), text_fingerprint(plan, each.text))


def _is_there(planned: _Planned, stored: Mapping[int, StoredDocument]) -> bool:
    return planned.ordinal in stored and stored[planned.ordinal].made == planned.made


def _is_outdated(stored: StoredDocument, event: Event) -> bool:
    return (stored.session_id, stored.time) != (event.session_id, event.time or stored.time)


async def _embedded(
    planned: Sequence[_Planned],
    job: EmbedEventJob,
    documents: EventDocuments,
    embeddings: BatchedEmbeddings,
    spending: EventSpending,
) -> list[NewDocument]:
    texts = [each.text for each in planned]
    try:
        made = await _vectors(texts, job, embeddings, spending)
    except ContainerMissing:
        # There is nothing to book it in before the first vectors tell what it is to be created for.
        made = await _vectors(texts, job, embeddings, _Unbooked(spending))
        await documents.create_container(made[0].vector.dimensions)
    return [
        NewDocument(ordinal=each.ordinal, text=each.text.text, made=each.made, embedding=embedding)
        for each, embedding in zip(planned, made, strict=True)
    ]


def _copied(planned: _Planned, vector: Vector) -> NewDocument:
    embedding = Embedding(vector, 0)
    return NewDocument(
        ordinal=planned.ordinal, text=planned.text.text, made=planned.made, embedding=embedding
    )


async def _vectors(
    texts: Sequence[CountedText], job: EmbedEventJob, embeddings: BatchedEmbeddings, payer: Payer
) -> list[Embedding]:
    plan = job.plan
    outcomes = await embeddings.embed(texts, model=plan.model, dimensions=plan.dimensions, payer=payer)
    return [_embedding(outcome) for outcome in outcomes]


def _embedding(outcome: Outcome) -> Embedding:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
