"""Durable entities: small states that take requests one after another.

An entity is an instance whose id is `@name@key` and that never ends; its state is kept in its input, where
clients of the status API find it on Azure too. Requests travel as messages, answers as external events.
"""

import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeGuard

from devhost.engine import history
from devhost.engine.clock import Clock
from devhost.engine.dotnet_json import parse, to_json
from devhost.engine.errors import FunctionFailed, ProtocolError, describe_error
from devhost.engine.executor import FunctionExecutor, answer_of
from devhost.engine.history import EventType, format_time
from devhost.engine.instance import Instance, RuntimeStatus
from devhost.engine.work import Checkpoint, Message, NewInput, WorkItem

logger = logging.getLogger(__name__)

_EXTENSION = "Microsoft.Azure.WebJobs.Extensions.DurableTask"
_REQUEST = f"{_EXTENSION}.RequestMessage, {_EXTENSION}"
_RESPONSE = f"{_EXTENSION}.ResponseMessage, {_EXTENSION}"
_LARGEST_BATCH = 50
_REQUEST_EVENT = "op"


@dataclass(frozen=True, slots=True)
class EntityState:
    """What an entity holds: JSON text, or nothing yet. It is stored where orchestrations have their input."""

    exists: bool = False
    state: str | None = None

    @classmethod
    def of(cls, stored: str | None) -> "EntityState":
        """The state that an entity has stored."""
        content = parse(stored or "{}")
        return cls(content.get("exists", False), content.get("state"))

    @property
    def stored(self) -> str:
        """The text that is stored."""
        return to_json({"exists": self.exists, "state": self.state, "sorter": {}})

    def told_by(self, instance: Instance, now: datetime) -> Instance:
        """The instance as its status tells of this state."""
        return replace(
            instance,
            custom_status=to_json({"entityExists": self.exists}),
            created_at=now,  # on Azure an entity continues as new with each batch
            updated_at=now,
        )


def new_entity(instance_id: str, now: datetime) -> Instance:
    """An entity that nobody has asked anything yet."""
    return Instance(
        instance_id=instance_id,
        execution_id=str(uuid.uuid4()),
        name=instance_id,
        version=None,
        status=RuntimeStatus.RUNNING,
        output=None,
        custom_status=None,
        created_at=now,
        updated_at=now,
        generation=None,
    )


def request(
    now: datetime, operation: str, input_text: str | None, *, is_signal: bool, caller: Instance | None = None
) -> str:
    """A request to an entity as JSON text; a message carries it as the external event `op`."""
    signal = {"signal": True} if is_signal else {}
    parent = {"parent": caller.instance_id, "parentExecution": caller.execution_id} if caller else {}
    return to_json(
        {
            "$type": _REQUEST,
            "op": operation,
            **signal,
            "input": input_text,
            "id": str(uuid.uuid4()),
            **parent,
            "Timestamp": format_time(now),
            "Predecessor": "0001-01-01T00:00:00",
            "requestTime": format_time(now).replace("Z", "+00:00"),
        }
    )


