"""Query plans: what a client has to do itself, and what it asks each partition for.

The service answers a query over all partitions with 400 / 1004 where it takes more than putting results one
after another; the client then asks for a plan. There is one range of partitions here, but the client cannot
know that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from local.emulators.cosmos.containers import Container
from local.emulators.cosmos.errors import BadRequest, Unsupported
from local.emulators.cosmos.evaluation import AGGREGATES, Compiler
from local.emulators.cosmos.syntax import (
    ArrayOf,
    Binary,
    Call,
    Literal,
    Node,
    ObjectOf,
    Ordering,
    Path,
    Query,
    Verbatim,
)

_ALL = [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}]
_PLAN_NAMES = {
    "COUNT": "Count",
    "SUM": "Sum",
    "MIN": "Min",
    "MAX": "Max",
    "AVG": "Average",
    "COUNTIF": "CountIf",
}
_PLACEHOLDER = "{documentdb-formattablehybridsearchquery-%s}"
_FEWEST_CANDIDATES = 120
_WORST = 999_999


def aggregates_of(query: Query) -> list[Call]:
    """The aggregates in what a query selects."""
    return [node for node in query.select.walk() if isinstance(node, Call) and node.name in AGGREGATES]


def needs_plan(query: Query) -> bool:
    """Whether results of several partitions are not simply put one after the other."""
    parts = query.distinct, query.top, query.group_by, query.order_by, query.offset, aggregates_of(query)
    return any(parts)


def ranks_upwards(score: Node, container: Container) -> bool:
    """Whether the smallest value of a score is the best one: of the distances, only the euclidean."""
    name = vector_name(score, container)
    functions = {path.name: path.function for path in container.vector_paths}
    return name is not None and functions[name] == "euclidean"


def vector_name(score: Node, container: Container) -> str | None:
    """The vector that a distance is measured from, if the container has a policy for it."""
    if not isinstance(score, Call) or score.name != "VECTORDISTANCE":
        return None
    names = {path.name for path in container.vector_paths}
    keys = [node.keys[0] for node in score.arguments[:2] if isinstance(node, Path) and len(node.keys) == 1]
    return next((str(key) for key in keys if key in names), None)


def plan(query: Query, parameters: Mapping[str, Any], container: Container) -> dict[str, Any]:
    """The plan of a query.

    Raises:
        BadRequest: the service would refuse it with 400.
        Unsupported: the stand-in lacks this part of the language.
    """
    made: dict[str, Any] = {"partitionedQueryExecutionInfoVersion": 2, "queryRanges": _ALL}
    planner = _Planner(query, Compiler(parameters), container)
    if query.rank is not None:
        return {**made, "hybridSearchQueryInfo": planner.hybrid(query.rank)}
    return {**made, "queryInfo": planner.info()}


class _Planner:
    def __init__(self, query: Query, compiler: Compiler, container: Container) -> None:
        self._query = query
        self._compiler = compiler
        self._container = container

    def info(self) -> dict[str, Any]:
        """What the client does with the results of a query, and the query that it sends."""
        query, found = self._query, aggregates_of(self._query)
        if query.group_by:
            raise BadRequest(
                "Query contains the following features, which the calling client does not support: GroupBy."
            )
        skip, limit = self._number(query.offset), self._number(query.limit)
        scores = [ordering.key for ordering in query.order_by if vector_name(ordering.key, self._container)]
        return {
            "distinctType": "Unordered" if query.distinct else "None",
            "top": self._number(query.top),
            "offset": skip,
            "limit": limit,
            "orderBy": [self._direction(ordering) for ordering in query.order_by],
            "orderByExpressions": [str(ordering.key) for ordering in query.order_by],
            "groupByExpressions": [],
            "groupByAliases": [],
            "aggregates": [_PLAN_NAMES[one.name] for one in found] if query.value else [],
            "groupByAliasToAggregateType": {} if query.value else {one.name: None for one in found},
            "rewrittenQuery": str(self._rewritten(found)),
            "hasSelectValue": query.value,
            "hasNonStreamingOrderBy": bool(scores),
        }

    def hybrid(self, rank: Node) -> dict[str, Any]:
        """The parts of a search by several scores, which the client puts together by their ranks."""
        scores, weights = self._components(rank)
        texts = [score for score in scores if score.name == "FULLTEXTSCORE"]
        skip, take = self._number(self._query.offset), self._number(self._query.top)
        take = self._number(self._query.limit) if take is None else take
        ranked = [self._ranked(score, number) for number, score in enumerate(scores)]
        return {
            "globalStatisticsQuery": str(self._statistics(texts)),
            "componentQueryInfos": [
                self._component(number, ranked, most=(skip or 0) + (take or 0))
                for number in range(len(ranked))
            ],
            "componentWeights": weights,
            "skip": skip,
            "take": take,
            "requiresGlobalStatistics": bool(texts),
        }

    def _components(self, rank: Node) -> tuple[list[Call], list[float]]:
        """The scores of a ranking and how much each counts."""
        found: Sequence[Node] = rank.arguments if isinstance(rank, Call) and rank.name == "RRF" else (rank,)
        scores = [node for node in found if isinstance(node, Call)]
        weights = self._weights(found[len(scores) :], len(scores))
        for score in scores:
            self._check(score)
        return scores, weights

    def _weights(self, given: Sequence[Node], count: int) -> list[float]:
        if not given:
            return [1.0] * count
        weights = self._compiler.constant(given[0])
        if len(given) > 1 or not isinstance(weights, list) or len(weights) != count:
            raise BadRequest("RRF takes scores and, last, a list with a weight for each of them.")
        if not all(isinstance(weight, int | float) and weight >= 0 for weight in weights):
            raise Unsupported("A weight below zero")
        return [float(weight) for weight in weights]

    def _check(self, score: Call) -> None:
        path = score.arguments[0] if score.arguments else None
        if score.name == "FULLTEXTSCORE" and isinstance(path, Path) and len(score.arguments) > 1:
            return
        if vector_name(score, self._container) is None:
            raise BadRequest(
                "ORDER BY RANK takes FullTextScore(<property>, <word>, ...), VectorDistance(<property with a "
                f"vector policy>, <vector>) or RRF of these, and not {score}."
            )

    def _component(self, number: int, ranked: Sequence[Node], *, most: int) -> dict[str, Any]:
        score = ranked[number]
        upwards = ranks_upwards(score, self._container)
        scores = [Binary("??", one, Literal(self._worst(one))) for one in ranked]
        payload = ObjectOf(("payload", "componentScores"), (self._payload(), ArrayOf(tuple(scores))))
        top = Literal(max(_FEWEST_CANDIDATES, most))
        rewritten = replace(
            self._ordered([Ordering(score, descending=not upwards)], payload), rank=None, top=top, offset=None
        )
        return {
            "distinctType": "None",
            "top": top.value,
            "orderBy": ["Ascending" if upwards else "Descending"],
            "orderByExpressions": [str(score)],
            "rewrittenQuery": str(rewritten),
            "hasSelectValue": False,
            "hasNonStreamingOrderBy": True,
        }

    def _worst(self, score: Node) -> int:
        return _WORST if ranks_upwards(score, self._container) else -_WORST

    @staticmethod
    def _ranked(score: Call, number: int) -> Call:
        """The score with places for what only the client knows: figures of the whole container."""
        if score.name != "FULLTEXTSCORE":
            return score
        names = "totaldocumentcount", f"totalwordcount-{number}", f"hitcountsarray-{number}"
        figures = tuple(Verbatim(_PLACEHOLDER % name) for name in names)
        return Call("_FULLTEXTSCORE", (score.arguments[0], ArrayOf(score.arguments[1:]), *figures))

    def _statistics(self, texts: Sequence[Call]) -> Query:
        figures = [
            ObjectOf(
                ("totalWordCount", "hitCounts"),
                (
                    Call("SUM", (Call("_FULLTEXTWORDCOUNT", (path,)),)),
                    ArrayOf(
                        tuple(Call("COUNTIF", (Call("FULLTEXTCONTAINS", (path, one)),)) for one in phrases)
                    ),
                ),
            )
            for path, *phrases in (score.arguments for score in texts)
        ]
        names = "documentCount", "fullTextStatistics"
        return Query(
            self._query.root, ObjectOf(names, (Call("COUNT", (Literal(1),)), ArrayOf(tuple(figures))))
        )

    def _rewritten(self, found: Sequence[Call]) -> Query:
        query = self._query
        if query.offset is not None:
            both = self._number(query.offset), self._number(query.limit)
            query = replace(query, offset=Literal(0), limit=Literal(sum(filter(None, both))))
        if query.order_by:
            return replace(
                self._ordered(query.order_by, self._payload()), offset=query.offset, limit=query.limit
            )
        if found and query.value:
            partial = tuple(ObjectOf(("item",), (_partial(one),)) for one in found)
            return replace(query, select=ArrayOf(partial))
        return query

    def _ordered(self, order_by: Sequence[Ordering], payload: Node) -> Query:
        """The query with what the client sorts by beside each result."""
        keys = ArrayOf(tuple(ObjectOf(("item",), (ordering.key,)) for ordering in order_by))
        names = "_rid", "orderByItems", "payload"
        select = ObjectOf(names, (Path(self._query.root, ("_rid",)), keys, payload))
        return replace(self._query, select=select, star=False, value=False, order_by=tuple(order_by))

    def _payload(self) -> Node:
        return self._query.select

    def _direction(self, ordering: Ordering) -> str:
        if vector_name(ordering.key, self._container):
            return "Ascending" if ranks_upwards(ordering.key, self._container) else "Descending"
        return "Descending" if ordering.descending else "Ascending"

    def _number(self, node: Node | None) -> int | None:
        return None if node is None else count(self._compiler, node)


def count(compiler: Compiler, node: Node) -> int:
    """The number after TOP, OFFSET or LIMIT.

    Raises:
        BadRequest: the service would refuse it with 400.
    """
    value = compiler.constant(node)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadRequest(f"TOP, OFFSET and LIMIT take whole numbers, and not {value!r}.")
    return value


def _partial(aggregate: Call) -> Node:
    """What the client adds up for an aggregate."""
    if aggregate.name != "AVG":
        return aggregate
    parts = Call("SUM", aggregate.arguments), Call("COUNT", aggregate.arguments)
    return ObjectOf(("sum", "count"), parts)
