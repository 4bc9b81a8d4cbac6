"""What one execution has come to between two episodes: its history, and the walk through it.

All of it can be made again from the stored history. It is kept so that an episode costs the host what is new,
however long the history has grown.

ADR 26 has the reasons.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from devhost.engine.actions import Action, RawAction, parse_actions
from devhost.engine.dotnet_json import parse, to_json
from devhost.engine.history import HistoryEvent
from devhost.engine.walk import Walk

OVERHEAD: Final = 5_000  # characters that would take as much memory as an execution beside its texts


class Execution:
    """One execution of an instance, as its last episode left it.

    Attributes:
        input: the stored input.
        history: JSON texts of its events, in order.
        answer_size: the characters of the code's last answer, which repeats the inputs of all its activities.
    """

    def __init__(
        self, execution_id: str, history: Iterable[str] = (), *, input_text: str | None = None
    ) -> None:
        self.execution_id = execution_id
        self.input = input_text
        self.history = list(history)
        self.answer_size = 0
        self._stored_size = len(input_text or "") + sum(map(len, self.history))
        self._last_id: int | None = None
        self._input_json: str | None = None
        self._asked: Sequence[RawAction] = ()
        self._walk: Walk | None = None

    @property
    def size(self) -> int:
        """The characters that an episode of it has to read or write: input, history and answer."""
        return self._stored_size + self.answer_size

    @property
    def last_id(self) -> int:
        """The largest id of an event in its history; -1 if none has one."""
        if self._last_id is None:
            self._last_id = _largest_id(self.events())
        return self._last_id

    @property
    def input_json(self) -> str:
        """The stored input of the execution as JSON; a large one is read once, and not for each episode."""
        if self._input_json is None:
            written = to_json(_parsed(self.input))
            self._input_json = self.input if written == self.input else written  # one text in memory, not two
        return self._input_json

    def events(self) -> list[HistoryEvent]:
        """The events of its history, parsed."""
        events: list[HistoryEvent] = json.loads(f"[{','.join(self.history)}]")
        return events

    def walk(self, asked: Sequence[RawAction], starts: Callable[[Action], bool]) -> Walk:
        """The walk up to the end of the history, through all the actions that the code has asked for so far.

        It goes on where the last episode ended, unless the code has changed what it asked for before (a timer
        was cancelled) or would have been walked on earlier had it asked for more: then it starts again.

        Raises:
            ProtocolError: an action cannot be read.
            NonDeterminismError: history holds a task that the code no longer asks for.
        """
        known = len(self._asked)
        if self._walk is None or asked[:known] != self._asked or (self._walk.is_through and asked[known:]):
            self._walk = Walk(parse_actions(asked), starts)
            self._walk.replay(self.events())
        else:
            self._walk.extend(parse_actions(asked[known:]))
        self._asked = asked
        return self._walk

    def append(self, arrived: Sequence[HistoryEvent], created: Sequence[HistoryEvent]) -> list[str]:
        """Adds an episode: what arrived and was walked, then what it created. Returns its JSON texts."""
        texts = [to_json(event) for event in (*arrived, *created)]
        self._last_id = max(self.last_id, _largest_id((*arrived, *created)))
        self.history += texts
        self._stored_size += sum(map(len, texts))
        if self._walk is not None:
            self._walk.replay(created)
        return texts


def _largest_id(events: Iterable[HistoryEvent]) -> int:
    return max((int(event["EventId"]) for event in events), default=-1)


def _parsed(text: str | None) -> Any:
    """The value of a JSON text; text that is not JSON stays text."""
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError:
        return text


class ExecutionCache:
    """The executions that were worked on last, by instance: as many as have room with all their texts."""

    def __init__(self, characters: int) -> None:
        self._free = characters
        self._executions: OrderedDict[str, Execution] = OrderedDict()

    def get(self, instance_id: str) -> Execution | None:
        """The execution that the instance was in, if it is still known."""
        return self._executions.get(instance_id)

    def drop(self, instance_id: str) -> None:
        """Forgets an execution."""
        dropped = self._executions.pop(instance_id, None)
        self._free += _cost(dropped) if dropped else 0

    def keep(self, instance_id: str, execution: Execution) -> None:
        """Remembers an execution, which must not change while it is here; the oldest ones make room."""
        self.drop(instance_id)
        self._executions[instance_id] = execution
        self._free -= _cost(execution)
        while self._free < 0:
            self.drop(next(iter(self._executions)))


def _cost(execution: Execution) -> int:
    return execution.size + OVERHEAD
