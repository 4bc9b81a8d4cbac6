"""Orchestration versions: which instances this host runs, as host.json says.

https://learn.microsoft.com/azure/durable-task/common/durable-orchestration-versioning
"""

import enum
import re
from dataclasses import dataclass

_DOTTED = re.compile(r"\d+(\.\d+){1,3}")


class MatchStrategy(enum.StrEnum):
    """Which instances a host may run, by their version and the host's own."""

    NONE = "None"  # all
    STRICT = "Strict"  # of the host's version only
    CURRENT_OR_OLDER = "CurrentOrOlder"  # of the host's version and before


class FailureStrategy(enum.StrEnum):
    """What becomes of an instance that the host may not run."""

    REJECT = "Reject"  # it waits for a host that may
    FAIL = "Fail"


@dataclass(frozen=True, slots=True)
class VersionPolicy:
    """The version of this host, and how it treats instances of other versions; no version is the oldest."""

    default: str | None = None
    match: MatchStrategy = MatchStrategy.CURRENT_OR_OLDER
    on_mismatch: FailureStrategy = FailureStrategy.REJECT

    def accepts(self, version: str | None) -> bool:
        """Whether the host may run an instance of this version."""
        match self.match:
            case MatchStrategy.NONE:
                return True
            case MatchStrategy.STRICT:
                return (version or "") == (self.default or "")
        return not is_newer(version or "", self.default or "")


def is_newer(version: str, other: str) -> bool:
    """Compares dotted numbers as numbers, anything else as text whatever its case."""
    if _DOTTED.fullmatch(version) and _DOTTED.fullmatch(other):
        return _numbers(version) > _numbers(other)
    return version.strip().lower() > other.strip().lower()


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
