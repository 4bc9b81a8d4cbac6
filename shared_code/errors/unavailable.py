"""What a request needs, and what does not answer right now: the client tries again."""

from shared_code.errors.kinds import AppError


class Unavailable(AppError):
    """Something that a request needs does not answer right now: try again."""

    @property
    def retry_after(self) -> str:
        """A host that restarts, and storage that fails over, are back within seconds."""
        return "5"


class HostUnavailable(Unavailable):
    """The Durable host cannot answer right now: try again."""


class JobTableUnavailable(Unavailable):
    """The table of jobs does not answer right now, and no job was started: send the same request again."""


class JobTableFilling(Unavailable):
    """The table of jobs is being filled with the jobs that were there before it: send the request again."""

    @property
    def retry_after(self) -> str:
        """The next request goes on at once."""
        return "1"


class LedgerUnavailable(Unavailable):
    """The storage of ledgers does not answer right now: try again."""


class DecisionsUnavailable(Unavailable):
    """The storage of decisions does not answer right now: send the same request again."""
