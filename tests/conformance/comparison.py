"""Two runs of the scenario app, field by field."""

from collections.abc import Iterator
from typing import Any

from tests.conformance.differences import Difference, differences
from tests.conformance.executions import comparable_entities, comparable_executions, learn_executions
from tests.conformance.normalise import Names, normalise
from tests.conformance.records import Exchange, Run

_HEADERS = ("Content-Type", "Location", "Retry-After", "Cache-Control", "x-ms-continuation-token")


def names_of(run: Run) -> Names:
    """What the ids of a run are called."""
    names = Names()
    for exchange in run.exchanges:
        content = exchange.content
        if exchange.name.startswith("start") and isinstance(content, dict) and "id" in content:
            names.learn_instance(content["id"], exchange.path.partition("?")[0].rpartition("/")[2])
    learn_executions(names, run.episodes)
    return names


def compare(recorded: Run, given: Run) -> Iterator[Difference]:
    """Everything in which a run differs from the recorded one."""
    before, after = _comparable(recorded), _comparable(given)
    for kind in before:
        yield from differences(before[kind], after[kind], kind)


def _comparable(run: Run) -> dict[str, Any]:
    names = names_of(run)
    return {
        "exchange": {exchange.name: _comparable_exchange(exchange, names) for exchange in run.exchanges},
        "execution": comparable_executions(run.episodes, names),
        "entity": comparable_entities(run.entities, names),
        "starter": normalise(run.starter, names),
    }


def _comparable_exchange(exchange: Exchange, names: Names) -> dict[str, Any]:
    headers = {name: exchange.headers[name] for name in _HEADERS if name in exchange.headers}
    is_empty = exchange.headers.get("Content-Length") == "0"
    return {
        "status": exchange.status,
        "headers": normalise(headers, names),
        "is empty": is_empty,
        "content": normalise(exchange.content, names),
    }
