"""One episode of an orchestration: run the code over its history, walk its actions, say what follows.

    events arrive -> the orchestrator runs -> its actions are walked -> checkpoint

An instance goes through these states; only an episode moves it:

    Pending -> Running <-> Suspended
    Pending, Running, Suspended -> Completed | Failed | Terminated
    Running -> Running (continue-as-new: a new execution of the same instance)
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from . import history
from .actions import (
    OUT_OF_PROC_LABEL,
    CallActivity,
    CallSubOrchestrator,
    ContinueAsNew,
    CreateTimer,
    OrchestratorState,
    parse_failure,
    parse_state,
)
from .clock import Clock
from .errors import FunctionFailed, NonDeterminismError, ProtocolError
from .executor import FunctionExecutor
from .history import EventType, HistoryEvent, to_json
from .instance import Instance, Parent, RuntimeStatus
from .walk import Task, Walk
from .work import ActivityCall, Checkpoint, Message, NewInstance, OrchestrationWorkItem

CUSTOM_STATUS_LIMIT_KB = 16
SHORT_TIMER = "6.00:00:00"
LONG_TIMER_LEG = "3.00:00:00"
_REMEMBERED_AS_PLAYED = frozenset(EventType) - {EventType.ORCHESTRATOR_STARTED}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an instance ended: `output` is what its status shows, `details` what a parent reads too."""

    status: RuntimeStatus
    output: str | None
    details: str | None = None


class OrchestrationProcessor:
    """Turns an orchestration work item into a checkpoint; it stores nothing itself."""

    def __init__(self, executor: FunctionExecutor, clock: Clock, default_version: str | None) -> None:
        self._executor = executor
        self._clock = clock
        self._default_version = default_version

    async def process(self, item: OrchestrationWorkItem) -> Checkpoint:
        """Runs one episode."""
        episode = Episode(item, self._clock.now())
        termination = _termination(item.new_events)
        if termination is not None:
            return episode.end(Outcome(RuntimeStatus.TERMINATED, termination["Input"]))
        name = item.instance.name
        if name.lower() not in map(str.lower, self._executor.orchestrators):
            return episode.end(_unknown_orchestrator(name, self._executor.orchestrators))
        try:
            state = await self._run(episode)
            return self._conclude(episode, state)
        except NonDeterminismError as error:
            return episode.end(Outcome(RuntimeStatus.FAILED, str(error)))
        except (ProtocolError, FunctionFailed) as error:
            return episode.end(_failure(name, str(error)))

    async def _run(self, episode: Episode) -> OrchestratorState:
        instance = episode.item.instance
        try:
            answer = await self._executor.run_orchestrator(
                instance.name, instance.instance_id, episode.context()
            )
        except FunctionFailed as failure:
            if OUT_OF_PROC_LABEL not in failure.error:
                raise
            return parse_failure(failure.error)
        return parse_state(answer)

    def _conclude(self, episode: Episode, state: OrchestratorState) -> Checkpoint:
        walk = Walk(state.actions)
        walk.replay(episode.events())
        problem = _custom_status_problem(state.custom_status) or self._unknown_function(walk)
        if problem:
            return episode.end(_failure(episode.item.instance.name, problem))
        episode.custom_status = state.custom_status
        episode.schedule(walk.new_tasks.values(), self._default_version)
        return self._advance(episode, state, walk)

    def _advance(self, episode: Episode, state: OrchestratorState, walk: Walk) -> Checkpoint:
        if walk.suspended:
            return episode.go_on(RuntimeStatus.SUSPENDED)
        if not walk.finished:
            return replace(episode.go_on(RuntimeStatus.RUNNING), awaited=walk.awaited)
        if state.error is not None:
            return episode.end(_failure(episode.item.instance.name, state.error))
        if walk.continue_as_new is not None:
            return episode.continue_as_new(walk.continue_as_new)
        if state.is_done:
            return episode.end(Outcome(RuntimeStatus.COMPLETED, state.output))
        return episode.go_on(RuntimeStatus.RUNNING)

    def _unknown_function(self, walk: Walk) -> str | None:
        """Names the first task that no function can run; Azure would leave the instance Running for ever."""
        for task in walk.new_tasks.values():
            match task.action:
                case CallActivity(name):
                    kind, known = "activity", self._executor.activities
                case CallSubOrchestrator(name):
                    kind, known = "orchestrator", self._executor.orchestrators
                case _:
                    continue
            if name.lower() not in map(str.lower, known):
                return _unknown_task(kind, name, known)
        return None


