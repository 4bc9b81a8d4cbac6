"""What an event spends on embeddings: booked before a request is sent.

A run of an event's step keeps an account. It is written before a request is sent, an item beside the event's
documents with what the request may cost at most. When it is known what was charged, it is written with the
first of them, and the item goes. A run that breaks off leaves it to the next one, which finds it when it is
about to write its own. An account of an earlier try of the step says nothing any more: the answer of that try
has counted what it spent.

ADR 53 and ADR 54 have the reasons.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shared_code.events.documents import EventAccount
from shared_code.index.records import ContainerMissing
from shared_code.jobs import EmbedEventJob


class Accounts(Protocol):
    """Where the accounts of events are kept."""

    async def accounts(self, job: EmbedEventJob) -> Sequence[EventAccount]:
        """The accounts of an event."""

    async def open_account(self, job: EmbedEventJob, account: EventAccount) -> bool:
        """Writes the account of an event, unless one is open; whether it was written."""

    async def book(self, job: EmbedEventJob, account: EventAccount) -> None:
        """Writes an account."""


@dataclass
class EventSpending:
    """The account of one run of an event's step; it pays for the event's texts.

    Attributes:
        accounts: where it is kept.
        job: the event's.
        tries: how many answers of the step the job has heard.
        require_wanted: raises when nothing is wanted any more.
        counts: what no answer of the step has counted; of the tokens, those that are `estimated`.
        is_known: whether these have what an earlier run has spent that broke off.
    """

    accounts: Accounts
    job: EmbedEventJob
    tries: int
    require_wanted: Callable[[], Awaitable[None]]
    counts: Counter[str] = field(default_factory=Counter)
    is_known: bool = False
    _under_way: int = 0
    _booking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look_back(self) -> None:
        """Takes over what an earlier run of the step has spent that broke off."""
        found = await self.accounts.accounts(self.job)
        unheard = [
            Counter(each.counts) for each in found if (each.run, each.tries) == (self.job.run, self.tries)
        ]
        # Each run adds to what it finds, so that the last one has all of it.
        self.counts.update(max(unheard, key=lambda counts: counts["tokens"], default=Counter()))
        self.is_known = True

    @property
    def account(self) -> EventAccount:
        """The account as it is now: what is under way counts as spent."""
        counts = self.counts + Counter(tokens=self._under_way, estimated=self._under_way)
        return EventAccount(run=self.job.run, tries=self.tries, counts=counts)

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
        """Writes the account; the first write finds one that is there already."""
        if not self.is_known:
            try:
                self.is_known = await self.accounts.open_account(self.job, self.account)
            except ContainerMissing:
                self.is_known = True  # nobody can have an account
                raise
            if self.is_known:
                return
            await self.look_back()
        await self.accounts.book(self.job, self.account)

    async def charged(self, most: int, *, tokens: int, requests: int, estimated: int) -> None:
        """Adds what was charged; it is written with the documents."""
        self._under_way -= most
        self.counts.update(tokens=tokens + estimated, requests=requests)
        if estimated:
            self.counts.update(estimated=estimated)
