"""The Durable host as its client sees it: answers with the SDK's own status objects."""

import json
from dataclasses import dataclass, field
from typing import Any

from azure.durable_functions import EntityId
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus
from azure.durable_functions.models.EntityStateResponse import EntityStateResponse

CREATED = "2021-02-03T10:00:00Z"
UPDATED = "2021-02-03T10:05:00Z"
_ENDED = {"Completed", "Failed", "Terminated", "Canceled"}


def instance(name: str = "orchestrator-function", status: str = "Running", **more: Any) -> dict[str, Any]:
    """A status as the management API answers it."""
    return {
        "name": name,
        "runtimeStatus": status,
        "createdTime": CREATED,
        "lastUpdatedTime": UPDATED,
        "input": None,
        "output": None,
        "customStatus": None,
        **more,
    }


@dataclass
class FakeHost:
    """Knows instances by id; `appears_late` is one that a first look does not find.

    It takes no id twice; if `replaceable`, those of ended instances, as the host does. What is in `refused`
    takes no event, and has that status then; what is `unpurgeable` cannot be purged.
    """

    instances: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    broken: Any = None
    appears_late: dict[str, Any] | None = None
    replaceable: bool = False
    entities: dict[str, Any] = field(default_factory=dict)
    signals: list[tuple[str, str, Any]] = field(default_factory=list)
    raised: list[tuple[str, str]] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    unpurgeable: set[str] = field(default_factory=set)

    async def read_entity_state(self, entity: EntityId) -> EntityStateResponse:
        if self.broken is not None:
            raise self.broken
        return EntityStateResponse(entity.key in self.entities, self.entities.get(entity.key))

    async def signal_entity(self, entity: EntityId, operation: str, value: Any) -> None:
        if self.broken is not None:
            raise self.broken
        self.signals.append((entity.key, operation, value))

    async def get_status(self, instance_id: str) -> Any:
        self.asked.append(instance_id)
        if isinstance(self.broken, Exception):
            raise self.broken
        if self.broken is not None:
            return DurableOrchestrationStatus.from_json(self.broken)
        return DurableOrchestrationStatus.from_json(self.instances.get(instance_id, ""))

    async def raise_event(self, instance_id: str, event_name: str) -> None:
        if status := self.refused.get(instance_id):
            self.instances[instance_id]["runtimeStatus"] = status
            raise RuntimeError("Instance is either completed or failed.")
        self.raised.append((instance_id, event_name))

    async def resume(self, instance_id: str, _reason: str) -> None:
        self.resumed.append(instance_id)

    async def start_new(self, name: str, instance_id: str, client_input: Any) -> str:
        if self.appears_late:
            self.instances[instance_id] = self.appears_late
        if instance_id in self.instances and not self._is_replaced(instance_id):
            raise RuntimeError(
                {"Message": "An Orchestration instance with the status Running already exists."}
            )
        self.instances[instance_id] = instance(name, "Pending", input=json.dumps(client_input))
        self.started.append(instance_id)
        return instance_id

    async def purge_instance_history(self, instance_id: str) -> None:
        if instance_id in self.unpurgeable:
            raise RuntimeError("The operation failed with an unexpected status code 500")
        if instance_id in self.instances and self.instances[instance_id]["runtimeStatus"] not in _ENDED:
            raise RuntimeError("The operation failed with an unexpected status code 412")
        self.instances.pop(instance_id, None)

    def _is_replaced(self, instance_id: str) -> bool:
        status = self.instances[instance_id]["runtimeStatus"]
        return self.replaceable and status in _ENDED
