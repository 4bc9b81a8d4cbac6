"""Runs workflows without a host: plain functions answer the activities, and lanes run as a host runs them."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from shared_code.workflows.fan_out import lane


@dataclass
class Task:
    """One call of an activity or of a lane, or several awaited together."""

    name: str
    payload: Any = None
    instance_id: str = ""
    children: list["Task"] | None = None


@dataclass
class Driver:
    """Stands in for the context and for the host; it records what was called and what could be seen."""

    answer: Callable[[str, Any], Any]
    payload: Any = None
    instance_id: str = "job"
    calls: list[Task] = field(default_factory=list)
    statuses: list[Any] = field(default_factory=list)
    lanes: dict[str, "Driver"] = field(default_factory=dict)
    most_at_once: int = 0
    next_input: Any = None

    def get_input(self) -> Any:
        return self.payload

    def set_custom_status(self, status: Any) -> None:
        self.statuses.append(status)

    def call_activity_with_retry(self, name: str, _retry: Any, payload: Any) -> Task:
        return Task(name, payload)

    def call_sub_orchestrator(self, name: str, payload: Any, instance_id: str) -> Task:
        return Task(name, payload, instance_id)

    def task_all(self, tasks: list[Task]) -> Task:
        return Task("all", children=tasks)

    def continue_as_new(self, payload: Any) -> None:
        self.next_input = payload

    def run(self, workflow: Generator[Any, Any, Any]) -> Any:
        try:
            task = next(workflow)
            while True:
                task = self._step(workflow, task)
        except StopIteration as end:
            return end.value

    def _step(self, workflow: Generator[Any, Any, Any], task: Task) -> Any:
        try:
            value = self._resolve(task)
        except RuntimeError as error:
            return workflow.throw(Exception(f"Activity function failed: {error} \n trace"))
        return workflow.send(value)

    def _resolve(self, task: Task) -> Any:
        if task.children is not None:
            self.most_at_once = max(self.most_at_once, len(task.children))
            return [self._resolve(child) for child in task.children]
        self.calls.append(task)
        return self._run_lane(task) if task.instance_id else self.answer(task.name, task.payload)

    def _run_lane(self, task: Task) -> Any:
        driver = Driver(self.answer, task.payload, task.instance_id)
        self.lanes[task.instance_id] = driver
        while True:
            driver.next_input = None
            result = driver.run(lane(driver))
            if driver.next_input is None:
                return result
            driver.payload = driver.next_input
