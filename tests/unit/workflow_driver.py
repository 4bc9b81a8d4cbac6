"""Runs workflows without a host: plain functions answer the activities, and lanes run as a host runs them."""

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any, ClassVar

from shared_code.settings import Settings
from shared_code.usage.month import MonthUsage, answer
from shared_code.workflows.fan_out import lane


@dataclass(frozen=True)
class Numbered:
    """A step that is no more than a number."""

    OWN: ClassVar[tuple[str, ...]] = ("n",)
    activity: ClassVar[str] = "activity"

    n: int
    job_id: str = "job"

    def to_json(self) -> Any:
        return {"jobId": self.job_id, "n": self.n}


NOVEMBER = datetime(2026, 11, 25, 12, tzinfo=UTC)


@dataclass
class Task:
    """What a workflow may wait for, or several such tasks; each runs once, when it is first waited for."""

    run: Callable[[], Any]
    name: str = ""
    payload: Any = None
    instance_id: str = ""

    def cancel(self) -> None:
        """A timer that nobody waits for any more."""

    @cached_property
    def outcome(self) -> tuple[Any, Exception | None]:
        """Its result, or the exception that a workflow gets to see."""
        try:
            return self.run(), None
        except RuntimeError as error:
            return None, Exception(f"Activity function failed: {error} \n trace")
        except Exception as error:  # noqa: BLE001 - that of the first child, which the SDK passes on as it is
            return None, error


@dataclass
class UsageHost:
    """The usage entities by their keys, the clock, and the environment of the process they run in."""

    now: datetime = NOVEMBER
    environment: dict[str, str] = field(default_factory=dict)
    months: dict[str, MonthUsage] = field(default_factory=dict)
    asked: int = 0
    readings: list[dict[str, Any]] = field(default_factory=list)
    on_timer: Callable[["UsageHost"], None] = lambda _: None
    events: set[str] = field(default_factory=set)

    def operate(self, key: str, operation: str, payload: Any) -> Any:
        """Runs one operation of an entity."""
        usage = self.months.get(key, MonthUsage())
        settings = Settings(self.environment)
        asked = json.loads(json.dumps(payload))
        now = self.now.timestamp()
        self.months[key], result = answer(usage, key, operation, asked, settings, now=now)
        return result

    def wait_until(self, moment: datetime) -> None:
        """Lets a timer fire."""
        self.now = moment
        self.on_timer(self)


@dataclass
class Driver:
    """Stands in for the context and for the host; it records what was called and what could be seen."""

    answer: Callable[[str, Any], Any]
    payload: Any = None
    instance_id: str = "job"
    version: str | None = None
    calls: list[Task] = field(default_factory=list)
    statuses: list[Any] = field(default_factory=list)
    lanes: dict[str, "Driver"] = field(default_factory=dict)
    most_at_once: int = 0
    next_input: Any = None
    usage: UsageHost = field(default_factory=UsageHost)

    @property
    def current_utc_datetime(self) -> datetime:
        return self.usage.now

    @property
    def is_replaying(self) -> bool:
        return False

    def get_input(self) -> Any:
        return self.payload

    def set_custom_status(self, status: Any) -> None:
        self.statuses.append(status)

    def call_activity_with_retry(self, name: str, _retry: Any, payload: Any) -> Task:
        task = Task(partial(self.answer, name, payload), name, payload)
        self.calls.append(task)
        return task

    def call_sub_orchestrator(
        self, name: str, payload: Any, instance_id: str, _version: str | None = None
    ) -> Task:
        task = Task(partial(self._run_lane, instance_id, payload), name, payload, instance_id)
        self.calls.append(task)
        return task

    def call_entity(self, entity: Any, operation: str, payload: Any) -> Task:
        self.usage.asked += 1
        return Task(partial(self.usage.operate, entity.key, operation, payload))

    def signal_entity(self, entity: Any, operation: str, payload: Any) -> None:
        self.usage.readings.append(payload)
        self.usage.operate(entity.key, operation, payload)

    def create_timer(self, fire_at: datetime) -> Task:
        return Task(partial(self.usage.wait_until, fire_at))

    def wait_for_external_event(self, name: str) -> Task:
        return Task(lambda: None, name)

    def task_any(self, tasks: list[Task]) -> Task:
        return Task(partial(self._first, *tasks))

    def _first(self, event: Task, timer: Task) -> Task:
        """An event that was raised before the timer, or while time passed, comes first."""
        if event.name in self.usage.events:
            return event
        assert timer.outcome == (None, None)
        return event if event.name in self.usage.events else timer

    def task_all(self, tasks: list[Task]) -> Task:
        self.most_at_once = max(self.most_at_once, len(tasks))
        return Task(partial(_run_all, tasks))

    def continue_as_new(self, payload: Any) -> None:
        self.next_input = payload

    def run(self, workflow: Generator[Any, Any, Any]) -> Any:
        try:
            task = next(workflow)
            while True:
                result, error = task.outcome
                task = workflow.throw(error) if error else workflow.send(result)
        except StopIteration as end:
            return end.value

    def _run_lane(self, instance_id: str, payload: Any) -> Any:
        driver = Driver(self.answer, payload, instance_id, usage=self.usage)
        self.lanes[instance_id] = driver
        while True:
            driver.next_input = None
            result = driver.run(lane(driver))
            if driver.next_input is None:
                return result
            driver.payload = driver.next_input


def _run_all(tasks: list[Task]) -> list[Any]:
    outcomes = [task.outcome for task in tasks]
    for _, error in outcomes:
        if error:
            raise error
    return [result for result, _ in outcomes]
