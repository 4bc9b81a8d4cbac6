"""Rows of the state file, read as what they stand for."""

import json
import sqlite3

from devhost.engine.history import parse_time
from devhost.engine.instance import Instance, Parent, RuntimeStatus
from devhost.engine.work import ActivityCall, QueuedActivity


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
