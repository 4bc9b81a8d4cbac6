"""What an orchestrator asks for: the SDK's answer to an episode.

The answer holds every action since the execution began, in order (the SDK's replay schemas V2 and V3); those
that were there before need not be read again.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from devhost.engine.dotnet_json import TooDeep, parse, to_dotnet_json, to_json
from devhost.engine.errors import ProtocolError
from devhost.engine.history import parse_time
from devhost.engine.instance import is_entity_id

OUT_OF_PROC_LABEL = "\n\n$OutOfProcData$:"
"""Divides the text of an orchestrator's exception from the state that the SDK appends to it."""


@dataclass(frozen=True, slots=True)
class RetryOptions:
    """How often a task is tried and how long each failure is waited out."""

    interval: timedelta
    attempts: int


@dataclass(frozen=True, slots=True)
class CallActivity:
    """Run an activity."""

    name: str
    input: str | None
    retry: RetryOptions | None = None

    @property
    def once(self) -> "CallActivity":
        """One attempt of it."""
        return replace(self, retry=None)


@dataclass(frozen=True, slots=True)
class CallSubOrchestrator:
    """Run another orchestration and wait for its end."""

    name: str
    input: str | None
    instance_id: str | None = None
    version: str | None = None
    retry: RetryOptions | None = None

    @property
    def once(self) -> "CallSubOrchestrator":
        """One attempt of it."""
        return replace(self, retry=None)


@dataclass(frozen=True, slots=True)
class CreateTimer:
    """Wait for a time; a cancelled timer is set, but nobody waits for it."""

    fire_at: datetime
    canceled: bool = False


@dataclass(frozen=True, slots=True)
class WaitForExternalEvent:
    """Wait for an event; names match whatever their case."""

    name: str


@dataclass(frozen=True, slots=True)
class CallEntity:
    """Ask an entity to do something and wait for its answer."""

    entity_id: str
    operation: str
    input: str | None


@dataclass(frozen=True, slots=True)
class SignalEntity:
    """Ask an entity to do something; nobody waits."""

    entity_id: str
    operation: str
    input: str | None


@dataclass(frozen=True, slots=True)
class ContinueAsNew:
    """End this execution and begin the next generation with a new input."""

    input: str | None


@dataclass(frozen=True, slots=True)
class WhenAll:
    """Wait for every child, after failures too."""

    children: "tuple[Action, ...]"


@dataclass(frozen=True, slots=True)
class WhenAny:
    """Wait for one child, failed or not."""

    children: "tuple[Action, ...]"


Retryable = CallActivity | CallSubOrchestrator
TaskAction = Retryable | CreateTimer | CallEntity | SignalEntity
Action = TaskAction | WaitForExternalEvent | ContinueAsNew | WhenAll | WhenAny

RawAction = dict[str, Any]
"""An action as the SDK writes it."""

HTTP_ACTIVITY = "BuiltIn::HttpActivity"
"""The activity that stands for `call_http`; its input is the request as JSON text."""


@dataclass(frozen=True, slots=True)
class OrchestratorState:
    """The SDK's answer; `output` and `custom_status` are JSON texts.

    Attributes:
        error: why the code raised.
        stack: the traceback of that as text.
    """

    is_done: bool
    actions: list[RawAction]
    output: str | None = None
    custom_status: str | None = None
    error: str | None = None
    stack: str = ""


def parse_state(text: str) -> OrchestratorState:
    """Reads the answer of an orchestrator function.

    Raises:
        ProtocolError: the text is not the SDK's protocol.
    """
    with _protocol():
        state = parse(text)
        return OrchestratorState(
            is_done=state["isDone"],
            actions=[action for episode in state["actions"] for action in episode],
            output=_optional_json(state.get("output")),
            custom_status=_optional_json(state.get("customStatus")),
            error=_optional_text(state.get("error")),
        )


