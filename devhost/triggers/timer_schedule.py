"""When a timer is due: a cron expression in a time zone, or a constant interval.

It knows nothing of functions or of how a timer waits.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from devhost.timespan import parse_timespan
from devhost.triggers.ncrontab import Crontab, InvalidCrontab

_MINUTE = timedelta(minutes=1)


class InvalidSchedule(ValueError):
    """The text is neither a cron expression nor an interval."""


class Schedule(Protocol):
    """The times at which a timer is due."""

    @property
    def adjusts_for_dst(self) -> bool:
        """Whether the clocks of a time zone decide."""

    def next_after(self, moment: datetime) -> datetime:
        """The first time in UTC that is later than `moment`."""


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """A cron expression by the clocks of a time zone; what clocks repeat in autumn is due once."""

    crontab: Crontab
    zone: tzinfo = UTC
    adjusts_for_dst: bool = True

    def next_after(self, moment: datetime) -> datetime:
        """The first time in UTC that is later than `moment`."""
        clock = self.crontab.next_after(moment.astimezone(self.zone).replace(tzinfo=None))
        found = clock.replace(tzinfo=self.zone).astimezone(UTC)
        return found if found > moment else clock.replace(tzinfo=self.zone, fold=1).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class ConstantSchedule:
    """The same interval again and again."""

    interval: timedelta
    adjusts_for_dst: bool = False

    def next_after(self, moment: datetime) -> datetime:
        """The time in UTC that is one interval later than `moment`."""
        return moment + self.interval


def parse_schedule(text: str, zone: tzinfo = UTC) -> Schedule:
    """Reads the `schedule` of a timer trigger.

    Raises:
        InvalidSchedule: it is neither a cron expression nor an interval.
    """
    try:
        return CronSchedule(Crontab.parse(text), zone)
    except InvalidCrontab as error:
        return ConstantSchedule(_parse_interval(text, error))


def is_kept_in_mind(schedule: Schedule, now: datetime) -> bool:
    """Whether the host remembers runs across restarts: not of timers that are due several times a minute."""
    first = schedule.next_after(now)
    return schedule.next_after(first) > now + _MINUTE


def _parse_interval(text: str, not_cron: InvalidCrontab) -> timedelta:
    try:
        interval = parse_timespan(text)
    except ValueError:
        interval = timedelta()
    if not interval:
        raise InvalidSchedule(
            "The schedule expression was not recognized as a valid cron expression or timespan string: "
            f"{not_cron}"
        ) from not_cron
    return interval
