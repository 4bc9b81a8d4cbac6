"""Jobs: what the state of a job does not allow, and what ends or holds a job."""

from datetime import datetime
from email.utils import format_datetime
from typing import Any, ClassVar

from shared_code.errors.kinds import AppError, Passing, Permanent


class JobNotFound(AppError):
    """Job not found"""  # noqa: D415 - the sentence is part of the HTTP contract


class JobRunning(AppError):
    """The job still runs: retry it when it has ended, as more of its files may fail."""


class EventRunning(AppError):
    """The job of this event still runs: send the request with force again when it has ended."""

    @property
    def retry_after(self) -> str:
        """Most events are embedded within seconds."""
        return "5"


class NothingToRetry(AppError):
    """None of the job's files failed, so that there is nothing to retry: submit its path again instead."""


class NothingToApprove(AppError):
    """The job does not wait for an approval: look at progress.phase of its status."""


class DecisionTaken(AppError):
    """Another decision about the job was taken before: look at its status."""


class InvalidJob(AppError):
    """A job's input is not one that this version of the app can run."""


class JobSuspended(Passing):
    """The job was suspended: resume it."""

    service: ClassVar[str] = "operator"
    is_endless: ClassVar[bool] = True


class StepRepeated(Passing):
    """The host began this step once more while it ran: the later run goes on."""

    service: ClassVar[str] = "host"
    is_brief: ClassVar[bool] = True


class JobEnded(Permanent):
    """The job has ended, or was ended from outside: nothing more is done for it."""


class JobCanceled(Permanent):
    """The job was cancelled: nothing more is done for it."""


class ApprovalRejected(Permanent):
    """A job was not approved."""

    def __init__(self, cost: float, *, by: str, comment: str) -> None:
        reason = f": {comment.rstrip('.')}" if comment else ""
        super().__init__(f"{by} did not approve the estimated cost of {cost:.15g}{reason}.")


class ApprovalExpired(Permanent):
    """Nobody decided in time whether a job may go on."""

    def __init__(self, cost: float, *, days: int) -> None:
        within = f"within {days} day{'s' if days > 1 else ''}"
        what = f"Nobody approved the estimated cost of {cost:.15g} {within}"
        super().__init__(f"{what}: submit the job again, and have it approved.")


class BudgetReached(AppError):
    """An environment has spent what it may in a month, or what comes next does not fit into the rest."""

    def __init__(
        self,
        env: str,
        *,
        spent: float,
        budget: float,
        renews_at: datetime,
        reserved: float = 0,
        needed: float = 0,
    ) -> None:
        begins = f"{renews_at:%Y-%m-%d}"
        also = f", {reserved:.15g} are reserved by running jobs" if reserved else ""
        next_cost = f", and what comes next may cost {needed:.15g}" if needed else ""
        super().__init__(
            f"The budget of {env} is reached: {spent:.15g} of {budget:.15g} are spent{also}{next_cost}. "
            f"Wait for the next month, which begins on {begins}, or have the budget raised."
        )
        self._facts = {"spent": spent, "budget": budget, "renewsAt": f"{begins}T00:00:00Z"}
        self._renews_at = renews_at

    @property
    def members(self) -> dict[str, Any]:
        """What was spent, the budget, and when the next month begins."""
        return self._facts

    @property
    def retry_after(self) -> str:
        """The beginning of the next month as an HTTP date."""
        return format_datetime(self._renews_at, usegmt=True)
