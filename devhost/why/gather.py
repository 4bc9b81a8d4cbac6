"""Gathers what a running hub knows of an instance, its sub-orchestrations included.

ADR 65 has the reasons.
"""

import asyncio

from devhost.engine.errors import FunctionFailed, InstanceNotFound, ProtocolError
from devhost.engine.history import EventType
from devhost.engine.instance import RuntimeStatus
from devhost.engine.nodes import EventWait
from devhost.engine.replay import Difference, walk_of
from devhost.engine.task_hub import TaskHub
from devhost.why.causes import cause
from devhost.why.state import HostState, InstanceState, Running, Why

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
    running = tuple(Running(call.instance_id, call.task_id, call.name, at) for call, at in hub.running)
    limit = hub.options.max_concurrent_activities
    return cause(state, HostState(hub.now, hub.executor.activities, limit, running))


async def _state(hub: TaskHub, instance_id: str, depth: int) -> InstanceState | None:
    instance = await hub.get_instance(instance_id)
    if instance is None or instance.status.is_terminal or instance.is_entity:
        return None if instance is None else InstanceState(instance)
    history = tuple(await hub.get_history(instance_id))
    created = [e["InstanceId"] for e in history if e["EventType"] == EventType.SUB_ORCHESTRATION_CREATED]
    is_at_work = hub.is_at(instance_id)
    state = InstanceState(
        instance,
        history,
        arriving=tuple(await hub.get_messages(instance_id)),
        is_at_work=is_at_work,
        accepted=hub.options.versions.accepts(instance.version),
        children={child: await _state(hub, child, depth - 1) for child in created if depth},
    )
    if is_at_work or instance.status is not RuntimeStatus.RUNNING or not history:
        return state
    return await _asked(hub, state)


async def _asked(hub: TaskHub, state: InstanceState) -> InstanceState:
    """With what the code itself waits for: it is run over its history once more, which changes nothing."""
    events: tuple[str, ...] = ()
    difference = problem = None
    try:
        async with asyncio.timeout(_PATIENCE):
            walk = await walk_of(hub.executor, state.instance.name, state.history)
    except TimeoutError:
        problem = f"its code has not answered within {_PATIENCE:g} seconds."
    except (FunctionFailed, ProtocolError) as error:
        problem = str(error)
    else:
        if isinstance(walk, Difference):
            difference = f"the history holds {walk.recorded}, the code asks for {walk.asked}."
        else:
            events = tuple(node.name for node in walk.unfinished() if isinstance(node, EventWait))
            events += tuple(awaited for _, awaited in walk.other_case if walk.finished)
    return InstanceState(
        state.instance,
        state.history,
        events,
        difference,
        problem,
        state.arriving,
        state.is_at_work,
        state.accepted,
        state.children,
    )
