"""Requests that are refused for what they say, and those that the app fails at."""

from shared_code.errors.kinds import AppError


class InvalidField(AppError):
    """A field of a request cannot be used."""

    def __init__(self, field: str, fix: str) -> None:
        super().__init__(f"Field {field} cannot be used: {fix}.")
        self.field = field


class RequestTooLarge(AppError):
    """The body of a request is larger than this API takes."""

    def __init__(self, most: int) -> None:
        super().__init__(f"The body of a request has at most {most} bytes: send less.")


class RequestFailed(AppError):
    """The app failed at this request, and its log says why: send it again, and report it if this lasts."""


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
