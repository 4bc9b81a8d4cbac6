"""The `retry` of a function.json: how often a function that a trigger has started is tried, and when."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from devhost.timespan import parse_timespan

FOR_EVER = -1

_LONGEST_DOUBLING = 30  # of a wait of a second: 34 years


class InvalidRetry(ValueError):
    """The `retry` of a function.json cannot be used."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a failed call is repeated, and how long the wait before it is.

    Attributes:
        max_retry_count: how many calls may follow the first; `FOR_EVER` for any number.
        shortest: the wait before the first of them.
        longest: which the wait grows to, doubling each time; as `shortest`, if it does not grow.
    """

    max_retry_count: int
    shortest: timedelta
    longest: timedelta

    @classmethod
    def parse(cls, content: Any) -> "RetryPolicy":
        """Reads the member `retry` of a function.json.

        Raises:
            InvalidRetry: a member is missing or not valid.
        """
        if not isinstance(content, dict):
            raise InvalidRetry("'retry' is not an object.")
        count = content.get("maxRetryCount")
        if isinstance(count, bool) or not isinstance(count, int) or count < FOR_EVER:
            raise InvalidRetry("'retry.maxRetryCount' is a number: 1, 2, ..., or -1 to retry for ever.")
        match str(content.get("strategy", "")).lower():
            case "fixeddelay":
                delay = _duration(content, "delayInterval")
                return cls(count, delay, delay)
            case "exponentialbackoff":
                return cls(
                    count, _duration(content, "minimumInterval"), _duration(content, "maximumInterval")
                )
        raise InvalidRetry("'retry.strategy' is fixedDelay or exponentialBackoff.")

    def allows(self, retry: int) -> bool:
        """Whether there is a retry of this number, counted from 1."""
        return self.max_retry_count == FOR_EVER or retry <= self.max_retry_count

    def delay_before(self, retry: int) -> timedelta:
        """How long the wait before a retry is, counted from 1."""
        doublings = min(retry - 1, _LONGEST_DOUBLING)
        return min(self.shortest * (1 << doublings), self.longest)


def _duration(content: dict[str, Any], name: str) -> timedelta:
    try:
        return parse_timespan(str(content[name]))
    except (KeyError, ValueError) as error:
        raise InvalidRetry(f"'retry.{name}' is a duration: write it as hh:mm:ss.") from error
