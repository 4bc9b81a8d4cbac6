"""The expressions of a query as figures of the search index, one for each row."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from local.emulators.cosmos.containers import Container
from local.emulators.cosmos.errors import BadRequest
from local.emulators.cosmos.evaluation import Compiler, Evaluate, Row
from local.emulators.cosmos.planning import vector_name
from local.emulators.cosmos.search_index import PARTITION, Keys, Mask, SearchIndex
from local.emulators.cosmos.syntax import UNDEFINED, Call, Literal, Logical, Node, Parameter, Path, Query
from local.emulators.cosmos.texts import Statistics
from local.emulators.cosmos.values import canonical, sort_key, type_of

SEARCHES = {
    "VECTORDISTANCE", "_FULLTEXTSCORE", "_FULLTEXTWORDCOUNT",
    "FULLTEXTCONTAINS", "FULLTEXTCONTAINSALL", "FULLTEXTCONTAINSANY",
}  # fmt: skip
"""Functions of which the search index has the values of all rows."""


class IndexView:
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
        calls = [node for node in query.walk() if isinstance(node, Call) and node.name in SEARCHES]
        texts = [call.arguments[0] for call in calls if call.name != "VECTORDISTANCE" and call.arguments]
        columns = (self._column(node) for part in conjuncts(query.where) for node in part.walk())
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
            rows = int(mask.sum())
            if aggregate.name in {"COUNT", "COUNTIF"}:
                return rows * aggregated(aggregate.name, [constant])
            return aggregated(aggregate.name, [constant] * rows)
        known = figures[mask]
        if known.dtype == bool:
            return {"COUNT": len(known), "COUNTIF": int(known.sum())}.get(aggregate.name, UNDEFINED)
        known = known[~np.isnan(known)]
        if aggregate.name == "SUM":
            return known.sum().item()
        return aggregated(aggregate.name, known.tolist())

    def _where(self, node: Node, keys: Keys) -> Mask:
        def of_column(part: Node) -> Evaluate | None:
            return (lambda row: row.item) if isinstance(part, Path) else None

        test = Compiler(self._plain.parameters, of_column).compile(node)
        values = [self._plain.parameters[part.name] for part in node.walk() if isinstance(part, Parameter)]
        return self._index.column(keys).where(f"{node} {canonical(values)}", lambda value: test(Row(value)))

    def _column(self, node: Node) -> Keys | None:
        """The one property that a condition is about. Long texts, vectors and whole items are not columns."""
        found = {part.keys for part in node.walk() if isinstance(part, Path)}
        if len(found) != 1:
            return None
        [keys] = found
        vectors = {path.name for path in self._container.vector_paths}
        return None if not keys or keys in self._texts or keys[0] in vectors else keys

    def _special(self, node: Node) -> Evaluate | None:
        figures = self.array(node) if isinstance(node, Call) and node.name in SEARCHES else None
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
        if call.name not in SEARCHES or not isinstance(path, Path):
            return None
        if call.name == "_FULLTEXTWORDCOUNT":
            return self._index.lengths(path.keys)
        if call.name == "_FULLTEXTSCORE":
            return self._relevance(path, *call.arguments[1:])
        phrases = [self._phrase(argument) for argument in call.arguments[1:]]
        if not phrases:
            raise BadRequest(f"{call.name} takes a property and words.")
        found = np.array([self._index.found(path.keys, phrase) for phrase in phrases])
        return np.asarray(found.any(axis=0) if call.name.endswith("ANY") else found.all(axis=0))

    def _distances(self, call: Call, name: str) -> NDArray[Any]:
        others = [one for one in call.arguments[:2] if not isinstance(one, Path) or one.keys != (name,)]
        question: Any = self._plain.constant(others[0]) if others else None
        dimensions = next(path.dimensions for path in self._container.vector_paths if path.name == name)
        if type_of(question) != "array" or len(question) != dimensions:
            raise BadRequest(f"VectorDistance of {name} takes a vector of {dimensions} dimensions.")
        return self._index.scores(name, np.asarray(question, np.float32))

    def _relevance(self, path: Path, phrases: Node, *figures: Node) -> NDArray[Any]:
        documents, words, hits = map(self._plain.constant, figures)
        found = [self._phrase(Literal(one)) for one in self._plain.constant(phrases)]
        return self._index.relevance(path.keys, found, Statistics(documents, words, tuple(hits)))

    def _phrase(self, node: Node) -> str:
        value = self._plain.constant(node)
        if not isinstance(value, str):
            raise BadRequest(f"A full-text search takes words, and not {value!r}.")
        return value


def aggregated(name: str, values: Sequence[Any]) -> Any:
    """What an aggregate makes of values."""
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


def conjuncts(where: Node | None) -> Sequence[Node]:
    """The conditions that all have to hold."""
    if where is None:
        return ()
    return where.operands if isinstance(where, Logical) and where.operator == "AND" else (where,)


def _keys(path: str) -> Keys:
    return tuple(path.strip("/").split("/"))
