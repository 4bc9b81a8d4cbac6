"""The release that a job belongs to, and whether the one that runs is too old for it.

The host gives a new job the version of `host.json`, lets it wait while an older release runs, and tells
nobody what its version is. So the job's input says it, too. ADR 57 has the reasons.
"""

import re
from typing import Any

from shared_code.jobs import Failure, Json

_MEMBER = "release"
_DOTTED = re.compile(r"\d+(?:\.\d+){1,3}")


def with_release(job: Json, release: str) -> Json:
    """The input of a new job, with the release that starts it."""
    return {**job, _MEMBER: release} if release else job


def newer_release(job: Any, running: str) -> Failure | None:
    """Why a job cannot go on now; None if the running release may run it, or if nobody knows.

    Args:
        job: the input of its orchestration.
        running: the release that runs.
    """
    own = job.get(_MEMBER) if isinstance(job, dict) else None
    if not isinstance(own, str) or not is_newer(own, running):
        return None
    runs = f"release {running} runs" if running else "one without a version runs"
    message = f"Release {own} started the job, and {runs}: deploy {own} or a later one, and the job goes on."
    return Failure("NewerRelease", message)


def is_newer(release: str, other: str) -> bool:
    """Compares as the host does: dotted numbers as numbers, anything else as text whatever its case."""
    if _DOTTED.fullmatch(release) and _DOTTED.fullmatch(other):
        return _numbers(release) > _numbers(other)
    return release.lower() > other.lower()


def _numbers(release: str) -> list[int]:
    return [int(part) for part in release.split(".")]
