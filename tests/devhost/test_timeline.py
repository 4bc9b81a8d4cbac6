"""What an instance's history says of its time."""

from datetime import UTC, datetime, timedelta
from typing import Any

from devhost.client.timeline import Step, timeline

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def event(kind: str, seconds: float, **members: Any) -> dict[str, Any]:
    return {"EventType": kind, "Timestamp": at(seconds).isoformat(), **members}


def activity(begin: float, end: float) -> dict[str, Any]:
    return event("TaskCompleted", end, FunctionName="work", ScheduledTime=at(begin).isoformat(), Result=1)


STARTED = event("ExecutionStarted", 0, FunctionName="job", Input=None)
ENDED = event("ExecutionCompleted", 10, OrchestrationStatus="Completed", Result=None)


def test_activities_that_overlap_count_once_as_work():
    line = timeline([STARTED, activity(1, 4), activity(2, 3), activity(3, 5), ENDED], ended=True, now=at(99))
    assert (line.working, line.waiting) == (timedelta(seconds=4), timedelta(seconds=6))


def test_activity_under_way_works_until_now():
    scheduled = event("TaskScheduled", 1, Name="work", StartedTime=at(2).isoformat())
    line = timeline([STARTED, scheduled], ended=False, now=at(5))
    assert line.steps[-1] == Step("activity", "work", at(1), None, "running", started=at(2))
    assert (line.working, line.waiting) == (timedelta(seconds=3), timedelta(seconds=2))


def test_wait_of_an_activity_for_its_turn_is_told_from_its_run():
    queued_first = {**activity(1, 7), "StartedTime": at(5).isoformat()}
    line = timeline([STARTED, queued_first, ENDED], ended=True, now=at(99))
    step = line.steps[1]
    assert (step.waited(line.now), step.ran(line.now)) == (timedelta(seconds=4), timedelta(seconds=2))
    assert (line.working, line.waiting) == (timedelta(seconds=2), timedelta(seconds=8))


def test_activity_that_has_not_begun_waits_until_now_and_does_not_work():
    line = timeline([STARTED, event("TaskScheduled", 1, Name="work")], ended=False, now=at(3))
    step = line.steps[-1]
    assert (step.outcome, step.waited(line.now), step.ran(line.now)) == ("queued", timedelta(seconds=2), None)
    assert line.working == timedelta()


def test_timer_lasts_from_its_creation_until_it_was_due():
    due = at(5).isoformat()
    created, fired = event("TimerCreated", 1, FireAt=due), event("TimerFired", 1, FireAt=due)
    line = timeline([STARTED, created, fired, ENDED], ended=True, now=at(99))
    assert line.steps[1] == Step("timer", "", at(1), at(5), "fired")


def test_timer_of_an_ended_instance_that_never_fired_was_cancelled():
    created = event("TimerCreated", 1, FireAt=at(3600).isoformat())
    line = timeline([STARTED, created, ENDED], ended=True, now=at(99))
    assert line.steps[1] == Step("timer", "", at(1), at(10), "cancelled")


def test_timer_that_is_not_due_yet_says_until_when():
    created = event("TimerCreated", 1, FireAt=at(3600).isoformat())
    line = timeline([STARTED, created], ended=False, now=at(5))
    assert line.steps[-1].end is None
    assert line.steps[-1].outcome.startswith("until ")


def test_failed_sub_orchestration_shows_its_reason():
    failed = event(
        "SubOrchestrationInstanceFailed",
        3,
        FunctionName="child",
        ScheduledTime=at(1).isoformat(),
        Reason="boom",
    )
    step = timeline([STARTED, failed], ended=False, now=at(5)).steps[-1]
    assert (step.kind, step.name, step.outcome, step.detail) == ("orchestration", "child", "failed", "boom")


def test_instance_without_history_yet_has_no_steps():
    line = timeline([], ended=False, now=START)
    assert (list(line.steps), line.working, line.waiting) == ([], timedelta(), timedelta())
