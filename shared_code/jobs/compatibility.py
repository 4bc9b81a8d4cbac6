"""What jobs that an earlier release started still need: every rule that depends on the version (ADR 35).

A job outlives a deployment: its history replays on the new code, and its input is that of the old one.
"""

from collections.abc import Mapping
from datetime import timedelta

from shared_code.jobs.durable import Json
from shared_code.jobs.failures import DEFAULT_PATIENCE

# The version of a job's input that is written now; and those that are still read.
VERSION = 3
VERSIONS = frozenset({1, 2, VERSION})
_DISCARDS_BY_ACTIVITY = 2
_RESERVES = 3
# Until version 2 a flag in the input of these activities, by kind of job, said to discard what was staged.
_DISCARDED_BY = {"audit-query": "count-distinct-activity", "embed-files": "delete-stale-activity"}
DISCARD_ACTIVITY = "discard-staged-activity"
# Until version 2 an events service that was away was waited for as an unknown event is, without any trouble.
UNKNOWN_YET = frozenset({"EventNotFound", "EventsUnavailable"})

# Until version 2 an item that failed without saying what it had counted was counted as one.
FAILED_ITEM: Mapping[str, int] = {"failed": 1}


def version_of(value: Json) -> int:
    """The version of a job's input."""
    version: int = value["version"]
    return version


def discard_activity(kind: str, version: int) -> str:
    """The activity that discards what a job has staged."""
    return _DISCARDED_BY.get(kind, DISCARD_ACTIVITY) if version < _DISCARDS_BY_ACTIVITY else DISCARD_ACTIVITY


def reserves(version: int) -> bool:
    """Whether an event's job asks its budget when its text is known; before, it asked first of all."""
    return version >= _RESERVES


def patience_of(value: Json) -> timedelta:
    """How long a job waits for what has to recover; version 1 did not say."""
    seconds = value.get("patienceSeconds")
    return DEFAULT_PATIENCE if seconds is None else timedelta(seconds=seconds)


def came_from_queue(value: Json) -> bool:
    """Whether an event's job was started by a message; version 1 did not say, and lost it if it failed."""
    return bool(value.get("fromQueue", False))


def may_shrink(value: Json) -> bool:
    """Whether a path may lose most of its files; version 1 did not ask."""
    return bool(value.get("allowShrink", False))
