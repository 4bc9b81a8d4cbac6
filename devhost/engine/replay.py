"""Runs an orchestrator over a recorded history and finds the first place where the two disagree."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from devhost.engine.actions import OrchestratorState, parse_actions
from devhost.engine.dotnet_json import to_json
from devhost.engine.episode import Episode
from devhost.engine.errors import NonDeterminismError
from devhost.engine.execution import Execution
from devhost.engine.executor import FunctionExecutor
from devhost.engine.history import EventType, HistoryEvent, parse_time
from devhost.engine.instance import Instance, RuntimeStatus
from devhost.engine.options import HubOptions
from devhost.engine.walk import Walk
from devhost.engine.work import WorkItem


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a replay leaves its recorded history: the event's place in it, and how."""

    position: int
    event: HistoryEvent
    reason: str


async def replay(executor: FunctionExecutor, name: str, history: Sequence[HistoryEvent]) -> Difference | None:
    """Runs an orchestrator over a history of one execution; `None` if it asks for the same and ends the same.

    Raises:
        FunctionFailed: the function could not be run at all.
    """
    state = await _run(executor, name, history)
    walk = Walk(parse_actions(state.actions))
    for position, event in enumerate(history):
        try:
            walk.replay([event])
        except NonDeterminismError as error:
            return Difference(position, event, str(error))
        if event["EventType"] == EventType.EXECUTION_COMPLETED:
            return _compare_end(position, event, state)
    return _compare_open(len(history) - 1, history[-1], walk)


async def _run(executor: FunctionExecutor, name: str, history: Iterable[HistoryEvent]) -> OrchestratorState:
    events = list(history)
    started = next(event for event in events if event["EventType"] == EventType.EXECUTION_STARTED)
    instance = replace(_instance(started), name=name)
    item = WorkItem(instance, Execution(instance.execution_id, map(to_json, events)), [], [])
    episode = Episode(item, parse_time(events[-1]["Timestamp"]), HubOptions())
    return await episode.ask(executor)


def _instance(started: HistoryEvent) -> Instance:
    time = parse_time(started["Timestamp"])
    return Instance(
        instance_id=started["OrchestrationInstance"]["InstanceId"],
        execution_id=started["OrchestrationInstance"]["ExecutionId"],
        name=started["Name"],
        version=started["Version"],
        status=RuntimeStatus.RUNNING,
        input=started["Input"],
        output=None,
        custom_status=None,
        created_at=time,
        updated_at=time,
    )


def _compare_end(position: int, event: HistoryEvent, state: OrchestratorState) -> Difference | None:
    """A recorded result must come out again; failures are compared by the fact alone."""
    if event["OrchestrationStatus"] == RuntimeStatus.COMPLETED and event["Result"] != state.output:
        reason = f"The recorded result is {event['Result']}, the code's is {state.output or state.error}."
        return Difference(position, event, reason)
    if event["OrchestrationStatus"] == RuntimeStatus.FAILED and state.error is None:
        return Difference(position, event, "The recorded execution failed, and the code does not.")
    return None


def _compare_open(position: int, event: HistoryEvent, walk: Walk) -> Difference | None:
    """A history that has not ended must hold everything that the code asks for by then."""
    asked = [task.action for task in walk.new_tasks.values()]
    if not asked:
        return None
    return Difference(position, event, f"The code asks for tasks that the history does not hold: {asked}")
