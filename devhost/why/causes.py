"""Finds the cause in what is known of an instance; pure, so that recorded states can be asked too."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from devhost.engine.actions import HTTP_ACTIVITY
from devhost.engine.history import EventType, HistoryEvent, parse_time
from devhost.engine.instance import RuntimeStatus
from devhost.engine.nodes import Rest
from devhost.why.events import awaited_event, misnamed_event
from devhost.why.places import told_by_failure
from devhost.why.state import CodeState, HostState, InstanceState, Why

_NOTHING = "Nothing needs to be done."
_CORRECT = "Correct it there; the host reloads the app."
_MOMENTS = timedelta(seconds=10)  # far more than the code of an orchestrator or an entity needs for a turn
_LEG = timedelta(days=3)  # of a timer of more than six days
_SCHEDULED = {
    EventType.TASK_SCHEDULED,
    EventType.SUB_ORCHESTRATION_CREATED,
    EventType.TIMER_CREATED,
}
_FAILED = {EventType.TASK_FAILED, EventType.SUB_ORCHESTRATION_FAILED}
_ENDED = {EventType.TASK_COMPLETED, EventType.SUB_ORCHESTRATION_COMPLETED, *_FAILED}


def cause(state: InstanceState, host: HostState) -> Why | None:
    """Why the instance has not ended; `None` if it has, or is an entity."""
    instance = state.instance
    if instance.status.is_terminal or instance.is_entity:
        return None
    return (
        _held_up(state, host)
        or misnamed_event(state)
        or _stranded(state)
        or _stuck_task(state, host)
        or _left_open(state)
        or _said_by_the_app(state)
        or awaited_event(state, limit=next(_timers(state), None))
        or _open_task(state, host)
        or _nothing_open(state, host)
    )


def _held_up(state: InstanceState, host: HostState) -> Why | None:
    """What keeps the code from being run at all."""
    instance = state.instance
    if host.held_back:
        return Why("function-in-error", f"No code of the app can be run: {host.held_back}", _CORRECT)
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
        return _at_work(state, host)
    if state.problem:
        return Why("function-in-error", f"Its function cannot be run: {state.problem}", _CORRECT)
    return None


def _suspended(state: InstanceState) -> Why:
    suspensions = (e for e in reversed(state.history) if e["EventType"] == EventType.EXECUTION_SUSPENDED)
    event = next(suspensions, None)
    since = f" since {event['Timestamp']}" if event else ""
    reason = f", for the reason: {event['Reason']}" if event and event.get("Reason") else ""
    sentence = f"A client has suspended it{since}{reason}."
    return Why("suspended", sentence, f"Resume it: python -m devhost resume {state.instance.instance_id}")


def _at_work(state: InstanceState, host: HostState) -> Why:
    since = host.in_hand.get(state.instance.instance_id)
    if since is not None and host.now - since > _MOMENTS:
        sentence = f"The code of its orchestrator has been running since {_text(since)} without a yield."
        remedy = "Look for a loop, a sleep or a blocking call in it; they belong into activities."
        return Why("code-hangs", sentence, remedy)
    if since is None and len(host.in_hand) >= host.turns:
        busy = ", ".join(sorted(host.in_hand))
        sentence = f"It waits for its turn: the code of {len(host.in_hand)} others runs ({busy})."
        return Why("no-turn", sentence, "Ask why these take so long.")
    return Why("at-work", "Its code runs, or is about to.", _NOTHING)


def _stranded(state: InstanceState) -> Why | None:
    """What the code waits for, and the host has never started."""
    if state.code is None:
        return None
    for kind, name in state.code.passed_over:
        return _unknown(kind, name)
    if not state.code.is_stranded:
        return None
    sentence = "Its code waits for what never completes, such as None or a timer that it has cancelled."
    return Why("standstill", sentence, "Yield a task, or return; then terminate it and start it again.")


def _stuck_task(state: InstanceState, host: HostState) -> Why | None:
    """A task that does not end by itself."""
    known = {name.lower() for name in host.activities}
    for event in _open(state):
        name = str(event.get("Name"))
        is_activity = event["EventType"] == EventType.TASK_SCHEDULED and name != HTTP_ACTIVITY
        if is_activity and name.lower() not in known:
            return _unknown("activity", name)
        if event["EventType"] == EventType.SUB_ORCHESTRATION_CREATED:
            child = str(event["InstanceId"])
            if child in state.children and state.children[child] is None:
                sentence = f"It waits for its sub-orchestration {child}, which is gone: it was purged."
                return Why("child-gone", sentence, "Terminate it, and start it again.", child=child)
    return None


def _unknown(kind: str, name: str) -> Why:
    sentence = f"It waits for the {kind} '{name}', which the app does not have, or not enabled."
    return Why(f"unknown-{kind}", sentence, "Correct the name in the code, or enable the function.")


def _left_open(state: InstanceState) -> Why | None:
    """What an orchestration that has returned still has to wait for."""
    if state.code is None or not state.code.has_ended:
        return None
    event = next(_open(state), None)
    ended = f"Its code has raised {state.code.error}" if state.code.error else "Its code has ended"
    if event is None and not state.code.events:
        return _ends_early(state.code)
    if event is None:
        names = ", ".join(f"'{name}'" for name in dict.fromkeys(state.code.events))
        sentence = f"{ended}, but a wait for the external event {names} has not."
        return Why("left-open", sentence, "Raise one event for each wait, or give the waits other names.")
    if event["EventType"] == EventType.TIMER_CREATED:
        until = parse_time(event["FireAt"])
        sentence = f"{ended}, but its timer until {_text(until)} was not cancelled."
        return Why(
            "left-open", sentence, "Cancel each timer that is no longer needed: timer.cancel().", until
        )
    sentence = f"{ended}, but '{event['Name']}', which it has started, has not."
    return Why("left-open", sentence, "Wait for it, or terminate the instance.")


def _ends_early(code: CodeState) -> Why:
    """Code that has come to its end, and has left nothing open that the instance could wait for."""
    if code.error:
        return Why("function-in-error", f"Its function cannot be run: it raises {code.error}.", _CORRECT)
    sentence = "Its code no longer waits for anything: the next event would end the instance."
    return Why("replay", sentence, "Restore the code that it began with, or raise any event.")


def _said_by_the_app(state: InstanceState) -> Why | None:
    """What the app's custom status says that it waits for."""
    if next(_timers(state), None) is None:
        return None  # a status stays when the work goes on
    held, waiting = (_member(state.instance.custom_status, name) for name in ("held", "waiting"))
    if isinstance(held, dict) and held.get("message"):
        return Why("held", f"The app says that it is held: {held['message']}", "See what the app says of it.")
    if not isinstance(waiting, dict) or not waiting.get("service"):
        return None
    until = waiting.get("nextTry")
    tried = f", and tries again at {until}" if until else ""
    failed = f" ({waiting['code']})" if waiting.get("code") else ""
    sentence = f"The app says that it waits for {waiting['service']}{failed}{tried}."
    return Why("service", sentence, f"See to it that {waiting['service']} answers.", until=_time(until))


