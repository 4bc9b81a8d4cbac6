"""What the app asks of the Durable SDK, whose own classes carry no types: its contexts and its client."""

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias, TypeVar

Result = TypeVar("Result")

# Wakes up whoever waits in a job that was cancelled.
CANCEL_EVENT = "cancel"
# A timer of more than six days cannot be cancelled, and would keep its instance alive.
LONGEST_TIMER = timedelta(days=1)
SHORT_PAUSE = timedelta(minutes=1)

Moment: TypeAlias = datetime
"""A time, as a workflow may know it: by its context alone."""

Json: TypeAlias = dict[str, Any]
"""A JSON object on its way through a history or a binding; whoever opens it makes a dataclass of it."""

Steps: TypeAlias = Generator[Any, Any, Result]
"""A workflow, or a part of one: it yields the SDK's tasks and gets their results."""


class OrchestrationContext(Protocol):
    """An orchestration as its workflow sees it."""

    @property
    def instance_id(self) -> str:
        """The id of the orchestration's instance: of a job's, the job's id."""

    @property
    def version(self) -> str | None:
        """The release that the instance belongs to, whichever runs it."""

    @property
    def current_utc_datetime(self) -> datetime:
        """The time at which the present turn began; the same in each replay."""

    @property
    def is_replaying(self) -> bool:
        """Whether what happens now has happened before."""

    def get_input(self) -> Any:
        """The input of the present execution."""

    def set_custom_status(self, status: Any, /) -> None:
        """Shows a small JSON value while the orchestration runs, and after its end."""

    def call_activity_with_retry(self, name: str, retry_options: Any, input_: Any, /) -> Any:
        """A task: one activity, which is run again when it raises."""

    def call_sub_orchestrator(self, name: str, input_: Any, instance_id: str, version: str | None, /) -> Any:
        """A task: another orchestration, of that release."""

    def call_entity(self, entity_id: Any, operation: str, input_: Any, /) -> Any:
        """A task: an operation of an entity, with its answer."""

    def signal_entity(self, entity_id: Any, operation: str, input_: Any, /) -> None:
        """Sends an operation to an entity, and does not wait for it."""

    def create_timer(self, fire_at: datetime, /) -> Any:
        """A task: a durable timer."""

    def wait_for_external_event(self, name: str, /) -> Any:
        """A task: the next event of this name."""

    def task_any(self, tasks: list[Any], /) -> Any:
        """A task that ends with the first of these, which is its result."""

    def task_all(self, tasks: list[Any], /) -> Any:
        """A task that ends when all of these have, with their results in order."""

    def continue_as_new(self, input_: Any, /) -> None:
        """Begins the next execution, with an empty history."""


class EntityState(Protocol):
    """An entity as the client reads it."""

    entity_state: Any


class DurableClient(Protocol):
    """The client of the Durable host, as a function's binding makes it."""

    async def start_new(
        self, orchestration_function_name: str, instance_id: str, client_input: Any, /
    ) -> Any:
        """Starts an instance."""

    async def get_status(self, instance_id: str, /) -> Any:
        """The status of an instance; something falsy for none."""

    async def raise_event(self, instance_id: str, event_name: str, /) -> Any:
        """Sends an event to an instance that has not ended."""

    async def resume(self, instance_id: str, reason: str, /) -> Any:
        """Lets an instance go on that is suspended."""

    async def purge_instance_history(self, instance_id: str, /) -> Any:
        """Forgets an instance that has ended; it may be forgotten already."""

    async def read_entity_state(self, entity_id: Any, /) -> EntityState:
        """The state of an entity."""

    async def signal_entity(self, entity_id: Any, operation: str, input_: Any, /) -> None:
        """Sends an operation to an entity, and does not wait for it."""


@dataclass(frozen=True)
class ListedInstance:
    """An instance as it is listed, with its input as JSON."""

    id: str
    name: str
    status: str
    created_at: datetime
    last_updated_at: datetime
    given: Any = field(repr=False)


@dataclass(frozen=True)
class InstancePage:
    """Instances in the order of their ids; `token` leads to the next page, None after the last."""

    instances: Sequence[ListedInstance]
    token: str | None


class HubListing(Protocol):
    """All instances of the task hub. Each call may raise HostUnavailable."""

    async def page(self, token: str | None, *, prefix: str = "") -> InstancePage:
        """A page of instances whose ids begin with a prefix."""


def host_address(binding: str) -> str:
    """The host's own address, in the value of a client binding."""
    address: str = json.loads(binding)["rpcBaseUrl"]
    return address


class Step(Protocol):
    """What one activity is to do for a job."""

    @property
    def job_id(self) -> str:
        """The job that it belongs to."""

    @property
    def activity(self) -> str:
        """The name of the activity's folder."""

    def to_json(self) -> Json:
        """The activity's input."""


Counts: TypeAlias = Mapping[str, int]
"""How many of what: `completed`, `failed`, `skipped`, `tokens`, `requests` and what else a step counts."""
