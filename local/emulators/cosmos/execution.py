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
from local.emulators.cosmos.planning import aggregates_of, count, ranks_upwards, vector_name
from local.emulators.cosmos.search_index import PARTITION, Keys, Mask, SearchIndex, Statistics
from local.emulators.cosmos.store import Contents, Store
from local.emulators.cosmos.syntax import UNDEFINED, Binary, Call, In, Literal, Logical, Node, Path, Query
from local.emulators.cosmos.values import canonical, sort_key, type_of

_SEARCHES = {
    "VECTORDISTANCE", "_FULLTEXTSCORE", "_FULLTEXTWORDCOUNT",
    "FULLTEXTCONTAINS", "FULLTEXTCONTAINSALL", "FULLTEXTCONTAINSANY",
}  # fmt: skip
_ROWS_AT_ONCE = 50


@dataclass
class _Group(Row):
    """Rows that one result is made of; `item` is the first of them."""

    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """A result of a query, and where to go on behind it."""

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
        """The results of a query of one partition; those behind an id, unless it is ordered."""
        found = self._store.partition(
            self._container, self._partition or "", after="" if self.is_ordered else after, ids=self._ids()
        )
        rows = ((Row(one.value(self._container, self._contents)), one.id) for one in found)
        yield from self._answers(rows, self._query.where, self._plain)

    def in_index(self, index: SearchIndex, after: int) -> Iterator[Answer]:
        """The results of a query with the help of the search index, which is held meanwhile."""
        view = _IndexView(index, self._container, self._plain, self._query)
        mask = index.alive
        if self._partition is not None:
            mask &= index.column(PARTITION).where(lambda value: value == self._partition)
        rest: list[Node] = []
        for condition in _conjuncts(self._query.where):
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

    def _order(self, view: "_IndexView", mask: Mask) -> tuple[NDArray[np.int64], bool]:
        """The rows to look at, and whether they are sorted as the query wants it."""
        rows = np.flatnonzero(mask)
        orderings = self._query.order_by
        scores = view.array(orderings[0].key) if len(orderings) == 1 else None
        if scores is None:
            return rows, False
        found = scores[rows].astype(np.float64)
        rows, found = rows[~np.isnan(found)], found[~np.isnan(found)]
        upwards = not orderings[0].descending
        if vector_name(orderings[0].key, self._container):
            upwards = ranks_upwards(orderings[0].key, self._container)
        return rows[np.argsort(found if upwards else -found, kind="stable")], True

    def _rows(
        self, index: SearchIndex, order: NDArray[np.int64], after: int
    ) -> Iterator[tuple[Row, int | str]]:
        numbers = iter(order.tolist())
        while some := list(islice(numbers, _ROWS_AT_ONCE)):
            slots = index.slots(some)
            if not self.is_ordered:
                some, slots = _behind(some, slots, after)
            found = self._store.at(slots)
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

    def _totals(self, view: "_IndexView", mask: Mask) -> Any:
        """What aggregates over figures of the index come to, without reading an item."""
        select = view.totals(self._aggregates, mask).compile(self._query.select)
        return select(Row(UNDEFINED))

    def _ids(self) -> list[str] | None:
        """The ids that a query names, if it is about some items by their ids."""
        for condition in _conjuncts(self._query.where):
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


