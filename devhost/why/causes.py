"""Finds the cause in what is known of an instance; pure, so that recorded states can be asked too."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from devhost.engine.history import EventType, HistoryEvent, parse_time
from devhost.engine.instance import RuntimeStatus
from devhost.why.state import HostState, InstanceState, Why

_NOTHING = "Nothing needs to be done."
_SCHEDULED = {
    EventType.TASK_SCHEDULED,
    EventType.SUB_ORCHESTRATION_CREATED,
    EventType.TIMER_CREATED,
}
_ENDED = {
    EventType.TASK_COMPLETED,
    EventType.TASK_FAILED,
    EventType.SUB_ORCHESTRATION_COMPLETED,
    EventType.SUB_ORCHESTRATION_FAILED,
}


def cause(state: InstanceState, host: HostState) -> Why | None:
    """Why the instance has not ended; `None` if it has, or is an entity."""
    instance = state.instance
    if instance.status.is_terminal or instance.is_entity:
        return None
    return (
        _held_up(state, host)
        or _other_case(state)
        or _stuck_task(state, host)
        or _said_by_the_app(state)
        or _event(state)
        or _open_task(state, host)
        or _nothing_open(state)
    )


def _held_up(state: InstanceState, host: HostState) -> Why | None:
    """What keeps the code from being run at all."""
    instance = state.instance
    if not state.accepted:
        sentence = f"Its version is {instance.version}, which this host does not run."
        return Why("version", sentence, "Set defaultVersion in host.json, or wait for a host that runs it.")
    if instance.status is RuntimeStatus.SUSPENDED:
        return _suspended(state)
    if state.difference:
        sentence = f"Its code no longer replays its history: {state.difference}"
        return Why("replay", sentence, "Restore the code that it began with, or terminate and restart it.")
    start = next((due for due, event in state.arriving if _is_start(event)), None)
    if start is not None and start > host.now:
        return Why("scheduled", f"It is to start at {_text(start)}.", _NOTHING, until=start)
    if state.is_at_work or instance.status is RuntimeStatus.PENDING:
        return Why("at-work", "Its code runs, or waits for its turn among the orchestrators.", _NOTHING)
    if state.problem:
        remedy = "Correct the function; the host reloads it."
        return Why("function-in-error", f"Its function cannot be run: {state.problem}", remedy)
    return None


def _suspended(state: InstanceState) -> Why:
    suspensions = (e for e in reversed(state.history) if e["EventType"] == EventType.EXECUTION_SUSPENDED)
    event = next(suspensions, None)
    since = f" since {event['Timestamp']}" if event else ""
    reason = f", for the reason: {event['Reason']}" if event and event.get("Reason") else ""
    sentence = f"A client has suspended it{since}{reason}."
    return Why("suspended", sentence, f"Resume it: python -m devhost resume {state.instance.instance_id}")


def _other_case(state: InstanceState) -> Why | None:
    raised = {e["Name"] for e in state.history if e["EventType"] == EventType.EVENT_RAISED}
    for awaited in state.events:
        for name in sorted(raised - set(state.events)):
            if _letters(name) == _letters(awaited):
                sentence = f"It waits for the event '{awaited}', but '{name}' was raised."
                remedy = f"Raise it by its exact name: python -m devhost raise ID {awaited}"
                return Why("event-name", sentence, remedy.replace("ID", state.instance.instance_id))
    return None


def _stuck_task(state: InstanceState, host: HostState) -> Why | None:
    """A task that does not end by itself."""
    known = {name.lower() for name in host.activities}
    for event in _open(state):
        name = str(event.get("Name"))
        is_activity = event["EventType"] == EventType.TASK_SCHEDULED
        if is_activity and name.lower() not in known and not name.startswith("BuiltIn::"):
            sentence = f"It waits for the activity '{name}', which the app does not have, or not enabled."
            return Why("unknown-activity", sentence, "Correct the name in the code, or enable the function.")
        if event["EventType"] == EventType.SUB_ORCHESTRATION_CREATED:
            child = str(event["InstanceId"])
            if child in state.children and state.children[child] is None:
                sentence = f"It waits for its sub-orchestration {child}, which is gone: it was purged."
                return Why("child-gone", sentence, "Terminate it, and start it again.", child=child)
    return None


def _said_by_the_app(state: InstanceState) -> Why | None:
    """What the app's custom status says that it waits for."""
    waiting = _member(state.instance.custom_status, "waiting")
    if not isinstance(waiting, dict) or not waiting.get("service") or next(_timers(state), None) is None:
        return None  # a status stays when the work goes on
    until = waiting.get("nextTry")
    tried = f", and tries again at {until}" if until else ""
    failed = f" ({waiting['code']})" if waiting.get("code") else ""
    sentence = f"The app says that it waits for {waiting['service']}{failed}{tried}."
    return Why("service", sentence, f"See to it that {waiting['service']} answers.", until=_time(until))


