"""What DurableTask.Core says when an orchestrator's code and its history differ, in its own words."""

from dataclasses import dataclass

from devhost.engine.actions import (
    Action,
    CallActivity,
    CallEntity,
    CallSubOrchestrator,
    CreateTimer,
    SignalEntity,
)
from devhost.engine.history import EventType, HistoryEvent

_SCHEDULED = "A previous execution of this orchestration scheduled"
_MISSING = "the current replay execution hasn't (yet?) scheduled this task."
_INSTEAD = "the current orchestration replay instead"
_QUESTION = "Was a change made to the orchestrator code after this instance had already started running?"
_CHILD = (
    "a sub-orchestration task with sequence ID {id} and name '{name}' "
    "(version '{version}', instance ID '{instance}'), but"
)


@dataclass(frozen=True, slots=True)
class _Texts:
    """The texts of one kind of task: not asked for, another kind asked for, another name asked for."""

    actions: type[Action] | tuple[type[Action], ...]
    missing: str
    other_kind: str
    other_name: str = ""


_TEXTS: dict[int, _Texts] = {
    EventType.TASK_SCHEDULED: _Texts(
        CallActivity,
        "an activity task with sequence ID {id} and name '{name}' (version '{version}'), "
        f"but {_MISSING}",
        f"an activity task with sequence number {{id}} named '{{name}}', but {_INSTEAD} "
        "produced a {action} action with this sequence number.",
        f"an activity task with sequence number {{id}} named '{{name}}', but {_INSTEAD} "
        "scheduled an activity task named '{asked}' with this sequence number. ",
    ),
    EventType.TIMER_CREATED: _Texts(
        CreateTimer,
        f"a timer task with sequence number {{id}} but {_MISSING}",
        f"a timer task with sequence number {{id}} named but {_INSTEAD} "
        "produced a {action} action with this sequence number.",
    ),
    EventType.SUB_ORCHESTRATION_CREATED: _Texts(
        CallSubOrchestrator,
        f"{_CHILD} {_MISSING}",
        f"{_CHILD} {_INSTEAD} produced a {{action}} action at this sequence number.",
        f"{_CHILD} {_INSTEAD} "
        "scheduled a sub-orchestration task with name {asked} at this sequence number.",
    ),
    EventType.EVENT_SENT: _Texts(
        (CallEntity, SignalEntity),
        "a send event task with sequence ID {id}, type 'EventSent' name '{name}', "
        f"instance ID '{{instance}}', but {_MISSING}",
        "a send event task with sequence ID {id}, type 'EventSent', name '{name}', "
        f"instance ID '{{instance}}', but {_INSTEAD} scheduled a {{action}} task at this sequence number.",
    ),
}

_DOTNET_NAMES: dict[type[Action], str] = {
    CallActivity: "ScheduleTaskOrchestratorAction",
    CallSubOrchestrator: "CreateSubOrchestrationAction",
    CreateTimer: "CreateTimerOrchestratorAction",
    CallEntity: "SendEventOrchestratorAction",
    SignalEntity: "SendEventOrchestratorAction",
}


TASK_EVENTS = frozenset(_TEXTS)
"""The types of the events that record what the code asked for."""

_NOUNS: dict[int, str] = {
    EventType.TASK_SCHEDULED: "activity {Name}",
    EventType.TIMER_CREATED: "a timer",
    EventType.SUB_ORCHESTRATION_CREATED: "sub-orchestration {Name}",
    EventType.EVENT_SENT: "entity {InstanceId}",
}


def describe_event(event: HistoryEvent) -> str:
    """What a history holds, in a few words."""
    return _NOUNS[event["EventType"]].format_map(event)


def describe_action(action: Action) -> str:
    """What the code asks for, in the same words."""
    match action:
        case CallActivity(name):
            return f"activity {name}"
        case CallSubOrchestrator(name):
            return f"sub-orchestration {name}"
        case CallEntity(entity_id) | SignalEntity(entity_id):
            return f"entity {entity_id}"
    return "a timer"


def mismatch(event: HistoryEvent, asked: Action | None) -> str | None:
    """How a recorded task and what the code asks for under its id differ; `None` where they agree."""
    text = _text(event, asked)
    if not text:
        return None
    told = text.format(
        id=event["EventId"],
        name=event.get("Name"),
        version=event.get("Version") or "",
        instance=event.get("InstanceId"),
        action=_DOTNET_NAMES[type(asked)] if asked else None,
        asked=getattr(asked, "name", None),
    )
    return f"{_SCHEDULED} {told} {_QUESTION}"


def _text(event: HistoryEvent, asked: Action | None) -> str:
    texts = _TEXTS[event["EventType"]]
    if asked is None:
        return texts.missing
    if not isinstance(asked, texts.actions):
        return texts.other_kind
    name = getattr(asked, "name", None)
    same_name = name is None or name.lower() == event["Name"].lower()
    return "" if same_name else texts.other_name
