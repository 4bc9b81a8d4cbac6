"""Walks an orchestrator's actions against its history, as the Durable extension does on Azure.

The SDK says what the code has asked for; it does not say when. The engine starts the actions one after
another, waiting for each before it starts the next, and so finds out which tasks are new, which are still
open and whether the code still asks for what history says it asked for. Task ids are counted here exactly as
the SDK counts them: one counter for all kinds, in order of creation, retries included.

    Walk ── Steps ──┬── Task            an activity, a sub-orchestration, a timer, a request to an entity
                    ├── Retry ── Task   attempts and the timers between them
                    ├── EventWait       an external event
                    └── Group           WhenAll, WhenAny
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from .actions import (
    Action,
    CallActivity,
    CallEntity,
    CallSubOrchestrator,
    ContinueAsNew,
    CreateTimer,
    Retryable,
    RetryOptions,
    SignalEntity,
    TaskAction,
    WaitForExternalEvent,
    WhenAll,
    WhenAny,
)
from .errors import NonDeterminismError
from .history import EventType, HistoryEvent, parse_time
from .mismatch import mismatch


class Node:
    """Something that the walk waits for; it tells its parent once when it has finished."""

    __slots__ = ("done", "parent")

    def __init__(self, parent: Node | None) -> None:
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

    __slots__ = ()


class Group(Node):
    """WhenAll (`needed` = every child) or WhenAny (`needed` = one)."""

    __slots__ = ("_children", "_finished", "_needed", "_started")

    def __init__(self, parent: Node, needed: int) -> None:
        super().__init__(parent)
        self._needed = needed
        self._children: list[Node] = []
        self._finished = 0
        self._started = False

    def start(self, walk: Walk, children: Sequence[Action]) -> None:
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

    def _finish_if_enough(self) -> None:
        if self._started and self._finished >= self._needed:
            self.finish()


class Retry(Node):
    """A task that is tried again after a timer; after the last failure too comes one, which fires at once."""

    __slots__ = ("_action", "_attempts", "_current", "_options", "_resting", "_walk")

    def __init__(self, parent: Node, walk: Walk, action: Retryable, options: RetryOptions) -> None:
        super().__init__(parent)
        self._walk = walk
        self._action = action.once
        self._options = options
        self._attempts = 0
        self._resting = False
        self._current: Node = self

    def attempt(self) -> None:
        """Starts the next attempt."""
        self._attempts += 1
        self._current = self._walk.start_task(self._action, self)

    def needs_all(self, task_ids: set[int]) -> bool:
        """Adds the attempt that runs; after a timer there will be another."""
        return self.done or (not self._resting and self._current.needs_all(task_ids))

    def child_finished(self, *, failed: bool) -> None:
        """An attempt or the timer after it has ended."""
        if self._resting:
            self._resting = False
            self._after_rest()
        elif failed:
            self._resting = True
            self._walk.start_task(CreateTimer(self._walk.now + self._rest()), self)
        else:
            self.finish()

    def _after_rest(self) -> None:
        if self._is_last:
            self.finish(failed=True)
        else:
            self.attempt()

    def _rest(self) -> timedelta:
        return timedelta() if self._is_last else self._options.interval

    @property
    def _is_last(self) -> bool:
        return self._attempts >= self._options.attempts


class Steps(Node):
    """The top-level actions, one after another; a failed step does not stop the walk."""

    __slots__ = ("_actions", "_advancing", "_current", "_walk", "position")

    def __init__(self, walk: Walk, actions: Sequence[Action]) -> None:
        super().__init__(None)
        self._walk = walk
        self._actions = actions
        self._advancing = False
        self._current: Node | None = None
        self.position = 0

    def advance(self) -> None:
        """Starts steps until one has to be waited for."""
        self._advancing = True
        while self.position < len(self._actions):
            self._current = self._walk.start(self._actions[self.position], self)
            self.position += 1
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
        """Adds the tasks of the current step; steps that the code has asked for behind it do not count."""
        is_last = self.position == len(self._actions)
        return is_last and self._current is not None and self._current.needs_all(task_ids)


class Walk:
    """One walk through the history of an execution, from its beginning.

    Attributes:
        now: the time of the episode that is being walked through.
        new_tasks: tasks that the code asks for and history does not hold yet, by id.
        continue_as_new: the action that ends this execution, if the walk has come to one.
        suspended: whether events are held back until the instance is resumed.
    """

    def __init__(self, actions: Sequence[Action]) -> None:
        self.now = datetime.min.replace(tzinfo=UTC)
        self.new_tasks: dict[int, Task] = {}
        self.continue_as_new: ContinueAsNew | None = None
        self.suspended = False
        self._steps = Steps(self, actions)
        self._next_id = 0
        self._open: dict[int, Task] = {}
        self._asked: dict[str, Task] = {}
        self._waits: defaultdict[str, list[EventWait]] = defaultdict(list)
        self._unread: defaultdict[str, int] = defaultdict(int)
        self._held_back: deque[HistoryEvent] = deque()

    @property
    def finished(self) -> bool:
        """Whether every action has been walked and every task that was started has ended."""
        return self._steps.done and not self._open

    @property
    def awaited(self) -> set[int]:
        """Tasks that must all succeed before the code can go on; empty if it may go on earlier."""
        task_ids: set[int] = set()
        return task_ids if self._steps.needs_all(task_ids) and not self.suspended else set()

    def replay(self, history: Iterable[HistoryEvent]) -> None:
        """Takes the events of old and new episodes, in order.

        Raises:
            NonDeterminismError: history holds a task that the code no longer asks for.
        """
        for event in history:
            self._take(event)

    def start(self, action: Action, parent: Node) -> Node:
        """Starts one action and all that it is made of, depth first."""
        match action:
            case WhenAll(children) | WhenAny(children):
                needed = len(children) if isinstance(action, WhenAll) else min(1, len(children))
                group = Group(parent, needed)
                group.start(self, children)
                return group
            case WaitForExternalEvent(name):
                return self._start_wait(name, parent)
            case ContinueAsNew():
                self.continue_as_new = action
                return self._finished_node(parent)
            case CallActivity() | CallSubOrchestrator() if action.retry:
                retry = Retry(parent, self, action, action.retry)
                retry.attempt()
                return retry
        return self.start_task(action, parent)

    def start_task(self, action: TaskAction, parent: Node) -> Task:
        """Gives a task the next id; nobody waits for a cancelled timer or a signal."""
        task = Task(parent, self._next_id, action)
        self._next_id += 1
        self.new_tasks[task.task_id] = task
        match action:
            case CreateTimer(canceled=True):
                task.finish(failed=True)
            case SignalEntity():
                task.finish()
            case CallActivity() | CallSubOrchestrator() | CreateTimer():
                self._open[task.task_id] = task
        return task

    def _start_wait(self, name: str, parent: Node) -> EventWait:
        wait = EventWait(parent)
        key = name.lower()
        if self._unread[key]:
            self._unread[key] -= 1
            wait.finish()
        else:
            self._waits[key].append(wait)
        return wait

    def _finished_node(self, parent: Node) -> Node:
        node = Node(parent)
        node.finish()
        return node

    def _take(self, event: HistoryEvent) -> None:
        event_type = event["EventType"]
        if event_type == EventType.EXECUTION_SUSPENDED:
            self.suspended = True
        elif event_type == EventType.EXECUTION_RESUMED:
            self._resume()
        elif self.suspended and event["EventId"] < 0:
            self._held_back.append(event)
        else:
            self._apply(event_type, event)

    def _resume(self) -> None:
        self.suspended = False
        while self._held_back:
            event = self._held_back.popleft()
            self._apply(event["EventType"], event)

    def _apply(self, event_type: int, event: HistoryEvent) -> None:
        match event_type:
            case EventType.ORCHESTRATOR_STARTED:
                self.now = max(self.now, parse_time(event["Timestamp"]))
            case EventType.EXECUTION_STARTED:
                self._steps.advance()
            case EventType.TASK_SCHEDULED | EventType.SUB_ORCHESTRATION_CREATED | EventType.TIMER_CREATED:
                self._match(event)
            case EventType.EVENT_SENT:
                self._expect_answer(event, self._match(event))
            case EventType.TASK_COMPLETED | EventType.SUB_ORCHESTRATION_COMPLETED:
                self._close(event["TaskScheduledId"], failed=False)
            case EventType.TASK_FAILED | EventType.SUB_ORCHESTRATION_FAILED:
                self._close(event["TaskScheduledId"], failed=True)
            case EventType.TIMER_FIRED:
                self._close(event["TimerId"], failed=False)
            case EventType.EVENT_RAISED:
                self._take_event(event)

    def _match(self, event: HistoryEvent) -> Task | None:
        task = self.new_tasks.pop(event["EventId"], None)
        difference = mismatch(event, task.action if task else None)
        if difference:
            raise NonDeterminismError(difference)
        return task

    def _expect_answer(self, event: HistoryEvent, task: Task | None) -> None:
        if task is not None and isinstance(task.action, CallEntity):
            self._asked[json.loads(event["Input"])["id"]] = task

    def _close(self, task_id: int, *, failed: bool) -> None:
        task = self._open.pop(task_id, None)
        if task is not None:
            task.finish(failed=failed)

    def _take_event(self, event: HistoryEvent) -> None:
        key = event["Name"].lower()
        if key in self._asked:
            self._asked.pop(key).finish(failed="exceptionType" in json.loads(event["Input"]))
        elif self._waits[key]:
            self._waits[key].pop().finish()
        else:
            self._unread[key] += 1
