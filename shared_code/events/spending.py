"""What an event spends on embeddings: booked before a request is sent.

A try of an event's step keeps a tally. It is written before a request is sent, an item beside the event's
documents with what the request may cost at most. When it is known what was charged, it is written with the
first of them, and the item goes. A try that breaks off leaves it to the next one. A tally of an earlier
try of the step says nothing any more: the answer of that try has counted what it spent.

ADR 53 has the reasons.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared_code.events.documents import EventTally
from shared_code.jobs import EmbedEventJob


class Tallies(Protocol):
    """Where the tallies of events are kept."""

    async def tallies(self, job: EmbedEventJob) -> Sequence[EventTally]:
        """The tallies of an event."""

    async def book(self, job: EmbedEventJob, tally: EventTally) -> None:
        """Writes a tally."""


@dataclass
class EventSpending:
    """The tally of one try of an event's step; it pays for the event's texts.

    Attributes:
        counts: what no answer of the step has counted; of the tokens, those that are `estimated`.
        require_wanted: raises when nothing is wanted any more.
    """

    tallies: Tallies
    job: EmbedEventJob
    tries: int
    counts: Counter[str]
    require_wanted: Callable[[], Awaitable[None]]
    _under_way: int = 0

    @classmethod
    async def begin(
        cls,
        tallies: Tallies,
        job: EmbedEventJob,
        *,
        require_wanted: Callable[[], Awaitable[None]],
        tries: int = 0,
        is_first: bool = False,
    ) -> "EventSpending":
        """Opens the tally of a try.

        Args:
            tallies: where it is kept.
            job: the event's.
            require_wanted: raises when nothing is wanted any more.
            tries: how many answers of the step the job has heard.
            is_first: whether no other try can have broken off before, so that none is looked for.
        """
        found = [] if is_first else await tallies.tallies(job)
        unheard = [each.counts for each in found if (each.submission, each.tries) == (job.submission, tries)]
        # Each try adds to what it finds, so that the last one has all of it.
        before = max(unheard, key=lambda counts: counts.get("tokens", 0), default={})
        return cls(tallies, job, tries, Counter(before), require_wanted)

    @property
    def tally(self) -> EventTally:
        """The tally as it is now: what is under way counts as spent."""
        counts = self.counts + Counter(tokens=self._under_way, estimated=self._under_way)
        return EventTally(submission=self.job.submission, tries=self.tries, counts=counts)

    def is_under_way(self) -> bool:
        """Whether a request has been sent that is not answered."""
        return self._under_way > 0

    async def sending(self, most: int) -> None:
        """Books a request that is about to be sent."""
        self._under_way += most
        try:
            await self.tallies.book(self.job, self.tally)
            await self.require_wanted()  # last, so that next to nothing is sent after it was told to stop
        except BaseException:
            self._under_way -= most  # it is not sent
            raise

    async def charged(self, most: int, *, tokens: int, requests: int, estimated: int) -> None:
        """Adds what was charged; it is written with the documents."""
        self._under_way -= most
        self.counts.update(tokens=tokens + estimated, requests=requests)
        if estimated:
            self.counts.update(estimated=estimated)
