"""Route templates of HTTP triggers, matched as ASP.NET does.

Literal parts are case-insensitive; parameter values arrive as sent. Which of an app's routes is tried first,
the functions' names alone decide: ADR 48.
"""

import itertools
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote, unquote_plus

Check = Callable[[str], bool]


_PARAMETER = re.compile(
    r"\{(?P<stars>\*{0,2})(?P<name>[^{}:?*=/]+)"
    r"(?P<constraints>(?::[A-Za-z]+(?:\((?:[^(){}]|\([^()]*\)|\{\{|\}\})*\))?)*)"
    r"(?:=(?P<default>[^{}]*))?(?P<optional>\??)\}"
)
_CONSTRAINT = re.compile(r":(?P<name>[A-Za-z]+)(?:\((?P<arguments>(?:[^()]|\([^()]*\))*)\))?")


class BrokenRoute(ValueError):
    """The text is not a route template that this host understands."""


@dataclass(frozen=True, slots=True)
class _Segment:
    text: str
    pattern: re.Pattern[str]
    checks: tuple[tuple[str, Check], ...]
    looseness: int  # the higher, the more paths fit: a literal 1, parameters more, a catch-all most
    optional: bool = False
    catch_all: bool = False
    default: dict[str, str] = field(default_factory=dict)  # the value of a part that a path leaves out

    def match(self, text: str) -> dict[str, str] | None:
        found = self.pattern.fullmatch(text)
        if found is None:
            return None
        # Group names cannot hold every character that parameter names can, so groups go by position.
        values = dict(zip((name for name, _ in self.checks), found.groups(), strict=True))
        present = {name: value for name, value in values.items() if value is not None}
        return present if all(check(values[name] or "") for name, check in self.checks) else None

    def overlaps(self, other: "_Segment") -> bool:
        """Whether some text may fit both; of two that have parameters, it is taken for granted."""
        if other.checks:
            return bool(self.checks) or other.overlaps(self)
        return self.match(other.text) is not None


@dataclass(frozen=True, slots=True)
class RouteTemplate:
    """A parsed template such as `orders/{id:int}/{*rest}`."""

    text: str
    segments: tuple[_Segment, ...]

    @classmethod
    def parse(cls, text: str) -> "RouteTemplate":
        """Parses a template without the host's prefix.

        Raises:
            BrokenRoute: a parameter, constraint or segment is not understood.
        """
        segments = tuple(_parse_segment(part) for part in text.strip("/").split("/") if part)
        for segment, following in itertools.pairwise(segments):
            if segment.catch_all or (segment.optional and not segment.default and not following.optional):
                raise BrokenRoute(f"The route '{text}' has an optional or catch-all part before its end.")
        return cls(text, segments)

    def hides(self, other: "RouteTemplate") -> bool:
        """Whether paths fit both templates, though the other says more exactly which it is for."""
        pairs = zip(self.segments, other.segments, strict=False)
        looser = tuple(segment.looseness for segment in self.segments)
        return (
            looser > tuple(segment.looseness for segment in other.segments)
            and self._reaches(len(other.segments))
            and all(mine.overlaps(theirs) or mine.catch_all for mine, theirs in pairs)
        )

    def _reaches(self, length: int) -> bool:
        """Whether a path with this number of parts may fit."""
        if not self.segments or length == len(self.segments):
            return length == len(self.segments)
        if length > len(self.segments):
            return self.segments[-1].catch_all
        return all(segment.optional or segment.catch_all for segment in self.segments[length:])

    def match(self, path: Sequence[str]) -> dict[str, str] | None:
        """The route parameters, or `None` where the path does not fit; see `split_path`."""
        values: dict[str, str] = {}
        for position, segment in enumerate(self.segments):
            if position == len(path):
                return self._completed(values, self.segments[position:])
            text = "/".join(path[position:]) if segment.catch_all else path[position]
            found = segment.match(text)
            if found is None:
                return None
            values |= found
            if segment.catch_all:
                return values
        return values if len(path) == len(self.segments) else None

    @staticmethod
    def _completed(values: dict[str, str], left_out: Sequence[_Segment]) -> dict[str, str] | None:
        """The values with those that parts have which a path leaves out; `None` if it may not."""
        if not all(segment.optional or segment.catch_all for segment in left_out):
            return None
        return values | {name: text for segment in left_out for name, text in segment.default.items()}


def split_path(raw_path: str) -> list[str]:
    """The decoded parts of a request's path; an encoded slash stays encoded, as with ASP.NET."""
    path = raw_path.partition("?")[0].removeprefix("/").removesuffix("/")
    if not path:
        return []
    encoded = (part.replace("%2F", "%252F").replace("%2f", "%252f") for part in path.split("/"))
    return _without_dots(map(unquote, encoded))


def split_decoded_path(raw_path: str) -> list[str]:
    """The parts of a path for the Durable extension, which decodes it first and takes a plus for a space."""
    return _without_dots(unquote_plus(raw_path.partition("?")[0]).strip("/").split("/"))


