"""From a syntax tree to a Python function that an item, or what stands for one, is put into."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.emulators.cosmos.errors import BadRequest, Unsupported
from local.emulators.cosmos.functions import FUNCTIONS
from local.emulators.cosmos.syntax import (
    UNDEFINED,
    ArrayOf,
    Between,
    Binary,
    Call,
    Conditional,
    In,
    Literal,
    Logical,
    Node,
    ObjectOf,
    Parameter,
    Path,
    Unary,
)
from local.emulators.cosmos.values import are_ordered, canonical, equal, type_of

AGGREGATES = {"COUNT", "SUM", "MIN", "MAX", "AVG", "COUNTIF"}

_ARRAY_AND_VALUE = 2
_COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul}


@dataclass
class Row:
    """An item as a query sees it; `number` is its row in the search index, if the query uses that."""

    item: Any
    number: int = -1


Evaluate = Callable[[Row], Any]
Special = Callable[[Node], Evaluate | None]


@dataclass(frozen=True)
class Compiler:
    """Makes functions of expressions.

    Attributes:
        parameters: the values that come with the query.
        special: knows some expressions better, such as the scores of a search.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    special: Special = lambda _: None

    def constant(self, node: Node) -> Any:
        """The value of an expression without an item.

        Raises:
            BadRequest: it needs one.
        """
        if any(isinstance(part, Path) for part in node.walk()):
            raise BadRequest(f"{node} has to be a constant.")
        return self.compile(node)(Row(UNDEFINED))

    def compile(self, node: Node) -> Evaluate:
        """The function that gives the value of an expression for a row."""
        found = self.special(node)
        if found is not None:
            return found
        match node:
            case Literal(value):
                return lambda _: value
            case Parameter(name):
                return _constant(self._parameter(name))
            case Path(_, keys):
                return _property(keys)
            case Call(name, arguments):
                return self._call(name, arguments)
            case Logical(name, operands):
                return _logical(name, [self.compile(operand) for operand in operands])
            case Binary(name, left, right):
                return _binary(name, self.compile(left), self.compile(right))
            case Unary(name, operand):
                return _unary(name, self.compile(operand))
        return self._compound(node)

    def _compound(self, node: Node) -> Evaluate:
        match node:
            case In(operand, choices) if all(map(self._is_constant, choices)):
                return self._one_of([self.constant(choice) for choice in choices], operand)
            case In(operand, choices):
                return self._call("ARRAY_CONTAINS", (ArrayOf(choices), operand))
            case Between(operand, low, high):
                bounds = Binary(">=", operand, low), Binary("<=", operand, high)
                return self.compile(Logical("AND", bounds))
            case Conditional(condition, then, otherwise):
                return _conditional(*map(self.compile, (condition, then, otherwise)))
            case ArrayOf(items):
                return _array([self.compile(item) for item in items])
            case ObjectOf(names, values):
                return _object(names, [self.compile(value) for value in values])
        raise Unsupported(str(node))

    @staticmethod
    def _is_constant(node: Node) -> bool:
        return not any(isinstance(part, Path) for part in node.walk())

    def _one_of(self, choices: Any, operand: Node) -> Evaluate:
        """Whether a value is one of many constants, without looking at each of them."""
        value = self.compile(operand)
        if type_of(choices) != "array":
            return lambda _: UNDEFINED
        known = {_hashable(choice) for choice in choices}

        def test(row: Row) -> Any:
            found = value(row)
            return UNDEFINED if found is UNDEFINED else _hashable(found) in known

        return test

    def _parameter(self, name: str) -> Any:
        if name not in self.parameters:
            raise BadRequest(f"The query has no value for the parameter {name}.")
        return self.parameters[name]

    def _call(self, name: str, arguments: Sequence[Node]) -> Evaluate:
        if name in AGGREGATES:
            raise BadRequest(f"The aggregate {name} may only stand in what is selected.")
        function = FUNCTIONS.get(name)
        if function is None:
            raise Unsupported(f"The function {name}")
        if (
            name == "ARRAY_CONTAINS"
            and len(arguments) == _ARRAY_AND_VALUE
            and self._is_constant(arguments[0])
        ):
            return self._one_of(self.constant(arguments[0]), arguments[1])
        values = [self.compile(argument) for argument in arguments]

        def call(row: Row) -> Any:
            try:
                return function(*[value(row) for value in values])
            except TypeError:
                raise BadRequest(f"{name} does not take {len(values)} arguments of these types.") from None

        return call


