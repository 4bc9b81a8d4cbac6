"""Instances and histories as people look at them: a page at a time, without the values that may be large."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from devhost.engine.history import format_time, parse_time
from devhost.engine.instance import RuntimeStatus
from devhost.engine.queries import SQL

MOST_CHILDREN: Final = 100  # that are counted
_LAST: Final = "~"  # sorts after every time


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list that is ordered by time."""

    created_at: str
    instance_id: str


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which orchestrations to list; an empty field does not narrow the list.

    Attributes:
        parent: list the sub-orchestrations of this one, in the order of their starts; else the newest first.
        after: the place that the page begins after.
    """

    top: int
    name: str = ""
    status: str = ""
    prefix: str = ""
    parent: str = ""
    after: Place | None = None

    @property
    def is_filter(self) -> bool:
        """Whether sub-orchestrations that fit are listed, too, and not only below their parents."""
        return bool(self.name or self.status or self.prefix)


@dataclass(frozen=True, slots=True)
class Listed:
    """An orchestration in a list.

    Attributes:
        custom_status: JSON text.
        parent_id: the orchestration that started it.
        children: how many it has started itself, `MOST_CHILDREN` at most.
    """

    instance_id: str
    execution_id: str
    name: str
    version: str | None
    status: RuntimeStatus
    custom_status: str | None
    created_at: datetime
    updated_at: datetime
    parent_id: str | None
    children: int

    @property
    def is_entity(self) -> bool:
        """Whether it is a durable entity."""
        return self.name == self.instance_id and self.instance_id.startswith("@")


@dataclass(frozen=True, slots=True)
class Record:
    """A part of a history.

    Attributes:
        events: JSON texts, in order, the first of them at the position that was asked for.
        started: when the activities that end in this part began to run, by the positions of their ends.
    """

    events: list[str]
    started: dict[int, datetime]


def place_of(instance: Listed) -> Place:
    """Where an instance stands in a list."""
    return Place(format_time(instance.created_at), instance.instance_id)


def newest(connection: sqlite3.Connection, query: ListQuery) -> list[Listed]:
    """The page of a list."""
    statement = "children" if query.parent else "newest" if query.is_filter else "newest_roots"
    after = query.after or Place("" if query.parent else _LAST, "")
    values = {
        "top": query.top,
        "name": query.name,
        "status": query.status,
        "prefix": query.prefix,
        "parent": query.parent,
        "created_at": after.created_at,
        "instance_id": after.instance_id,
    }
    ids = [row["instance_id"] for row in connection.execute(SQL[statement], values)]
    return [found for instance_id in ids if (found := listed(connection, instance_id))]


def listed(connection: sqlite3.Connection, instance_id: str) -> Listed | None:
    """One instance as a list shows it, an entity too."""
    values = {"instance_id": instance_id, "most_children": MOST_CHILDREN}
    row = connection.execute(SQL["listed"], values).fetchone()
    return None if row is None else _listed(row)


def record(connection: sqlite3.Connection, instance: Listed, position: int, most: int) -> Record:
    """At most `most` events of the instance's execution, from a position on."""
    values = {
        "instance_id": instance.instance_id,
        "execution_id": instance.execution_id,
        "position": position,
        "most": most,
    }
    rows = connection.execute(SQL["history_from"], values).fetchall()
    started = {
        at: parse_time(row["started_at"]) for at, row in enumerate(rows, start=position) if row["started_at"]
    }
    return Record([row["event"] for row in rows], started)


def _listed(row: sqlite3.Row) -> Listed:
    values: dict[str, Any] = dict(row) | {
        "status": RuntimeStatus(row["status"]),
        "created_at": parse_time(row["created_at"]),
        "updated_at": parse_time(row["updated_at"]),
    }
    return Listed(**values)