def _event(state: InstanceState) -> Why | None:
    if not state.events:
        return None
    names = ", ".join(f"'{name}'" for name in dict.fromkeys(state.events))
    timer = next(_timers(state), None)
    limit = f", or until {_text(timer)}" if timer else ""
    sentence = f"It waits for the external event {names}{limit}."
    remedy = f"Raise it: python -m devhost raise {state.instance.instance_id} {state.events[0]}"
    return Why("event", sentence, remedy, until=timer)


def _open_task(state: InstanceState, host: HostState) -> Why | None:
    queued: Why | None = None
    for event in _open(state):
        found = _task(state, host, event)
        if found is not None and found.code != "no-slot":
            return found
        queued = queued or found
    return queued


def _task(state: InstanceState, host: HostState, event: HistoryEvent) -> Why | None:
    match event["EventType"]:
        case EventType.TIMER_CREATED:
            until = parse_time(event["FireAt"])
            return Why("timer", f"It waits for a timer until {_text(until)}.", _NOTHING, until=until)
        case EventType.SUB_ORCHESTRATION_CREATED:
            return _child(state, host, event)
    return _activity(state, host, event)


def _activity(state: InstanceState, host: HostState, event: HistoryEvent) -> Why:
    name, own = event["Name"], state.instance.instance_id
    for running in host.running:
        if (running.instance_id, running.task_id) == (own, event["EventId"]):
            sentence = f"The activity '{name}' has been running since {_text(running.since)}."
            return Why("activity", sentence, "Wait for it; if it hangs, see its log.")
    if len(host.running) >= host.slots:
        busy = ", ".join(sorted({running.name for running in host.running}))
        sentence = f"The activity '{name}' waits for a slot: {len(host.running)} run ({busy})."
        return Why("no-slot", sentence, "Wait, or raise maxConcurrentActivityFunctions in host.json.")
    return Why("activity", f"The activity '{name}' is about to run, or has just ended.", _NOTHING)


def _child(state: InstanceState, host: HostState, event: HistoryEvent) -> Why:
    child = str(event["InstanceId"])
    known = state.children.get(child)
    below = cause(known, host) if known else None
    sentence = f"It waits for its sub-orchestration '{event['Name']}' ({child})."
    if below is None:
        return Why("child", sentence, _NOTHING, child=child)
    return Why(below.code, f"{sentence} {below.sentence}", below.remedy, until=below.until, child=child)


def _nothing_open(state: InstanceState) -> Why:
    asked = {e["InstanceId"] for e in state.history if e["EventType"] == EventType.EVENT_SENT}
    if asked:
        sentence = f"It may wait for an answer of the entity {', '.join(sorted(asked))}."
        return Why("entity", sentence, "See the log of that entity.")
    sentence = "It has no open task, event or timer that is known."
    return Why("unknown", sentence, "See its history and log.")


def _open(state: InstanceState) -> Iterator[HistoryEvent]:
    """The events of the tasks that have not ended."""
    ended = {e.get("TaskScheduledId") for e in state.history if e["EventType"] in _ENDED}
    ended |= {e["TimerId"] for e in state.history if e["EventType"] == EventType.TIMER_FIRED}
    for event in state.history:
        if event["EventType"] in _SCHEDULED and event["EventId"] not in ended:
            yield event


def _timers(state: InstanceState) -> Iterator[datetime]:
    for event in _open(state):
        if event["EventType"] == EventType.TIMER_CREATED:
            yield parse_time(event["FireAt"])


def _is_start(event: HistoryEvent) -> bool:
    return bool(event["EventType"] == EventType.EXECUTION_STARTED)


def _letters(name: str) -> str:
    """A name without what people mistype most: case, spaces and dashes."""
    return "".join(filter(str.isalnum, name)).lower()


def _member(text: str | None, name: str) -> Any:
    try:
        value = json.loads(text or "null")
    except ValueError:
        return None
    return value.get(name) if isinstance(value, dict) else None


def _time(text: Any) -> datetime | None:
    try:
        return parse_time(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _text(when: datetime) -> str:
    return when.isoformat(timespec="seconds")
