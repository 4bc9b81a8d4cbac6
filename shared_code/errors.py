"""Errors that several rooms raise: a class name is the stable `code` that clients and logs see.

A room's own errors stand in it, as subclasses of these.

AppError <- Permanent: SettingsError: MissingSetting, InvalidSetting, UnresolvedReference
                       ContainerNotAllowed, JobEnded, JobCanceled, ApprovalRejected, ApprovalExpired
                       StorageError: TableNotFound, AccessDenied, EndpointUnusable, StagedRunsMissing,
                                      LedgerMissing
                       VersionNotFound, QuestionsError: QuestionsUnreadable, InvalidQuestions
         <- IdempotencyError: InvalidIdempotencyKey, IdempotencyKeyReused, TrackingIdReused
         <- DateRangeError: EmptyStartDate, InvalidStartDate, EmptyEndDate, InvalidEndDate, InvalidDateRange
         <- InvalidField, RequestTooLarge, EventRunning, JobNotFound, BudgetReached
         <- NothingToApprove, DecisionTaken, JobRunning, NothingToRetry
         <- Unavailable: HostUnavailable, LedgerUnavailable, DecisionsUnavailable, JobTableUnavailable,
                         JobTableFilling
         <- InvalidJob, JobFailed (in jobs: workflows raise it)
         <- PromotionError: QualityFell, NotEvaluated
         <- IndexUnavailable, IndexUnusable, NoLiveVersion
         <- Passing: ConfigurationUnavailable, JobSuspended, VersionBusy
"""

from datetime import datetime
from email.utils import format_datetime
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
    """Something is wrong that trying again does not cure: it ends a job."""


class Passing(AppError):
    """Something cannot be done now: a job waits and tries again.

    Attributes:
        service: what has to recover, as a job's progress names it.
        is_endless: whether it may last however long it likes.
        is_brief: whether it is over soon, so that it is worth trying again every few seconds.
    """

    service: ClassVar[str] = "service"
    is_endless: ClassVar[bool] = False
    is_brief: ClassVar[bool] = False