def _hashable(value: Any) -> tuple[str, Any]:
    """What equal values have in common."""
    kind = type_of(value)
    return kind, canonical(value) if kind in {"array", "object"} else value


def _constant(value: Any) -> Evaluate:
    return lambda _: value


def _property(keys: Sequence[str | int]) -> Evaluate:
    if len(keys) == 1 and isinstance(keys[0], str):
        name = keys[0]
        return lambda row: row.item.get(name, UNDEFINED) if type(row.item) is dict else UNDEFINED

    def get(row: Row) -> Any:
        value = row.item
        for key in keys:
            value = child(value, key)
        return value

    return get


def child(value: Any, key: str | int) -> Any:
    """A property of an object or an element of an array, if it is there."""
    if isinstance(value, dict) and isinstance(key, str):
        return value.get(key, UNDEFINED)
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    return UNDEFINED


def _logical(name: str, operands: Sequence[Evaluate]) -> Evaluate:
    decisive = name == "OR"

    def decide(row: Row) -> Any:
        unsure = False
        for operand in operands:
            value = operand(row)
            if value is decisive:
                return decisive
            unsure = unsure or not isinstance(value, bool)
        return UNDEFINED if unsure else not decisive

    return decide


def _binary(name: str, left: Evaluate, right: Evaluate) -> Evaluate:
    match name:
        case "=":
            return lambda row: equal(left(row), right(row))
        case "!=":
            return lambda row: _negated(equal(left(row), right(row)))
        case "<" | "<=" | ">" | ">=":
            return lambda row: _ordered(_COMPARISONS[name], left(row), right(row))
        case "??":
            return lambda row: right(row) if (value := left(row)) is UNDEFINED else value
        case "||":
            return lambda row: FUNCTIONS["CONCAT"](left(row), right(row))
    return lambda row: _calculated(name, left(row), right(row))


def _ordered(test: Callable[[Any, Any], bool], left: Any, right: Any) -> Any:
    return test(left, right) if are_ordered(left, right) else UNDEFINED


def _calculated(name: str, left: Any, right: Any) -> Any:
    if type_of(left) != "number" or type_of(right) != "number":
        return UNDEFINED
    if name in _ARITHMETIC:
        return _ARITHMETIC[name](left, right)
    if right == 0:
        return UNDEFINED
    return left / right if name == "/" else left % right


def _unary(name: str, operand: Evaluate) -> Evaluate:
    if name == "NOT":
        return lambda row: _negated(operand(row))
    sign = -1 if name == "-" else 1
    return lambda row: _calculated("*", operand(row), sign)


def _negated(value: Any) -> Any:
    return not value if isinstance(value, bool) else UNDEFINED


def _conditional(condition: Evaluate, then: Evaluate, otherwise: Evaluate) -> Evaluate:
    return lambda row: then(row) if condition(row) is True else otherwise(row)


def _array(items: Sequence[Evaluate]) -> Evaluate:
    return lambda row: [value for item in items if (value := item(row)) is not UNDEFINED]


def _object(names: Sequence[str], values: Sequence[Evaluate]) -> Evaluate:
    members = list(zip(names, values, strict=True))

    def build(row: Row) -> dict[str, Any]:
        return {name: found for name, value in members if (found := value(row)) is not UNDEFINED}

    return build
