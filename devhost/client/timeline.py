"""An instance's history as steps with a beginning and an end, and where its time went."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_WORK = {
    "TaskScheduled": "activity",
    "TaskCompleted": "activity",
    "TaskFailed": "activity",
    "SubOrchestrationInstanceCreated": "orchestration",
    "SubOrchestrationInstanceCompleted": "orchestration",
    "SubOrchestrationInstanceFailed": "orchestration",
}
_MOMENTS = {
    "ExecutionStarted": ("started", "FunctionName", "Input"),
    "ExecutionCompleted": ("ended", "OrchestrationStatus", "Result"),
    "ExecutionTerminated": ("terminated", None, "Input"),
    "ExecutionSuspended": ("suspended", None, "Reason"),
    "ExecutionResumed": ("resumed", None, "Reason"),
    "EventRaised": ("event", "Name", "Input"),
    "EventSent": ("entity", "InstanceId", "Input"),
    "GenericEvent": ("note", None, "Data"),
}
WORKING = frozenset(_WORK.values())


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened; `end` is `None` while it goes on, and is the beginning for a moment."""

    kind: str
    name: str
    begin: datetime
    end: datetime | None
    outcome: str = ""
    detail: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Timeline:
    """The steps in the order of their beginnings, as seen at the time `now`."""

    steps: Sequence[Step]
    now: datetime

    @property
    def begin(self) -> datetime:
        """When the first step began."""
        return min((step.begin for step in self.steps), default=self.now)

    @property
    def end(self) -> datetime:
        """When the last step ended; now, while one goes on."""
        return max((step.end or self.now for step in self.steps), default=self.now)

    @property
    def working(self) -> timedelta:
        """How long at least one activity or sub-orchestration was under way."""
        spans = sorted((s.begin, s.end or self.now) for s in self.steps if s.kind in WORKING)
        total, covered = timedelta(), self.begin
        for begin, end in spans:
            total += max(timedelta(), end - max(begin, covered))
            covered = max(covered, end)
        return total

    @property
    def waiting(self) -> timedelta:
        """The rest: for timers, events, or the orchestrator's own turn."""
        return self.end - self.begin - self.working


def timeline(events: Iterable[Mapping[str, Any]], *, ended: bool, now: datetime) -> Timeline:
    """The steps of the `historyEvents` of a status answer."""
    steps: list[Step] = []
    timers: dict[str, list[datetime]] = {}
    for event in events:
        kind, at = event["EventType"], _time(event["Timestamp"])
        if kind in _WORK:
            steps.append(_work(event, kind, at))
        elif kind == "TimerCreated":
            timers.setdefault(event["FireAt"], []).append(at)
        elif kind == "TimerFired":
            begin = timers[event["FireAt"]].pop(0)
            # The event bears the time at which it was put in store, when the timer was set.
            steps.append(Step("timer", "", begin, max(begin, _time(event["FireAt"])), "fired"))
        elif kind in _MOMENTS:
            steps.append(_moment(event, kind, at))
    last = max((step.end or step.begin for step in steps), default=now)
    for fire_at, begins in timers.items():
        until = f"until {_time(fire_at).astimezone():%Y-%m-%d %H:%M:%S}"
        steps += [
            Step("timer", "", at, last if ended else None, "cancelled" if ended else until) for at in begins
        ]
    return Timeline(sorted(steps, key=lambda step: step.begin), now)


def _work(event: Mapping[str, Any], kind: str, at: datetime) -> Step:
    if kind.endswith(("Scheduled", "Created")):
        return Step(_WORK[kind], event["Name"], at, None, "running")
    failed = kind.endswith("Failed")
    return Step(
        _WORK[kind],
        event["FunctionName"],
        _time(event["ScheduledTime"]),
        at,
        "failed" if failed else "completed",
        event.get("Reason") if failed else event.get("Result"),
    )


def _moment(event: Mapping[str, Any], kind: str, at: datetime) -> Step:
    title, name, detail = _MOMENTS[kind]
    return Step(title, str(event.get(name) or "") if name else "", at, at, "", event.get(detail))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