class Episode:
    """One pass of an execution's code over its history, and what it leaves behind."""

    def __init__(self, item: OrchestrationWorkItem, now: datetime) -> None:
        self.item = item
        self.now = now
        self.custom_status = item.instance.custom_status
        self._arrived = [history.orchestrator_started(now), *item.new_events]
        if item.instance.continuations and not item.history:
            # The extension begins the new execution inside the work item that ended the one before it.
            self._arrived.append(history.orchestrator_completed(now))
        self._created: list[HistoryEvent] = []
        self._activities: list[ActivityCall] = []
        self._children: list[NewInstance] = []
        self._messages: list[Message] = []

    def events(self) -> Iterable[HistoryEvent]:
        """All events so far, parsed."""
        yield from json.loads(f"[{','.join(self.item.history)}]")
        yield from self._arrived

    def context(self) -> str:
        """The text that the orchestration trigger hands to the SDK (protocol version 3)."""
        events = ",".join([*self.item.history, *map(to_json, self._arrived)])
        instance = self.item.instance
        fields = {
            "input": _parsed(instance.input),
            "instanceId": instance.instance_id,
            "isReplaying": bool(self.item.history),
            "parentInstanceId": instance.parent.instance_id if instance.parent else None,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 3,
            "longRunningTimerIntervalDuration": LONG_TIMER_LEG,
            "maximumShortTimerDuration": SHORT_TIMER,
            "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
        }
        return f'{{"history":[{events}],{to_json(fields)[1:]}'

    def schedule(self, tasks: Iterable[Task], default_version: str | None) -> None:
        """Records tasks that the code asks for the first time, and sends each where it is run."""
        for task in tasks:
            match task.action:
                case CallActivity():
                    self._schedule_activity(task.task_id, task.action)
                case CallSubOrchestrator():
                    self._schedule_child(task.task_id, task.action, default_version)
                case CreateTimer(fire_at):
                    self._schedule_timer(task.task_id, fire_at)

    def go_on(self, status: RuntimeStatus) -> Checkpoint:
        """The execution waits for its open tasks."""
        return self._checkpoint(replace(self.item.instance, status=status, output=self._reason()))

    def end(self, outcome: Outcome) -> Checkpoint:
        """The instance has ended: its parent is told, tasks that are still open are forgotten."""
        ended = replace(self.item.instance, status=outcome.status, output=outcome.output)
        parent = self.item.instance.parent
        if parent is not None:
            event = _message_to_parent(self.now, parent.task_id, outcome)
            self._messages.append(Message(parent.instance_id, event, parent.execution_id))
        return self._checkpoint(ended)

    def continue_as_new(self, action: ContinueAsNew) -> Checkpoint:
        """The execution gives way to the next generation, which begins with its input and nothing else."""
        instance = replace(
            self.item.instance,
            execution_id=str(uuid.uuid4()),
            generation=None,
            continuations=self.item.instance.continuations + 1,
            input=_encoded(action.input),
            created_at=self.now,
            status=RuntimeStatus.RUNNING,
        )
        start = Message(instance.instance_id, start_event(self.now, instance), instance.execution_id)
        return replace(
            self._checkpoint(instance),
            restarted=True,
            history=[],
            activities=[],
            children=[],
            messages=[start],
        )

    def _schedule_activity(self, task_id: int, action: CallActivity) -> None:
        instance = self.item.instance
        self._created.append(history.task_scheduled(self.now, task_id, action.name))
        self._activities.append(
            ActivityCall(instance.instance_id, instance.execution_id, task_id, action.name, action.input)
        )

    def _schedule_timer(self, task_id: int, fire_at: datetime) -> None:
        instance = self.item.instance
        self._created.append(history.timer_created(self.now, task_id, fire_at))
        fired = history.timer_fired(self.now, task_id, fire_at)
        self._messages.append(Message(instance.instance_id, fired, instance.execution_id, due=fire_at))

    def _schedule_child(self, task_id: int, action: CallSubOrchestrator, default_version: str | None) -> None:
        instance = self.item.instance
        child = new_instance(
            self.now,
            name=action.name,
            instance_id=action.instance_id or f"{instance.execution_id}:{task_id}",
            input_text=_encoded(action.input),
            version=action.version or default_version,
            parent=Parent(instance.instance_id, instance.execution_id, instance.name, task_id),
        )
        self._created.append(
            history.sub_orchestration_created(
                self.now,
                task_id,
                name=action.name,
                version=child.instance.version,
                instance_id=child.instance.instance_id,
            )
        )
        self._children.append(child)

    def _reason(self) -> str | None:
        """While an instance lives, its output shows the reason it was last suspended or resumed for."""
        output = self.item.instance.output
        for event in self.item.new_events:
            if event["EventType"] in (EventType.EXECUTION_SUSPENDED, EventType.EXECUTION_RESUMED):
                output = event["Reason"]
        return output

    def _checkpoint(self, instance: Instance) -> Checkpoint:
        completed = history.orchestrator_completed(self.now)
        remembered = [history.as_played(e) if _counts_as_played(e) else e for e in self._arrived]
        return Checkpoint(
            instance=replace(instance, custom_status=self.custom_status, updated_at=self.now),
            history=[to_json(event) for event in (*remembered, *self._created, completed)],
            message_ids=self.item.message_ids,
            activities=self._activities,
            children=self._children,
            messages=self._messages,
        )


