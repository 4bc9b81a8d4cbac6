"""Everything that can go wrong by name: a class name is the stable `code` that clients and logs see.

AppError <- Incurable: SettingsError: MissingSetting, InvalidSetting
                       StorageError: TableNotFound, AccessDenied, StagedRunsMissing
         <- IdempotencyError: InvalidIdempotencyKey, IdempotencyKeyReused
         <- DateRangeError: EmptyStartDate, InvalidStartDate, EmptyEndDate, InvalidEndDate, InvalidDateRange
         <- InvalidField, JobNotFound, HostUnavailable, InvalidJob, JobFailed (in jobs: workflows raise it)
"""


class AppError(Exception):
    """The app could not do what was asked."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or type(self).__doc__)

    @property
    def code(self) -> str:
        """The stable name of what happened."""
        return type(self).__name__


class Incurable(AppError):
    """Something is wrong that trying again does not cure."""


class SettingsError(Incurable):
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
    """The Idempotency-Key of a request cannot be honoured."""


class InvalidIdempotencyKey(IdempotencyError):
    """The Idempotency-Key must be 1 to 255 printable ASCII characters."""


class IdempotencyKeyReused(IdempotencyError):
    """This Idempotency-Key was used for another request: send a new key."""


class JobNotFound(AppError):
    """Job not found"""  # noqa: D415 - the sentence is part of the HTTP contract


class InvalidField(AppError):
    """A field of a request cannot be used."""

    def __init__(self, field: str, fix: str) -> None:
        super().__init__(f"Field {field} cannot be used: {fix}.")
        self.field = field


class HostUnavailable(AppError):
    """The Durable host cannot answer right now: try again."""


class InvalidJob(AppError):
    """A job's input is not one that this version of the app can run."""


class StorageError(Incurable):
    """Storage refused for a reason that a retry does not cure."""


class TableNotFound(StorageError):
    """The table to query does not exist."""


class AccessDenied(StorageError):
    """The storage account refused access."""


class StagedRunsMissing(StorageError):
    """Staged results of a job are missing: submit it again."""
