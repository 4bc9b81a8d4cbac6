"""What DurableTask.Core says when an orchestrator's code and its history differ, in its own words."""

from __future__ import annotations

from .actions import Action, CallActivity, CallSubOrchestrator, CreateTimer
from .history import EventType, HistoryEvent

_KINDS: dict[int, tuple[type[Action], str]] = {
    EventType.TASK_SCHEDULED: (CallActivity, "an activity task"),
    EventType.SUB_ORCHESTRATION_CREATED: (CallSubOrchestrator, "a sub-orchestration task"),
    EventType.TIMER_CREATED: (CreateTimer, "a timer task"),
}
_DOTNET_NAMES: dict[type[Action], str] = {
    CallActivity: "ScheduleTaskOrchestratorAction",
    CallSubOrchestrator: "CreateSubOrchestrationAction",
    CreateTimer: "CreateTimerOrchestratorAction",
}
_QUESTION = "Was a change made to the orchestrator code after this instance had already started running?"


def mismatch(event: HistoryEvent, asked: Action | None) -> str | None:
    """How a recorded task and what the code asks for under its id differ; `None` where they agree."""
    kind, words = _KINDS[event["EventType"]]
    scheduled = f"A previous execution of this orchestration scheduled {words} with"
    if asked is None:
        missing = "but the current replay execution hasn't (yet?) scheduled this task."
        return f"{scheduled} {_identity(event)} {missing} {_QUESTION}"
    instead = _instead(event, asked, kind, words)
    if instead is None:
        return None
    number = f"sequence number {event['EventId']} named '{event.get('Name', '')}',"
    return f"{scheduled} {number} but the current orchestration replay instead {instead} {_QUESTION}"


def _instead(event: HistoryEvent, asked: Action, kind: type[Action], words: str) -> str | None:
    if not isinstance(asked, kind):
        return f"produced a {_DOTNET_NAMES[type(asked)]} action with this sequence number."
    name: str = getattr(asked, "name", "")
    if name.lower() == event.get("Name", "").lower():
        return None
    return f"scheduled {words} named '{name}' with this sequence number. "


def _identity(event: HistoryEvent) -> str:
    if event["EventType"] == EventType.TIMER_CREATED:
        return f"sequence number {event['EventId']}"
    instance = f", instance ID '{event['InstanceId']}'" if "InstanceId" in event else ""
    version = event["Version"] or ""
    return f"sequence ID {event['EventId']} and name '{event['Name']}' (version '{version}'{instance}),"