class EntityProcessor:
    """Turns an entity's waiting requests into a checkpoint; it stores nothing itself."""

    def __init__(self, executor: FunctionExecutor, clock: Clock) -> None:
        self._executor = executor
        self._clock = clock

    async def process(self, item: WorkItem) -> Checkpoint:
        """Takes all requests, in batches of what Azure hands to one call.

        A client that terminates an entity makes it give up all requests that came before.
        """
        state = EntityState.of(item.execution.input)
        given_up, requests = _requests(item)
        answers = self._refuse(given_up, f"The entity {item.instance.instance_id} was terminated.")
        for batch in _batches(requests):
            state, results = await self._run(item.instance.instance_id, state, batch)
            _log_failures(item.instance.instance_id, batch, results)
            answers += self._answers(batch, results)
        return self._checkpoint(item, state, answers)

    def give_up(self, item: WorkItem, error: BaseException) -> Checkpoint:
        """Drops requests that the engine itself failed at: nothing has happened, callers get the error."""
        given_up, requests = _requests(item)
        answers = self._refuse([*given_up, *requests], describe_error(error))
        return self._checkpoint(item, EntityState.of(item.execution.input), answers)

    def _checkpoint(self, item: WorkItem, state: EntityState, answers: list[Message]) -> Checkpoint:
        instance = state.told_by(item.instance, self._clock.now())
        return Checkpoint(
            instance,
            history=[],
            message_ids=item.message_ids,
            input=NewInput(state.stored),
            messages=answers,
        )

    def _refuse(self, requests: Sequence[dict[str, Any]], reason: str) -> list[Message]:
        return list(self._answers(requests, [_failure(reason)] * len(requests)))

    async def _run(
        self, instance_id: str, state: EntityState, batch: Sequence[dict[str, Any]]
    ) -> tuple[EntityState, list[dict[str, Any]]]:
        """Runs one batch; if the function itself fails, nothing has happened, callers get the error."""
        _, name, key = instance_id.split("@", 2)
        try:
            context = _context(name, key, state, batch)
            answer = await answer_of(self._executor.run_entity(name, instance_id, context))
            after, results = _parse_answer(answer, len(batch))
        except (FunctionFailed, ProtocolError) as error:
            logger.exception("Entity %s took none of %d requests.", instance_id, len(batch))
            return state, [_failure(str(error))] * len(batch)
        if not state.exists and any(result["isError"] for result in results):
            after = replace(after, exists=True)  # with the state null, as recorded on Azure
        return after, results

    def _answers(
        self, batch: Sequence[dict[str, Any]], results: Sequence[dict[str, Any]]
    ) -> Iterator[Message]:
        for asked, result in zip(batch, results, strict=True):
            if asked.get("signal"):
                continue
            error = {"exceptionType": "Error"} if result["isError"] else {}
            data = to_json({"$type": _RESPONSE, "result": result["result"], **error})
            event = history.event_raised(self._clock.now(), asked["id"], data)
            yield Message(asked["parent"], event, asked["parentExecution"])


def _requests(item: WorkItem) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The requests among an entity's messages: those before a client terminated it, and those after.

    A client of the management API may have sent other messages.
    """
    given_up: list[dict[str, Any]] = []
    requests: list[dict[str, Any]] = []
    for event in item.new_events:
        content = parse(event["Input"]) if event.get("Name") == _REQUEST_EVENT else None
        if _is_request(content):
            requests.append(content)
        elif event["EventType"] == EventType.EXECUTION_TERMINATED:
            given_up, requests = [*given_up, *requests], []
            logger.warning(
                "Entity %s gives up what it was at: %d requests.", item.instance.instance_id, len(given_up)
            )
        else:
            logger.warning("Entity %s takes nothing but requests.", item.instance.instance_id)
    return given_up, requests


def _is_request(content: Any) -> TypeGuard[dict[str, Any]]:
    if not isinstance(content, dict) or not isinstance(content.get("input"), str | None):
        return False
    names = ("op", "id") if content.get("signal") else ("op", "id", "parent", "parentExecution")
    return all(isinstance(content.get(name), str) for name in names)


def _failure(error: str) -> dict[str, Any]:
    return {"isError": True, "result": to_json(error)}


def _log_failures(
    instance_id: str, batch: Iterable[dict[str, Any]], results: Iterable[dict[str, Any]]
) -> None:
    """Says which operations failed: nobody waits for the answer to a signal."""
    for asked, result in zip(batch, results, strict=True):
        if result["isError"]:
            logger.error("Entity %s failed at '%s': %s", instance_id, asked["op"], result["result"])


def _batches(requests: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(requests), _LARGEST_BATCH):
        yield requests[start : start + _LARGEST_BATCH]


def _context(name: str, key: str, state: EntityState, batch: Sequence[dict[str, Any]]) -> str:
    operations = [
        {
            "name": asked["op"],
            "input": asked["input"],
            "isSignal": asked.get("signal", False),
            "id": asked["id"],
        }
        for asked in batch
    ]
    return to_json(
        {
            "self": {"name": name, "key": key},
            "exists": state.exists,
            "state": state.state,
            "batch": operations,
        }
    )


def _parse_answer(text: str, requests: int) -> tuple[EntityState, list[dict[str, Any]]]:
    try:
        answer = parse(text)
        results = [{"isError": r["isError"], "result": r.get("result")} for r in answer["results"]]
        state = EntityState(answer["entityExists"], answer.get("entityState"))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ProtocolError(
            f"The entity's answer is not the durable protocol ({type(error).__name__}: {error}). "
            "Does its main come from df.Entity.create?"
        ) from error
    if len(results) != requests:
        raise ProtocolError(f"The entity answered {len(results)} of {requests} requests.")
    return state, results
