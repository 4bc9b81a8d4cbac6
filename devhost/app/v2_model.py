"""Finds the functions of the v2 model: those that the app object of `function_app.py` says it has.

What keeps the Python worker from indexing such an app costs all of its functions, on Azure mostly without a
word; here the reason is reported, with file and line. What the host refuses costs one function alone
(ADR 55).
"""

import ast
import json
import re
import types
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.functions

from devhost.app.app_folder import AppFolder
from devhost.app.function_code import bind
from devhost.app.functions import Function, Index
from devhost.app.loader import gather, read_decorated
from devhost.app.surprises import hidden_folders, none_registered, surprises
from devhost.errors import AppIndexingError, FunctionLoadError, IndexingError
from devhost.settings.app_settings import app_setting

SCRIPT_NAME = "PYTHON_SCRIPT_FILE_NAME"

_DEFAULT_SCRIPT = "function_app.py"
_SCRIPT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\.py")
_RETRY = "retry_policy"
_WRAPPED = ("client_function", "orchestrator_function", "entity_function")  # as the durable SDK names it

Registered = Any  # a `Function` of azure.functions, which exports no type of that name
AppObject = Any  # its `FunctionRegister`, which versions before the v2 model do not have


def script_of(app_dir: Path) -> Path | None:
    """The script of an app of the v2 model; `None` if the app has none, and is of the classic model."""
    name = app_setting(SCRIPT_NAME) or ""
    script = app_dir / (name if _SCRIPT.fullmatch(name) else _DEFAULT_SCRIPT)
    return script if script.is_file() else None


def index_script(folder: AppFolder, script: Path, *, route_prefix: str = "api") -> Index:
    """Imports an app's script and reads its functions; the folder has been entered."""
    hidden = hidden_folders(script)
    try:
        functions, errors = _read(folder, script, route_prefix)
    except AppIndexingError as error:
        return Index((), (), tuple(hidden), failure=error)
    found = surprises(functions) if functions or errors else none_registered(script)
    return Index(tuple(functions), tuple(errors), (*found, *hidden))


def _read(folder: AppFolder, script: Path, route_prefix: str) -> tuple[list[Function], list[IndexingError]]:
    """The functions of a script, and errors of those that the host refuses.

    Raises:
        AppIndexingError: the worker would find none of them.
    """

    def read(registered: Registered) -> Function:
        return read_decorated(
            registered.get_function_name(),
            _content_of(registered),
            script=script,
            code=registered.get_user_function(),
            route_prefix=route_prefix,
        )

    named = [(registered.get_function_name(), registered) for registered in _functions_of(folder, script)]
    functions, errors = gather(named, read)
    for function in functions:
        _require_fit(function)
    return functions, errors


def _functions_of(folder: AppFolder, script: Path) -> list[Registered]:
    """The functions that the app object has.

    Raises:
        AppIndexingError: the script cannot be imported, or has no app object, or one with broken functions.
    """
    try:
        module = folder.import_script(script)
    except BaseException as error:  # a module may raise anything; Ctrl-C is for another thread
        raise AppIndexingError(script, folder.describe(error)) from error
    app = _app_of(module, script)
    app.functions_bindings = None  # names of an earlier index, which would pass for duplicates
    try:
        return list(app.get_functions())
    except Exception as error:
        place = _place_of(_culprit(app))
        raise AppIndexingError(script, folder.describe(error) + place) from error


def _app_of(module: types.ModuleType, script: Path) -> AppObject:
    kinds = getattr(azure.functions, "FunctionRegister", ())  # none before 1.12, which has no decorators
    names = [name for name in dir(module) if isinstance(getattr(module, name, None), kinds)]
    if not names:
        raise AppIndexingError(
            script,
            f"ValueError: Could not find top level function app instances in {script.name}, such as "
            f"app = func.FunctionApp() ({script}, line 1)",
        )
    if len(names) > 1:
        raise AppIndexingError(
            script,
            "ValueError: More than one FunctionApp or other top level function app instances are defined: "
            f"{', '.join(names)} ({script}, line {_last_line_of(names, script)})",
        )
    return getattr(module, names[0])


def _last_line_of(names: list[str], script: Path) -> int:
    """The last line on which one of some names is bound at the top of a script."""
    lines = [
        node.lineno
        for statement in ast.parse(script.read_bytes()).body
        for node in ast.walk(statement)
        if (isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Store))
        or (isinstance(node, ast.alias) and (node.asname or node.name) in names)
    ]
    return max(lines, default=1)


def _culprit(app: AppObject) -> Callable[..., Any] | None:
    """The function that keeps the app from being indexed: one without a trigger, or with a name once more."""
    registered = [builder._function for builder in app._function_builders]  # noqa: SLF001 - no public way
    seen: Counter[str] = Counter()
    for function in registered:
        seen[function.get_function_name()] += 1
        if function.get_trigger() is None or seen[function.get_function_name()] > 1:
            code: Callable[..., Any] = function.get_user_function()
            return code
    return None


def _require_fit(function: Function) -> None:
    """Checks a function's signature as the worker does.

    Raises:
        AppIndexingError: its parameters or annotations do not fit its bindings.
    """
    if function.code is None:
        return
    try:
        bind(function, function.code)
    except FunctionLoadError as error:
        raise AppIndexingError(function.script, f"{error}{_place_of(function.code)}") from error


def _place_of(code: Callable[..., Any] | None) -> str:
    """File and line of a function, in brackets."""
    for name in (*_WRAPPED, "__wrapped__"):
        code = getattr(code, name, code)
    written = getattr(code, "__code__", None)
    return f" ({written.co_filename}, line {written.co_firstlineno})" if written else ""


def _content_of(function: Registered) -> dict[str, Any]:
    """The members that a function.json of the function would have."""
    content: dict[str, Any] = json.loads(function.get_function_json())
    settings_of = getattr(function, "get_settings_dict", None)  # which the SDK has since 1.18
    retry = settings_of and settings_of(_RETRY)
    return {**content, "retry": _retry_of(retry)} if retry else content


def _retry_of(settings: dict[str, Any]) -> dict[str, Any]:
    count = str(settings.get("max_retry_count"))
    return {
        "strategy": str(settings.get("strategy")).replace("_", ""),
        "maxRetryCount": int(count) if re.fullmatch(r"-?[0-9]+", count) else count,
        "delayInterval": settings.get("delay_interval"),
        "minimumInterval": settings.get("minimum_interval"),
        "maximumInterval": settings.get("maximum_interval"),
    }
