"""Orchestrations as they went, without what the real engine leaves to chance.

Chance decides in which order parallel tasks end and how many of their completions share an episode. So an
execution is compared by the tasks it created, their completions by task, everything else that it received,
and the different answers of its code.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.conformance.normalise import Names, normalise
from tests.conformance.records import Call

_ORCHESTRATOR_STARTED, _ORCHESTRATOR_COMPLETED, _EXECUTION_STARTED = 12, 13, 0
_TASK_ID = ("TaskScheduledId", "TimerId")
_TIMES = ("Timestamp", "FireAt")
_RETRIES_SIDE_BY_SIDE = {"o-fan-retry"}  # which of them fails first decides the ids of the later attempts
_FRAME = (_ORCHESTRATOR_STARTED, _ORCHESTRATOR_COMPLETED)

Event = dict[str, Any]


def executions(episodes: Iterable[Call]) -> list[list[Call]]:
    """Episodes by execution, in the order in which the executions began."""
    found: dict[str, list[Call]] = {}
    for episode in episodes:
        found.setdefault(start_of(episode)["OrchestrationInstance"]["ExecutionId"], []).append(episode)
    return list(found.values())


def learn_executions(names: Names, episodes: Iterable[Call]) -> None:
    """Calls executions by their instance, and children that have no id of their own by their parent's."""
    generations: Counter[str] = Counter()
    for execution in executions(episodes):
        ids = start_of(execution[0])["OrchestrationInstance"]
        instance = _instance_name(names, ids["InstanceId"], execution[0].name)
        generations[instance] += 1
        names.learn(ids["ExecutionId"], f"#{generations[instance]} {instance}")


def comparable_executions(episodes: Iterable[Call], names: Names) -> dict[str, Any]:
    """Each execution, by the name it has in a comparison."""
    named = {
        names.masked(start_of(execution[0])["OrchestrationInstance"]["ExecutionId"]): execution
        for execution in executions(episodes)
    }
    return {name: _comparable(named[name], names) for name in sorted(named)}


def comparable_entities(calls: Iterable[Call], names: Names) -> dict[str, Any]:
    """Each entity's operations with their results, however they were batched, and what it then held."""
    entities: dict[str, Any] = {}
    for call in calls:
        itself, answer = call.given["self"], call.answer
        operations = zip(call.given["batch"], answer["results"], strict=True)
        entity = entities.setdefault(
            names.masked(f"{itself['name']} {itself['key']}"),
            {**_without(call.given, "batch"), "operations": []},
        )
        entity["operations"] += [{**operation, "answer": result} for operation, result in operations]
        entity["last answer"] = _without(answer, "results")
    return {name: normalise(entities[name], names) for name in sorted(entities)}


def broken_replay(execution: list[Call]) -> str | None:
    """Where an episode's history does not go on from that of the one before, if it does not.

    It begins with all events of the one before, of which those handed in so far are marked as played.
    """
    for before, after in itertools.pairwise(execution):
        known, history = before.given["history"], after.given["history"]
        fresh = begin_of_news(known)
        expected = [
            {**event, "IsPlayed": event["IsPlayed"] or position > fresh}
            for position, event in enumerate(known)
        ]
        expected += [{**event, "IsPlayed": False} for event in history[len(known) :]]
        if history != expected and not is_rewound(history):
            return f"{before.name}: expected {json.dumps(expected)}, but it is {json.dumps(history)}"
    return None


def _comparable(execution: list[Call], names: Names) -> dict[str, Any]:
    events = [event for event in execution[-1].given["history"] if event["EventType"] not in _FRAME]
    created = [event for event in events if event["EventId"] >= 0]
    completions = [event for event in events if _task_id(event) is not None]
    others = [event for event in events if event["EventId"] < 0 and _task_id(event) is None]
    answers = [json.dumps(normalise(episode.answer, names)) for episode in execution]
    content = {
        "first context": _without(execution[0].given, "history"),
        "last context": _without(execution[-1].given, "history"),
        "created": _created(created, execution[0].name),
        "completions": _completions(completions, execution[0].name),
        "received": [_without(event, "IsPlayed") for event in others],
    }
    different = [json.loads(answer) for answer, _ in itertools.groupby(answers)]
    return {**normalise(content, names), "answers": different}


def _created(events: list[Event], orchestrator: str) -> list[Event]:
    """The tasks in the order of their ids, which the records and this host share where chance has no part."""
    if orchestrator in _RETRIES_SIDE_BY_SIDE:
        return sorted((_without(event, "EventId", *_TIMES) for event in events), key=json.dumps)
    return events


def _completions(events: list[Event], orchestrator: str) -> list[Event]:
    if orchestrator in _RETRIES_SIDE_BY_SIDE:
        return sorted((_without(event, "IsPlayed", *_TASK_ID, *_TIMES) for event in events), key=json.dumps)
    return sorted((_without(event, "IsPlayed") for event in events), key=_task_id_and_type)


def _instance_name(names: Names, instance_id: str, function: str) -> str:
    """A child whose id was not given is named by its parent's execution, which its id begins with."""
    name = names.masked(instance_id)
    return name if name != instance_id else names.learn_instance(instance_id, function)


def start_of(episode: Call) -> Event:
    """The event that began the execution."""
    event: Event = next(e for e in episode.given["history"] if e["EventType"] == _EXECUTION_STARTED)
    return event


def begin_of_news(history: list[Event]) -> int:
    """The position from which on a history holds what is new in its episode."""
    return max(n for n, event in enumerate(history) if event["EventType"] == _ORCHESTRATOR_STARTED)


def is_rewound(history: list[Event]) -> bool:
    """Whether the episode begins with a rewind, which changes events of earlier ones."""
    return "Data" in history[begin_of_news(history) + 1]


def _task_id(event: Event) -> int | None:
    return next((event[name] for name in _TASK_ID if name in event), None)


def _task_id_and_type(event: Event) -> tuple[int, int]:
    return _task_id(event) or 0, event["EventType"]


def _without(content: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key not in names}