def _open_task(state: InstanceState, host: HostState) -> Why | None:
    """The open task that says most: what runs or waits itself, before what is about to."""
    found = [why for event in _open(state) if (why := _task(state, host, event)) is not None]
    ranked = sorted(found, key=lambda why: why.code in ("timer", "no-slot"))
    if not ranked:
        return None
    first, more = ranked[0], len(ranked) - 1
    if not more:
        return first
    return Why(
        first.code, f"{first.sentence} {more} more tasks are open.", first.remedy, first.until, first.child
    )


def _task(state: InstanceState, host: HostState, event: HistoryEvent) -> Why | None:
    match event["EventType"]:
        case EventType.TIMER_CREATED:
            return _timer(state, event)
        case EventType.SUB_ORCHESTRATION_CREATED:
            return _child(state, host, event)
    return _activity(state, host, event)


def _timer(state: InstanceState, event: HistoryEvent) -> Why:
    until = parse_time(event["FireAt"])
    for rest in state.code.rests if state.code else ():
        if rest.timer_id == event["EventId"]:
            return _retry(rest, _failure(state, rest.task_id), until)
    is_leg = until - parse_time(event["Timestamp"]) == _LEG
    part = " That may be a part of a longer one: the SDK waits three days at a time." if is_leg else ""
    return Why("timer", f"It waits for a timer until {_text(until)}.{part}", _NOTHING, until=until)