class _IndexView:
    """A query's expressions as figures of the search index, one for each row."""

    def __init__(self, index: SearchIndex, container: Container, plain: Compiler, query: Query) -> None:
        self._index = index
        self._container = container
        self._plain = plain
        self._arrays: dict[Node, NDArray[Any] | None] = {}
        self._texts = {
            _keys(path["path"])
            for path in (container.properties.get("fullTextPolicy") or {}).get("fullTextPaths", ())
        }
        calls = [node for node in query.walk() if isinstance(node, Call) and node.name in _SEARCHES]
        texts = [call.arguments[0] for call in calls if call.name != "VECTORDISTANCE" and call.arguments]
        columns = (self._column(node) for part in _conjuncts(query.where) for node in part.walk())
        index.require(
            columns={PARTITION, *(keys for keys in columns if keys is not None)},
            texts={path.keys for path in texts if isinstance(path, Path)},
            vectors={name for call in calls if (name := vector_name(call, container))},
        )
        self.compiler = Compiler(plain.parameters, self._special)

    def array(self, node: Node) -> NDArray[Any] | None:
        """The value of an expression for every row; None if the index does not have it."""
        if node not in self._arrays:
            self._arrays[node] = self._computed(node) if isinstance(node, Call) else None
        return self._arrays[node]

    def mask(self, node: Node) -> Mask | None:
        """The rows for which a condition is true; None if only their items tell."""
        if isinstance(node, Logical):
            found = [self.mask(operand) for operand in node.operands]
            masks = [one for one in found if one is not None]
            combine = np.logical_and if node.operator == "AND" else np.logical_or
            return combine.reduce(masks) if len(masks) == len(found) else None
        known = self.array(node)
        if known is not None:
            return np.asarray(known > 0) if known.dtype != bool else known
        if any(self.array(part) is not None for part in node.walk()):
            return None
        keys = self._column(node)
        return None if keys is None else self._where(node, keys)

    def counts(self, aggregates: Sequence[Call]) -> bool:
        """Whether aggregates are over constants and figures of the index."""
        arguments = [argument for one in aggregates for argument in one.arguments]
        return all(isinstance(one, Literal) or self.array(one) is not None for one in arguments)

    def totals(self, aggregates: Sequence[Call], mask: Mask) -> Compiler:
        """Knows what aggregates over the rows of a mask come to."""
        known = {one: self._total(one, mask) for one in aggregates}

        def special(node: Node) -> Evaluate | None:
            return (lambda _: known[node]) if node in known else None

        return Compiler(self._plain.parameters, special)

    def _total(self, aggregate: Call, mask: Mask) -> Any:
        [argument] = aggregate.arguments
        figures = self.array(argument)
        if figures is None:
            constant = self._plain.constant(argument)
            return _aggregate(aggregate.name, [constant] * int(mask.sum()))
        known = figures[mask]
        if known.dtype == bool:
            return {"COUNT": len(known), "COUNTIF": int(known.sum())}.get(aggregate.name, UNDEFINED)
        known = known[~np.isnan(known)]
        if aggregate.name == "SUM":
            return known.sum().item()
        return _aggregate(aggregate.name, known.tolist())

    def _where(self, node: Node, keys: Keys) -> Mask:
        def of_column(part: Node) -> Evaluate | None:
            return (lambda row: row.item) if isinstance(part, Path) else None

        test = Compiler(self._plain.parameters, of_column).compile(node)
        return self._index.column(keys).where(lambda value: test(Row(value)))

    def _column(self, node: Node) -> Keys | None:
        """The one property that a condition is about. Long texts, vectors and whole items are no columns."""
        found = {part.keys for part in node.walk() if isinstance(part, Path)}
        if len(found) != 1:
            return None
        [keys] = found
        vectors = {path.name for path in self._container.vector_paths}
        return None if not keys or keys in self._texts or keys[0] in vectors else keys

    def _special(self, node: Node) -> Evaluate | None:
        figures = self.array(node) if isinstance(node, Call) and node.name in _SEARCHES else None
        if figures is None:
            return None

        def figure(row: Row) -> Any:
            value = figures[row.number].item()
            return UNDEFINED if value != value else value  # noqa: PLR0124 - NaN is where there is none

        return figure

    def _computed(self, call: Call) -> NDArray[Any] | None:
        name = vector_name(call, self._container)
        if name is not None:
            return self._distances(call, name)
        path = call.arguments[0] if call.arguments else None
        if call.name not in _SEARCHES or not isinstance(path, Path):
            return None
        if call.name == "_FULLTEXTWORDCOUNT":
            return self._index.lengths(path.keys)
        if call.name == "_FULLTEXTSCORE":
            return self._relevance(path, *call.arguments[1:])
        phrases = [self._phrase(argument) for argument in call.arguments[1:]]
        if not phrases:
            raise BadRequest(f"{call.name} takes a property and words.")
        found = np.array([self._index.counts(path.keys, phrase) > 0 for phrase in phrases])
        return np.asarray(found.any(axis=0) if call.name.endswith("ANY") else found.all(axis=0))

    def _distances(self, call: Call, name: str) -> NDArray[Any]:
        others = [one for one in call.arguments[:2] if not isinstance(one, Path) or one.keys != (name,)]
        question: Any = self._plain.constant(others[0]) if others else None
        dimensions = next(path.dimensions for path in self._container.vector_paths if path.name == name)
        if type_of(question) != "array" or len(question) != dimensions:
            raise BadRequest(f"VectorDistance of {name} takes a vector of {dimensions} dimensions.")
        return self._index.scores(name, np.asarray(question, np.float32))

    def _relevance(self, path: Path, phrases: Node, documents: Node, total: Node, hits: Node) -> NDArray[Any]:
        figures = (self._plain.constant(node) for node in (documents, total, hits))
        found = [self._phrase(Literal(one)) for one in self._plain.constant(phrases)]
        return self._index.relevance(path.keys, found, Statistics(*figures))

    def _phrase(self, node: Node) -> str:
        value = self._plain.constant(node)
        if not isinstance(value, str):
            raise BadRequest(f"A full-text search takes words, and not {value!r}.")
        return value


def _with_aggregates(compiler: Compiler) -> Compiler:
    """A compiler whose aggregates are those of the rows of a group."""

    def special(node: Node) -> Evaluate | None:
        if not isinstance(node, Call) or node.name not in AGGREGATES:
            return compiler.special(node)
        name, value = node.name, compiler.compile(node.arguments[0])
        return lambda group: _aggregate(name, [value(row) for row in group.rows])  # type: ignore[attr-defined]

    return Compiler(compiler.parameters, special)


def _aggregate(name: str, values: Sequence[Any]) -> Any:
    defined = [value for value in values if value is not UNDEFINED]
    match name:
        case "COUNT":
            return len(defined)
        case "COUNTIF":
            return sum(value is True for value in defined)
        case "MIN":
            return min(defined, key=sort_key, default=UNDEFINED)
        case "MAX":
            return max(defined, key=sort_key, default=UNDEFINED)
    if any(type_of(value) != "number" for value in defined):
        return UNDEFINED
    if name == "SUM":
        return sum(defined)
    return sum(defined) / len(defined) if defined else UNDEFINED


def _conjuncts(where: Node | None) -> Sequence[Node]:
    """The conditions that all have to hold."""
    if where is None:
        return ()
    return where.operands if isinstance(where, Logical) and where.operator == "AND" else (where,)


def _is_search(node: Node) -> bool:
    return isinstance(node, Call) and node.name in _SEARCHES


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


def _keys(path: str) -> Keys:
    return tuple(path.strip("/").split("/"))
