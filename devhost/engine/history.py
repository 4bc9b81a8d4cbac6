"""History events: their types and their JSON, as the Durable extension hands them to the SDK.

An event is a dict in wire form. Events that carry an `EventId` of 0 or more record that the orchestrator
created a task; events that refer to one complete it. Field names and order follow the recorded engine.
"""

import enum
from datetime import UTC, datetime
from typing import Any

from devhost.engine.instance import Parent

HistoryEvent = dict[str, Any]


class EventType(enum.IntEnum):
    """The numbers that stand for event types on the wire."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_CREATED = 7
    SUB_ORCHESTRATION_COMPLETED = 8
    SUB_ORCHESTRATION_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15
    GENERIC = 17
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20


def format_time(time: datetime) -> str:
    """A UTC time as the protocol writes it; the texts sort as the times do."""
    utc = time if time.tzinfo is UTC else time.astimezone(UTC)
    return f"{utc.isoformat(timespec='microseconds').removesuffix('+00:00')}Z"


def parse_time(text: str) -> datetime:
    """The time that a protocol text names; without an offset it is UTC."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def as_played(event: HistoryEvent) -> HistoryEvent:
    """The event as episodes after the one that it arrived in see it."""
    return {**event, "IsPlayed": True}


def as_unplayed(event: HistoryEvent) -> HistoryEvent:
    """The event as the next execution gets it, which has not seen it yet."""
    return {**event, "IsPlayed": False}


def succeeded_task(event: HistoryEvent) -> int | None:
    """The id of the task that the event reports as done, if it reports one."""
    match event["EventType"]:
        case EventType.TASK_COMPLETED | EventType.SUB_ORCHESTRATION_COMPLETED:
            return int(event["TaskScheduledId"])
        case EventType.TIMER_FIRED:
            return int(event["TimerId"])
    return None


def _event(event_type: EventType, now: datetime, *, event_id: int = -1, **fields: Any) -> HistoryEvent:
    return {
        "EventType": int(event_type),
        **fields,
        "EventId": event_id,
        "IsPlayed": False,
        "Timestamp": format_time(now),
    }


def orchestrator_started(now: datetime) -> HistoryEvent:
    """An episode begins; its time is the orchestrator's `current_utc_datetime`."""
    return _event(EventType.ORCHESTRATOR_STARTED, now)


def orchestrator_completed(now: datetime) -> HistoryEvent:
    """An episode ends."""
    return _event(EventType.ORCHESTRATOR_COMPLETED, now)


def execution_started(
    now: datetime,
    *,
    instance_id: str,
    execution_id: str,
    name: str,
    version: str | None,
    input_text: str | None,
    parent: Parent | None,
    generation: int | None,
) -> HistoryEvent:
    """An execution begins: the first of an instance, or the next generation after continue-as-new."""
    event = _event(
        EventType.EXECUTION_STARTED,
        now,
        ParentInstance=_parent_instance(parent),
        Name=name,
        Version=version,
        Input=input_text,
        Tags=None,
        Correlation=None,
        ParentTraceContext=None,
        ScheduledStartTime=None,
        Generation=generation,
        GenerateNewTrace=False,
    )
    return {"OrchestrationInstance": {"InstanceId": instance_id, "ExecutionId": execution_id}, **event}


def _parent_instance(parent: Parent | None) -> dict[str, Any] | None:
    if parent is None:
        return None
    return {
        "Name": parent.name,
        "OrchestrationInstance": {"InstanceId": parent.instance_id, "ExecutionId": parent.execution_id},
        "TaskScheduleId": parent.task_id,
        "Version": None,
    }


def task_scheduled(now: datetime, task_id: int, name: str) -> HistoryEvent:
    """An activity was scheduled."""
    return _event(
        EventType.TASK_SCHEDULED,
        now,
        event_id=task_id,
        Name=name,
        Version="",
        Input=None,
        ParentTraceContext=None,
        Tags=None,
    )


