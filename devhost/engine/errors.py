"""What can go wrong in the durable engine.

EngineError
├── InstanceNotFound        no instance has the id
├── InstanceAlreadyExists   a start met a live instance of the same id
├── InstanceNotEnded        the operation needs an instance that has ended
├── InstanceEnded           the operation needs an instance that has not ended
├── InvalidTransition       the operation does not fit the instance's status
├── EntityProtected         what a client asked for would wipe or hold up an entity
├── UnknownEntity           no entity function has the name
├── FunctionFailed          the app's function raised; carries what the orchestrator may read of it
├── NonDeterminismError     an orchestrator no longer asks for what its history holds
├── ProtocolError           an orchestrator answered something the engine cannot read
├── StateFileInUse          another host has the state file open
└── StateFileOutdated       the state file was made by a newer host, or a very old one
"""

from collections.abc import Iterable

from devhost.engine.dotnet_json import well_formed


class EngineError(Exception):
    """Base of all errors of the engine."""


class InstanceNotFound(EngineError):
    """No instance has this id."""

    def __init__(self, instance_id: str) -> None:
        super().__init__(f"No instance has the id {instance_id!r}.")
        self.instance_id = instance_id


class InstanceAlreadyExists(EngineError):
    """A start met an instance of the same id that has not ended."""

    def __init__(self, instance_id: str, status: str) -> None:
        super().__init__(f"An Orchestration instance with the status {status} already exists.")
        self.instance_id = instance_id
        self.status = status


class InstanceNotEnded(EngineError):
    """Only an ended instance can be purged, rewound or restarted under its own id."""

    def __init__(self, instance_id: str, status: str) -> None:
        super().__init__(f"Instance {instance_id!r} has not ended: its status is {status}.")
        self.instance_id = instance_id
        self.status = status


class InstanceEnded(EngineError):
    """The instance has ended and takes no more messages."""

    def __init__(self, instance_id: str, status: str) -> None:
        super().__init__(f"Instance {instance_id!r} has ended: its status is {status}.")
        self.instance_id = instance_id
        self.status = status


class InvalidTransition(EngineError):
    """The operation does not fit the status that the instance is in."""

    def __init__(self, instance_id: str, operation: str, status: str) -> None:
        super().__init__(
            f"Cannot {operation} the orchestration instance {instance_id} "
            f"because instance is in the {status} state."
        )
        self.instance_id = instance_id
        self.operation = operation
        self.status = status


class EntityProtected(EngineError):
    """What a client asked for would wipe an entity's state, or keep the entity from its work."""

    def __init__(self, instance_id: str, operation: str) -> None:
        super().__init__(
            f"Cannot {operation} {instance_id}: it is the id of an entity, which no client can wipe or stop. "
            "Only an operation of the entity itself deletes its state."
        )
        self.instance_id = instance_id
        self.operation = operation


class UnknownEntity(EngineError):
    """No entity function has this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(unknown_function(name, "an entity", known))
        self.name = name


class FunctionFailed(EngineError):
    """The app's function raised.

    Attributes:
        error: what an orchestrator reads, `ValueError: boom`, or the bare message of an orchestrator's error.
        stack: the traceback as text, for logs and failure details.
    """

    def __init__(self, error: str, stack: str = "") -> None:
        super().__init__(well_formed(error))
        self.error = well_formed(error)
        self.stack = well_formed(stack)


def describe_error(error: BaseException) -> str:
    """Type and text of an error, such as `ValueError: boom`."""
    return f"{type(error).__name__}: {text_of_error(error)}"


def text_of_error(error: BaseException) -> str:
    """What an error says; a class of the app's own may fail even at that."""
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 - nothing that the app raises may get any further
        return "<exception str() failed>"


class NonDeterminismError(EngineError):
    """An orchestrator no longer asks for what its history holds."""

    def __init__(self, mismatch: str) -> None:
        super().__init__(f"Non-Deterministic workflow detected: {mismatch}")


class ProtocolError(EngineError):
    """An orchestrator or entity answered something that is not the SDK's protocol."""


def unknown_function(name: str, kind: str, known: Iterable[str]) -> str:
    """What the extension says of a name that it does not know; `kind` such as `an entity`."""
    noun = kind.partition(" ")[2]
    names = ", ".join(f"'{other}'" for other in sorted(known))
    others = f"The following are the known {noun} functions: {names}."
    return (
        f"The function '{name}' doesn't exist, is disabled, or is not {kind} function. Additional info: "
        f"{others if names else f'No {noun} functions are currently registered!'}"
    )


class StateFileInUse(EngineError):
    """Another process has the state file open."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The state file {path} is in use by another host: "
            "stop that host or name another file with --state."
        )
        self.path = path


class StateFileOutdated(EngineError):
    """The state file was made by a newer host, or a very old one."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The state file {path} was made by a newer host, or a very old one: "
            "start with --fresh to begin with an empty one, or name another file with --state."
        )
        self.path = path
