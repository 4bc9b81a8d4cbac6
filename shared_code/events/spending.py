"""What an event spends on embeddings: booked before a request is sent.

A try of an event's step keeps a tally. It is written before a request is sent, an item beside the event's
documents with what the request may cost at most. When it is known what was charged, it is written with the
first of them, and the item goes. A try that breaks off leaves it to the next one, which finds it when it is
about to write its own. A tally of an earlier try of the step says nothing any more: the answer of that try
has counted what it spent.

ADR 53 and ADR 54 have the reasons.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

from shared_code.events.documents import EventTally
from shared_code.index.records import ContainerMissing
from shared_code.jobs import EmbedEventJob, Json


class Tallies(Protocol):
    """Where the tallies of events are kept."""

    async def tallies(self, job: EmbedEventJob) -> Sequence[EventTally]:
        """The tallies of an event."""

    async def open_tally(self, job: EmbedEventJob, tally: EventTally) -> bool:
        """Writes the tally of an event, unless one is open; whether it was written."""

    async def book(self, job: EmbedEventJob, tally: EventTally) -> None:
        """Writes a tally."""


@dataclass
class EventSpending:
    """The tally of one try of an event's step; it pays for the event's texts.

    Attributes:
        tallies: where it is kept.
        job: the event's.
        tries: how many answers of the step the job has heard.
        others: the tallies of earlier tries, by their names, where the stored one may be wrong.
        require_wanted: raises when nothing is wanted any more.
        counts: what no answer of the step has counted; of the tokens, those that are `estimated`.
        is_known: whether these have what an earlier try has spent that broke off.
    """

    tallies: Tallies
    job: EmbedEventJob
    tries: int
    others: Json
    require_wanted: Callable[[], Awaitable[None]]
    counts: Counter[str] = field(default_factory=Counter)
    is_known: bool = False
    _under_way: int = 0
    _attempt: str = field(default_factory=lambda: uuid4().hex)
    _has_tried: bool = False
    _booking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look_back(self) -> None:
        """Takes over what an earlier try of the step has spent that broke off."""
        found = await self.tallies.tallies(self.job)
        # One of this try is there where a write was done whose answer was lost.
        known = {**self.others, self._attempt: {}}
        unheard = [
            Counter(known.get(each.attempt, each.counts))
            for each in found
            if (each.submission, each.tries) == (self.job.submission, self.tries)
        ]
        # Each try adds to what it finds, so that the last one has all of it.
        self.counts.update(max(unheard, key=lambda counts: counts["tokens"], default=Counter()))
        self.is_known = True

    @property
    def tally(self) -> EventTally:
        """The tally as it is now: what is under way counts as spent."""
        counts = self.counts + Counter(tokens=self._under_way, estimated=self._under_way)
        return EventTally(
            submission=self.job.submission, tries=self.tries, attempt=self._attempt, counts=counts
        )

    @property
    def unwritten(self) -> Json:
        """The tally by its name, where the stored one may be of a request that was not sent."""
        return {self._attempt: {}} if self._has_tried and not self.is_known else {}

    def is_under_way(self) -> bool:
        """Whether a request has been sent that is not answered."""
        return self._under_way > 0

    async def sending(self, most: int) -> None:
        """Books a request that is about to be sent."""
        self._under_way += most
        try:
            async with self._booking:
                await self._book()
            await self.require_wanted()  # last, so that next to nothing is sent after it was told to stop
        except BaseException:
            self._under_way -= most  # it is not sent
            raise

    async def _book(self) -> None:
        """Writes the tally; the first write finds one that is there already."""
        if not self.is_known:
            self._has_tried = True  # a write without an answer may have been done
            try:
                self.is_known = await self.tallies.open_tally(self.job, self.tally)
            except ContainerMissing:
                self.is_known = True  # nobody can have a tally
                raise
            if self.is_known:
                return
            await self.look_back()
        await self.tallies.book(self.job, self.tally)

    async def charged(self, most: int, *, tokens: int, requests: int, estimated: int) -> None:
        """Adds what was charged; it is written with the documents."""
        self._under_way -= most
        self.counts.update(tokens=tokens + estimated, requests=requests)
        if estimated:
            self.counts.update(estimated=estimated)
