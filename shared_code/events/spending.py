"""What an event spends on embeddings: booked before a request is sent.

An event has one open tally. It is written before a request is sent, an item beside the event's documents
with what the request may cost at most. When it is known what was charged, it is written with the first of
them, and the item goes. A try that breaks off leaves it to the next one, which finds it when it is about to
write its own. Each write is conditional on what its writer has seen: a try after which another one has
written sends nothing any more, and writes no documents.

ADR 53, ADR 54 and ADR 72 have the reasons.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

from shared_code.errors import StepRepeated
from shared_code.events.documents import EventTallies, EventTally, TallyTaken
from shared_code.index.records import ContainerMissing
from shared_code.jobs import Counts, EmbedEventJob, Json


class Tallies(Protocol):
    """Where the tallies of events are kept."""

    async def are_there(self, job: EmbedEventJob) -> bool:
        """Whether this submission of the event has written documents."""

    async def tallies(self, job: EmbedEventJob) -> EventTallies:
        """The tallies of an event."""

    async def write_tally(self, job: EmbedEventJob, tally: EventTally, etag: str | None) -> str:
        """Writes the open tally of an event if it still has this ETag, and gives the new one."""

    async def drop_tally(self, job: EmbedEventJob, etag: str | None) -> None:
        """Deletes the open tally of an event if it still has this ETag."""


@dataclass
class EventSpending:
    """The tally of an event as one try of its step keeps it; it pays for the event's texts.

    Attributes:
        tallies: where it is kept.
        job: the event's.
        paid: what the answers of earlier tries have counted.
        others: their tallies by their names, where the stored one may be wrong.
        require_wanted: raises when nothing is wanted any more.
        is_known: whether it has what an earlier try has spent that broke off.
        etag: of the open tally as this try has seen it; None without one.
    """

    tallies: Tallies
    job: EmbedEventJob
    paid: Counts
    others: Json
    require_wanted: Callable[[], Awaitable[None]]
    is_known: bool = False
    etag: str | None = None
    _settled: Counter[str] = field(init=False)
    _under_way: int = 0
    _attempt: str = field(default_factory=lambda: uuid4().hex)
    _has_tried: bool = False
    _has_written: bool = False
    _written: Counts | None = None
    _is_repeated: bool = False
    _booking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._settled = Counter(self.paid)

    async def look_back(self) -> None:
        """Takes over what other tries of the step have spent."""
        self._take_over(await self.tallies.tallies(self.job))

    def _take_over(self, found: EventTallies) -> None:
        opened, self.etag = found.open or (None, None)
        # One of this try is there where a write was done whose answer was lost.
        known = {**self.others, self._attempt: {}}
        spent: list[Counter[str]] = [
            Counter(known.get(each.attempt, each.counts))
            for each in ([opened] if opened else []) + list(found.closed)
            if each.submission == self.job.submission
        ]
        # Each try adds to what it finds, so that the last one has all of it.
        spent.append(Counter(self.paid))
        self._settled = max(spent, key=lambda counts: counts["tokens"])
        self.is_known = True

    @property
    def tally(self) -> EventTally:
        """The tally as it is now: what is under way counts as spent."""
        counts = self._settled + Counter(tokens=self._under_way, estimated=self._under_way)
        return EventTally(submission=self.job.submission, attempt=self._attempt, counts=counts)

    @property
    def counts(self) -> Counter[str]:
        """What was spent that no answer has counted yet; of the tokens, those that are `estimated`."""
        return Counter(self.tally.counts) - Counter(self.paid)

    @property
    def unwritten(self) -> Json:
        """The tally by its name, where the stored one may be another: of what was sent it holds the most."""
        counts = dict(self.tally.counts)
        return {self._attempt: counts} if self._has_tried and counts != self._written else {}

    def is_under_way(self) -> bool:
        """Whether a request has been sent that is not answered."""
        return self._under_way > 0

    async def sending(self, most: int) -> None:
        """Books a request that is about to be sent.

        Raises:
            StepRepeated: a later try of the step goes on instead.
        """
        self._under_way += most
        try:
            async with self._booking:
                await self._book()
            await self.require_wanted()  # last, so that next to nothing is sent after it was told to stop
        except BaseException:
            self._under_way -= most  # it is not sent
            raise

    async def _book(self) -> None:
        """Writes the tally; the first write takes over the one of a try that broke off."""
        if self._is_repeated:
            raise StepRepeated
        self._has_tried = True  # a write without an answer may have been done
        while not await self._is_written():
            await self._meet_other()
        # Documents that a try at the same time has written meanwhile have taken its tally away.
        if not self.is_known and await self.tallies.are_there(self.job):
            self._is_repeated = True
            await self.tallies.drop_tally(self.job, self.etag)  # nothing was sent for it
            raise StepRepeated
        self.is_known = True

    async def _is_written(self) -> bool:
        """Writes the tally, unless it is not as this try has seen it."""
        tally, self._written = self.tally, None
        try:
            self.etag = await self.tallies.write_tally(self.job, tally, self.etag)
        except TallyTaken:
            return False
        except ContainerMissing:
            self.is_known = True  # nobody can have a tally
            raise
        self._has_written, self._written = True, dict(tally.counts)
        return True

    async def _meet_other(self) -> None:
        found = await self.tallies.tallies(self.job)
        is_own = found.open is not None and found.open[0].attempt == self._attempt
        if found.open is None or (self._has_written and not is_own):
            self._is_repeated = True
            raise StepRepeated
        if self._has_written:
            self.etag = found.open[1]
        else:
            self._take_over(found)

    async def charged(self, most: int, *, tokens: int, requests: int, estimated: int) -> None:
        """Adds what was charged; it is written with the documents."""
        self._under_way -= most
        self._settled.update(tokens=tokens + estimated, requests=requests, estimated=estimated)
