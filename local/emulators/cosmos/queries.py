"""What is asked with a query: a plan of it, or a page of its results."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
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
from local.emulators.cosmos.search_index import SearchIndex
from local.emulators.cosmos.store import Store

MOST_PAGE_BYTES = 4_000_000
_ITEMS_A_PAGE = 100
_IN_USE_SECONDS = 60.0
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
    """Answers queries; the search indexes of the containers are kept from one to the next."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._asked: dict[int, float] = {}
        self._indexes: dict[int, SearchIndex] = {}
        self._lock = threading.Lock()

    def plan(self, container: Container, text: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What a client has to do for a query."""
        return plan(parse(text, parameters), parameters, container)

    def page(self, container: Container, asked: Asked) -> Page:
        """A page of results.

        Raises:
            BadRequest: the service would refuse it with 400.
            Unsupported: the stand-in lacks this part of the language.
            NotServable: only a client that plans queries by itself can ask it.
        """
        query = parse(asked.text, asked.parameters)
        if asked.partition is None and not asked.across and not asked.of_range:
            raise BadRequest(
                "Cross partition query is required but disabled: enable it, or name a partition."
            )
        if not asked.of_range and (query.rank or (asked.partition is None and needs_plan(query))):
            raise NotServable("The provided cross partition query can not be directly served by the gateway.")
        execution = Execution(self._store, container, query, asked.parameters, asked.partition)
        if not execution.uses_index:
            after = _position(asked.continuation, str)
            return _page(execution.in_partition(after), asked, execution)
        with self._index(container) as index:
            return _page(execution.in_index(index, _position(asked.continuation, int)), asked, execution)

    def refresh(self, container: Container) -> None:
        """Brings an index that is in use up to date, so that the next search finds less to do."""
        index = self._indexes.get(container.number)
        if index is not None and self._clock() - self._asked[container.number] < _IN_USE_SECONDS:
            with index:
                pass

    def forget(self, container: Container) -> None:
        """Gives up what is kept of a container that is deleted or changed."""
        with self._lock:
            self._indexes.pop(container.number, None)

    def _index(self, container: Container) -> SearchIndex:
        with self._lock:
            self._asked[container.number] = self._clock()
            if container.number not in self._indexes:
                self._indexes[container.number] = SearchIndex(self._store, container)
            return self._indexes[container.number]


def _page(answers: Iterator[Answer], asked: Asked, execution: Execution) -> Page:
    most = asked.most or (
        _SEARCH_ITEMS_A_PAGE if execution.is_ordered and execution.uses_index else _ITEMS_A_PAGE
    )
    first = _position(asked.continuation, int) if execution.is_ordered else 0
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


def _position(continuation: str, kind: type) -> Any:
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
