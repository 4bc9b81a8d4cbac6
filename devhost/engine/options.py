"""What a host's configuration says about the engine."""

from dataclasses import dataclass, field

from devhost.engine.versions import VersionPolicy


@dataclass(frozen=True, slots=True)
class HubOptions:
    """Limits and defaults of a task hub, named as in host.json.

    Attributes:
        max_concurrent_activities: activities that run at the same time.
        max_concurrent_orchestrators: orchestrators whose code runs at the same time.
        versions: the version of new instances, and which instances are run.
        replaces_running: whether a start replaces an instance of the same id that has not ended.
        strict_parity: whether to hang and to fail silently where Azure does, instead of saying so.
    """

    max_concurrent_activities: int = 10
    max_concurrent_orchestrators: int = 5
    versions: VersionPolicy = field(default_factory=VersionPolicy)
    replaces_running: bool = False
    strict_parity: bool = False
