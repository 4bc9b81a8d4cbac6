"""What an orchestrator gave to a task, which histories do not hold: its code is asked once more."""

import asyncio
from dataclasses import dataclass

from devhost.engine.actions import CallActivity, CallSubOrchestrator
from devhost.engine.errors import FunctionFailed, InstanceNotFound, ProtocolError
from devhost.engine.replay import Difference, position_of
from devhost.engine.task_hub import TaskHub

_PATIENCE = 5.0  # seconds that an orchestrator's code gets


@dataclass(frozen=True, slots=True)
class TaskInput:
    """The input of a task as JSON text, `None` if it has none, or why it is not known."""

    input: str | None = None
    problem: str = ""


async def task_input(hub: TaskHub, instance_id: str, task_id: int) -> TaskInput:
    """What the activity or sub-orchestration with this id was given.

    Raises:
        InstanceNotFound: there is no such instance.
    """
    instance = await hub.get_instance(instance_id)
    if instance is None:
        raise InstanceNotFound(instance_id)
    history = await hub.get_history(instance_id)
    if instance.is_entity or not history:
        return TaskInput(problem="It has no history that its code could be run over.")
    try:
        async with asyncio.timeout(_PATIENCE):
            position = await position_of(hub.executor, instance.name, history, hub.starts)
    except TimeoutError:
        return TaskInput(problem=f"Its code has not answered within {_PATIENCE:g} seconds.")
    except (FunctionFailed, ProtocolError) as error:
        return TaskInput(problem=f"Its code cannot be run: {error}")
    if isinstance(position, Difference):
        return TaskInput(problem=f"Its code no longer replays its history: {position.reason}")
    match position.walk.actions.get(task_id):
        case CallActivity(input=given) | CallSubOrchestrator(input=given):
            return TaskInput(given)
    return TaskInput(problem=f"Its code asks for no task {task_id} that has an input.")
