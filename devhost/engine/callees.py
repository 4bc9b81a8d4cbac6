"""Which function of the app an action calls, and whether there is one."""

from collections.abc import Collection

from devhost.engine.actions import (
    HTTP_ACTIVITY,
    Action,
    CallActivity,
    CallEntity,
    CallSubOrchestrator,
    SignalEntity,
)
from devhost.engine.executor import FunctionExecutor


def knows(executor: FunctionExecutor, action: Action) -> bool:
    """Whether the app has the function that an action calls, if it calls one."""
    kind, name, known = called(executor, action)
    return not kind or name.lower() in map(str.lower, known)


def called(executor: FunctionExecutor, action: Action) -> tuple[str, str, Collection[str]]:
    """The kind and the name of the function that an action calls, and the names that there are."""
    match action:
        case CallActivity(name) if name != HTTP_ACTIVITY:
            return "activity", name, executor.activities
        case CallSubOrchestrator(name):
            return "orchestrator", name, executor.orchestrators
        case CallEntity(entity_id) | SignalEntity(entity_id):
            return "entity", entity_id.split("@")[1], executor.entities
    return "", "", ()
