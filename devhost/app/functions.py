"""The functions of an app, as their folders and function.json, or decorators, describe them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devhost.app.bindings import Binding
from devhost.app.retry_policy import RetryPolicy
from devhost.app.routes import RouteTemplate
from devhost.errors import AppIndexingError, IndexingError

WARM_UP = "warmup"

# The members of durable triggers that name a function for orchestrations.
_DURABLE_NAMES = {
    "orchestrationTrigger": "orchestration",
    "activityTrigger": "activity",
    "entityTrigger": "entityName",
}


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """Where an HTTP function listens; no methods means every method."""

    route: RouteTemplate
    methods: frozenset[str]

    def accepts(self, method: str) -> bool:
        """Whether requests of this method reach the function."""
        return not self.methods or method.upper() in self.methods

    def conflicts_with(self, other: "HttpTrigger") -> bool:
        """Whether some request could reach either; routes that differ in parameter names do not count."""
        if self.route.text.strip("/").lower() != other.route.text.strip("/").lower():
            return False
        return self.shares_methods(other)

    def shares_methods(self, other: "HttpTrigger") -> bool:
        """Whether requests of some method may reach either."""
        return not self.methods or not other.methods or bool(self.methods & other.methods)


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the app.

    Attributes:
        code: what the decorators of the v2 model were put on; `None` for a function of the classic model.
    """

    name: str
    folder: Path
    script: Path
    entry_point: str
    bindings: tuple[Binding, ...]
    http: HttpTrigger | None = None
    retry: RetryPolicy | None = None
    code: Callable[..., Any] | None = None

    @property
    def source(self) -> str:
        """The file that describes it."""
        return f"{self.name}/function.json" if self.code is None else self.script.name

    @property
    def durable_name(self) -> str:
        """The name by which orchestrations call it, which its trigger may give."""
        return durable_name_of(self.trigger, self.name)

    @property
    def is_warm_up(self) -> bool:
        """Whether a new instance of the app runs it first: a warm-up function of another name never is."""
        return self.trigger.type == "warmupTrigger" and self.name.lower() == WARM_UP

    @property
    def trigger(self) -> Binding:
        """The binding that starts the function."""
        return next(binding for binding in self.bindings if binding.is_trigger)


@dataclass(frozen=True, slots=True)
class Index:
    """What was found in an app's folder, in the alphabetical order of names that routes are tried in.

    `warnings` are sentences about functions that work, and not as their author may think; `failure` is why
    none could be found.
    """

    functions: tuple[Function, ...]
    errors: tuple[IndexingError, ...]
    warnings: tuple[str, ...] = ()
    failure: AppIndexingError | None = None

    @property
    def lacking_outputs(self) -> tuple[Binding, ...]:
        """The output bindings of types that this host does not have."""
        return tuple(b for function in self.functions for b in function.bindings if b.is_lacking)


def durable_name_of(trigger: Binding, function: str) -> str:
    """The name by which orchestrations call a function of this trigger."""
    return str(trigger.properties.get(_DURABLE_NAMES.get(trigger.type, "")) or function)
