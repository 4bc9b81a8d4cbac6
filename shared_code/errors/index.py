"""The index: its versions, the questions that judge one, and searches."""

from typing import Any, ClassVar

from shared_code.errors.kinds import AppError, Passing, Permanent


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


class NoLiveVersion(AppError):
    """No version of an environment's index is live."""

    def __init__(self, env: str) -> None:
        super().__init__(
            f"No version of the index of {env} is live: name one as version, or make one live with "
            f"PUT /api/index/{env}."
        )


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