def task_completed(now: datetime, task_id: int, result: str | None) -> HistoryEvent:
    """An activity returned; `result` is JSON text."""
    return _event(EventType.TASK_COMPLETED, now, TaskScheduledId=task_id, Result=result)


def task_failed(now: datetime, task_id: int, reason: str, details: str) -> HistoryEvent:
    """An activity raised."""
    return _event(
        EventType.TASK_FAILED,
        now,
        TaskScheduledId=task_id,
        Reason=reason,
        Details=details,
        FailureDetails=None,
    )


def sub_orchestration_created(
    now: datetime, task_id: int, *, name: str, version: str | None, instance_id: str
) -> HistoryEvent:
    """A sub-orchestration was started."""
    return _event(
        EventType.SUB_ORCHESTRATION_CREATED,
        now,
        event_id=task_id,
        Name=name,
        Version=version,
        InstanceId=instance_id,
        Input=None,
        ClientSpanId=None,
        Tags=None,
    )


def sub_orchestration_completed(now: datetime, task_id: int, result: str | None) -> HistoryEvent:
    """A sub-orchestration returned; `result` is JSON text."""
    return _event(EventType.SUB_ORCHESTRATION_COMPLETED, now, TaskScheduledId=task_id, Result=result)


def sub_orchestration_failed(
    now: datetime, task_id: int, reason: str | None, details: str | None
) -> HistoryEvent:
    """A sub-orchestration failed or was terminated."""
    return _event(
        EventType.SUB_ORCHESTRATION_FAILED,
        now,
        TaskScheduledId=task_id,
        Reason=reason,
        Details=details,
        FailureDetails=None,
    )


def timer_created(now: datetime, task_id: int, fire_at: datetime) -> HistoryEvent:
    """A durable timer was set."""
    return _event(EventType.TIMER_CREATED, now, event_id=task_id, FireAt=format_time(fire_at))


def timer_fired(now: datetime, task_id: int, fire_at: datetime) -> HistoryEvent:
    """A durable timer is due; made when the timer is set and delivered at `fire_at`."""
    return _event(EventType.TIMER_FIRED, now, TimerId=task_id, FireAt=format_time(fire_at))


def event_sent(now: datetime, task_id: int, receiver: str, message: str) -> HistoryEvent:
    """A request was sent to an entity; `message` is JSON text."""
    return _event(EventType.EVENT_SENT, now, event_id=task_id, InstanceId=receiver, Name="op", Input=message)


def event_raised(now: datetime, name: str, data: str) -> HistoryEvent:
    """An external event arrived; `data` is JSON text."""
    return _event(EventType.EVENT_RAISED, now, Name=name, Input=data, ParentTraceContext=None)


def execution_completed(now: datetime, task_id: int, status: str, result: str | None) -> HistoryEvent:
    """The execution has ended; takes the id that the next task would have had."""
    return _event(
        EventType.EXECUTION_COMPLETED,
        now,
        event_id=task_id,
        OrchestrationStatus=status,
        Result=result,
        FailureDetails=None,
    )


def generic(now: datetime, data: str | None) -> HistoryEvent:
    """An event that replay passes over; a rewind is recorded as one."""
    return {"Data": data, **_event(EventType.GENERIC, now)}


def forgotten(event: HistoryEvent) -> HistoryEvent:
    """What a rewind makes of an event that must not count any more."""
    kept = {key: event[key] for key in ("EventId", "IsPlayed", "Timestamp")}
    return {"Data": None, "EventType": int(EventType.GENERIC), **kept}


def execution_terminated(now: datetime, reason: str | None) -> HistoryEvent:
    """A client ends the instance at once."""
    return _event(EventType.EXECUTION_TERMINATED, now, Input=reason)


def execution_suspended(now: datetime, reason: str | None) -> HistoryEvent:
    """A client asks the instance to stop taking events."""
    return _event(EventType.EXECUTION_SUSPENDED, now, Reason=reason)


def execution_resumed(now: datetime, reason: str | None) -> HistoryEvent:
    """A client asks the instance to go on."""
    return _event(EventType.EXECUTION_RESUMED, now, Reason=reason)