def parse_failure(text: str, stack: str = "") -> OrchestratorState:
    """Reads what an orchestrator's code raised: the SDK appends the state to the exception's text."""
    error, _, state = text.partition(OUT_OF_PROC_LABEL)
    return replace(parse_state(state), error=error, stack=stack)


def parse_actions(actions: Iterable[RawAction]) -> list[Action]:
    """Reads actions of an orchestrator's answer.

    Raises:
        ProtocolError: one is not as the SDK writes it, or none that this engine runs.
    """
    with _protocol():
        return [_action(action) for action in actions]


@contextmanager
def _protocol() -> Iterator[None]:
    """Names the protocol as the cause of what goes wrong while an answer is read."""
    try:
        yield
    except TooDeep as error:  # whose sentence says it all
        raise ProtocolError(str(error)) from error
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise ProtocolError(
            f"The orchestrator's answer is not the durable protocol ({type(error).__name__}: {error}). "
            "Does its main come from df.Orchestrator.create?"
        ) from error


def _optional_json(value: Any) -> str | None:
    return None if value is None else to_dotnet_json(value)


def _action(action: RawAction) -> Action:
    match action["actionType"]:
        case 0 | 1:
            return CallActivity(_text(action["functionName"]), _input(action), _retry(action))
        case 2 | 3:
            return CallSubOrchestrator(
                _text(action["functionName"]),
                _input(action),
                _optional_text(action.get("instanceId")),
                _optional_text(action.get("version")),
                _retry(action),
            )
        case 4:
            return ContinueAsNew(_input(action))
        case 5:
            return CreateTimer(parse_time(action["fireAt"]).astimezone(UTC), action["isCanceled"])
        case 6:
            return WaitForExternalEvent(_event_name(action["externalEventName"]))
        case 7:
            return CallEntity(_entity(action), _text(action["operation"]), _input(action))
        case 8:
            return CallActivity(HTTP_ACTIVITY, to_json(action["httpRequest"]))
        case 9:
            return SignalEntity(_entity(action), _text(action["operation"]), _input(action))
        case 11:
            return WhenAny(tuple(map(_action, action["compoundActions"])))
        case 12:
            return WhenAll(tuple(map(_action, action["compoundActions"])))
        case other:
            raise ProtocolError(
                f"The orchestrator asks for an action of type {other}, which this host cannot run."
            )


def _retry(action: RawAction) -> RetryOptions | None:
    options = action.get("retryOptions")
    if not options:
        return None
    return RetryOptions(
        interval=timedelta(milliseconds=_int32(options, "firstRetryIntervalInMilliseconds")),
        attempts=_int32(options, "maxNumberOfAttempts"),
    )


def _int32(options: dict[str, Any], name: str) -> int:
    """A whole number, rounded as .NET does."""
    number = float(options[name])
    if not math.isfinite(number) or not -(2**31) <= round(number) < 2**31:
        raise ProtocolError(
            f"Value was either too large or too small for an Int32. ({name} is {options[name]}.)"
        )
    return round(number)


def _text(value: Any) -> str:
    """A name; .NET takes numbers and booleans for the texts that they are written as."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    raise ProtocolError(f"The orchestrator names something {to_json(value)}: a name has to be a text.")


def _optional_text(value: Any) -> str | None:
    return None if value is None else _text(value)


def _input(action: RawAction) -> str | None:
    return _optional_text(action.get("input"))


def _event_name(name: Any) -> str:
    if isinstance(name, str):
        return name
    raise ProtocolError(
        f"The orchestrator waits for an external event named {to_json(name)}, and the SDK knows events by "
        "texts alone: on Azure the instance would stay Running for ever, whatever is raised. Wait for a text."
    )


def _entity(action: RawAction) -> str:
    entity_id = _text(action["instanceId"])
    if is_entity_id(entity_id):
        return entity_id
    raise ProtocolError(f"The orchestrator asks the entity {to_json(entity_id)}, not one named @name@key.")
