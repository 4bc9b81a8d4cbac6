"""Searches of one version of an index: each is one query over all of its sources.

Whatever a client gives is a parameter of the query and never a part of its text.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from azure.cosmos.exceptions import CosmosResourceNotFoundError

from shared_code.embeddings.vectors import Vector
from shared_code.index.cosmos_container import VECTOR, Shape, require_absent
from shared_code.index.cosmos_version import CosmosVersion
from shared_code.jobs.search import Kind

# Of the fusion of ranks, as the service has it: how little the first places are worth more than the next.
_RANK_CONSTANT = 60
_SELECTED = ("source", "trackingId", "sessionId", "ordinal", "position", "text", "context", "pk")
_PROPERTIES = ", ".join(f"c.{name}" for name in _SELECTED)
_DISTANCE = f"VectorDistance(c.{VECTOR}, @vector)"
# Of a fusion, for the distance and for the words of each property; ADR 62 has the reasons.
_DISTANCE_WEIGHT = 2
_WORDS_WEIGHTS = {"text": 3, "context": 2}

_CONDITIONS = {
    Kind.FILES: "NOT IS_DEFINED(c.trackingId)",
    Kind.EVENTS: "IS_DEFINED(c.trackingId)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is searched for, and where.

    Attributes:
        vector: of the question; None for a search by words alone.
        words: of the question; none for a search by its vector alone.
        texts: the properties in which the words are looked for.
        top: the most results.
        source_prefix: with what the names of sources begin; empty for all sources.
        kind: None for files and events.
    """

    vector: Vector | None
    words: Sequence[str]
    texts: Sequence[str]
    top: int
    source_prefix: str = ""
    kind: Kind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A chunk of a file or a document of an event that a search found.

    Attributes:
        source: the file; None if it is an event's.
        tracking_id: the event; None if it is a file's.
        ordinal: the number of the chunk in its source.
        position: what helps to find the text again, such as the page.
        text: of the chunk.
        context: what the text stands under, such as title and section; may be empty.
        score: larger is better; to be compared within one answer only.
        partition: that its source's chunks share.
        before: the texts of the chunks before it, in reading order, as far as they were asked for.
        after: the texts of those after it.
    """

    source: str | None
    tracking_id: str | None
    ordinal: int
    position: dict[str, Any]
    text: str
    context: str
    score: float
    partition: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


class CosmosSearch:
    """Searches one version of an index; `slots` bounds its requests, beside those of jobs."""

    def __init__(self, version: CosmosVersion, slots: asyncio.Semaphore) -> None:
        """Opens nothing."""
        self._version = version
        self._slots = slots

    @property
    def name(self) -> str:
        """The name of the version, such as `prod|v1`."""
        return self._version.name

    async def shape(self) -> Shape | None:
        """What the container can do; None if it is still to be created."""
        return await self._version.container.shape()

    async def find(self, asked: Asked) -> list[Hit]:
        """The best texts, the best first; none if the container is still to be created."""
        conditions, values = ["c.index = @index"], {"index": self.name, "top": asked.top}
        if asked.source_prefix:
            conditions.append("STARTSWITH(c.source, @source)")
            values["source"] = asked.source_prefix
        if asked.kind:
            conditions.append(_CONDITIONS[asked.kind])
        ranking, given = _ranking(asked)
        score = "" if asked.words else f", {_DISTANCE} AS score"
        query = (
            f"SELECT TOP @top {_PROPERTIES}{score} FROM c "  # noqa: S608 - own names
            f"WHERE {' AND '.join(conditions)} ORDER BY {ranking}"
        )
        found = await self._query(query, values | given)
        return [_hit(item, place) for place, item in enumerate(found, start=1)]

    async def around(self, hit: Hit, distance: int) -> Hit:
        """The hit with its neighbours in the same source, up to this many on each side."""
        query = (
            "SELECT c.ordinal, c.text FROM c WHERE c.pk = @pk AND c.index = @index "
            "AND c.ordinal >= @first AND c.ordinal <= @last"
        )
        first, last = hit.ordinal - distance, hit.ordinal + distance
        values = {"pk": hit.partition, "index": self.name, "first": first, "last": last}
        found = await self._query(query, values, partition=hit.partition)
        texts = sorted((item["ordinal"], item["text"]) for item in found)
        return replace(
            hit,
            before=tuple(text for ordinal, text in texts if ordinal < hit.ordinal),
            after=tuple(text for ordinal, text in texts if ordinal > hit.ordinal),
        )

    async def is_empty(self) -> bool:
        """Whether the version has no text at all, as when there is no such version."""
        query = "SELECT TOP 1 c.id FROM c WHERE c.index = @index"
        return not await self._query(query, {"index": self.name})

    async def _query(self, query: str, values: dict[str, Any], partition: str | None = None) -> list[Any]:
        parameters: list[dict[str, object]] = [
            {"name": f"@{name}", "value": value} for name, value in values.items()
        ]
        options: dict[str, Any] = {"partition_key": partition} if partition else {}
        found = self._version.container.proxy.query_items(query, parameters=parameters, **options)
        try:
            async with self._slots:
                return [item async for item in found]
        except CosmosResourceNotFoundError as error:
            require_absent(error)
            return []


def _ranking(asked: Asked) -> tuple[str, dict[str, Any]]:
    """By what results are ordered, and its parameters."""
    values: dict[str, Any] = {f"word{number}": word for number, word in enumerate(asked.words)}
    words = ", ".join(f"@{name}" for name in values)
    scores = [f"FullTextScore(c.{name}, {words})" for name in asked.texts] if asked.words else []
    if asked.vector is None:
        return f"RANK RRF({', '.join(scores)})", values
    values["vector"] = asked.vector.numbers()
    if not asked.words:
        return _DISTANCE, values
    weights = [_DISTANCE_WEIGHT, *(_WORDS_WEIGHTS[name] for name in asked.texts)]
    return f"RANK RRF({', '.join([_DISTANCE, *scores])}, {weights})", values


def _hit(item: dict[str, Any], place: int) -> Hit:
    # The service tells no score of texts, and of fused ranks none either.
    score = item.get("score", 1 / (_RANK_CONSTANT + place))
    return Hit(
        source=item.get("source"),
        tracking_id=item.get("trackingId"),
        ordinal=item["ordinal"],
        position=item.get("position", {}),
        text=item["text"],
        context=item.get("context", ""),
        score=score,
        partition=item["pk"],
    )
