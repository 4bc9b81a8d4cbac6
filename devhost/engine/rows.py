"""Rows of the state file, and what they stand for."""

import json
import sqlite3
from typing import Any

from devhost.engine.history import parse_time
from devhost.engine.instance import Instance, Parent, RuntimeStatus
from devhost.engine.work import ActivityCall, QueuedActivity


def row_of(record: Instance | Parent | ActivityCall) -> dict[str, Any]:
    """The members of a record by their names. `asdict` copies each of them, in thirty times the time."""
    return {name: getattr(record, name) for name in record.__slots__}


def instance_of(row: sqlite3.Row) -> Instance:
    """An instance, without its input."""
    values = dict(row) | {
        "status": RuntimeStatus(row["status"]),
        "created_at": parse_time(row["created_at"]),
        "updated_at": parse_time(row["updated_at"]),
        "parent": Parent(**json.loads(row["parent"])) if row["parent"] else None,
    }
    return Instance(**values)


def queued_activity_of(row: sqlite3.Row) -> QueuedActivity:
    """A call of an activity that waits to be made."""
    values = dict(row)
    return QueuedActivity(values.pop("call_id"), ActivityCall(**values))
