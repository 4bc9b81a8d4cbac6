"""Rewind: a failed execution forgets its failures and tries the failed tasks again.

What a rewind takes back stays in history as events that replay passes over.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from devhost.engine.history import EventType, HistoryEvent, forgotten


@dataclass(frozen=True, slots=True)
class Rewound:
    """The history without its failures, and the sub-orchestrations to be rewound with it."""

    history: list[HistoryEvent]
    children: list[str]


def rewind(history: Iterable[HistoryEvent]) -> Rewound:
    """Takes back the failures of activities and sub-orchestrations, and the end of the execution.

    An activity is scheduled again, so its first schedule goes too; a sub-orchestration stays scheduled and
    reports again after its own rewind.
    """
    events = list(history)
    failed_activities = _failed(events, EventType.TASK_FAILED)
    failed_children = _failed(events, EventType.SUB_ORCHESTRATION_FAILED)
    children = [event for event in events if event["EventType"] == EventType.SUB_ORCHESTRATION_CREATED]
    return Rewound(
        [forgotten(event) if _is_taken_back(event, failed_activities) else event for event in events],
        [child["InstanceId"] for child in children if child["EventId"] in failed_children],
    )


def _failed(events: list[HistoryEvent], event_type: EventType) -> set[int]:
    return {event["TaskScheduledId"] for event in events if event["EventType"] == event_type}


def _is_taken_back(event: HistoryEvent, failed_activities: set[int]) -> bool:
    match event["EventType"]:
        case EventType.TASK_FAILED | EventType.SUB_ORCHESTRATION_FAILED | EventType.EXECUTION_COMPLETED:
            return True
        case EventType.TASK_SCHEDULED:
            return event["EventId"] in failed_activities
    return False
