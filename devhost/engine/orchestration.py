"""One episode of an orchestration: run the code over its history, walk its actions, say what follows.

    events arrive -> the orchestrator runs -> its actions are walked -> checkpoint

An instance goes through these states; only an episode moves it:

    Pending -> Running <-> Suspended
    Pending, Running, Suspended -> Completed | Failed | Terminated
    Running -> Running (continue-as-new: a new execution of the same instance)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .actions import (
    OUT_OF_PROC_LABEL,
    CallActivity,
    CallEntity,
    CallSubOrchestrator,
    OrchestratorState,
    SignalEntity,
    parse_failure,
    parse_state,
)
from .clock import Clock
from .episode import Episode, Outcome
from .errors import FunctionFailed, NonDeterminismError, ProtocolError
from .executor import FunctionExecutor
from .history import EventType, HistoryEvent
from .instance import RuntimeStatus
from .walk import Walk
from .work import Checkpoint, WorkItem

CUSTOM_STATUS_LIMIT_KB = 16


class OrchestrationProcessor:
    """Turns an orchestration work item into a checkpoint; it stores nothing itself."""

    def __init__(self, executor: FunctionExecutor, clock: Clock, default_version: str | None) -> None:
        self._executor = executor
        self._clock = clock
        self._default_version = default_version

    async def process(self, item: WorkItem) -> Checkpoint:
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
                case CallEntity(entity_id) | SignalEntity(entity_id):
                    kind, known, name = "entity", self._executor.entities, entity_id.split("@")[1]
                case _:
                    continue
            if name.lower() not in map(str.lower, known):
                return _unknown_task(kind, name, known)
        return None


def _termination(events: Iterable[HistoryEvent]) -> HistoryEvent | None:
    return next((e for e in events if e["EventType"] == EventType.EXECUTION_TERMINATED), None)


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
