"""What is asked with a query: a plan of it, or a page of its results."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
import orjson

from local.emulators.cosmos.containers import Container
from local.emulators.cosmos.errors import BadRequest, NotServable
from local.emulators.cosmos.execution import Answer, Execution
from local.emulators.cosmos.parser import parse
from local.emulators.cosmos.planning import needs_plan, plan
from local.emulators.cosmos.store import Store

MOST_PAGE_BYTES = 4_000_000
_ITEMS_A_PAGE = 100
# The results of a search are one page, as far as its bytes go: clients that sort them look at no other.
_SEARCH_ITEMS_A_PAGE = 10_000


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A query and what comes with it.

    Attributes:
        partition: the partition that it looks at; None for all of them.
        of_range: the client has a plan, and asks one range of partitions for its share.
        across: the client says that it means all partitions.
        most: the most items of a page; 0 for as many as fit.
    """

    text: str
    parameters: Mapping[str, Any]
    partition: str | None = None
    of_range: bool = False
    across: bool = False
    most: int = 0
    continuation: str = ""


@dataclass(frozen=True)
class Page:
    """Some results as JSON; `continuation` asks for what follows them, and is empty where nothing is."""

    results: list[bytes]
    continuation: str = ""


@dataclass(frozen=True)
class Search:
    """A query that asks a search index.

    Attributes:
        is_followed: everything that is to be found is in the index already.
    """

    container: Container
    asked: Asked
    is_followed: bool


class _Body(msgspec.Struct):
    query: str
    parameters: list[dict[str, Any]] = []


def read(body: bytes) -> tuple[str, dict[str, Any]]:
    """The text and the parameters of a query.

    Raises:
        BadRequest: the service would refuse it with 400.
    """
    try:
        asked = msgspec.json.decode(body, type=_Body)
        return asked.query, {one["name"]: one.get("value") for one in asked.parameters}
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError):
        raise BadRequest("The body is not a query with its parameters.") from None


class Queries:
    """Answers queries, but for those that ask a search index."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def plan(self, container: Container, text: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What a client has to do for a query."""
        return plan(parse(text, parameters), parameters, container)

    def page(self, container: Container, asked: Asked) -> Page | None:
        """A page of results; None if they are to be searched for.

        Raises:
            BadRequest: the service would refuse it with 400.
            Unsupported: the stand-in lacks this part of the language.
            NotServable: only a client that plans queries by itself can ask it.
        """
        if asked.partition is None:
            return None
        execution = prepared(self._store, container, asked)
        if execution.uses_index:
            return None
        return page(execution.in_partition(position(asked.continuation, str)), asked, execution)


def prepared(store: Store, container: Container, asked: Asked) -> Execution:
    """A query that may be run.

    Raises:
        BadRequest, Unsupported, NotServable: as `Queries.page` says.
    """
    query = parse(asked.text, asked.parameters)
    if asked.partition is None and not asked.across and not asked.of_range:
        raise BadRequest("Cross partition query is required but disabled: enable it, or name a partition.")
    if not asked.of_range and (query.rank or (asked.partition is None and needs_plan(query))):
        raise NotServable("The provided cross partition query can not be directly served by the gateway.")
    return Execution(store, container, query, asked.parameters, asked.partition)


def page(answers: Iterator[Answer], asked: Asked, execution: Execution) -> Page:
    """As many answers of a query as one page has."""
    most = asked.most or (
        _SEARCH_ITEMS_A_PAGE if execution.is_ordered and execution.uses_index else _ITEMS_A_PAGE
    )
    first = position(asked.continuation, int) if execution.is_ordered else 0
    taken = list(_that_fit(islice(answers, first, None), most))
    if next(answers, None) is None:
        return Page([encoded for _, encoded in taken])
    last = first + len(taken) if execution.is_ordered else taken[-1][0].position
    return Page([encoded for _, encoded in taken], json.dumps({"after": last}))


def _that_fit(answers: Iterable[Answer], most: int) -> Iterator[tuple[Answer, bytes]]:
    """As many results as a page may have: one more is never taken."""
    size = 0
    for number, answer in enumerate(answers, start=1):
        encoded = orjson.dumps(answer.value, option=orjson.OPT_SERIALIZE_NUMPY)
        size += len(encoded)
        yield answer, encoded
        if number == most or size >= MOST_PAGE_BYTES:
            return


def position(continuation: str, kind: type) -> Any:
    """What a continuation says; nothing where there is none.

    Raises:
        BadRequest: the service would refuse it with 400.
    """
    if not continuation:
        return kind()
    try:
        return kind(json.loads(continuation)["after"])
    except (ValueError, KeyError, TypeError):
        raise BadRequest("The continuation is not one of this query.") from None
