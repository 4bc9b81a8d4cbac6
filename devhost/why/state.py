"""What is known of an instance that has not ended, and what is said of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from devhost.engine.history import HistoryEvent
from devhost.engine.instance import Instance
from devhost.engine.nodes import Rest


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
        turns: how many orchestrators' code may run at once.
        running: the activities that do.
        in_hand: instances and entities whose code runs now, and since when.
        held_back: why no code of the app can be run at all.
    """

    now: datetime
    activities: Collection[str]
    slots: int
    turns: int
    running: tuple[Running, ...] = ()
    in_hand: Mapping[str, datetime] = field(default_factory=dict)
    held_back: str = ""


@dataclass(frozen=True, slots=True)
class CodeState:
    """What an orchestrator's code waits for, as a run over its history tells.

    Attributes:
        events: names of the external events that it waits for.
        taken_for: of these, each that the engine has taken another name for, and that name.
        unread: names of the events that were raised, and that nothing has waited for.
        rests: of its activities and sub-orchestrations that are retried.
        asked: the entities that owe an answer, each with the operation.
        passed_over: the kinds and names of functions that it calls and the app does not have.
        has_ended: whether it has returned or raised.
        error: why it has raised, and where.
        is_stranded: whether it waits for nothing that can ever happen.
    """

    events: tuple[str, ...] = ()
    taken_for: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    rests: tuple[Rest, ...] = ()
    asked: tuple[tuple[str, str], ...] = ()
    passed_over: tuple[tuple[str, str], ...] = ()
    has_ended: bool = False
    error: str = ""
    is_stranded: bool = False


@dataclass(frozen=True, slots=True)
class InstanceState:
    """What is known of one instance.

    Attributes:
        code: what its code waits for; `None` where that could not be found out.
        difference: how the code and the history differ, in the engine's words.
        problem: why the code could not be asked what it waits for.
        arriving: events on their way, each with its time of arrival; `None` for at once.
        is_at_work: whether its code runs, or is about to.
        accepted: whether this host runs instances of its version.
        children: the states of its open sub-orchestrations by id.
        parent: the state of the orchestration that started it, where that is known.
    """

    instance: Instance
    history: tuple[HistoryEvent, ...] = ()
    code: CodeState | None = None
    difference: str | None = None
    problem: str | None = None
    arriving: tuple[tuple[datetime | None, HistoryEvent], ...] = ()
    is_at_work: bool = False
    accepted: bool = True
    children: Mapping[str, "InstanceState | None"] = field(default_factory=dict)
    parent: "InstanceState | None" = None
