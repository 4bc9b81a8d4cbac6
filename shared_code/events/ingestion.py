"""One live event into the index: text -> chunks -> vectors -> documents in Cosmos DB.

A document that is there is not embedded again. What is new is written before what is stale is deleted, and
nothing is written for an event of which a part has no vector: the index keeps what it had.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared_code.documents import Document, Position, Segment
from shared_code.documents.chunking import chunk
from shared_code.embeddings.batching import BatchedEmbeddings, CountedText, Outcome
from shared_code.embeddings.client import Embedding
from shared_code.events.documents import EventDocuments, NewDocument, StoredDocument
from shared_code.events.source import Event
from shared_code.index.fingerprints import text_fingerprint
from shared_code.jobs import EmbedEventJob


@dataclass(frozen=True, slots=True)
class _Planned:
    """A document as the event has it now."""

    ordinal: int
    text: CountedText
    made: str


async def ingest_event(
    event: Event, job: EmbedEventJob, *, documents: EventDocuments, embeddings: BatchedEmbeddings
) -> Counter[str]:
    """Brings an event into the index; what this run of the job has spent on it, now and before.

    Raises:
        EmbeddingFailure: a part of the text has no vector.
        EmbeddingsUnusable: no text at all can be embedded.
        ServiceError: the service could not be reached.
    """
    planned = await asyncio.to_thread(lambda: list(_planned(event, job)))
    stored = await documents.stored(job)
    kept = {each.ordinal: stored[each.ordinal] for each in planned if _is_there(each, stored)}
    new = await _embedded([each for each in planned if each.ordinal not in kept], job, embeddings)
    outdated = [ordinal for ordinal, document in kept.items() if _is_outdated(document, event)]
    await documents.put(job, event, new)
    await documents.amend(job, event, outdated)
    await documents.remove(job, [ordinal for ordinal in stored if ordinal >= len(planned)])
    before = [document for document in kept.values() if document.run == job.run]
    return _counts(len(planned), [*(document.embedding for document in new), *before])


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
    planned: Sequence[_Planned], job: EmbedEventJob, embeddings: BatchedEmbeddings
) -> list[NewDocument]:
    outcomes = await embeddings.embed(
        [each.text for each in planned], model=job.plan.model, dimensions=job.plan.dimensions
    )
    return [
        NewDocument(ordinal=each.ordinal, text=each.text.text, made=each.made, embedding=_vector(outcome))
        for each, outcome in zip(planned, outcomes, strict=True)
    ]


def _vector(outcome: Outcome) -> Embedding:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _counts(documents: int, paid: Sequence[Embedding | StoredDocument]) -> Counter[str]:
    """What is counted is the same when the step is repeated: documents of its own run were paid for by it."""
    return Counter(
        {
            "completed" if paid else "skipped": 1,
            "documents": documents,
            "embedded": len(paid),
            "tokens": sum(each.tokens for each in paid),
            "requests": sum(each.requests for each in paid),
        }
    )
