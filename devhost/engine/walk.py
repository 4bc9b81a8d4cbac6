"""Walks an orchestrator's actions against its history, as the Durable extension does on Azure.

The SDK says what the code has asked for; it does not say when. The engine starts the actions one after
another, waiting for each before it starts the next, and so finds out which tasks are new, which are still
open and whether the code still asks for what history says it asked for. Task ids are counted here exactly as
the SDK counts them: one counter for all kinds, in order of creation, retries included.
"""

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from devhost.engine.actions import (
    Action,
    CallActivity,
    CallEntity,
    CallSubOrchestrator,
    ContinueAsNew,
    CreateTimer,
    SignalEntity,
    TaskAction,
    WaitForExternalEvent,
    WhenAll,
    WhenAny,
)
from devhost.engine.errors import NonDeterminismError
from devhost.engine.history import EventType, HistoryEvent, parse_time
from devhost.engine.mismatch import mismatch
from devhost.engine.nodes import EventWait, Group, Node, Retry, Steps, Task


class Walk:
    """A walk through the history of an execution, from its beginning.

    Attributes:
        now: the time of the episode that is being walked through.
        actions: what every task is to do that the code has asked for, by id.
        new_tasks: tasks that the code asks for and history does not hold yet, by id.
        continue_as_new: the action that ends this execution, if the walk has come to one.
        carried_over: external events that came after that action: the next execution gets them.
        suspended: whether events are held back until the instance is resumed.
        other_case: events that were taken for a wait of another case, each with the wait's name.
        crowded: waits that began while several events of their name were unread, each with their number.
        passed_over: actions that start nothing, since what they call does not exist.
    """

    def __init__(self, actions: Sequence[Action], starts: Callable[[Action], bool] = lambda _: True) -> None:
        self.now = datetime.min.replace(tzinfo=UTC)
        self.actions: dict[int, TaskAction] = {}
        self.new_tasks: dict[int, Task] = {}
        self.continue_as_new: ContinueAsNew | None = None
        self.carried_over: list[HistoryEvent] = []
        self.suspended = False
        self.other_case: list[tuple[str, str]] = []
        self.crowded: list[tuple[str, int]] = []
        self.passed_over: list[Action] = []
        self._starts = starts
        self._steps = Steps(self, actions)
        self._next_id = 0
        self._open: dict[int, Task] = {}
        self._asked: dict[str, Task] = {}
        self._waits: defaultdict[str, list[EventWait]] = defaultdict(list)
        self._unread: defaultdict[str, deque[str]] = defaultdict(deque)
        self._held_back: deque[HistoryEvent] = deque()

    @property
    def finished(self) -> bool:
        """Whether every action has been walked and every task that was started has ended."""
        return self.is_through and not self._open

    def unfinished(self) -> Iterator[Node]:
        """What holds up the walk."""
        return self._steps.unfinished()

    @property
    def overtaken(self) -> bool:
        """Whether the code has asked for steps after the one that the walk waits at."""
        return self._steps.overtaken

    @property
    def current(self) -> Action | None:
        """The action that was started last of those that the code has yielded: it may be through already."""
        return self._steps.current

    @property
    def unread(self) -> list[str]:
        """Names of the external events that no wait has taken."""
        return [name for names in self._unread.values() for name in names]

    @property
    def awaited(self) -> set[int]:
        """Tasks that must all succeed before the code can go on; empty if it may go on earlier."""
        task_ids: set[int] = set()
        return task_ids if self._steps.needs_all(task_ids) and not self.suspended else set()

    @property
    def is_through(self) -> bool:
        """Whether every action has been walked, though tasks may be open still."""
        return self._steps.done

    def extend(self, actions: Sequence[Action]) -> None:
        """Takes actions that the code has asked for since; not to be used on a walk that is through."""
        self._steps.extend(actions)

    def replay(self, history: Iterable[HistoryEvent]) -> None:
        """Takes the events of old and new episodes, in order.

        Raises:
            NonDeterminismError: history holds a task that the code no longer asks for.
        """
        for event in history:
            self._take(event)

    def start(self, action: Action, parent: Node) -> Node:
        """Starts one action and all that it is made of, depth first; what starts nothing ends at once."""
        if not self._starts(action):
            self.passed_over.append(action)
            return self._finished_node(parent)
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
        self.actions[task.task_id] = action
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
        wait = EventWait(parent, name)
        unread = self._unread[name.lower()]
        if len(unread) > 1:
            self.crowded.append((name, len(unread)))
        if unread:
            self._read(wait, unread.popleft())
        else:
            self._waits[name.lower()].append(wait)
        return wait

    def _read(self, wait: EventWait, raised: str) -> None:
        if raised != wait.name:
            self.other_case.append((raised, wait.name))
        wait.finish()

    def _finished_node(self, parent: Node) -> Node:
        node = Node(parent)
        node.finish()
        return node

    def _take(self, event: HistoryEvent) -> None:
        event_type = event["EventType"]
        if event_type == EventType.ORCHESTRATOR_STARTED:
            self.now = max(self.now, parse_time(event["Timestamp"]))
        elif event_type == EventType.EXECUTION_SUSPENDED:
            self.suspended = True
        elif event_type == EventType.EXECUTION_RESUMED:
            self._resume()
        elif self.suspended:
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
        if self.continue_as_new is not None:
            self.carried_over.append(event)
        elif key in self._asked:
            self._asked.pop(key).finish(failed="exceptionType" in json.loads(event["Input"]))
        elif self._waits[key]:
            self._read(self._waits[key].pop(), event["Name"])
        else:
            self._unread[key].append(event["Name"])
