"""Runs an orchestrator over a recorded history and finds the first place where the two disagree."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from devhost.engine.actions import Action, OrchestratorState, parse_actions
from devhost.engine.dotnet_json import to_json
from devhost.engine.episode import Episode
from devhost.engine.errors import NonDeterminismError
from devhost.engine.execution import Execution
from devhost.engine.executor import FunctionExecutor
from devhost.engine.history import EventType, HistoryEvent, parse_time
from devhost.engine.instance import Instance, RuntimeStatus
from devhost.engine.mismatch import TASK_EVENTS, describe_action, describe_event
from devhost.engine.options import HubOptions
from devhost.engine.walk import Walk
from devhost.engine.work import WorkItem


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a replay leaves its recorded history.

    Attributes:
        position: of the event in the history.
        event: that the code does not lead to, or after which it asks for more.
        reason: how the two differ, in the engine's own words.
        step: how many tasks the history holds up to there, the differing one among them.
        recorded: what the history holds there.
        asked: what the code asks for.
        instance_id: whose history it is.
        stack: the traceback of the error with which the code fails there, if it does.
    """

    position: int
    event: HistoryEvent
    reason: str
    step: int
    recorded: str
    asked: str
    instance_id: str
    stack: str = ""

    def __str__(self) -> str:
        return (
            f"Instance {self.instance_id}, step {self.step} (event {self.position} of its history):\n"
            f"  the history holds: {self.recorded}\n"
            f"  the code asks for: {self.asked}\n"
            f"  {self.reason}"
        )


async def replay(executor: FunctionExecutor, name: str, history: Sequence[HistoryEvent]) -> Difference | None:
    """Runs an orchestrator over a history of one execution; `None` if it asks for the same and ends the same.

    Raises:
        FunctionFailed: the function could not be run at all.
    """
    state = await _run(executor, name, history)
    return _Comparison(history, state).difference()


@dataclass(frozen=True, slots=True)
class Position:
    """Where an orchestrator stands at the end of a history.

    Attributes:
        has_ended: whether its code has returned or raised by then.
        error: why it has raised, if it has.
        stack: the traceback of that as text.
    """

    walk: Walk
    has_ended: bool
    error: str | None = None
    stack: str = ""


async def position_of(
    executor: FunctionExecutor, name: str, history: Sequence[HistoryEvent], starts: Callable[[Action], bool]
) -> Position | Difference:
    """Where an orchestrator stands at the end of a history, or where it leaves it.

    Args:
        executor: runs the orchestrator.
        name: of the orchestrator.
        history: of one execution.
        starts: whether an action starts anything.

    Raises:
        FunctionFailed: the function could not be run at all.
        ProtocolError: its answer is not the SDK's protocol.
    """
    state = await _run(executor, name, history)
    comparison = _Comparison(history, state, starts)
    has_ended = state.is_done or state.error is not None
    position = Position(comparison.walk, has_ended, state.error, state.stack)
    return comparison.difference() or position


class _Comparison:
    """A recorded history beside what the code asks for, event by event; `walk` is how far they agree."""

    def __init__(
        self,
        history: Sequence[HistoryEvent],
        state: OrchestratorState,
        starts: Callable[[Action], bool] = lambda _: True,
    ) -> None:
        self._history = history
        self._state = state
        self.walk = Walk(parse_actions(state.actions), starts)
        self._tasks = 0

    def difference(self) -> Difference | None:
        """The first one."""
        for position, event in enumerate(self._history):
            asked = self._asked_for(event)
            try:
                self.walk.replay([event])
            except NonDeterminismError as error:
                return self._at(position, str(error), recorded=describe_event(event), asked=asked)
            if event["EventType"] == EventType.EXECUTION_COMPLETED:
                return self._end(position, event)
        return self._open(len(self._history) - 1)

    def _asked_for(self, event: HistoryEvent) -> str:
        """What the code asks for in the place of a recorded task."""
        if event["EventType"] not in TASK_EVENTS:
            return ""
        self._tasks += 1
        task = self.walk.new_tasks.get(event["EventId"])
        return describe_action(task.action) if task else self._no_more

    @property
    def _no_more(self) -> str:
        return f"nothing: it fails with {self._state.error}" if self._state.error else "nothing more"

    def _end(self, position: int, event: HistoryEvent) -> Difference | None:
        """A recorded result must come out again; failures are compared by the fact alone."""
        result, output = event["Result"], self._state.output
        asked = self._no_more if output is None else f"the result {output}"
        if event["OrchestrationStatus"] == RuntimeStatus.COMPLETED and result != output:
            reason = f"The recorded result is {result}, the code's is {output or self._state.error}."
            return self._at(position, reason, recorded=f"the result {result}", asked=asked)
        if event["OrchestrationStatus"] == RuntimeStatus.FAILED and self._state.error is None:
            reason = "The recorded execution failed, and the code does not."
            return self._at(position, reason, recorded=f"the failure {result}", asked=asked)
        return None

    def _open(self, position: int) -> Difference | None:
        """A history that has not ended must hold everything that the code asks for by then."""
        asked = [describe_action(task.action) for task in self.walk.new_tasks.values()]
        if not asked:
            return None
        reason = f"The code asks for tasks that the history does not hold: {', '.join(asked)}."
        self._tasks += 1
        return self._at(position, reason, recorded="nothing more", asked=asked[0])

    def _at(self, position: int, reason: str, *, recorded: str, asked: str) -> Difference:
        return Difference(
            position,
            self._history[position],
            reason,
            step=self._tasks,
            recorded=recorded,
            asked=asked,
            instance_id=_started(self._history)["OrchestrationInstance"]["InstanceId"],
            stack=self._state.stack,
        )


async def _run(executor: FunctionExecutor, name: str, history: Iterable[HistoryEvent]) -> OrchestratorState:
    events = list(history)
    started = _started(events)
    instance = replace(_instance(started), name=name)
    execution = Execution(instance.execution_id, map(to_json, events), input_text=started["Input"])
    item = WorkItem(instance, execution, [], [], execution.size)
    episode = Episode(item, parse_time(events[-1]["Timestamp"]), HubOptions())
    return await episode.ask(executor)


def _started(events: Iterable[HistoryEvent]) -> HistoryEvent:
    return next(event for event in events if event["EventType"] == EventType.EXECUTION_STARTED)


def _instance(started: HistoryEvent) -> Instance:
    time = parse_time(started["Timestamp"])
    return Instance(
        instance_id=started["OrchestrationInstance"]["InstanceId"],
        execution_id=started["OrchestrationInstance"]["ExecutionId"],
        name=started["Name"],
        version=started["Version"],
        status=RuntimeStatus.RUNNING,
        output=None,
        custom_status=None,
        created_at=time,
        updated_at=time,
    )
