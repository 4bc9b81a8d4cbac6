"""The kinds of errors: those that end a job, and those that a job waits out."""

from typing import Any, ClassVar


class AppError(Exception):
    """The app could not do what was asked.

    The docstring of a subclass is the message that clients read, unless it is raised with another.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message or type(self).__doc__)

    @property
    def code(self) -> str:
        """The stable name of what happened."""
        return type(self).__name__

    @property
    def members(self) -> dict[str, Any]:
        """What a client may know beside the sentence."""
        return {}

    @property
    def retry_after(self) -> str | None:
        """From when on the same request may succeed, as the header Retry-After has it."""
        return None


class Permanent(AppError):
    """Something is wrong that trying again does not cure: it ends a job.

    Attributes:
        refused_by: the service that refuses the app, if that is what is wrong. While keys are renewed that
            passes, so a job waits for less than a minute before it ends.
    """

    def __init__(self, message: str = "", *, refused_by: str | None = None) -> None:
        super().__init__(message)
        self.refused_by = refused_by


class Passing(AppError):
    """Something cannot be done now: a job waits and tries again.

    Attributes:
        service: what has to recover, as a job's progress names it.
        is_endless: whether it may last however long it likes.
        is_brief: whether it is over soon, so that it is worth trying again every few seconds.
        most_tries: how many tries in a row may end like this; None for any number.
    """

    service: ClassVar[str] = "service"
    is_endless: ClassVar[bool] = False
    is_brief: ClassVar[bool] = False
    most_tries: ClassVar[int | None] = None


class Strange(Passing):
    """What answered is not the service, or not in its right mind.

    A page that stands in for a service for some minutes cannot be told from a wrong address, so a job waits
    for a quarter of an hour, by the pauses between its tries, and no longer.
    """

    most_tries: ClassVar[int | None] = 9
