"""What of an app works on Azure in another way than its author may think; each a sentence for the start."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from devhost.app.functions import Function

RETRIED_TRIGGERS = frozenset({"timerTrigger", "queueTrigger", "blobTrigger"})


def surprises(functions: Sequence[Function]) -> Iterator[str]:
    """Sentences about functions, which come in the order that their routes are tried in."""
    for function in functions:
        yield from _lacking_outputs(function)
        yield from _idle_retry(function)
    for earlier, later in itertools.combinations(functions, 2):
        yield from _hidden_route(earlier, later)


def no_functions(app_dir: Path) -> Iterator[str]:
    """A sentence about an app that has none, not even a broken one."""
    if (app_dir / "function_app.py").is_file():
        yield (
            "0 functions loaded: function_app.py is of the v2 programming model, and this host runs "
            "functions with a function.json in a folder of their own."
        )
    else:
        yield f"0 functions loaded: no folder of {app_dir} holds a function.json."


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
            f"The 'retry' of {function.name}/function.json has no effect: a function with the trigger "
            f"'{function.trigger.type}' is called once."
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
