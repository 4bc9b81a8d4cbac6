"""The tree of what a walk waits for.

Steps ──┬── Task            an activity, a sub-orchestration, a timer, a request to an entity
├── Retry ── Task   attempts and the timers between them
├── EventWait       an external event
└── Group           WhenAll, WhenAny
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from devhost.engine.actions import Action, CallEntity, CreateTimer, Retryable, RetryOptions, TaskAction


class Walker(Protocol):
    """Starts actions; `now` is the time of the episode that is being walked through."""

    now: datetime

    def start(self, action: Action, parent: "Node") -> "Node":
        """Starts one action and all that it is made of."""

    def start_task(self, action: TaskAction, parent: "Node") -> "Task":
        """Gives a task the next id."""


class Node:
    """Something that the walk waits for; it tells its parent once when it has finished."""

    __slots__ = ("done", "parent")

    def __init__(self, parent: "Node | None") -> None:
        self.parent = parent
        self.done = False

    def finish(self, *, failed: bool = False) -> None:
        """Marks the node as finished; further calls change nothing."""
        if self.done:
            return
        self.done = True
        if self.parent is not None:
            self.parent.child_finished(failed=failed)

    def child_finished(self, *, failed: bool) -> None:
        """A child has finished."""
        raise NotImplementedError

    def needs_all(self, task_ids: set[int]) -> bool:  # noqa: ARG002 - for the nodes that wait for tasks
        """Whether the node stays unfinished until a set of tasks has succeeded; adds their ids if so."""
        return self.done

    def unfinished(self) -> "Iterator[Node]":
        """What the node still waits for: tasks, retries and events."""
        if not self.done:
            yield self


class Task(Node):
    """An activity, a sub-orchestration, a timer or a request to an entity: what has a place in history."""

    __slots__ = ("action", "task_id")

    def __init__(self, parent: Node, task_id: int, action: TaskAction) -> None:
        super().__init__(parent)
        self.task_id = task_id
        self.action = action

    def needs_all(self, task_ids: set[int]) -> bool:
        """Adds the task itself; an entity's answer comes as an event without its id."""
        if not self.done:
            task_ids.add(self.task_id)
        return not isinstance(self.action, CallEntity)


class EventWait(Node):
    """A wait for one external event."""

    __slots__ = ("name",)

    def __init__(self, parent: Node, name: str) -> None:
        super().__init__(parent)
        self.name = name


class Group(Node):
    """WhenAll (`needed` = every child) or WhenAny (`needed` = one)."""

    __slots__ = ("_children", "_finished", "_needed", "_started")

    def __init__(self, parent: Node, needed: int) -> None:
        super().__init__(parent)
        self._needed = needed
        self._children: list[Node] = []
        self._finished = 0
        self._started = False

    def start(self, walk: Walker, children: Sequence[Action]) -> None:
        """Starts every child before it looks whether enough have finished already."""
        self._children = [walk.start(child, self) for child in children]
        self._started = True
        self._finish_if_enough()

    def child_finished(self, *, failed: bool) -> None:  # noqa: ARG002 - a failed child counts too
        """Counts the child."""
        self._finished += 1
        self._finish_if_enough()

    def needs_all(self, task_ids: set[int]) -> bool:
        """Adds the tasks of all children, if it waits for every one."""
        wants_every_child = self._needed == len(self._children)
        return self.done or (wants_every_child and all(child.needs_all(task_ids) for child in self._children))

    def unfinished(self) -> Iterator[Node]:
        """What the children still wait for."""
        for child in () if self.done else self._children:
            yield from child.unfinished()

    def _finish_if_enough(self) -> None:
        if self._started and self._finished >= self._needed:
            self.finish()


@dataclass(frozen=True, slots=True)
class Rest:
    """The time between a failed attempt and the next one.

    Attributes:
        timer_id: the timer until the next attempt.
        task_id: the attempt that has failed last.
        failed: how many have failed.
        attempts: how many there may be.
    """

    name: str
    timer_id: int
    task_id: int
    failed: int
    attempts: int


class Retry(Node):
    """A task that is tried again after a timer; after the last failure too comes one, which fires at once."""

    __slots__ = ("_attempts", "_current", "_options", "_rest_timer", "_walk", "action")

    def __init__(self, parent: Node, walk: Walker, action: Retryable, options: RetryOptions) -> None:
        super().__init__(parent)
        self._walk = walk
        self.action = action.once
        self._options = options
        self._attempts = 0
        self._rest_timer: Task | None = None
        self._current: Node = self

    @property
    def resting(self) -> bool:
        """Whether an attempt has failed and the next one has to wait."""
        return self._rest_timer is not None

    @property
    def rest(self) -> Rest | None:
        """How the last attempt has failed, and what the next one waits for, while it does."""
        timer, failed = self._rest_timer, self._current
        if timer is None or not isinstance(failed, Task):
            return None
        return Rest(self.action.name, timer.task_id, failed.task_id, self._attempts, self._options.attempts)

    def attempt(self) -> None:
        """Starts the next attempt."""
        self._attempts += 1
        self._current = self._walk.start_task(self.action, self)

    def needs_all(self, task_ids: set[int]) -> bool:
        """Adds the attempt that runs; after a timer there will be another."""
        return self.done or (not self.resting and self._current.needs_all(task_ids))

    def child_finished(self, *, failed: bool) -> None:
        """An attempt or the timer after it has ended."""
        if self.resting:
            self._rest_timer = None
            self._after_rest()
        elif failed:
            timer = CreateTimer(self._walk.now + self._interval())
            self._rest_timer = self._walk.start_task(timer, self)
        else:
            self.finish()

    def _after_rest(self) -> None:
        if self._is_last:
            self.finish(failed=True)
        else:
            self.attempt()

    def _interval(self) -> timedelta:
        return timedelta() if self._is_last else self._options.interval

    @property
    def _is_last(self) -> bool:
        return self._attempts >= self._options.attempts


class Steps(Node):
    """The top-level actions, one after another; a failed step does not stop the walk."""

    __slots__ = ("_actions", "_advancing", "_current", "_position", "_walk")

    def __init__(self, walk: Walker, actions: Sequence[Action]) -> None:
        super().__init__(None)
        self._walk = walk
        self._actions = list(actions)
        self._advancing = False
        self._current: Node | None = None
        self._position = 0

    def extend(self, actions: Sequence[Action]) -> None:
        """Adds steps after those that there are."""
        self._actions += actions

    def advance(self) -> None:
        """Starts steps until one has to be waited for."""
        self._advancing = True
        while self._position < len(self._actions):
            self._current = self._walk.start(self._actions[self._position], self)
            self._position += 1
            if not self._current.done:
                break
        else:
            self.finish()
        self._advancing = False

    def child_finished(self, *, failed: bool) -> None:  # noqa: ARG002 - a failure is the code's matter
        """Goes on after the step that was waited for."""
        if not self._advancing:
            self.advance()

    def needs_all(self, task_ids: set[int]) -> bool:
        """Adds the tasks of the current step; steps that the code has asked for after it do not count."""
        return not self.overtaken and self._current is not None and self._current.needs_all(task_ids)

    def unfinished(self) -> Iterator[Node]:
        """What the current step still waits for."""
        if self._current is not None:
            yield from self._current.unfinished()

    @property
    def current(self) -> Action | None:
        """The step that was started last."""
        return self._actions[self._position - 1] if self._position else None

    @property
    def overtaken(self) -> bool:
        """Whether the code has asked for steps after the current one."""
        return self._position < len(self._actions)
