"""Work items and what completing one leaves behind: the values that pass between store and workers."""

from dataclasses import dataclass, field
from datetime import datetime

from devhost.engine.execution import Execution
from devhost.engine.history import EventType, HistoryEvent
from devhost.engine.instance import Instance
from devhost.engine.turns import LARGE


@dataclass(frozen=True, slots=True)
class Message:
    """An event on its way to an instance.

    Attributes:
        execution_id: the execution it is meant for; `None` for whichever runs when it arrives.
        due: when it arrives; `None` for at once.
    """

    instance_id: str
    event: HistoryEvent
    execution_id: str | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActivityCall:
    """An activity that an execution has scheduled."""

    instance_id: str
    execution_id: str
    task_id: int
    name: str
    input: str | None

    @property
    def is_large(self) -> bool:
        """Whether it has to give way to others until it has read its input."""
        return len(self.input or "") >= LARGE


@dataclass(frozen=True, slots=True)
class QueuedActivity:
    """An activity call as the store holds it, until its outcome is stored."""

    call_id: int
    call: ActivityCall


@dataclass(frozen=True, slots=True)
class NewInstance:
    """An orchestration to start; `started` is its ExecutionStarted event."""

    instance: Instance
    started: HistoryEvent

    @property
    def input(self) -> str | None:
        """The input that it is started with."""
        text: str | None = self.started["Input"]
        return text


@dataclass(frozen=True, slots=True)
class NewInput:
    """What takes the place of an instance's input."""

    text: str | None


@dataclass(frozen=True, slots=True)
class WorkItem:
    """An orchestration or entity with messages that it has not seen.

    Attributes:
        execution: what its earlier episodes have led to.
        new_events: what has arrived since, in order.
        message_ids: the messages that brought them.
        size: the characters of all that its episode has to read.
    """

    instance: Instance
    execution: Execution
    new_events: list[HistoryEvent]
    message_ids: list[int]
    size: int

    @property
    def termination(self) -> HistoryEvent | None:
        """The event by which a client ends the instance, if one has come."""
        ends = (e for e in self.new_events if e["EventType"] == EventType.EXECUTION_TERMINATED)
        return next(ends, None)

    @property
    def is_large(self) -> bool:
        """Whether it has to give way to others; what a client has ended gives way to none."""
        return self.size >= LARGE and self.termination is None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything that an episode changed; the store writes it in one transaction.

    Attributes:
        instance: the instance as it is now.
        history: JSON texts of the events to append.
        input: what replaces its input; `None` if that stays as it is, which costs nothing.
        restarted: whether `history` replaces what was stored before.
        fails_children: whether a child whose id is in use fails its task, which on Azure never ends.
        execution: what the next episode may go on from; `None` if it has to read the history.
        message_ids: the messages that the episode consumed.
        awaited: tasks that must all succeed before another episode can get any further.
    """

    instance: Instance
    history: list[str]
    message_ids: list[int]
    input: NewInput | None = None
    awaited: set[int] = field(default_factory=set)
    restarted: bool = False
    fails_children: bool = True
    execution: Execution | None = None
    activities: list[ActivityCall] = field(default_factory=list)
    children: list[NewInstance] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
