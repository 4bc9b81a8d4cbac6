"""Storage: what is refused or missing there."""

from typing import ClassVar

from shared_code.errors.kinds import Permanent, Strange


class ContainerNotAllowed(Permanent):
    """A job asks for files of a container that it may not read."""

    def __init__(self, container: str, reason: str) -> None:
        super().__init__(f"Field filesPath cannot be used: container {container!r} {reason}.")
        self.container = container


class StorageError(Permanent):
    """Storage refused for a reason that a retry does not cure."""


class TableNotFound(StorageError):
    """The table to query does not exist."""


class AccessDenied(StorageError):
    """A service refused access: check its key, or the roles of the app's identity."""


class EndpointUnusable(Strange):
    """What answers at the address of a service is something else."""

    service: ClassVar[str] = "storage"


class StagedRunsMissing(StorageError):
    """Staged results of a job are missing: submit it again."""


class LedgerMissing(StorageError):
    """The ledger of the job that is retried is gone, as that job has expired: submit its path instead."""
