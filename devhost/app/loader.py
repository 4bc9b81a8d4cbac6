"""Finds the functions of the classic model: every `function.json` becomes a `Function` or an `IndexingError`.

No code of the app is imported here; that is `function_code`'s part.
"""

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from devhost.app.bindings import BINDING_TYPES, OUT_ONLY, Binding, Direction, Members
from devhost.app.functions import Function, HttpTrigger, Index, durable_name_of
from devhost.app.retry_policy import InvalidRetry, RetryPolicy
from devhost.app.routes import BrokenRoute, RouteTemplate
from devhost.app.surprises import no_functions, surprises
from devhost.errors import IndexingError
from devhost.jsonc import read_jsonc

T = TypeVar("T")

DEFAULT_ENTRY_POINT = "main"

_FUNCTION_NAME = re.compile("[A-Za-z][A-Za-z0-9_-]{0,127}")
_BINDING_NAME = re.compile(r"\$return|[A-Za-z_][A-Za-z0-9_]*")
_AUTH_LEVELS = frozenset({"anonymous", "function", "admin", "system", "user"})
_RESERVED_ROUTES = ("admin", "runtime")  # with whatever follows, as in `administration`
_DEFAULT_SCRIPTS = ("main.py", "__init__.py")


def index_app(app_dir: Path, *, route_prefix: str = "api") -> Index:
    """Reads every function.json below the app's folder; a broken one does not keep others from working."""
    functions, errors = gather(
        [(path.parent.name, path) for path in app_dir.glob("*/function.json")],
        lambda path: read_function(path, route_prefix=route_prefix),
    )
    warnings = surprises(functions) if functions or errors else no_functions(app_dir)
    return Index(tuple(functions), tuple(errors), tuple(warnings))


def gather(
    named: Iterable[tuple[str, T]], read: Callable[[T], Function]
) -> tuple[list[Function], list[IndexingError]]:
    """Reads each of some descriptions, in the alphabetical order of names that routes are tried in."""
    functions: list[Function] = []
    errors: list[IndexingError] = []
    for _, description in sorted(named, key=lambda pair: (pair[0].lower(), pair[0])):
        try:
            function = read(description)
            _require_free_route(function, functions)
        except IndexingError as error:
            errors.append(error)
        else:
            functions.append(function)
    return functions, errors


def read_function(path: Path, *, route_prefix: str = "api") -> Function:
    """Reads one function.json.

    Raises:
        IndexingError: it cannot be used; the reason is the text that the Functions host logs.
    """
    folder = path.parent
    name = folder.name
    _require_function_name(name)
    content = _read_json(name, path)
    with _telling_trigger(name, content.get("bindings")):
        bindings = _read_bindings(name, content.get("bindings"), f"{name}/function.json")
        return Function(
            name=name,
            folder=folder,
            script=_find_script(name, folder, content.get("scriptFile")),
            entry_point=content.get("entryPoint") or DEFAULT_ENTRY_POINT,
            bindings=bindings,
            http=_read_http(name, bindings, route_prefix),
            retry=_read_retry(name, content.get("retry")),
        )


def read_decorated(
    name: str, content: dict[str, Any], *, script: Path, code: Callable[..., Any], route_prefix: str
) -> Function:
    """Reads the description of a function that decorators made, which has the members of a function.json.

    Raises:
        IndexingError: it cannot be used.
    """
    _require_function_name(name)
    with _telling_trigger(name, content["bindings"]):
        bindings = _read_bindings(name, content["bindings"], script.name)
        return Function(
            name=name,
            folder=script.parent,
            script=script,
            entry_point=code.__name__,
            bindings=bindings,
            http=_read_http(name, bindings, route_prefix),
            retry=_read_retry(name, content.get("retry")),
            code=code,
        )


def _require_function_name(name: str) -> None:
    """Raises IndexingError unless a function can have the name."""
    if not _FUNCTION_NAME.fullmatch(name):
        raise IndexingError(name, f"'{name}' is not a valid function name.")


@contextlib.contextmanager
def _telling_trigger(function: str, entries: Any) -> Iterator[None]:
    """Lets an error tell by which trigger and name the function would have been called."""
    try:
        yield
    except IndexingError as error:
        if (trigger := _first_trigger(entries)) is not None:
            error.trigger = trigger.type
            error.durable_name = durable_name_of(trigger, function)
        raise


def _first_trigger(entries: Any) -> Binding | None:
    """The first trigger of a known type among entries that may be anything."""
    for entry in entries or ():
        members = Members(entry if isinstance(entry, dict) else {})
        name = BINDING_TYPES.get(str(members.get("type")).lower())
        if name is not None and name.endswith("Trigger"):
            return Binding("", name, Direction.IN, members)
    return None


