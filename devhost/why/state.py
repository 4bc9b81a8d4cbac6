"""What is known of an instance that has not ended, and what is said of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from devhost.engine.history import HistoryEvent
from devhost.engine.instance import Instance


@dataclass(frozen=True, slots=True)
class Why:
    """Why an instance has not ended.

    Attributes:
        code: the kind of cause, for programs.
        sentence: the cause.
        remedy: what to do about it, if anything.
        until: when it ends by itself, where that is known.
        child: the sub-orchestration that is waited for.
    """

    code: str
    sentence: str
    remedy: str
    until: datetime | None = None
    child: str | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON values only."""
        return {
            "code": self.code,
            "sentence": self.sentence,
            "remedy": self.remedy,
            "until": self.until and self.until.isoformat(),
            "child": self.child,
        }


@dataclass(frozen=True, slots=True)
class Running:
    """An activity that has a slot."""

    instance_id: str
    task_id: int
    name: str
    since: datetime


@dataclass(frozen=True, slots=True)
class HostState:
    """What the host knows beside one instance.

    Attributes:
        activities: names of the activity functions.
        slots: how many activities may run at once.
        running: those that do.
    """

    now: datetime
    activities: Collection[str]
    slots: int
    running: tuple[Running, ...] = ()


@dataclass(frozen=True, slots=True)
class InstanceState:
    """What is known of one instance.

    Attributes:
        events: names of the external events that the code waits for.
        difference: how the code and the history differ, in the engine's words.
        problem: why the code could not be asked what it waits for.
        arriving: events on their way, each with its time of arrival; `None` for at once.
        is_at_work: whether its code runs, or is about to.
        accepted: whether this host runs instances of its version.
        children: the states of its open sub-orchestrations by id.
    """

    instance: Instance
    history: tuple[HistoryEvent, ...] = ()
    events: tuple[str, ...] = ()
    difference: str | None = None
    problem: str | None = None
    arriving: tuple[tuple[datetime | None, HistoryEvent], ...] = ()
    is_at_work: bool = False
    accepted: bool = True
    children: Mapping[str, "InstanceState | None"] = field(default_factory=dict)
