"""An instance's history as steps with a beginning and an end, and where its time went."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

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
QUEUED = "queued"
WORKING = frozenset(_WORK.values())


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened.

    Attributes:
        begin: when it was asked for.
        end: `None` while it goes on; of a moment, its beginning.
        started: of an activity, when it began to run after it had waited for its turn; `None` before.
    """

    kind: str
    name: str
    begin: datetime
    end: datetime | None
    outcome: str = ""
    detail: Any = None
    started: datetime | None = None

    def waited(self, now: datetime) -> timedelta | None:
        """How long it waited for its turn to run; `None` if it needs none."""
        if self.started is not None:
            return self.started - self.begin
        return now - self.begin if self.outcome == QUEUED else None

    def ran(self, now: datetime) -> timedelta | None:
        """How long it took without that; `None` for what has not begun and for a moment."""
        if self.outcome == QUEUED or self.begin == self.end:
            return None
        return (self.end or now) - (self.started or self.begin)


@dataclass(frozen=True, slots=True)
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
        steps = [step for step in self.steps if step.kind in WORKING and step.outcome != QUEUED]
        spans = sorted((step.started or step.begin, step.end or self.now) for step in steps)
        total, covered = timedelta(), self.begin
        for begin, end in spans:
            total += max(timedelta(), end - max(begin, covered))
            covered = max(covered, end)
        return total

    @property
    def waiting(self) -> timedelta:
        """The rest: for timers, events, a free slot, or the orchestrator's own turn."""
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
    started = _time(event["StartedTime"]) if "StartedTime" in event else None
    if kind.endswith(("Scheduled", "Created")):
        is_queued = kind == "TaskScheduled" and started is None
        return Step(_WORK[kind], event["Name"], at, None, QUEUED if is_queued else "running", started=started)
    failed = kind.endswith("Failed")
    return Step(
        _WORK[kind],
        event["FunctionName"],
        _time(event["ScheduledTime"]),
        at,
        "failed" if failed else "completed",
        event.get("Reason") if failed else event.get("Result"),
        started,
    )


def _moment(event: Mapping[str, Any], kind: str, at: datetime) -> Step:
    title, name, detail = _MOMENTS[kind]
    return Step(title, str(event.get(name) or "") if name else "", at, at, "", event.get(detail))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
