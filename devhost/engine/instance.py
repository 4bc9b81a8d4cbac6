"""An orchestration instance as the engine stores it and clients see it."""

import enum
from dataclasses import dataclass
from datetime import datetime


class RuntimeStatus(enum.StrEnum):
    """Where an instance stands; the values are the names that the protocol uses."""

    PENDING = "Pending"  # its start message waits for a first episode
    RUNNING = "Running"  # at least one episode has run
    SUSPENDED = "Suspended"  # messages are kept back until it is resumed
    COMPLETED = "Completed"
    FAILED = "Failed"
    TERMINATED = "Terminated"

    @property
    def is_terminal(self) -> bool:
        """Whether the instance has ended."""
        return self in TERMINAL


TERMINAL = frozenset({RuntimeStatus.COMPLETED, RuntimeStatus.FAILED, RuntimeStatus.TERMINATED})


@dataclass(frozen=True, slots=True)
class Parent:
    """The orchestration that started this one, and the task that waits for it."""

    instance_id: str
    execution_id: str
    name: str
    task_id: int


@dataclass(frozen=True, slots=True)
class Instance:
    """One orchestration instance; texts are JSON texts, `None` where there is no value.

    Its input, which may be large and does not change, is kept apart.

    Attributes:
        generation: how often clients have used the id before; `None` for executions that no client started.
        continuations: how often the instance has continued as new.
    """

    instance_id: str
    execution_id: str
    name: str
    version: str | None
    status: RuntimeStatus
    output: str | None
    custom_status: str | None
    created_at: datetime
    updated_at: datetime
    parent: Parent | None = None
    generation: int | None = 0
    continuations: int = 0

    @property
    def is_entity(self) -> bool:
        """Whether it is a durable entity; an orchestration may have such an id, or such a name."""
        return self.name == self.instance_id and is_entity_id(self.instance_id)


def entity_id(name: str, key: str) -> str:
    """The instance id of an entity; names are matched in lower case."""
    return f"@{name.lower()}@{key}"


def is_entity_id(instance_id: str) -> bool:
    """Whether a request to this id makes an entity where there is none yet."""
    return instance_id.startswith("@") and "@" in instance_id[1:]


@dataclass(frozen=True, slots=True)
class InstanceQuery:
    """Which instances to list; an absent field does not narrow the list."""

    created_from: datetime | None = None
    created_to: datetime | None = None
    id_prefix: str = ""
    statuses: frozenset[RuntimeStatus] = frozenset()