def new_instance(
    now: datetime,
    *,
    name: str,
    instance_id: str,
    input_text: str | None,
    version: str | None,
    parent: Parent | None = None,
) -> NewInstance:
    """An orchestration at its beginning. A child's execution id has no dashes, as on Azure."""
    execution_id = uuid.uuid4()
    instance = Instance(
        instance_id=instance_id,
        execution_id=execution_id.hex if parent else str(execution_id),
        name=name,
        version=version,
        status=RuntimeStatus.PENDING,
        input=input_text,
        output=None,
        custom_status=None,
        created_at=now,
        updated_at=now,
        parent=parent,
        generation=None if parent else 0,
    )
    return NewInstance(instance, start_event(now, instance))


def start_event(now: datetime, instance: Instance) -> HistoryEvent:
    """The event that begins the instance's current execution."""
    return history.execution_started(
        now,
        instance_id=instance.instance_id,
        execution_id=instance.execution_id,
        name=instance.name,
        version=instance.version,
        input_text=instance.input,
        parent=instance.parent,
        generation=instance.generation,
    )


def _counts_as_played(event: HistoryEvent) -> bool:
    return event["EventType"] in _REMEMBERED_AS_PLAYED


def _termination(events: Iterable[HistoryEvent]) -> HistoryEvent | None:
    return next((e for e in events if e["EventType"] == EventType.EXECUTION_TERMINATED), None)


def _encoded(text: str | None) -> str | None:
    """The input that an orchestrator names is JSON text, and is stored as a JSON string of that text."""
    return None if text is None else to_json(text)


def _parsed(text: str | None) -> Any:
    """Stored input, parsed once; text that is no JSON stays text."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _failure(name: str, error: str) -> Outcome:
    return Outcome(
        RuntimeStatus.FAILED,
        f"Orchestrator function '{name}' failed: {error}",
        details=f"Message: {error}, StackTrace:    at {name}",
    )


def _unknown_orchestrator(name: str, known: Iterable[str]) -> Outcome:
    names = ", ".join(f"'{other}'" for other in sorted(known))
    return _failure(
        name,
        f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator function. "
        f"Additional info: The following are the known orchestrator functions: {names}.",
    )


def _unknown_task(kind: str, name: str, known: Iterable[str]) -> str:
    names = ", ".join(f"'{other}'" for other in sorted(known))
    return (
        f"The {kind} function '{name}' does not exist; the known ones are: {names}. "
        "On Azure this instance would stay Running for ever: correct the name in the orchestrator's call."
    )


def _custom_status_problem(custom_status: str | None) -> str | None:
    size_kb = len((custom_status or "").encode("utf-16-le")) // 1024
    if size_kb <= CUSTOM_STATUS_LIMIT_KB:
        return None
    return (
        "The UTF-16 size of the JSON-serialized payload must not exceed "
        f"{CUSTOM_STATUS_LIMIT_KB} KB. The current payload size is {size_kb} KB."
    )


def _message_to_parent(now: datetime, task_id: int, outcome: Outcome) -> HistoryEvent:
    if outcome.status is RuntimeStatus.COMPLETED:
        return history.sub_orchestration_completed(now, task_id, outcome.output)
    return history.sub_orchestration_failed(now, task_id, outcome.output, outcome.details)
