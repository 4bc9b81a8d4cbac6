"""One live event into the index: text -> chunks -> vectors -> documents in Cosmos DB.

A document that is there is not embedded again. What is new is written before what is stale is deleted, and
nothing is written for an event of which a part has no vector: the index keeps what it had.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from shared_code.documents import Document, Position, Segment
from shared_code.documents.chunking import chunk
from shared_code.embeddings.batching import BatchedEmbeddings, CountedText, Outcome
from shared_code.embeddings.client import Embedding
from shared_code.embeddings.vectors import Vector
from shared_code.events.documents import EventDocuments, NewDocument, StoredDocument
from shared_code.events.source import Event
from shared_code.index.fingerprints import text_fingerprint
from shared_code.jobs import Counts, EmbeddingPlan, EmbedEventJob


@dataclass(frozen=True, slots=True)
class _Planned:
    """A document as the event has it now."""

    ordinal: int
    text: CountedText
    made: str


@dataclass
class EventSpending:
    """What one try of an event's step has spent; it pays for the event's texts.

    Attributes:
        counts: tokens, requests, and of the tokens those that are `estimated`.
    """

    counts: Counter[str] = field(default_factory=Counter)

    async def sending(self, most: int) -> None:
        """Books nothing: the documents of an event are few, and tell what they cost."""

    async def charged(self, most: int, *, tokens: int, requests: int, estimated: int) -> None:  # noqa: ARG002
        """Adds what was charged."""
        self.counts.update(tokens=tokens + estimated, requests=requests)
        if estimated:
            self.counts.update(estimated=estimated)


async def ingest_event(
    event: Event,
    job: EmbedEventJob,
    *,
    documents: EventDocuments,
    embeddings: BatchedEmbeddings,
    previous: EventDocuments | None = None,
    spending: EventSpending | None = None,
    paid: Counts = MappingProxyType({}),
) -> Counter[str]:
    """Brings an event into the index; what this run of the job has spent on it that is not counted yet.

    Args:
        event: what to embed.
        job: the run that embeds it.
        documents: where to.
        embeddings: by which service.
        previous: the documents of a container that this one takes the place of: their vectors are copied.
        spending: gets what is charged, also when an error is raised.
        paid: what earlier tries of the run have counted.

    Raises:
        EmbeddingFailure: a part of the text has no vector.
        EmbeddingsUnusable: no text at all can be embedded.
        ServiceError: the service could not be reached.
    """
    spending = spending or EventSpending()
    planned = await asyncio.to_thread(lambda: list(_planned(event, job)))
    stored = await documents.stored(job)
    kept = {each.ordinal: stored[each.ordinal] for each in planned if _is_there(each, stored)}
    missing = [each for each in planned if each.ordinal not in kept]
    known = await previous.vectors(job) if previous and missing else {}
    new = [_copied(each, known[each.made]) for each in missing if each.made in known]
    lacking = [each for each in missing if each.made not in known]
    new += await _embedded(lacking, job, embeddings, spending)
    outdated = [ordinal for ordinal, document in kept.items() if _is_outdated(document, event)]
    await documents.put(job, event, new)
    await documents.amend(job, event, outdated)
    await documents.remove(job, [ordinal for ordinal in stored if ordinal >= len(planned)])
    before = [document for document in kept.values() if document.run == job.run]
    counts = Counter(completed=1) if new or before else Counter(skipped=1)
    counts.update(documents=len(planned), embedded=len(new) + len(before))
    for name in ("tokens", "requests"):
        # What an earlier try has written and nobody heard of counts now.
        unheard = sum(getattr(document, name) for document in before) - paid.get(name, 0)
        counts[name] = spending.counts[name] + max(0, unheard)
    if spending.counts["estimated"]:
        counts["estimated"] = spending.counts["estimated"]
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
    embeddings: BatchedEmbeddings,
    spending: EventSpending,
) -> list[NewDocument]:
    outcomes = await embeddings.embed(
        [each.text for each in planned],
        model=job.plan.model,
        dimensions=job.plan.dimensions,
        payer=spending,
    )
    return [
        NewDocument(ordinal=each.ordinal, text=each.text.text, made=each.made, embedding=_vector(outcome))
        for each, outcome in zip(planned, outcomes, strict=True)
    ]


def _copied(planned: _Planned, vector: Vector) -> NewDocument:
    embedding = Embedding(vector, 0)
    return NewDocument(
        ordinal=planned.ordinal, text=planned.text.text, made=planned.made, embedding=embedding
    )


def _vector(outcome: Outcome) -> Embedding:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