def _retry(rest: Rest, failure: str, until: datetime) -> Why:
    if rest.failed >= rest.attempts:
        sentence = f"'{rest.name}' has failed for the last time ({rest.failed} attempts): {failure}."
        return Why("retry", sentence, _NOTHING, until=until)
    sentence = (
        f"'{rest.name}' has failed ({rest.failed} of {rest.attempts} attempts): {failure}. It is tried "
    )
    remedy = "See its log for more: python -m devhost logs ID shows the lines of an instance."
    return Why("retry", f"{sentence}again at {_text(until)}.", remedy, until=until)


def _failure(state: InstanceState, task_id: int) -> str:
    """Why a task has failed, and where."""
    failures = (e for e in state.history if e["EventType"] in _FAILED and e["TaskScheduledId"] == task_id)
    return next(map(told_by_failure, failures), "it is not known why")


def _activity(state: InstanceState, host: HostState, event: HistoryEvent) -> Why:
    name, own = str(event["Name"]), state.instance.instance_id
    what = "answer to its HTTP request" if name == HTTP_ACTIVITY else f"activity '{name}'"
    for running in host.running:
        if (running.instance_id, running.task_id) == (own, event["EventId"]):
            sentence = f"It waits for the {what}, which has been running since {_text(running.since)}."
            return Why("activity", sentence, "Wait for it; if it hangs, see its log.")
    if len(host.running) >= host.slots:
        busy = ", ".join(sorted({running.name for running in host.running}))
        sentence = f"It waits for the {what}, which has no slot: {len(host.running)} run ({busy})."
        return Why("no-slot", sentence, "Wait, or raise maxConcurrentActivityFunctions in host.json.")
    return Why("activity", f"It waits for the {what}, which is about to run or has just ended.", _NOTHING)


def _child(state: InstanceState, host: HostState, event: HistoryEvent) -> Why:
    child = str(event["InstanceId"])
    known = state.children.get(child)
    below = cause(replace(known, parent=state), host) if known else None
    sentence = f"It waits for its sub-orchestration '{event['Name']}' ({child})."
    if below is None:
        return Why("child", sentence, _NOTHING, child=child)
    return Why(below.code, f"{sentence} {below.sentence}", below.remedy, until=below.until, child=child)


def _nothing_open(state: InstanceState, host: HostState) -> Why:
    for entity, operation in state.code.asked if state.code else ():
        return _entity(entity, operation, host)
    return Why("unknown", "It has no open task, event or timer that is known.", "See its history and log.")


def _entity(entity: str, operation: str, host: HostState) -> Why:
    sentence = f"It waits for the answer of the entity {entity} to '{operation}'"
    since = host.in_hand.get(entity)
    if since is None:
        return Why("entity", f"{sentence}, which is about to take it.", _NOTHING)
    sentence = f"{sentence}, which has been at work since {_text(since)}."
    if host.now - since <= _MOMENTS:
        return Why("entity", sentence, _NOTHING)
    return Why("code-hangs", sentence, f"See its log; to give up: python -m devhost terminate {entity}")


def _open(state: InstanceState) -> Iterator[HistoryEvent]:
    """The events of the tasks that have not ended."""
    arrived = [event for due, event in state.arriving if due is None]  # which the code has not seen yet
    ended = {e.get("TaskScheduledId") for e in (*state.history, *arrived) if e["EventType"] in _ENDED}
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
