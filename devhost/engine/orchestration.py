"""One episode of an orchestration: run the code over its history, walk its actions, say what follows.

    events arrive -> the orchestrator runs -> its actions are walked -> checkpoint

An instance goes through these states; only an episode moves it:

    Pending -> Running <-> Suspended
    Pending, Running, Suspended -> Completed | Failed | Terminated
    Running -> Running (continue-as-new: a new execution of the same instance)
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TypeGuard

from devhost.engine.actions import Action, CallSubOrchestrator, OrchestratorState, SignalEntity
from devhost.engine.callees import called, knows
from devhost.engine.clock import Clock
from devhost.engine.episode import Ending, Episode
from devhost.engine.errors import (
    FunctionFailed,
    NonDeterminismError,
    ProtocolError,
    UnknownEntity,
    describe_error,
    unknown_function,
)
from devhost.engine.executor import FunctionExecutor
from devhost.engine.instance import Instance, RuntimeStatus, is_entity_id
from devhost.engine.options import HubOptions
from devhost.engine.traps import divergence, misunderstandings, standstill
from devhost.engine.versions import FailureStrategy
from devhost.engine.walk import Walk
from devhost.engine.work import Checkpoint, WorkItem

logger = logging.getLogger(__name__)

_LAST_RUN = 1.0  # seconds that the code of an instance gets when a client has ended it

CUSTOM_STATUS_LIMIT_KB = 16
VERSION_MISMATCH = "VersionMismatch: Orchestration version did not comply with Worker Versioning"


class OrchestrationProcessor:
    """Turns an orchestration work item into a checkpoint; it stores nothing itself."""

    def __init__(self, executor: FunctionExecutor, clock: Clock, options: HubOptions) -> None:
        self._executor = executor
        self._clock = clock
        self._options = options
        self._warned: dict[str, frozenset[str]] = {}

    async def process(self, item: WorkItem) -> Checkpoint | None:
        """Runs one episode; `None` if the instance has to wait for a host of another version."""
        episode = Episode(item, self._clock.now(), self._options)
        if not self._options.versions.accepts(item.instance.version):
            return self._refuse(episode)
        checkpoint = await self._run(episode)
        if checkpoint.instance.status.is_terminal:
            self._warned.pop(item.instance.instance_id, None)
        return checkpoint

    def give_up(self, item: WorkItem, error: BaseException) -> Checkpoint:
        """Ends an instance that the engine itself failed at, for this or any other reason."""
        episode = Episode(item, self._clock.now(), self._options)
        if (termination := item.termination) is not None:
            return episode.end(Ending(RuntimeStatus.TERMINATED, termination["Input"]))
        return episode.end(_failure(item.instance.name, f"The host failed at it: {describe_error(error)}"))

    def _refuse(self, episode: Episode) -> Checkpoint | None:
        if self._options.versions.on_mismatch is FailureStrategy.FAIL:
            return episode.end(Ending(RuntimeStatus.FAILED, VERSION_MISMATCH))
        instance = episode.item.instance
        text = "Version %s of %s does not match this host's version %s: the instance waits (%s)"
        logger.warning(
            text, instance.version, instance.name, self._options.versions.default, instance.instance_id
        )
        return None

    async def _run(self, episode: Episode) -> Checkpoint:
        name = episode.item.instance.name
        if (termination := episode.item.termination) is not None:
            return await self._terminate(episode, termination["Input"])
        if not self._is_orchestrator(name):
            return episode.end(_unknown_orchestrator(name, self._executor.orchestrators))
        try:
            state = await episode.ask(self._executor)
            return self._conclude(episode, state)
        except NonDeterminismError as error:
            return episode.end(Ending(RuntimeStatus.FAILED, str(error)))
        except (ProtocolError, FunctionFailed, UnknownEntity) as error:
            return episode.end(_failure(name, str(error)))

    async def _terminate(self, episode: Episode, reason: str | None) -> Checkpoint:
        """Ends the instance. As on Azure, the code runs once more before that, and only its status counts."""
        if self._is_orchestrator(episode.item.instance.name):
            with suppress(FunctionFailed, ProtocolError, TimeoutError):
                async with asyncio.timeout(_LAST_RUN):
                    episode.custom_status = (await episode.ask(self._executor)).custom_status
        return episode.end(Ending(RuntimeStatus.TERMINATED, reason))

    def _is_orchestrator(self, name: str) -> bool:
        return name.lower() in map(str.lower, self._executor.orchestrators)

    def _conclude(self, episode: Episode, state: OrchestratorState) -> Checkpoint:
        strict = self._options.strict_parity
        if problem := _custom_status_problem(state.custom_status):
            return episode.end(_failure(episode.item.instance.name, problem))
        episode.custom_status = state.custom_status
        starts = self._starts_of(episode.item.instance) if strict else _anything
        walk = episode.item.execution.walk(state.actions, starts)
        walk.replay(episode.arrived)
        if walk.suspended:  # the code has seen events that the walk keeps for later
            return episode.go_on(RuntimeStatus.SUSPENDED)
        if not strict and (problem := self._trap(walk, state)):
            return episode.end(_failure(episode.item.instance.name, problem))
        if not strict:
            self._warn(episode.item.instance, misunderstandings(walk, ended=_has_ended(state)))
        episode.schedule(walk.new_tasks.values())
        return self._advance(episode, state, walk)

    def _warn(self, instance: Instance, sentences: Iterable[str]) -> None:
        """Says each sentence once in the life of an instance, however often its history is replayed."""
        warned = self._warned.get(instance.instance_id, frozenset())
        news = frozenset(sentences) - warned
        for sentence in sorted(news):
            logger.warning("%s: %s (%s)", instance.name, sentence, instance.instance_id)
        if news:
            self._warned[instance.instance_id] = warned | news

    def _advance(self, episode: Episode, state: OrchestratorState, walk: Walk) -> Checkpoint:
        if not walk.finished:
            return replace(episode.go_on(RuntimeStatus.RUNNING), awaited=walk.awaited)
        if state.error is not None:
            return episode.end(_failure(episode.item.instance.name, state.error))
        if walk.continue_as_new is not None:
            return episode.continue_as_new(walk.continue_as_new, walk.carried_over)
        if state.is_done:
            return episode.end(Ending(RuntimeStatus.COMPLETED, state.output))
        return episode.go_on(RuntimeStatus.RUNNING)

    def _trap(self, walk: Walk, state: OrchestratorState) -> str | None:
        """Why Azure would leave the instance Running for ever or give it a wrong result, if it would."""
        unknown = (task.action for task in walk.new_tasks.values() if not knows(self._executor, task.action))
        asked = next(unknown, None)
        if isinstance(asked, SignalEntity):  # which Azure does not leave running
            return str(self._unknown_entity(asked))
        if asked is not None:
            return _unknown_task(*called(self._executor, asked))
        children = (task.action for task in walk.new_tasks.values())
        taken = next((c.instance_id for c in children if self._takes_an_entitys_id(c)), None)
        if taken is not None:
            return _id_of_an_entity(taken)
        return divergence(walk, ended=_has_ended(state)) or standstill(walk, ended=_has_ended(state))

    def _takes_an_entitys_id(self, action: Action) -> TypeGuard[CallSubOrchestrator]:
        if not isinstance(action, CallSubOrchestrator) or not is_entity_id(action.instance_id or ""):
            return False
        return knows(self._executor, SignalEntity(action.instance_id or "", "", None))

    def _starts_of(self, instance: Instance) -> Callable[[Action], bool]:
        """Tells which actions of an instance start anything on Azure; the others it passes over in silence.

        It raises UnknownEntity for a signal to an entity that there is none of, as that fails there too.
        """
        ancestors = {instance.instance_id.lower(), (instance.parent or instance).instance_id.lower()}

        def starts(action: Action) -> bool:
            if isinstance(action, SignalEntity) and not knows(self._executor, action):
                raise self._unknown_entity(action)
            is_own_child = isinstance(action, CallSubOrchestrator) and action.instance_id
            return knows(self._executor, action) and not (is_own_child and is_own_child.lower() in ancestors)

        return starts

    def _unknown_entity(self, action: SignalEntity) -> UnknownEntity:
        return UnknownEntity(called(self._executor, action)[1], self._executor.entities)


def _anything(_action: Action) -> bool:
    return True


def _has_ended(state: OrchestratorState) -> bool:
    return state.is_done or state.error is not None


def _failure(name: str, error: str) -> Ending:
    return Ending(
        RuntimeStatus.FAILED,
        f"Orchestrator function '{name}' failed: {error}",
        details=f"Message: {error}, StackTrace:    at {name}",
    )


def _unknown_orchestrator(name: str, known: Iterable[str]) -> Ending:
    return _failure(name, unknown_function(name, "an orchestrator", known))


def _unknown_task(kind: str, name: str, known: Iterable[str]) -> str:
    names = ", ".join(f"'{other}'" for other in sorted(known))
    return (
        f"The {kind} function '{name}' does not exist; the known ones are: {names}. "
        "On Azure this instance would stay Running for ever: correct the name in the orchestrator's call."
    )


def _id_of_an_entity(instance_id: str) -> str:
    return (
        f"A sub-orchestration should have the id '{instance_id}', an entity's: on Azure the two "
        "would get each other's messages. Give it another id."
    )


def _custom_status_problem(custom_status: str | None) -> str | None:
    size_kb = len((custom_status or "").encode("utf-16-le")) // 1024
    if size_kb <= CUSTOM_STATUS_LIMIT_KB:
        return None
    return (
        "The UTF-16 size of the JSON-serialized payload must not exceed "
        f"{CUSTOM_STATUS_LIMIT_KB} KB. The current payload size is {size_kb} KB."
    )
