"""One pass of an execution's code over its history: what it is given and what it leaves behind."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from devhost.engine import history
from devhost.engine.actions import (
    OUT_OF_PROC_LABEL,
    CallActivity,
    CallEntity,
    CallSubOrchestrator,
    ContinueAsNew,
    CreateTimer,
    OrchestratorState,
    SignalEntity,
    parse_failure,
    parse_state,
)
from devhost.engine.dotnet_json import to_json
from devhost.engine.entity import request
from devhost.engine.errors import FunctionFailed
from devhost.engine.executor import FunctionExecutor, answer_of
from devhost.engine.history import EventType, HistoryEvent
from devhost.engine.instance import Instance, Parent, RuntimeStatus
from devhost.engine.nodes import Task
from devhost.engine.options import HubOptions
from devhost.engine.work import ActivityCall, Checkpoint, Message, NewInput, NewInstance, WorkItem

SHORT_TIMER = "6.00:00:00"
LONG_TIMER_LEG = "3.00:00:00"


@dataclass(frozen=True, slots=True)
class Ending:
    """How an instance ended: `output` is what its status shows, `details` what a parent reads too."""

    status: RuntimeStatus
    output: str | None
    details: str | None = None


class Episode:
    """One pass of an execution's code over its history, and what it leaves behind."""

    def __init__(self, item: WorkItem, now: datetime, options: HubOptions) -> None:
        self.item = item
        self._options = options
        self.now = now
        self.custom_status: str | None = None  # every episode sets it again
        self.arrived = [history.orchestrator_started(now), *item.new_events]
        if item.instance.continuations and not item.execution.history:
            # The extension begins the new execution inside the work item that ended the one before it.
            self.arrived.append(history.orchestrator_completed(now))
        self._created: list[HistoryEvent] = []
        self._activities: list[ActivityCall] = []
        self._children: list[NewInstance] = []
        self._messages: list[Message] = []

    def context(self) -> str:
        """The text that the orchestration trigger hands to the SDK (protocol version 3)."""
        instance, earlier = self.item.instance, self.item.execution.history
        events = ",".join([*earlier, *map(to_json, self.arrived)])
        fields = {
            "instanceId": instance.instance_id,
            "isReplaying": bool(earlier),
            "parentInstanceId": instance.parent.instance_id if instance.parent else None,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 3,
            "longRunningTimerIntervalDuration": LONG_TIMER_LEG,
            "maximumShortTimerDuration": SHORT_TIMER,
            "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
        }
        value = self.item.execution.input_json
        return f'{{"history":[{events}],"input":{value},{to_json(fields)[1:]}'

    async def ask(self, executor: FunctionExecutor) -> OrchestratorState:
        """Runs the code and reads its answer, which may be an error that the SDK wrapped.

        Raises:
            FunctionFailed: the function could not be run, or failed outside of the SDK.
            ProtocolError: the answer is not the SDK's protocol.
        """
        instance = self.item.instance
        try:
            answer = await answer_of(
                executor.run_orchestrator(instance.name, instance.instance_id, self.context())
            )
        except FunctionFailed as failure:
            if OUT_OF_PROC_LABEL not in failure.error:
                raise
            return parse_failure(failure.error, failure.stack)
        self.item.execution.answer_size = len(answer)
        return parse_state(answer)

    def schedule(self, tasks: Iterable[Task]) -> None:
        """Records tasks that the code asks for the first time, and sends each where it is run."""
        for task in tasks:
            match task.action:
                case CallActivity():
                    self._schedule_activity(task.task_id, task.action)
                case CallSubOrchestrator():
                    self._schedule_child(task.task_id, task.action)
                case CreateTimer(fire_at):
                    self._schedule_timer(task.task_id, fire_at)
                case CallEntity() | SignalEntity():
                    self._ask_entity(task.task_id, task.action)

    def go_on(self, status: RuntimeStatus) -> Checkpoint:
        """The execution waits for its open tasks."""
        waiting = replace(self.item.instance, status=status, output=self._reason())
        return replace(self._checkpoint(waiting), execution=self.item.execution)

    def end(self, outcome: Ending) -> Checkpoint:
        """The instance has ended: its parent is notified, tasks that are still open are forgotten."""
        ended = replace(self.item.instance, status=outcome.status, output=outcome.output)
        self._created.append(
            history.execution_completed(self.now, self._next_id(), outcome.status, outcome.output)
        )
        parent = self.item.instance.parent
        if parent is not None:
            event = _message_to_parent(self.now, parent.task_id, outcome)
            self._messages.append(Message(parent.instance_id, event, parent.execution_id))
        return self._checkpoint(ended)

    def continue_as_new(self, action: ContinueAsNew, carried_over: Iterable[HistoryEvent]) -> Checkpoint:
        """The execution gives way to the next generation, which begins with its input and late events.

        What it has sent to entities is on its way; its own timers end with it.
        """
        instance = replace(
            self.item.instance,
            execution_id=str(uuid.uuid4()),
            generation=None,
            continuations=self.item.instance.continuations + 1,
            created_at=self.now,
            status=RuntimeStatus.RUNNING,
        )
        value = _encoded(action.input)
        events = [start_event(self.now, instance, value), *map(history.as_unplayed, carried_over)]
        begin = [Message(instance.instance_id, event, instance.execution_id) for event in events]
        to_entities = [message for message in self._messages if message.instance_id != instance.instance_id]
        return replace(
            self._checkpoint(instance),
            input=NewInput(value),
            restarted=True,
            history=[],
            activities=[],
            children=[],
            messages=[*to_entities, *begin],
        )

    def _next_id(self) -> int:
        ids = (int(event["EventId"]) for event in (*self.arrived, *self._created))
        return 1 + max(self.item.execution.last_id, *ids)

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
        due = self._as_azure_waits(fire_at) if self._options.strict_parity else fire_at
        self._messages.append(Message(instance.instance_id, fired, instance.execution_id, due=due))

    def _as_azure_waits(self, fire_at: datetime) -> datetime:
        """A queue message is delayed by whole seconds."""
        return self.now + timedelta(seconds=(fire_at - self.now) // timedelta(seconds=1))

    def _ask_entity(self, task_id: int, action: CallEntity | SignalEntity) -> None:
        text = request(
            self.now,
            action.operation,
            _encoded(action.input),
            is_signal=isinstance(action, SignalEntity),
            caller=self.item.instance,
        )
        self._created.append(history.event_sent(self.now, task_id, action.entity_id, text))
        self._messages.append(Message(action.entity_id, history.event_raised(self.now, "op", text)))

    def _schedule_child(self, task_id: int, action: CallSubOrchestrator) -> None:
        instance = self.item.instance
        child = new_instance(
            self.now,
            name=action.name,
            instance_id=action.instance_id or f"{instance.execution_id}:{task_id}",
            input_text=_encoded(action.input),
            version=action.version or self._options.versions.default,
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
        first, *others = self.arrived
        played = [first, *map(history.as_played, others)]
        created = [*self._created, history.orchestrator_completed(self.now)]
        return Checkpoint(
            instance=replace(instance, custom_status=self.custom_status, updated_at=self.now),
            history=self.item.execution.append(played, created),
            message_ids=self.item.message_ids,
            activities=self._activities,
            children=self._children,
            fails_children=not self._options.strict_parity,
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
        output=None,
        custom_status=None,
        created_at=now,
        updated_at=now,
        parent=parent,
        generation=None if parent else 0,
    )
    return NewInstance(instance, start_event(now, instance, input_text))


def start_event(now: datetime, instance: Instance, input_text: str | None) -> HistoryEvent:
    """The event that begins the instance's current execution."""
    return history.execution_started(
        now,
        instance_id=instance.instance_id,
        execution_id=instance.execution_id,
        name=instance.name,
        version=instance.version,
        input_text=input_text,
        parent=instance.parent,
        generation=instance.generation,
    )


def _encoded(text: str | None) -> str | None:
    """The input that an orchestrator names is JSON text, and is stored as a JSON string of that text."""
    return None if text is None else to_json(text)


def _message_to_parent(now: datetime, task_id: int, outcome: Ending) -> HistoryEvent:
    if outcome.status is RuntimeStatus.COMPLETED:
        return history.sub_orchestration_completed(now, task_id, outcome.output)
    return history.sub_orchestration_failed(now, task_id, outcome.output, outcome.details)
