"""From the text of a query to its syntax tree: the part of the SQL dialect that the stand-in knows."""

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from local.emulators.cosmos.errors import BadRequest, Unsupported
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
    Ordering,
    Parameter,
    Path,
    Query,
    Unary,
)

_TOKEN = re.compile(
    r"""\s*(?:--[^\n]*\s*)*(?:
    (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<parameter>@\w+)
  | (?P<name>[^\W\d]\w*)
  | (?P<symbol>\?\?|\|\||!=|<>|<=|>=|[-+*/%=<>(){}\[\],.:?])
  | (?P<end>$)
    )""",
    re.VERBOSE | re.DOTALL,
)
_CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None, "UNDEFINED": UNDEFINED}
_COMPARISONS = {"=", "!=", "<>", "<", "<=", ">", ">="}
_WORDS = {"name", "symbol"}
_NAMED_PROPERTY = re.compile(r"\[\s*@")
_QUERIES = 64
_DEEPEST = 100
_RESERVED = {
    "SELECT", "FROM", "WHERE", "ORDER", "GROUP", "BY", "AND", "OR", "NOT", "IN", "BETWEEN", "AS", "TOP",
    "VALUE", "DISTINCT", "OFFSET", "LIMIT", "JOIN", "LIKE", "ASC", "DESC", "RANK", "EXISTS", "ARRAY",
}  # fmt: skip


_T = TypeVar("_T")


class _Token(NamedTuple):
    """`word` is its text as keywords are compared; a string or a parameter is none."""

    kind: str
    text: str
    word: str
    place: int


def parse(text: str, parameters: Mapping[str, Any] | None = None) -> Query:
    """The syntax tree of a query, in which parameters may name properties.

    Raises:
        BadRequest: the text is not a query.
        Unsupported: the stand-in lacks this part of the language.
    """
    if _NAMED_PROPERTY.search(text):
        return _Parser(text, parameters or {}).query()
    return _parsed(text)


@lru_cache(_QUERIES)
def _parsed(text: str) -> Query:
    """The tree of a text that many ask with parameters of their own."""
    return _Parser(text, {}).query()


