"""What of an app works on Azure in another way than its author may think; each a sentence for the start."""

import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from devhost.app.bindings import Direction
from devhost.app.functions import WARM_UP, Function

RETRIED_TRIGGERS = frozenset({"timerTrigger", "queueTrigger", "blobTrigger"})


def surprises(functions: Sequence[Function]) -> Iterator[str]:
    """Sentences about functions, which come in the order that their routes are tried in."""
    for function in functions:
        yield from _lacking_outputs(function)
        yield from _idle_retry(function)
        yield from _row_for_partition(function)
        yield from _idle_warm_up(function)
        yield from _unasked_for_blobs(function)
    for earlier, later in itertools.combinations(functions, 2):
        yield from _hidden_route(earlier, later)


def no_functions(app_dir: Path) -> Iterator[str]:
    """A sentence about an app that has none, not even a broken one."""
    yield (
        f"0 functions loaded: no folder of {app_dir} holds a function.json, and there is no function_app.py. "
        "No job functions found. Add a function, or name the folder that holds the app."
    )


def none_registered(script: Path) -> Iterator[str]:
    """A sentence about a v2 app that registers no function."""
    yield (
        f"0 functions loaded: the app of {script.name} registers none. No job functions found. Decorate "
        "functions with @app.route(...) and its like, or call app.register_functions(blueprint)."
    )


def hidden_folders(script: Path) -> Iterator[str]:
    """A sentence about functions of the classic model beside an app of the v2 model."""
    if names := sorted(path.parent.name for path in script.parent.glob("*/function.json")):
        yield (
            f"{', '.join(names)}: not loaded, though there is a function.json, since the functions of "
            f"{script.name} alone are, as on Azure. Move the functions there, or rename {script.name}."
        )


def surprises_of_code(function: Function, code: Callable[..., Any]) -> Iterator[str]:
    """Sentences about the code of an orchestrator or entity, which the SDK calls and does not await."""
    for attribute, kind in (("orchestrator_function", "orchestrator"), ("entity_function", "entity")):
        written = getattr(code, attribute, None)
        if inspect.iscoroutinefunction(written) or inspect.isasyncgenfunction(written):
            yield (
                f"The code of the {kind} '{function.name}' never runs, on Azure neither, since it is 'async "
                "def': write 'def', and 'yield' where it waits."
            )


def _lacking_outputs(function: Function) -> Iterator[str]:
    for binding in function.bindings:
        if binding.is_lacking:
            yield (
                f"The '{function.name}' function runs without its output '{binding.name}': this host lacks "
                f"the binding type '{binding.type}', and discards the values that the function sets there."
            )


def _idle_retry(function: Function) -> Iterator[str]:
    if function.retry is not None and function.trigger.type not in RETRIED_TRIGGERS:
        yield (
            f"The 'retry' of '{function.name}' in {function.source} has no effect: a function with the "
            f"trigger '{function.trigger.type}' is called once."
        )


def _row_for_partition(function: Function) -> Iterator[str]:
    for binding in function.bindings:
        if binding.type == "table" and binding.direction is Direction.IN and binding.properties.get("rowKey"):
            yield (
                f"The rowKey of the input '{binding.name}' of '{function.name}' has no effect, as on Azure: "
                "the function gets a list of all entities of the partition. Give a filter instead, such as "
                "RowKey eq '{id}', and take the first of the list."
            )


def _idle_warm_up(function: Function) -> Iterator[str]:
    if function.trigger.type == "warmupTrigger" and not function.is_warm_up:
        yield (
            f"The warm-up function '{function.name}' is never run, as on Azure: rename it to '{WARM_UP}', "
            "the one name by which it is."
        )


def _unasked_for_blobs(function: Function) -> Iterator[str]:
    source = str(function.trigger.properties.get("source", "")).lower()
    if function.trigger.type == "blobTrigger" and source == "eventgrid":
        yield (
            f'This host looks for the blobs of \'{function.name}\' itself. With "source": "EventGrid" '
            "Azure does not: there it runs only for events of an Event Grid subscription, and not for blobs "
            "that were there before."
        )


def _hidden_route(earlier: Function, later: Function) -> Iterator[str]:
    if earlier.http is None or later.http is None or not earlier.http.shares_methods(later.http):
        return
    if earlier.http.route.hides(later.http.route):
        yield (
            f"Requests that fit the route '{later.http.route.text}' of '{later.name}' may reach "
            f"'{earlier.name}', whose route is '{earlier.http.route.text}': routes are tried in the "
            "alphabetical order of the functions' names, as on Azure. Rename a function, or constrain the "
            "route, as in {id:int}."
        )