class SettingsError(Permanent):
    """A setting is unusable."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(message)
        self.setting = setting


class MissingSetting(SettingsError):
    """A setting that is needed is absent or empty."""

    def __init__(self, setting: str, fix: str) -> None:
        super().__init__(setting, f"Setting {setting} is missing: {fix}.")


class InvalidSetting(SettingsError):
    """A setting has a value that cannot be used; the value may be a secret and is never repeated."""

    def __init__(self, setting: str, fix: str) -> None:
        super().__init__(setting, f"Setting {setting} has an invalid value: {fix}.")


class UnresolvedReference(SettingsError):
    """A setting holds the reference to a value, because Azure could not put the value in its place."""

    _STORES: ClassVar = {
        "keyvault": ("Key Vault", "Key Vault Secrets User"),
        "appconfiguration": ("App Configuration", "App Configuration Data Reader"),
    }

    def __init__(self, setting: str, kind: str) -> None:
        store, role = self._STORES[kind.lower()]
        super().__init__(
            setting,
            f"Setting {setting} is a reference to {store} that was not resolved: check its address and that "
            f"the app's identity has the role {role}; a user-assigned identity must be the site's "
            "keyVaultReferenceIdentity. A local host resolves none: set the value itself there.",
        )


class DateRangeError(AppError):
    """The dates of a request cannot be used."""


class EmptyStartDate(DateRangeError):
    """Empty start date."""


class InvalidStartDate(DateRangeError):
    """Invalid start date format."""


class EmptyEndDate(DateRangeError):
    """Empty end date."""


class InvalidEndDate(DateRangeError):
    """Invalid end date format."""


class InvalidDateRange(DateRangeError):
    """Invalid date range."""


class IdempotencyError(AppError):
    """A request takes an id that stands for another one."""


class InvalidIdempotencyKey(IdempotencyError):
    """The Idempotency-Key must be 1 to 255 printable ASCII characters."""


class IdempotencyKeyReused(IdempotencyError):
    """This Idempotency-Key was used for another request: send a new key."""


class TrackingIdReused(IdempotencyError):
    """This trackingId belongs to an event of another session: check sessionId, or send another trackingId."""


class EventRunning(AppError):
    """The job of this event still runs: send the request with force again when it has ended."""

    @property
    def retry_after(self) -> str:
        """Most events are embedded within seconds."""
        return "5"


class JobNotFound(AppError):
    """Job not found"""  # noqa: D415 - the sentence is part of the HTTP contract


class InvalidField(AppError):
    """A field of a request cannot be used."""

    def __init__(self, field: str, fix: str) -> None:
        super().__init__(f"Field {field} cannot be used: {fix}.")
        self.field = field


class RequestTooLarge(AppError):
    """The body of a request is larger than this API takes."""

    def __init__(self, most: int) -> None:
        super().__init__(f"The body of a request has at most {most} bytes: send less.")


class Unavailable(AppError):
    """Something that a request needs does not answer right now: try again."""

    @property
    def retry_after(self) -> str:
        """A host that restarts, and storage that fails over, are back within seconds."""
        return "5"


class HostUnavailable(Unavailable):
    """The Durable host cannot answer right now: try again."""


class LedgerUnavailable(Unavailable):
    """The storage of ledgers does not answer right now: try again."""


class DecisionsUnavailable(Unavailable):
    """The storage of decisions does not answer right now: send the same request again."""


class JobTableUnavailable(Unavailable):
    """The table of jobs does not answer right now, and no job was started: send the same request again."""


class JobTableFilling(Unavailable):
    """The table of jobs is being filled with the jobs that were there before it: send the request again."""

    @property
    def retry_after(self) -> str:
        """The next request goes on at once."""
        return "1"


class JobRunning(AppError):
    """The job still runs: retry it when it has ended, as more of its files may fail."""


class NothingToRetry(AppError):
    """None of the job's files failed, so that there is nothing to retry: submit its path again instead."""


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
        also = f", {reserved:.15g} are reserved by running pages" if reserved else ""
        next_page = f", and the next page may cost {needed:.15g}" if needed else ""
        super().__init__(
            f"The budget of {env} is reached: {spent:.15g} of {budget:.15g} are spent{also}{next_page}. "
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


class ConfigurationUnavailable(Passing):
    """What holds a setting cannot answer right now: try again."""

    service: ClassVar[str] = "configuration"


class JobSuspended(Passing):
    """The job was suspended: resume it."""

    service: ClassVar[str] = "operator"
    is_endless: ClassVar[bool] = True


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


class NothingToApprove(AppError):
    """The job does not wait for an approval: look at progress.phase of its status."""


class DecisionTaken(AppError):
    """Another decision about the job was taken before: look at its status."""


class InvalidJob(AppError):
    """A job's input is not one that this version of the app can run."""


class ContainerNotAllowed(Permanent):
    """A job asks for files of a container that it may not read."""

    def __init__(self, container: str, reason: str) -> None:
        super().__init__(f"Field filesPath cannot be used: container {container!r} {reason}.")
        self.container = container


class StorageError(Permanent):
    """Storage refused for a reason that a retry does not cure."""


class TableNotFound(StorageError):
    """The table to query does not exist."""


class EndpointUnusable(StorageError):
    """What answers at the address of a service is something else."""


class AccessDenied(StorageError):
    """A service refused access: check its key, or the roles of the app's identity."""


class StagedRunsMissing(StorageError):
    """Staged results of a job are missing: submit it again."""


class LedgerMissing(StorageError):
    """The ledger of the job that is retried is gone, as that job has expired: submit its path instead."""


class VersionNotFound(Permanent):
    """The index has no such version."""

    def __init__(self, env: str, version: str) -> None:
        super().__init__(
            f"The index of {env} has no version {version}: check env and version, or embed something into it."
        )


class VersionBusy(Passing):
    """Files are being embedded into this version: its evaluation begins when that has ended."""

    service: ClassVar[str] = "index"
    is_brief: ClassVar[bool] = True


class QuestionsError(Permanent):
    """Golden questions cannot be used."""


class QuestionsUnreadable(QuestionsError):
    """The file of the questions cannot be read."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"The questions at {path} cannot be read: {reason}")


class InvalidQuestions(QuestionsError):
    """What the file holds are not questions."""

    def __init__(self, path: str, fix: str, *, line: int | None = None) -> None:
        place = f"Line {line} of the questions" if line else "The questions"
        super().__init__(f"{place} at {path} cannot be used: {fix}.")


class PromotionError(AppError):
    """A version does not go live.

    Attributes:
        members: the figures that it was decided by.
    """

    def __init__(self, message: str, **members: Any) -> None:
        super().__init__(message)
        self._members = members

    @property
    def members(self) -> dict[str, Any]:
        """The figures that it was decided by."""
        return self._members


class QualityFell(PromotionError):
    """The version answers the same questions worse than the one that is live."""


class NotEvaluated(PromotionError):
    """The version and the one that is live were not evaluated with the same questions."""


class IndexUnavailable(AppError):
    """The index cannot be asked right now: try again."""

    def __init__(self, message: str = "", *, seconds: float | None = None) -> None:
        super().__init__(message)
        # Most of what passes is over within seconds.
        self._seconds = 5 if seconds is None else max(1, round(seconds))

    @property
    def retry_after(self) -> str:
        """In how many seconds."""
        return str(self._seconds)


class IndexUnusable(AppError):
    """The index cannot be asked as the app is set up."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self._code = code

    @property
    def code(self) -> str:
        """What is wrong, as jobs say it, too."""
        return self._code


class NoLiveVersion(AppError):
    """No version of an environment's index is live."""

    def __init__(self, env: str) -> None:
        super().__init__(
            f"No version of the index of {env} is live: name one as version, or make one live with "
            f"PUT /api/index/{env}."
        )
