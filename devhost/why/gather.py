"""Gathers what a running hub knows of an instance, its sub-orchestrations included.

ADR 65 has the reasons.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace

from devhost.engine.actions import Action, CallEntity, WaitForExternalEvent, WhenAll, WhenAny
from devhost.engine.callees import called
from devhost.engine.errors import FunctionFailed, InstanceNotFound, ProtocolError
from devhost.engine.history import EventType
from devhost.engine.instance import RuntimeStatus
from devhost.engine.nodes import EventWait, Node, Rest, Retry, Task
from devhost.engine.replay import Difference, Position, position_of
from devhost.engine.task_hub import TaskHub
from devhost.engine.traps import standstill
from devhost.why.causes import cause
from devhost.why.places import told_with_place
from devhost.why.state import CodeState, HostState, InstanceState, Running, Why

_DEPTH = 20  # sub-orchestrations below each other
_PATIENCE = 2.0  # seconds that an orchestrator's code gets to say what it waits for


async def why(hub: TaskHub, instance_id: str) -> Why | None:
    """Why an instance has not ended; `None` if it has.

    Raises:
        InstanceNotFound: there is no such instance.
    """
    state = await _state(hub, instance_id, _DEPTH)
    if state is None:
        raise InstanceNotFound(instance_id)
    if (parent := state.instance.parent) is not None:
        state = replace(state, parent=await _state(hub, parent.instance_id, depth=0))
    return cause(state, _host(hub))


def _host(hub: TaskHub) -> HostState:
    options = hub.options
    return HostState(
        hub.now,
        hub.executor.activities,
        options.max_concurrent_activities,
        options.max_concurrent_orchestrators,
        tuple(Running(call.instance_id, call.task_id, call.name, at) for call, at in hub.running),
        hub.in_hand,
        hub.held_back,
    )


async def _state(hub: TaskHub, instance_id: str, depth: int) -> InstanceState | None:
    instance = await hub.get_instance(instance_id)
    if instance is None or instance.status.is_terminal or instance.is_entity:
        return None if instance is None else InstanceState(instance)
    history = tuple(await hub.get_history(instance_id))
    created = [e["InstanceId"] for e in history if e["EventType"] == EventType.SUB_ORCHESTRATION_CREATED]
    state = InstanceState(
        instance,
        history,
        arriving=tuple(await hub.get_messages(instance_id)),
        is_at_work=hub.is_at(instance_id),
        accepted=hub.options.versions.accepts(instance.version),
        children={child: await _state(hub, child, depth - 1) for child in created if depth},
    )
    return await _asked(hub, state) if _can_be_asked(state) else state


def _can_be_asked(state: InstanceState) -> bool:
    is_idle = state.instance.status is RuntimeStatus.RUNNING and not state.is_at_work
    return is_idle and state.accepted and bool(state.history)


async def _asked(hub: TaskHub, state: InstanceState) -> InstanceState:
    """With what the code itself waits for: it is run over its history once more, which changes nothing."""
    try:
        async with asyncio.timeout(_PATIENCE):
            position = await position_of(hub.executor, state.instance.name, state.history, hub.starts)
    except TimeoutError:
        problem = f"its code has not answered within {_PATIENCE:g} seconds."
        return replace(state, problem=problem)
    except (FunctionFailed, ProtocolError) as error:
        stack = error.stack if isinstance(error, FunctionFailed) else ""
        return replace(state, problem=told_with_place(str(error), stack))
    if isinstance(position, Difference):
        asked = told_with_place(position.asked, position.stack)
        difference = f"the history holds {position.recorded}, the code asks for {asked}."
        return replace(state, difference=difference)
    return replace(state, code=_code(hub, position))


def _code(hub: TaskHub, position: Position) -> CodeState:
    walk, nodes = position.walk, list(position.walk.unfinished())
    here = set(_events(walk.current))
    taken_for = {awaited: raised for raised, awaited in walk.other_case if awaited in here}
    tasks = [node.action for node in nodes if isinstance(node, Task)]
    return CodeState(
        events=tuple(node.name for node in nodes if isinstance(node, EventWait)),
        taken_for={} if position.has_ended else taken_for,
        unread=tuple(walk.unread),
        rests=tuple(_rests(nodes)),
        asked=tuple((task.entity_id, task.operation) for task in tasks if isinstance(task, CallEntity)),
        passed_over=tuple(called(hub.executor, action)[:2] for action in walk.passed_over),
        has_ended=position.has_ended,
        error=told_with_place(position.error, position.stack) if position.error else "",
        is_stranded=standstill(walk, ended=position.has_ended) is not None,
    )


def _events(action: Action | None) -> Iterator[str]:
    match action:
        case WaitForExternalEvent(name):
            yield name
        case WhenAll(children) | WhenAny(children):
            for child in children:
                yield from _events(child)


def _rests(nodes: Iterable[Node]) -> Iterator[Rest]:
    for node in nodes:
        if isinstance(node, Retry) and node.rest is not None:
            yield node.rest