def _without_dots(parts: Iterable[str]) -> list[str]:
    """A path without the parts `.` and `..`, which Kestrel takes out, written with `%2e` or not."""
    kept: list[str] = []
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part != ".":
            kept.append(part)
    return kept


def _parse_segment(text: str) -> _Segment:
    parameters = list(_PARAMETER.finditer(text))
    literals = _PARAMETER.split(text)[:: _PARAMETER.groups + 1]
    if any(brace in literal for literal in literals for brace in "{}*?"):
        raise BrokenRoute(f"The route part '{text}' is not understood.")
    if not parameters:
        return _Segment(text, re.compile(re.escape(text), re.IGNORECASE), (), 1)
    checks = tuple((found["name"], _check_of(found["constraints"])) for found in parameters)
    last = parameters[-1]
    is_whole = last[0] == text
    default = {} if last["default"] is None else {last["name"]: last["default"]}
    if is_whole and last["stars"]:
        looseness = 4 if last["constraints"] else 5
        pattern = re.compile("(.*)", re.DOTALL)
        return _Segment(text, pattern, checks, looseness, catch_all=True, default=default)
    constrained = any(found["constraints"] for found in parameters)
    return _Segment(
        text,
        re.compile(_pattern(literals, ends_optionally=bool(last["optional"])), re.IGNORECASE | re.DOTALL),
        checks,
        looseness=2 if constrained or not is_whole else 3,
        optional=is_whole and bool(last["optional"] or default),
        default=default,
    )


def _pattern(literals: Sequence[str], *, ends_optionally: bool) -> str:
    """Literals with parameters between them; in `{name}.{ext?}` the dot goes with what follows it."""
    *others, before, after = map(re.escape, literals)
    if ends_optionally and others and literals[-2] == "." and not after:
        return "(.+?)".join(others) + r"(.+?)(?:\.(.+?))?"
    return "(.+?)".join([*others, before, after])


def _check_of(constraints: str) -> Check:
    checks = [_parse_constraint(found) for found in _CONSTRAINT.finditer(constraints)]
    return lambda value: all(check(value) for check in checks)


def _parse_constraint(found: re.Match[str]) -> Check:
    name, arguments = found["name"].lower(), found["arguments"]
    if arguments is None and name in _PLAIN_CONSTRAINTS:
        return _PLAIN_CONSTRAINTS[name]
    if arguments is not None and name == "regex":
        return _regex(arguments)
    if arguments is not None and name in _NUMBER_CONSTRAINTS:
        numbers = [int(part) for part in arguments.split(",") if re.fullmatch(r"\s*-?\d+\s*", part)]
        if len(numbers) in (1, 2):
            return _NUMBER_CONSTRAINTS[name](numbers[0], numbers[-1])
    raise BrokenRoute(f"The route constraint '{found[0][1:]}' is not understood.")


def _regex(text: str) -> Check:
    """A regular expression, in which a template doubles braces, somewhere in the value and in any case."""
    try:
        pattern = re.compile(text.replace("{{", "{").replace("}}", "}"), re.IGNORECASE)
    except re.error as error:
        raise BrokenRoute(f"The route constraint 'regex({text})' is not understood: {error}.") from error
    return lambda value: pattern.search(value) is not None


def _parses_as(parse: Callable[[str], object]) -> Check:
    def check(value: str) -> bool:
        try:
            parse(value)
        except ValueError:
            return False
        return True

    return check


_PLAIN_CONSTRAINTS: Mapping[str, Check] = {
    "alpha": lambda value: re.fullmatch("[A-Za-z]*", value) is not None,
    "bool": lambda value: value.lower() in ("true", "false"),
    "datetime": _parses_as(datetime.fromisoformat),
    "decimal": _parses_as(float),
    "double": _parses_as(float),
    "float": _parses_as(float),
    "guid": _parses_as(uuid.UUID),
    "int": lambda value: re.fullmatch(r"[+-]?\d+", value) is not None and -(2**31) <= int(value) < 2**31,
    "long": lambda value: re.fullmatch(r"[+-]?\d+", value) is not None and -(2**63) <= int(value) < 2**63,
    "required": bool,
}

# Each takes the first and the last of its arguments.
_NUMBER_CONSTRAINTS: Mapping[str, Callable[[int, int], Check]] = {
    "length": lambda low, high: lambda value: low <= len(value) <= high,
    "minlength": lambda low, _: lambda value: len(value) >= low,
    "maxlength": lambda high, _: lambda value: len(value) <= high,
    "min": lambda low, _: lambda value: _PLAIN_CONSTRAINTS["long"](value) and int(value) >= low,
    "max": lambda high, _: lambda value: _PLAIN_CONSTRAINTS["long"](value) and int(value) <= high,
    "range": lambda low, high: lambda value: _PLAIN_CONSTRAINTS["long"](value) and low <= int(value) <= high,
}
