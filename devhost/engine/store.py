"""The task hub in SQLite: every change is one transaction, committed before anyone hears of it."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from devhost.engine.commit_thread import CommitThread
from devhost.engine.dotnet_json import to_json
from devhost.engine.entity import EntityState, new_entity
from devhost.engine.errors import (
    EntityProtected,
    InstanceAlreadyExists,
    InstanceNotEnded,
    InstanceNotFound,
)
from devhost.engine.execution import Execution
from devhost.engine.history import HistoryEvent, format_time, parse_time, sub_orchestration_failed
from devhost.engine.instance import Instance, InstanceQuery, RuntimeStatus, is_entity_id
from devhost.engine.listing import Listed, ListQuery, Record, listed, newest, record
from devhost.engine.queries import SQL
from devhost.engine.rows import instance_of, queued_activity_of, row_of
from devhost.engine.state_file import Shrinking, prepare
from devhost.engine.work import ActivityCall, Checkpoint, Message, NewInstance, QueuedActivity, WorkItem

_ALL_OF_AN_INSTANCE: Final = (
    "delete_instance",
    "delete_input",
    "delete_history",
    "delete_messages",
    "delete_activities",
    "delete_starts",
)
_AT_ONCE: Final = ""  # sorts before every time


class Store:
    """A task hub's state; its methods are safe to call from any event loop.

    Attributes:
        revision: grows whenever an instance changes, or an activity ends.
    """

    @classmethod
    def open(cls, path: str) -> "Store":
        """Opens or creates a state file; `:memory:` keeps the state in memory.

        Raises:
            StateFileInUse: another host has it open.
            StateFileOutdated: it was made by a newer host, or a very old one.
        """
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.2)
        connection.row_factory = sqlite3.Row
        try:
            prepare(connection, path)
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread = CommitThread(connection, at_rest=Shrinking(connection).step)
        self.revision = 0

    def close(self) -> None:
        """Finishes what was asked before and closes the file."""
        self._thread.close()

    async def create_instance(self, new: NewInstance, *, replaces_running: bool = False) -> None:
        """Stores an instance and its start message in place of an ended one of the id, or of any.

        Raises:
            InstanceAlreadyExists: an instance of the same id has not ended.
        """
        await self._thread.run(lambda: self._create(new, replaces_running=replaces_running))

    async def get_instance(self, instance_id: str) -> Instance | None:
        """The instance, or `None`."""
        return await self._thread.run(lambda: self._find(instance_id))

    async def get_with_input(self, instance_id: str) -> tuple[Instance | None, str | None]:
        """The instance, or `None`, and its input, both as they are at one moment."""
        return await self._thread.run(lambda: (self._find(instance_id), self._input(instance_id)))

    async def list_instances(self, query: InstanceQuery, top: int, after: str) -> list[Instance]:
        """At most `top` instances whose ids come after `after`, in order of their ids."""
        values = {
            "after": after,
            "top": top,
            "id_prefix": query.id_prefix,
            "created_from": query.created_from and format_time(query.created_from),
            "created_to": query.created_to and format_time(query.created_to),
            "statuses": f",{','.join(sorted(query.statuses))}," if query.statuses else "",
        }
        return await self._thread.run(lambda: [instance_of(row) for row in self._rows("instances", **values)])

    async def get_inputs(self, instance_ids: Sequence[str]) -> dict[str, str]:
        """The inputs of instances that have one, by their ids."""

        def read() -> dict[str, str]:
            found = {instance_id: self._input(instance_id) for instance_id in instance_ids}
            return {instance_id: text for instance_id, text in found.items() if text is not None}

        return await self._thread.run(read)

    async def list_newest(self, query: ListQuery) -> list[Listed]:
        """A page of orchestrations by their age."""
        return await self._thread.run(lambda: newest(self._connection, query))

    async def get_record(self, instance_id: str, position: int, most: int) -> tuple[Listed, Record] | None:
        """An instance and a part of its history; `None` if there is no such instance."""

        def read() -> tuple[Listed, Record] | None:
            instance = listed(self._connection, instance_id)
            if instance is None:
                return None
            return instance, record(self._connection, instance, position, most)

        return await self._thread.run(read)

    async def get_history(self, instance_id: str) -> list[HistoryEvent]:
        """The history of the current execution."""
        texts = await self._thread.run(lambda: self._history(instance_id))
        return [json.loads(text) for text in texts]

    async def get_messages(self, instance_id: str) -> list[tuple[datetime | None, HistoryEvent]]:
        """The events on their way to an instance, each with its time of arrival; `None` for at once."""
        rows = await self._thread.run(lambda: self._rows("messages", instance_id=instance_id))
        return [(parse_time(row["due"]) if row["due"] else None, json.loads(row["event"])) for row in rows]

    async def send(self, message: Message) -> None:
        """Stores a message.

        Raises:
            InstanceNotFound: there is no instance to take it.
        """

        def send() -> None:
            if self._find(message.instance_id) is None and not is_entity_id(message.instance_id):
                raise InstanceNotFound(message.instance_id)
            self._send(message)

        await self._thread.run(send)

    async def load(self, instance_id: str, now: datetime, known: Execution | None = None) -> WorkItem | None:
        """The instance with all that has arrived for it; `None` if there is nothing to do.

        The history is only read if the instance is not in the execution that is `known` already.
        """
        return await self._thread.run(lambda: self._load(instance_id, now, known))

    async def complete(self, checkpoint: Checkpoint) -> list[QueuedActivity] | None:
        """Stores what a work item led to.

        Returns:
            The activities that it has scheduled; `None` if another instance has taken the id meanwhile, to
            which nothing of it applies.
        """
        return await self._thread.run(lambda: self._checkpoint(checkpoint))

    async def rewind(self, checkpoints: Sequence[Checkpoint]) -> bool:
        """Stores what rewound instances go on from; False, and nothing stored, if one has not failed."""

        def rewind() -> bool:
            if not all(self._is_failed(checkpoint.instance) for checkpoint in checkpoints):
                return False
            for checkpoint in checkpoints:
                self._checkpoint(checkpoint)
            return True

        return await self._thread.run(rewind)

    async def get_activity_starts(self, instance_id: str) -> dict[int, datetime]:
        """When the activities of the current execution that have ended began to run, by task id."""
        rows = await self._thread.run(lambda: self._rows("starts", instance_id=instance_id))
        return {row["task_id"]: parse_time(row["started_at"]) for row in rows}

    async def complete_activity(
        self, activity: QueuedActivity, outcome: Message, started_at: datetime
    ) -> None:
        """Stores an activity's outcome and when it began to run, and forgets the call."""
        call = activity.call

        def complete() -> None:
            self.revision += 1
            if self._execute("delete_activity", call_id=activity.call_id).rowcount:
                self._execute(
                    "insert_start",
                    instance_id=call.instance_id,
                    execution_id=call.execution_id,
                    task_id=call.task_id,
                    started_at=format_time(started_at),
                )
            self._send(outcome)

        await self._thread.run(complete)

    async def arrivals(self) -> dict[str, datetime | None]:
        """The instances with waiting messages and when the next one arrives; `None` for at once."""
        rows = await self._thread.run(lambda: self._rows("arrivals"))
        return {row["instance_id"]: parse_time(row["due"]) if row["due"] else None for row in rows}

    async def queued_activities(self) -> list[QueuedActivity]:
        """Activities that were scheduled and have no outcome."""
        return [queued_activity_of(row) for row in await self._thread.run(lambda: self._rows("activities"))]

    async def purge(self, instance_id: str) -> None:
        """Removes an ended instance and its history, or an entity that holds no state any more.

        Raises:
            InstanceNotFound: there is none.
            InstanceNotEnded: it still lives.
            EntityProtected: it is an entity that holds a state.
        """

        def purge() -> None:
            instance = self._find(instance_id)
            if instance is None:
                raise InstanceNotFound(instance_id)
            if instance.is_entity and EntityState.of(self._input(instance_id)).exists:
                raise EntityProtected(instance_id, "purge")
            if not instance.status.is_terminal and not instance.is_entity:
                raise InstanceNotEnded(instance_id, instance.status)
            self._remove(instance_id)

        await self._thread.run(purge)

    # What follows runs on the store's thread, inside a transaction.

    def _create(self, new: NewInstance, *, replaces_running: bool = False) -> None:
        instance = new.instance
        existing = self._find(instance.instance_id)
        if existing is not None and not (existing.status.is_terminal or replaces_running):
            raise InstanceAlreadyExists(instance.instance_id, existing.status)
        if existing is not None and instance.generation is not None:
            instance = replace(instance, generation=(existing.generation or 0) + 1)
        if existing is not None:
            self._remove(instance.instance_id)
        self._save(instance)
        if new.input is not None:
            self._save_input(instance.instance_id, new.input)
        started = {**new.started, "Generation": instance.generation}
        self._send(Message(instance.instance_id, started, instance.execution_id))

    def _remove(self, instance_id: str) -> None:
        self.revision += 1
        for query in _ALL_OF_AN_INSTANCE:
            self._execute(query, instance_id=instance_id)

    def _load(self, instance_id: str, now: datetime, known: Execution | None) -> WorkItem | None:
        rows = self._rows("due_messages", instance_id=instance_id, now=format_time(now))
        instance = self._receiver(instance_id, now)
        wanted = [row for row in rows if _is_wanted(row, instance)]
        unwanted = {row["message_id"] for row in rows} - {row["message_id"] for row in wanted}
        self._drop(unwanted)
        if instance is None or not wanted:
            return None
        if known is None or known.execution_id != instance.execution_id:
            history, input_text = self._history(instance_id), self._input(instance_id)
            known = Execution(instance.execution_id, history, input_text=input_text)
        if not known.history:  # the start comes first, also before events that came while it was decided on
            wanted.sort(key=lambda row: row["execution_id"] is None)
        return WorkItem(
            instance=instance,
            execution=known,
            new_events=[json.loads(row["event"]) for row in wanted],
            message_ids=[row["message_id"] for row in wanted],
            size=known.size + sum(len(row["event"]) for row in wanted),
        )

    def _receiver(self, instance_id: str, now: datetime) -> Instance | None:
        """Who takes an instance's messages; an entity comes to be with its first."""
        instance = self._find(instance_id)
        if instance is None and is_entity_id(instance_id):
            return new_entity(instance_id, now)
        if instance is not None and instance.is_entity:  # which earlier versions of this host let clients end
            return replace(instance, status=RuntimeStatus.RUNNING, output=None)
        return instance

    def _checkpoint(self, checkpoint: Checkpoint) -> list[QueuedActivity] | None:
        instance = checkpoint.instance
        dropped = self._drop(checkpoint.message_ids)
        if dropped < len(checkpoint.message_ids) and not instance.is_entity:  # they went with their instance
            return None
        self._save(instance)
        if checkpoint.input is not None:
            self._save_input(instance.instance_id, checkpoint.input.text)
        if instance.status.is_terminal:
            self._execute("delete_messages", instance_id=instance.instance_id)
        if checkpoint.restarted:
            self._execute("delete_history", instance_id=instance.instance_id)
            self._execute(
                "delete_old_starts", instance_id=instance.instance_id, execution_id=instance.execution_id
            )
        self._append_history(instance.instance_id, checkpoint.history)
        for message in checkpoint.messages:
            self._send(message)
        for child in checkpoint.children:
            self._start_child(child, or_fail=checkpoint.fails_children)
        return [self._enqueue(call) for call in checkpoint.activities]

    def _is_failed(self, instance: Instance) -> bool:
        found = self._find(instance.instance_id)
        if found is None or found.execution_id != instance.execution_id:
            return False
        return found.status is RuntimeStatus.FAILED

    def _append_history(self, instance_id: str, events: list[str]) -> None:
        (position,) = self._rows("history_length", instance_id=instance_id)[0]
        rows = [
            {"instance_id": instance_id, "position": position, "event": event}
            for position, event in enumerate(events, start=position)
        ]
        self._connection.executemany(SQL["append_event"], rows)

    def _start_child(self, child: NewInstance, *, or_fail: bool) -> None:
        """Starts a sub-orchestration; if its id is in use, the task fails or never ends."""
        try:
            self._create(child)
        except InstanceAlreadyExists as conflict:
            if not or_fail:
                return
            parent = child.instance.parent
            assert parent is not None  # noqa: S101 - a child has one by construction
            reason = (
                f"{conflict} A sub-orchestration needs an id of its own: {conflict.instance_id!r} is in use."
            )
            event = sub_orchestration_failed(child.instance.created_at, parent.task_id, reason, None)
            self._send(Message(parent.instance_id, event, parent.execution_id))

    def _enqueue(self, call: ActivityCall) -> QueuedActivity:
        cursor = self._execute("insert_activity", **row_of(call))
        assert cursor.lastrowid is not None  # noqa: S101 - SQLite sets it after every INSERT
        return QueuedActivity(cursor.lastrowid, call)

    def _send(self, message: Message) -> None:
        self._execute(
            "insert_message",
            instance_id=message.instance_id,
            execution_id=message.execution_id,
            due=format_time(message.due) if message.due else _AT_ONCE,
            event=to_json(message.event),
        )

    def _save(self, instance: Instance) -> None:
        self.revision += 1
        values = row_of(instance) | {
            "created_at": format_time(instance.created_at),
            "updated_at": format_time(instance.updated_at),
            "parent": to_json(row_of(instance.parent)) if instance.parent else None,
        }
        self._execute("insert_instance", **values)

    def _save_input(self, instance_id: str, text: str | None) -> None:
        if text is None:
            self._execute("delete_input", instance_id=instance_id)
        else:
            self._execute("insert_input", instance_id=instance_id, input=text)

    def _input(self, instance_id: str) -> str | None:
        rows = self._rows("input", instance_id=instance_id)
        return rows[0]["input"] if rows else None

    def _find(self, instance_id: str) -> Instance | None:
        rows = self._rows("instance", instance_id=instance_id)
        return instance_of(rows[0]) if rows else None

    def _history(self, instance_id: str) -> list[str]:
        return [row["event"] for row in self._rows("history", instance_id=instance_id)]

    def _drop(self, message_ids: Iterable[int]) -> int:
        """Removes messages; returns how many of them there were."""
        rows = [{"message_id": message_id} for message_id in message_ids]
        return self._connection.executemany(SQL["delete_message"], rows).rowcount if rows else 0

    def _rows(self, query: str, **values: Any) -> list[sqlite3.Row]:
        return self._execute(query, **values).fetchall()

    def _execute(self, query: str, **values: Any) -> sqlite3.Cursor:
        return self._connection.execute(SQL[query], values)


def _is_wanted(row: sqlite3.Row, instance: Instance | None) -> bool:
    """Whether a message still has someone to take it: its execution, or any that lives."""
    if instance is None or instance.status.is_terminal:
        return False
    return row["execution_id"] in (None, instance.execution_id)
