"""Runs a query: which items it looks at, in which order, and what it makes of them.

A query of one partition reads that partition. One over all of them, or with a score of a search in it, asks
the search index first, so that it reads no item that it could know to be of no use.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from local.emulators.cosmos.containers import Container
from local.emulators.cosmos.errors import BadRequest
from local.emulators.cosmos.evaluation import AGGREGATES, Compiler, Evaluate, Row
from local.emulators.cosmos.index_view import SEARCHES, IndexView, aggregated, conjuncts
from local.emulators.cosmos.items import Contents
from local.emulators.cosmos.planning import aggregates_of, count, ranks_upwards, vector_name
from local.emulators.cosmos.search_index import PARTITION, Mask, SearchIndex
from local.emulators.cosmos.store import Store
from local.emulators.cosmos.syntax import UNDEFINED, Binary, Call, In, Logical, Node, Path, Query
from local.emulators.cosmos.values import canonical, sort_key

_ROWS_AT_ONCE = 50
# More than a page of a search has, even where some of its rows are passed over.
_FIRST = 1_000


@dataclass
class _Group(Row):
    """Rows that one result is made of; `item` is the first of them."""

    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """A result of a query, and where to go on after it."""

    value: Any
    position: int | str


class Execution:
    """One query on one container.

    Attributes:
        partition: the partition that it looks at; None for all of them.
    """

    def __init__(
        self,
        store: Store,
        container: Container,
        query: Query,
        parameters: Mapping[str, Any],
        partition: str | None,
    ) -> None:
        self._store = store
        self._container = container
        self._query = query
        self._plain = Compiler(parameters)
        self._partition = partition
        self._aggregates = aggregates_of(query)
        if any(len(one.arguments) != 1 for one in self._aggregates):
            raise BadRequest("An aggregate takes one argument.")
        names = {path.name for path in container.vector_paths}
        # Distances are measured in the index: a query with one in it need not read the vector for that.
        used = {node.keys[:1] for node in _walk_outside_searches(query) if isinstance(node, Path)}
        self._contents = Contents(
            vectors=() in used or any(key in names for [key] in used - {()}),
            system=() in used or any(str(key).startswith("_") for [key] in used - {()}),
        )

    @property
    def uses_index(self) -> bool:
        """Whether it asks the search index."""
        return self._partition is None or any(_is_search(node) for node in self._query.walk())

    @property
    def is_ordered(self) -> bool:
        """Whether its results are only known when all of them are: a page then begins at a number."""
        query = self._query
        parts = query.order_by, query.group_by, self._aggregates, query.distinct, query.top, query.offset
        return any(parts)

    def in_partition(self, after: str) -> Iterator[Answer]:
        """The results of a query of one partition; those after an id, unless it is ordered."""
        found = self._store.partition(
            self._container, self._partition or "", after="" if self.is_ordered else after, ids=self._ids()
        )
        rows = ((Row(one.value(self._container, self._contents)), one.id) for one in found)
        yield from self._answers(rows, self._query.where, self._plain)

    def in_index(self, index: SearchIndex, after: int) -> Iterator[Answer]:
        """The results of a query with the help of the search index, which is held meanwhile."""
        view = IndexView(index, self._container, self._plain, self._query)
        mask = index.alive
        if self._partition is not None:
            mask &= index.column(PARTITION).where(self._partition, lambda value: value == self._partition)
        rest: list[Node] = []
        for condition in conjuncts(self._query.where):
            found = view.mask(condition)
            if found is None:
                rest.append(condition)
            else:
                mask &= found
        where = Logical("AND", tuple(rest)) if rest else None
        if where is None and self._aggregates and not self._query.group_by and view.counts(self._aggregates):
            yield Answer(self._totals(view, mask), 0)
            return
        order, is_sorted = self._order(view, mask)
        rows = self._rows(index, order, after)
        yield from self._answers(rows, where, view.compiler, is_sorted=is_sorted)

    def _order(self, view: IndexView, mask: Mask) -> tuple[Iterator[int], bool]:
        """The rows to look at, and whether they are sorted as the query wants it."""
        rows = np.flatnonzero(mask)
        orderings = self._query.order_by
        scores = view.array(orderings[0].key) if len(orderings) == 1 else None
        if scores is None:
            return iter(rows.tolist()), False
        found = scores[rows].astype(np.float64)
        rows, found = rows[~np.isnan(found)], found[~np.isnan(found)]
        upwards = not orderings[0].descending
        if vector_name(orderings[0].key, self._container):
            upwards = ranks_upwards(orderings[0].key, self._container)
        return (rows[place].item() for place in best_first(found if upwards else -found)), True

    def _rows(self, index: SearchIndex, order: Iterator[int], after: int) -> Iterator[tuple[Row, int | str]]:
        while some := list(islice(order, _ROWS_AT_ONCE)):
            slots = index.slots(some)
            if not self.is_ordered:
                some, slots = _behind(some, slots, after)
            found = self._store.at(slots, vectors=self._contents.vectors)
            for number, slot in zip(some, slots, strict=True):
                if slot in found:  # or it was given up a moment ago
                    item = found[slot].value(self._container, self._contents)
                    yield Row(item, number), slot

    def _answers(
        self,
        rows: Iterable[tuple[Row, int | str]],
        where: Node | None,
        compiler: Compiler,
        *,
        is_sorted: bool = False,
    ) -> Iterator[Answer]:
        if where is not None:
            test = compiler.compile(where)
            rows = ((row, position) for row, position in rows if test(row) is True)
        if self._aggregates or self._query.group_by:
            rows = ((group, 0) for group in self._groups([row for row, _ in rows], compiler))
            select = _with_aggregates(compiler).compile(self._query.select)
        else:
            select = compiler.compile(self._query.select)
        if self._query.order_by and not is_sorted:
            rows = self._sorted(list(rows), compiler)
        answers = (Answer(select(row), position) for row, position in rows)
        yield from self._cut(self._distinct(one for one in answers if one.value is not UNDEFINED))

    def _groups(self, rows: Sequence[Row], compiler: Compiler) -> list[_Group]:
        keys = [compiler.compile(key) for key in self._query.group_by]
        groups: dict[str, _Group] = {}
        for row in rows:
            name = canonical([key(row) for key in keys])
            groups.setdefault(name, _Group(row.item, row.number)).rows.append(row)
        if not groups and not keys:
            return [_Group(UNDEFINED)]
        return list(groups.values())

    def _sorted(self, rows: list[tuple[Row, int | str]], compiler: Compiler) -> list[tuple[Row, int | str]]:
        for ordering in reversed(self._query.order_by):
            evaluate = compiler.compile(ordering.key)
            keys = [evaluate(row) for row, _ in rows]
            if not all(type(key) is str for key in keys):
                keys = list(map(sort_key, keys))
            order = sorted(range(len(rows)), key=keys.__getitem__, reverse=ordering.descending)
            rows = [rows[place] for place in order]
        return rows

    def _distinct(self, answers: Iterator[Answer]) -> Iterator[Answer]:
        if not self._query.distinct:
            yield from answers
            return
        seen: set[str] = set()
        for answer in answers:
            name = canonical(answer.value)
            if name not in seen:
                seen.add(name)
                yield answer

    def _cut(self, answers: Iterator[Answer]) -> Iterator[Answer]:
        query = self._query
        first = count(self._plain, query.offset) if query.offset else 0
        most = query.limit or query.top
        yield from islice(answers, first, None if most is None else first + count(self._plain, most))

    def _totals(self, view: IndexView, mask: Mask) -> Any:
        """What aggregates over figures of the index come to, without reading an item."""
        select = view.totals(self._aggregates, mask).compile(self._query.select)
        return select(Row(UNDEFINED))

    def _ids(self) -> list[str] | None:
        """The ids that a query names, if it is about some items by their ids."""
        for condition in conjuncts(self._query.where):
            found = self._named(condition)
            if found is not None:
                return [one for one in found if isinstance(one, str)]
        return None

    def _named(self, condition: Node) -> list[Any] | None:
        match condition:
            case Binary("=", Path(_, ("id",)), value) if _is_constant(value):
                return [self._plain.constant(value)]
            case In(Path(_, ("id",)), choices) if all(map(_is_constant, choices)):
                return [self._plain.constant(choice) for choice in choices]
            case Call("ARRAY_CONTAINS", (array, Path(_, ("id",)))) if _is_constant(array):
                found = self._plain.constant(array)
                return found if isinstance(found, list) else None
        return None


def best_first(keys: NDArray[np.float64]) -> Iterator[int]:
    """The places of keys from the smallest key on, equal ones in their order.

    Hardly anybody looks further than the first few, and then all others need not be sorted.
    """
    others = np.arange(len(keys))
    if len(keys) > _FIRST:
        bound = np.partition(keys, _FIRST)[_FIRST]
        first = np.flatnonzero(keys < bound)
        yield from first[np.argsort(keys[first], kind="stable")].tolist()
        others = np.flatnonzero(keys >= bound)
    yield from others[np.argsort(keys[others], kind="stable")].tolist()


def _with_aggregates(compiler: Compiler) -> Compiler:
    """A compiler whose aggregates are those of the rows of a group."""

    def special(node: Node) -> Evaluate | None:
        if not isinstance(node, Call) or node.name not in AGGREGATES:
            return compiler.special(node)
        name, value = node.name, compiler.compile(node.arguments[0])
        return lambda group: aggregated(name, [value(row) for row in group.rows])  # type: ignore[attr-defined]

    return Compiler(compiler.parameters, special)


def _is_search(node: Node) -> bool:
    return isinstance(node, Call) and node.name in SEARCHES


def _walk_outside_searches(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children():
        if not _is_search(child):
            yield from _walk_outside_searches(child)


def _is_constant(node: Node) -> bool:
    return not any(isinstance(part, Path) for part in node.walk())


def _behind(rows: list[int], slots: list[int], after: int) -> tuple[list[int], list[int]]:
    pairs = [(row, slot) for row, slot in zip(rows, slots, strict=True) if slot > after]
    return [row for row, _ in pairs], [slot for _, slot in pairs]
