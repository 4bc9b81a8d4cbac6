"""The syntax tree of a query. `str` of a node is its text, which a query plan rewrites."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

UNDEFINED: Any = type("Undefined", (), {"__repr__": lambda _: "undefined", "__bool__": lambda _: False})()
"""The value of a property that an item does not have."""


class Node:
    """An expression."""

    def children(self) -> Iterator["Node"]:
        """The expressions that it is made of."""
        for name in self.__dataclass_fields__:  # type: ignore[attr-defined]  # every node is a dataclass
            yield from _nodes(getattr(self, name))

    def walk(self) -> Iterator["Node"]:
        """It and all expressions below it."""
        yield self
        for child in self.children():
            yield from child.walk()


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)


@dataclass(frozen=True)
class Literal(Node):
    """A constant."""

    value: Any

    def __str__(self) -> str:
        return "undefined" if self.value is UNDEFINED else json.dumps(self.value, ensure_ascii=False)


@dataclass(frozen=True)
class Parameter(Node):
    """A value that comes with the query."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Path(Node):
    """A property of the item; the item itself where there are no keys."""

    root: str
    keys: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return self.root + "".join(f"[{json.dumps(key, ensure_ascii=False)}]" for key in self.keys)


@dataclass(frozen=True)
class Call(Node):
    """A function, its name in upper case."""

    name: str
    arguments: tuple[Node, ...]

    def __str__(self) -> str:
        return f"{self.name}({_joined(self.arguments)})"


@dataclass(frozen=True)
class Unary(Node):
    """`-`, `+` or `NOT` of something."""

    operator: str
    operand: Node

    def __str__(self) -> str:
        return f"({self.operator} {self.operand})"


@dataclass(frozen=True)
class Binary(Node):
    """An operator between two expressions."""

    operator: str
    left: Node
    right: Node

    def __str__(self) -> str:
        return f"({self.left} {self.operator} {self.right})"


@dataclass(frozen=True)
class Logical(Node):
    """`AND` or `OR` of any number of expressions."""

    operator: str
    operands: tuple[Node, ...]

    def __str__(self) -> str:
        return f"({f' {self.operator} '.join(map(str, self.operands))})"


@dataclass(frozen=True)
class In(Node):
    """Whether a value is one of several."""

    operand: Node
    choices: tuple[Node, ...]

    def __str__(self) -> str:
        return f"({self.operand} IN ({_joined(self.choices)}))"


@dataclass(frozen=True)
class Between(Node):
    """Whether a value lies between two others or is one of them."""

    operand: Node
    low: Node
    high: Node

    def __str__(self) -> str:
        return f"({self.operand} BETWEEN {self.low} AND {self.high})"


@dataclass(frozen=True)
class Conditional(Node):
    """One of two expressions, as a third says."""

    condition: Node
    then: Node
    otherwise: Node

    def __str__(self) -> str:
        return f"({self.condition} ? {self.then} : {self.otherwise})"


@dataclass(frozen=True)
class ArrayOf(Node):
    """An array of what its expressions are."""

    items: tuple[Node, ...]

    def __str__(self) -> str:
        return f"[{_joined(self.items)}]"


@dataclass(frozen=True)
class ObjectOf(Node):
    """An object of what its expressions are."""

    names: tuple[str, ...]
    values: tuple[Node, ...]

    def __str__(self) -> str:
        pairs = zip(self.names, self.values, strict=True)
        return f"{{{', '.join(f'{json.dumps(name, ensure_ascii=False)}: {value}' for name, value in pairs)}}}"


@dataclass(frozen=True)
class Ordering(Node):
    """What results are sorted by."""

    key: Node
    descending: bool = False

    def __str__(self) -> str:
        return f"{self.key} {'DESC' if self.descending else 'ASC'}"


@dataclass(frozen=True)
class Query(Node):
    """A whole query.

    Attributes:
        root: the name of the item in the expressions.
        select: what a result is; an object, or anything after `SELECT VALUE`.
        star: `SELECT *`.
        value: `SELECT VALUE`.
        rank: what `ORDER BY RANK` has, a score or a fusion of scores.
    """

    root: str
    select: Node
    star: bool = False
    value: bool = False
    distinct: bool = False
    top: Node | None = None
    where: Node | None = None
    group_by: tuple[Node, ...] = ()
    order_by: tuple[Ordering, ...] = ()
    rank: Node | None = None
    offset: Node | None = None
    limit: Node | None = None

    def __str__(self) -> str:
        parts = ["SELECT"]
        parts += ["DISTINCT"] * self.distinct
        parts += [f"TOP {self.top}"] if self.top else []
        parts += [self._selected(), "FROM", self.root]
        parts += [f"WHERE {self.where}"] if self.where else []
        parts += [f"GROUP BY {_joined(self.group_by)}"] if self.group_by else []
        parts += [f"ORDER BY {_joined(self.order_by)}"] if self.order_by else []
        parts += [f"ORDER BY RANK {self.rank}"] if self.rank else []
        parts += [f"OFFSET {self.offset} LIMIT {self.limit}"] if self.offset else []
        return " ".join(parts)

    def _selected(self) -> str:
        if self.star:
            return "*"
        if self.value or not isinstance(self.select, ObjectOf):
            return f"VALUE {self.select}"
        pairs = zip(self.select.names, self.select.values, strict=True)
        return ", ".join(f"{value} AS {name}" for name, value in pairs)


def _joined(nodes: tuple[Node, ...]) -> str:
    return ", ".join(map(str, nodes))


@dataclass(frozen=True)
class Verbatim(Node):
    """Text that stands for itself: what a client replaces before it sends the query."""

    text: str

    def __str__(self) -> str:
        return self.text
