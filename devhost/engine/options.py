"""What a host's configuration says about the engine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HubOptions:
    """Limits and defaults of a task hub, named as in host.json.

    Attributes:
        max_concurrent_activities: activities that run at the same time.
        max_concurrent_orchestrators: orchestrators whose code runs at the same time.
        default_version: the version of new instances that are started without one.
    """

    max_concurrent_activities: int = 10
    max_concurrent_orchestrators: int = 5
    default_version: str | None = None
