"""An instance's history as HTTP clients see it: names for numbers, and a task's schedule merged into its end.

The raw history, which orchestrators get, is the engine's; section 2 of the protocol notes has this form.
"""

import functools
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from devhost.engine.dotnet_json import parse, to_json
from devhost.engine.history import EventType

_LARGE: Final = 100_000  # characters, which take a millisecond or two to read and write again
_NAMES = {
    0: "ExecutionStarted",
    1: "ExecutionCompleted",
    2: "ExecutionFailed",
    3: "ExecutionTerminated",
    4: "TaskScheduled",
    5: "TaskCompleted",
    6: "TaskFailed",
    7: "SubOrchestrationInstanceCreated",
    8: "SubOrchestrationInstanceCompleted",
    9: "SubOrchestrationInstanceFailed",
    10: "TimerCreated",
    11: "TimerFired",
    12: "OrchestratorStarted",
    13: "OrchestratorCompleted",
    14: "EventSent",
    15: "EventRaised",
    16: "ContinueAsNew",
    17: "GenericEvent",
    18: "HistoryState",
    19: "ExecutionSuspended",
    20: "ExecutionResumed",
}
_SCHEDULED = (EventType.TASK_SCHEDULED, EventType.SUB_ORCHESTRATION_CREATED)
_EPISODES = (EventType.ORCHESTRATOR_STARTED, EventType.ORCHESTRATOR_COMPLETED)
_WITH_RESULT = (
    EventType.TASK_COMPLETED,
    EventType.SUB_ORCHESTRATION_COMPLETED,
    EventType.EXECUTION_COMPLETED,
)
_INTERNAL = {
    EventType.EXECUTION_STARTED: ("OrchestrationInstance", "ParentInstance", "Version", "Tags"),
    EventType.TIMER_FIRED: ("TimerId",),
    EventType.TASK_SCHEDULED: ("Version",),
    EventType.SUB_ORCHESTRATION_CREATED: ("Version",),
}


def with_start_times(history: list[dict[str, Any]], starts: Mapping[int, datetime]) -> list[dict[str, Any]]:
    """The history with the times at which its activities began to run, which is this host's own addition."""
    times = {task_id: time.isoformat() for task_id, time in starts.items()}
    return [
        {**event, "StartedTime": times[task_id]} if (task_id := _activity_of(event)) in times else event
        for event in history
    ]


def history_events(
    history: list[dict[str, Any]], *, show_input: bool, show_output: bool
) -> list[dict[str, Any]]:
    """The history in the form of the status answer's `historyEvents`."""
    scheduled = {event["EventId"]: event for event in history if event["EventType"] in _SCHEDULED}
    ended = {event.get("TaskScheduledId") for event in history}
    return [
        _view(event, scheduled, show_input=show_input, show_output=show_output)
        for event in history
        if event["EventType"] not in _EPISODES
        and not (event["EventType"] in _SCHEDULED and event["EventId"] in ended)
    ]


def parse_stored(text: str | None) -> Any:
    """A stored JSON text as its value; a text that is none, such as a reason given in words, as itself."""
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError:
        return text.strip()


def written(stored: str | None) -> str:
    """A stored text as answers have it; a large one is read once, and not for every look at its instance."""
    if stored is not None and len(stored) >= _LARGE:
        return _written(stored)
    return to_json(parse_stored(stored))


@functools.lru_cache(maxsize=4)
def _written(stored: str) -> str:
    text = to_json(parse_stored(stored))
    return stored if text == stored else text  # one text in memory, not two


def _activity_of(event: dict[str, Any]) -> int | None:
    """The task id of the activity that the event is of, if it is of one."""
    match event["EventType"]:
        case EventType.TASK_SCHEDULED:
            return int(event["EventId"])
        case EventType.TASK_COMPLETED | EventType.TASK_FAILED:
            return int(event["TaskScheduledId"])
    return None


def _view(
    event: dict[str, Any], scheduled: dict[int, dict[str, Any]], *, show_input: bool, show_output: bool
) -> dict[str, Any]:
    event_type = event["EventType"]
    hidden = {"EventId", "IsPlayed", "TaskScheduledId", *_INTERNAL.get(event_type, ())}
    view = {key: value for key, value in event.items() if key not in hidden}
    view["EventType"] = _NAMES[event_type]
    if event_type == EventType.EXECUTION_STARTED:
        view["FunctionName"] = view.pop("Name")
    if event_type in _WITH_RESULT and show_output:
        view["Result"] = parse_stored(event.get("Result"))
    if (schedule := scheduled.get(event.get("TaskScheduledId", -1))) is not None:
        view["ScheduledTime"] = schedule["Timestamp"].replace("Z", "+00:00")
        view["FunctionName"] = schedule["Name"]
        view["Input"] = schedule.get("Input")
    if not show_input:
        view.pop("Input", None)
    if event_type in _WITH_RESULT and not show_output:
        view.pop("Result", None)
    return view