class _Parser:
    """Recursive descent; each method reads what it is named for."""

    def __init__(self, text: str, parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters
        self._tokens = _tokens(text)
        self._next = 0
        self._depth = 0
        self._root = "c"

    def query(self) -> Query:
        self._expect("SELECT")
        distinct = self._takes("DISTINCT")
        top = self._primary() if self._takes("TOP") else None
        value = self._takes("VALUE")
        star = not value and self._takes("*")
        # The name of the item comes after the expressions that use it.
        selected_at = self._next
        self._skip_to_from()
        self._from()
        after = self._next
        self._next = selected_at
        select = Path(self._root) if star else self._expression() if value else self._fields()
        self._stop_at("FROM")
        self._next = after
        return self._rest(distinct=distinct, top=top, value=value, star=star, select=select)

    def _rest(self, *, select: Node, top: Node | None, **flags: bool) -> Query:
        where = self._expression() if self._takes("WHERE") else None
        group_by = self._list(self._expression) if self._takes("GROUP", "BY") else ()
        rank: Node | None = None
        order_by: tuple[Ordering, ...] = ()
        if self._takes("ORDER", "BY", "RANK"):
            rank = self._expression()
        elif self._takes("ORDER", "BY"):
            order_by = self._list(self._ordering)
        offset = self._primary() if self._takes("OFFSET") else None
        if offset:
            self._expect("LIMIT")
        limit = self._primary() if offset else None
        self._stop_at("")
        return Query(
            self._root,
            select,
            top=top,
            where=where,
            group_by=group_by,
            order_by=order_by,
            rank=rank,
            offset=offset,
            limit=limit,
            **flags,
        )

    def _from(self) -> None:
        self._root = self._identifier()
        if self._takes("AS") or (self._now.kind == "name" and self._word not in _RESERVED):
            self._root = self._identifier()
        if self._word in {"JOIN", "IN", ",", "."}:
            raise Unsupported(f"{self._now.text} after FROM")

    def _skip_to_from(self) -> None:
        depth = 0
        while depth or self._word != "FROM":
            depth += (self._now.text in {"(", "[", "{"}) - (self._now.text in {")", "]", "}"})
            if self._now.kind == "end":
                raise self._error()
            self._next += 1
        self._next += 1

    def _fields(self) -> Node:
        names, values = [], []
        for place, (name, value) in enumerate(self._list(self._field), start=1):
            names.append(name or f"${place}")
            values.append(value)
        return ObjectOf(tuple(names), tuple(values))

    def _field(self) -> tuple[str, Node]:
        value = self._expression()
        if self._takes("AS") or (self._now.kind == "name" and self._word not in _RESERVED):
            return self._identifier(), value
        last = value.keys[-1] if isinstance(value, Path) and value.keys else ""
        return (value.root if isinstance(value, Path) and not value.keys else str(last)), value

    def _ordering(self) -> Ordering:
        key = self._expression()
        descending = self._takes("DESC")
        if not descending:
            self._takes("ASC")
        return Ordering(key, descending)

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise BadRequest(f"The query is nested more than {_DEEPEST} levels deep.")
        value = self._logical("OR", lambda: self._logical("AND", self._negation))
        while self._takes("??"):
            value = Binary("??", value, self._logical("OR", lambda: self._logical("AND", self._negation)))
        if self._takes("?"):
            then = self._expression()
            self._expect(":")
            value = Conditional(value, then, self._expression())
        self._depth -= 1
        return value

    def _logical(self, operator: str, operand: Callable[[], Node]) -> Node:
        operands = [operand()]
        while self._takes(operator):
            operands.append(operand())
        return operands[0] if len(operands) == 1 else Logical(operator, tuple(operands))

    def _negation(self) -> Node:
        negations = 0
        while self._takes("NOT"):
            negations += 1
        value = self._comparison()
        return Unary("NOT", value) if negations % 2 else value

    def _comparison(self) -> Node:
        left = self._sum()
        if self._now.text in _COMPARISONS:
            operator = self._take().text.replace("<>", "!=")
            return Binary(operator, left, self._sum())
        negated = self._takes("NOT")
        if self._takes("IN"):
            self._expect("(")
            found: Node = In(left, self._list(self._expression))
            self._expect(")")
        elif self._takes("BETWEEN"):
            low = self._sum()
            self._expect("AND")
            found = Between(left, low, self._sum())
        elif negated or self._word == "LIKE":
            raise Unsupported(self._now.text)
        else:
            return left
        return Unary("NOT", found) if negated else found

    def _sum(self) -> Node:
        return self._chain({"+", "-", "||"}, self._product)

    def _product(self) -> Node:
        return self._chain({"*", "/", "%"}, self._signed)

    def _chain(self, operators: set[str], operand: Callable[[], Node]) -> Node:
        value, links = operand(), 0
        while self._now.text in operators:
            operator = self._take().text
            value, links = Binary(operator, value, operand()), links + 1
            if links > _DEEPEST:
                raise BadRequest(f"The query has more than {_DEEPEST} operators in a row.")
        return value

    def _signed(self) -> Node:
        if self._now.text not in {"-", "+"}:
            return self._primary()
        operator, operand = self._take().text, self._primary()
        if isinstance(operand, Literal) and isinstance(operand.value, int | float):
            return Literal(-operand.value) if operator == "-" else operand
        return Unary(operator, operand)

    def _primary(self) -> Node:
        token = self._take()
        match token.kind, token.text:
            case "number", text:
                return Literal(float(text) if re.search("[.eE]", text) else int(text))
            case "string", text:
                return Literal(_string(text))
            case "parameter", name:
                return Parameter(name)
            case "symbol", "(":
                return self._parenthesis()
            case "symbol", "[":
                items = () if self._word == "]" else self._list(self._expression)
                self._expect("]")
                return ArrayOf(items)
            case "symbol", "{":
                return self._object()
            case "name", name:
                return self._named(token, name)
        self._next -= 1
        raise self._error()

    def _parenthesis(self) -> Node:
        if self._word == "SELECT":
            raise Unsupported("A query within a query")
        value = self._expression()
        self._expect(")")
        return value

    def _object(self) -> Node:
        pairs = () if self._word == "}" else self._list(self._pair)
        self._expect("}")
        return ObjectOf(tuple(name for name, _ in pairs), tuple(value for _, value in pairs))

    def _pair(self) -> tuple[str, Node]:
        token = self._take()
        if token.kind not in {"string", "name"}:
            self._next -= 1
            raise self._error()
        self._expect(":")
        return (_string(token.text) if token.kind == "string" else token.text), self._expression()

    def _named(self, token: _Token, name: str) -> Node:
        if name.upper() in _CONSTANTS:
            return Literal(_CONSTANTS[name.upper()])
        if name.upper() in {"EXISTS", "ARRAY", "UDF"}:
            raise Unsupported(name)
        if name != self._root and self._word == "(":
            return self._call(name)
        if name != self._root:
            raise BadRequest(f"Identifier '{name}' could not be resolved (at {token.place}).")
        return Path(name, tuple(self._keys()))

    def _call(self, name: str) -> Node:
        self._expect("(")
        arguments = () if self._word == ")" else self._list(self._expression)
        self._expect(")")
        return Call(name.upper(), arguments)

    def _keys(self) -> list[str | int]:
        keys: list[str | int] = []
        while True:
            if self._takes("."):
                keys.append(self._take("name").text)
            elif self._takes("["):
                keys.append(self._key())
                self._expect("]")
            else:
                return keys

    def _key(self) -> str | int:
        token = self._take()
        if token.kind == "string":
            return _string(token.text)
        if token.kind == "number" and token.text.isdigit():
            return int(token.text)
        named = self._parameters.get(token.text)
        if isinstance(named, str):
            return named
        raise Unsupported(f"The index {token.text}")

    def _list(self, item: Callable[[], _T]) -> tuple[_T, ...]:
        items = [item()]
        while self._takes(","):
            items.append(item())
        return tuple(items)

    def _identifier(self) -> str:
        return self._take("name").text

    @property
    def _now(self) -> _Token:
        return self._tokens[self._next]

    @property
    def _word(self) -> str:
        return self._now.word

    def _take(self, kind: str = "") -> _Token:
        token = self._now
        if token.kind == "end" or (kind and token.kind != kind):
            raise self._error()
        self._next += 1
        return token

    def _takes(self, *words: str) -> bool:
        """Whether these words are next, which are taken then."""
        for ahead, word in enumerate(words, start=self._next):
            if self._tokens[ahead].word != word:
                return False
        self._next += len(words)
        return True

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            raise self._error()

    def _stop_at(self, word: str) -> None:
        if self._word != word or (not word and self._now.kind != "end"):
            raise self._error()

    def _error(self) -> BadRequest:
        token = self._now
        near = f"near '{token.text}' (at {token.place})" if token.text else "at the end of the query"
        return BadRequest(f"Syntax error, incorrect syntax {near}.")


def _tokens(text: str) -> list[_Token]:
    tokens, place = [], 0
    while True:
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise BadRequest(f"Syntax error, incorrect syntax near '{text[place : place + 20].strip()}'.")
        kind, found = match.lastgroup, match[match.lastgroup]
        word = found.upper() if kind in _WORDS else ""
        tokens.append(_Token(kind, found, word, match.start(kind)))
        if kind == "end":
            return tokens
        place = match.end()


def _string(text: str) -> str:
    """What a string in either kind of quotation marks says."""
    content = re.sub(
        r'\\.|"', lambda found: {"\\'": "'", '"': '\\"'}.get(found[0], found[0]), text[1:-1], flags=re.DOTALL
    )
    try:
        return str(json.loads(f'"{content}"', strict=False))
    except ValueError:
        raise BadRequest(f"Syntax error, invalid string {text}.") from None
