"""A question to one version of an index: its vector and its words, compared with those of all texts.

Where one of the two cannot be had, the other answers alone, and the answer says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from shared_code.concurrency import run_all
from shared_code.embeddings.batching import BatchedEmbeddings, CountedText, Payer
from shared_code.embeddings.client import Embedding
from shared_code.errors import AppError
from shared_code.http_pool import ServiceError
from shared_code.index.cosmos_container import Shape
from shared_code.index.cosmos_search import Asked, CosmosSearch, Hit
from shared_code.jobs.search import Mode, Query

__all__ = ["Answer", "Hit", "Mode", "Notice", "Query", "QuestionEmbeddings", "Questions", "search"]

_NEIGHBOURS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Notice:
    """Why a question was answered in another way than it was asked: a stable code and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a search found.

    Attributes:
        index: the name of the version that was searched, such as `prod|v1`.
        mode: how it was searched in the end.
        hits: the best first.
        tokens: that the service charged for the question.
        notice: why it was not searched as it was asked.
    """

    index: str
    mode: Mode
    hits: Sequence[Hit] = ()
    tokens: int = 0
    notice: Notice | None = None


class Questions(Protocol):
    """Who knows the vectors of questions."""

    async def embed(self, text: str) -> Embedding:
        """The vector of a question.

        Raises:
            EmbeddingFailure: it has none.
            EmbeddingsUnusable: no text at all can be embedded.
            ServiceError: the service could not be reached.
        """
        ...


@dataclass(frozen=True)
class QuestionEmbeddings:
    """The vectors of questions, made as those of the texts were, and who pays for them."""

    embeddings: BatchedEmbeddings
    model: str
    dimensions: int | None
    payer: Payer

    async def embed(self, text: str) -> Embedding:
        """The vector of a question, as Questions says."""
        # Few languages have a token of less than two bytes.
        counted = CountedText(text, 1 + len(text.encode()) // 2)
        [outcome] = await self.embeddings.embed(
            [counted], model=self.model, dimensions=self.dimensions, payer=self.payer
        )
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def search(index: CosmosSearch, embeddings: Questions, query: Query) -> Answer:
    """Searches one version of an index, as far as the container and the embeddings service allow.

    Args:
        index: the version to search; that of the query is not looked at.
        embeddings: for the vector of the question.
        query: the question.

    Raises:
        ServiceError, AppError: the question has no vector, and the container no index of words.
        CosmosHttpResponseError: Cosmos DB does not answer as it should.
    """
    shape = await index.shape()
    if shape is None:
        return Answer(index=index.name, mode=query.mode)
    way = _Way.of(query.mode, shape)
    vector, tokens = None, 0
    if way.mode != Mode.TEXT:
        try:
            embedding = await embeddings.embed(query.text)
        except (ServiceError, AppError) as error:
            if not shape.full_text:
                raise
            way = _Way(Mode.TEXT, _without_vector(error))
        else:
            vector, tokens = embedding.vector, embedding.tokens
            way = way.for_vector(vector.dimensions, shape)
    hits = await index.find(
        Asked(
            vector=vector if way.mode != Mode.TEXT else None,
            words=query.words if way.mode != Mode.VECTOR else (),
            texts=shape.texts,
            top=query.top,
            source_prefix=query.source_prefix,
            kind=query.kind,
        )
    )
    if query.around:
        around = (index.around(hit, query.around) for hit in hits)
        hits = await run_all(around, at_once=_NEIGHBOURS_AT_ONCE)
    return Answer(index=index.name, mode=way.mode, hits=hits, tokens=tokens, notice=way.notice)


@dataclass(frozen=True)
class _Way:
    """How a question is answered, and why not as it was asked."""

    mode: Mode
    notice: Notice | None = None

    @classmethod
    def of(cls, asked: Mode, shape: Shape) -> "_Way":
        if asked == Mode.VECTOR or shape.full_text:
            return cls(asked)
        return cls(
            Mode.VECTOR,
            Notice("NoFullTextIndex", "The container has no full-text index: searched by vector alone."),
        )

    def for_vector(self, dimensions: int, shape: Shape) -> "_Way":
        """The same, unless the container's vectors have another size than that of the question."""
        if shape.dimensions in {None, dimensions} or not shape.full_text:
            return self
        what = f"The question's vector has {dimensions} numbers, and those of the index have "
        fix = (
            f"{shape.dimensions}: searched by words alone; check EMBEDDINGS_MODEL and EMBEDDINGS_DIMENSIONS."
        )
        return replace(self, mode=Mode.TEXT, notice=Notice("WrongDimensions", what + fix))


def _without_vector(error: ServiceError | AppError) -> Notice:
    code = error.code if isinstance(error, AppError) else type(error).__name__
    return Notice(code, "The embeddings service gave no vector for the question: searched by words alone.")