def _read_json(function: str, path: Path) -> dict[str, Any]:
    try:
        content = read_jsonc(path)
    except ValueError as error:
        raise IndexingError(function, f"{path} is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise IndexingError(function, f"{path} is not a JSON object.")
    return content


def _read_bindings(function: str, entries: Any, source: str) -> tuple[Binding, ...]:
    if not isinstance(entries, list) or not entries:
        raise IndexingError(function, "At least one binding must be declared.")
    bindings = tuple(_read_binding(function, entry) for entry in entries)
    _require_known_types(function, bindings, source)
    _require_valid_names(function, [binding.name for binding in bindings])
    triggers = sum(binding.is_trigger for binding in bindings)
    if triggers == 0:
        raise IndexingError(
            function, "No trigger binding specified. A function must have a trigger input binding."
        )
    if triggers > 1:
        raise IndexingError(
            function, "Multiple trigger bindings defined. A function can only have a single trigger binding."
        )
    return bindings


def _read_binding(function: str, entry: Any) -> Binding:
    if not isinstance(entry, dict):
        raise IndexingError(function, f"A binding of function.json is {json.dumps(entry)}, not an object.")
    members = Members(entry)
    direction = str(members.get("direction") or Direction.IN).lower()
    if direction not in list(Direction):
        raise IndexingError(function, f"'{members['direction']}' is not a valid binding direction.")
    written = str(members.get("type") or "")
    binding = Binding(
        name=str(members.get("name") or ""),
        type=BINDING_TYPES.get(written.lower(), written),
        direction=Direction(direction),
        properties=members,
    )
    if binding.type in OUT_ONLY and binding.direction is not Direction.OUT:
        raise IndexingError(
            function, f"The binding '{binding.name}' of type '{binding.type}' can only have direction 'out'."
        )
    return binding


def _require_known_types(function: str, bindings: Iterable[Binding], source: str) -> None:
    """Refuses what the function cannot do without; a lacking output costs the output alone (ADR 49)."""
    lacking = [binding.type for binding in bindings if binding.is_lacking]
    if any(binding.is_lacking and not _is_dispensable(binding) for binding in bindings):
        known = ", ".join(sorted(set(BINDING_TYPES.values())))
        raise IndexingError(
            function,
            f"This host lacks the binding type(s) '{', '.join(lacking)}', which Azure has if the extension "
            f"bundle holds them. See {source}; this host has {known}.",
        )


def _is_dispensable(binding: Binding) -> bool:
    return bool(binding.type) and binding.direction is Direction.OUT and not binding.is_trigger


def _require_valid_names(function: str, names: Sequence[str]) -> None:
    for position, name in enumerate(names):
        if not _BINDING_NAME.fullmatch(name):
            raise IndexingError(function, f"The binding name {name} is invalid.")
        if name.lower() in (earlier.lower() for earlier in names[:position]):
            raise IndexingError(
                function, f"Multiple bindings with name '{name}' discovered. Binding names must be unique."
            )


def _find_script(function: str, folder: Path, script_file: Any) -> Path:
    if script_file:
        script = Path(folder, str(script_file)).resolve()
        if not script.is_file():
            raise IndexingError(
                function,
                "Invalid script file name configuration. "
                "The 'scriptFile' property is set to a file that does not exist.",
            )
        return script
    candidates = sorted(folder.glob("*.py"))
    if len(candidates) == 1:
        return candidates[0].resolve()
    for default in _DEFAULT_SCRIPTS:
        if folder / default in candidates:
            return (folder / default).resolve()
    raise IndexingError(
        function,
        f"{folder} holds {len(candidates)} Python files and none is named {' or '.join(_DEFAULT_SCRIPTS)}: "
        "name the one to run as 'scriptFile' in function.json.",
    )


def _read_retry(function: str, content: Any) -> RetryPolicy | None:
    try:
        return None if content is None else RetryPolicy.parse(content)
    except InvalidRetry as error:
        raise IndexingError(function, str(error)) from error


def _read_http(function: str, bindings: Iterable[Binding], route_prefix: str) -> HttpTrigger | None:
    trigger = next(binding for binding in bindings if binding.is_trigger)
    if trigger.type != "httpTrigger":
        return None
    level = trigger.properties.get("authLevel") or "function"
    if str(level).lower() not in _AUTH_LEVELS:
        raise IndexingError(
            function, f"'{level}' is not an authLevel; it may be {', '.join(sorted(_AUTH_LEVELS))}."
        )
    methods = trigger.properties.get("methods") or []
    if not isinstance(methods, list):
        raise IndexingError(function, f"'methods' is {json.dumps(methods)}, not a list of HTTP methods.")
    return HttpTrigger(
        route=_read_route(function, trigger.properties.get("route"), route_prefix),
        methods=frozenset(str(method).upper() for method in methods),
    )


def _read_route(function: str, route: Any, route_prefix: str) -> RouteTemplate:
    text = str(route or "").strip() or function
    if text.startswith("/") and route_prefix:
        raise IndexingError(
            function,
            f"The route '{text}' begins with '/', which stops a whole app on Azure unless routePrefix is "
            "empty: leave the slash out.",
        )
    if text.strip("/").lower().startswith(_RESERVED_ROUTES):
        raise IndexingError(function, "The specified route conflicts with one or more built in routes.")
    try:
        return RouteTemplate.parse(text)
    except BrokenRoute as error:
        raise IndexingError(function, str(error)) from error


def _require_free_route(function: Function, others: Iterable[Function]) -> None:
    for other in others:
        if function.http and other.http and function.http.conflicts_with(other.http):
            raise IndexingError(
                function.name,
                f"The route specified conflicts with the route defined by function '{other.name}'.",
            )
