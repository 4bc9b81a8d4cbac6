"""What an event spends on embeddings: booked before a request is sent.

A run of an event's step keeps an account. It is written before a request is sent, an item beside the event's
documents with what the request may cost at most. When it is known what was charged, it is written with the
first of them, and the item goes. A run that breaks off leaves it to the next one. An account of an earlier
try of the step says nothing any more: the answer of that try has counted what it spent.

ADR 53 has the reasons.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared_code.events.documents import EventAccount
from shared_code.jobs import EmbedEventJob


class Accounts(Protocol):
    """Where the accounts of events are kept."""

    async def accounts(self, job: EmbedEventJob) -> Sequence[EventAccount]:
        """The accounts of an event."""

    async def book(self, job: EmbedEventJob, account: EventAccount) -> None:
        """Writes an account."""


@dataclass
class EventSpending:
    """The account of one run of an event's step; it pays for the event's texts.

    Attributes:
        counts: what no answer of the step has counted; of the tokens, those that are `estimated`.
        require_wanted: raises when nothing is wanted any more.
    """

    accounts: Accounts
    job: EmbedEventJob
    tries: int
    counts: Counter[str]
    require_wanted: Callable[[], Awaitable[None]]
    _under_way: int = 0

    @classmethod
    async def begin(
        cls,
        accounts: Accounts,
        job: EmbedEventJob,
        *,
        require_wanted: Callable[[], Awaitable[None]],
        tries: int = 0,
        is_first: bool = False,
    ) -> "EventSpending":
        """Opens the account of a run.

        Args:
            accounts: where it is kept.
            job: the event's.
            require_wanted: raises when nothing is wanted any more.
            tries: how many answers of the step the job has heard.
            is_first: whether no other run can have broken off before, so that none is looked for.
        """
        found = [] if is_first else await accounts.accounts(job)
        unheard = [each.counts for each in found if (each.run, each.tries) == (job.run, tries)]
        # Each run adds to what it finds, so that the last one has all of it.
        before = max(unheard, key=lambda counts: counts.get("tokens", 0), default={})
        return cls(accounts, job, tries, Counter(before), require_wanted)

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
            await self.accounts.book(self.job, self.account)
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
