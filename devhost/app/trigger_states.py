"""How triggers stand at a moment, for people to look at."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TimerState:
    """A timer function.

    Attributes:
        last: when it last began to run; `None` if that is not known.
        is_running: whether it runs, or waits to be tried again.
    """

    function: str
    schedule: str
    next: datetime
    last: datetime | None
    is_running: bool


@dataclass(frozen=True, slots=True)
class PoisonMessage:
    """A message that was given up."""

    id: str
    text: str
    inserted: datetime | None


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue that a function is run for.

    Attributes:
        connection: the setting that names the storage.
        waiting: about how many messages are in the queue, hidden ones included.
        in_hand: for how many of them the function runs now.
        hidden: about how many more of them nobody can see for a while.
        returning: when those are seen again for which the function has failed.
        poisoned: about how many were given up.
        first: the first of those.
        problem: why the storage does not say; the counts are 0 then.
    """

    function: str
    queue: str
    connection: str
    in_hand: int
    waiting: int = 0
    hidden: int = 0
    returning: tuple[datetime, ...] = ()
    poisoned: int = 0
    first: tuple[PoisonMessage, ...] = ()
    problem: str = ""
