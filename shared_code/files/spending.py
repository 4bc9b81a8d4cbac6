"""What a page spends on embeddings: booked before a request is sent, and never more than was granted.

A page has one tally, a blob beside what its job has staged. It is written before a request is sent and once
more before its vectors are used, so that a try of the page that breaks off leaves it to the next one, for
which what was under way counts as spent, by the estimate. Where storage is away when a try ends, its answer
carries the tally, and the next try gets it with its input.

The host may begin a try while another one runs. A try takes over what others have spent when it begins, and
once more when it ends if it has spent nothing itself. Each write is conditional on what its writer has seen,
so that a try after which another one has written sends nothing any more.

ADR 37 and ADR 72 have the reasons.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from azure.core.exceptions import AzureError
from azure.storage.blob.aio import ContainerClient

from shared_code.errors import AppError, JobCanceled, StepRepeated
from shared_code.jobs import SPENDING
from shared_code.jobs.steps import PaidPage
from shared_code.storage.staging import StagedItem, WrittenMeanwhile

# Errors of the app mean here that another try goes on, or that there is no token for storage.
_NOT_WRITTEN = (AzureError, AppError, TimeoutError)


class PageSpending:
    """The tally of a page as one try of it keeps it; it pays for the page's texts."""

    def __init__(
        self, stored: StagedItem, step: PaidPage, require_wanted: Callable[[], Awaitable[None]]
    ) -> None:
        """Opens nothing."""
        self._stored = stored
        self._require_wanted = require_wanted
        self._refusal: JobCanceled | None = None
        self._grant = step.grant
        self._paid = Counter(step.paid)
        self._unwritten_before = step.tallies
        self._attempt = uuid4().hex
        self._is_repeated = False
        self._settled = Counter(step.paid)
        self._under_way = 0
        self._promised = 0
        self._closed = False
        self._changes = self._saved = 0
        self._saving = asyncio.Lock()

    @classmethod
    async def begin(
        cls, container: ContainerClient, step: PaidPage, *, require_wanted: Callable[[], Awaitable[None]]
    ) -> "PageSpending":
        """Begins with what other tries have spent; `require_wanted` raises when this one is to stop."""
        spending = cls(StagedItem(container, step.job_id, _name(step.page)), step, require_wanted)
        await spending._look_for_others()
        return spending

    @property
    def counts(self) -> dict[str, int]:
        """What was spent that no answer has counted yet; tokens with those that are `estimated`."""
        unheard = self._tally - self._paid
        return {name: unheard[name] for name in SPENDING if unheard[name]}

    @property
    def unwritten(self) -> dict[str, Any]:
        """The tally in the place of what storage has of these tries, unless that is known to be right."""
        if self._saved == self._changes or self._is_repeated:
            return {}
        return dict.fromkeys([*self._unwritten_before, self._attempt], self._to_json())

    def is_under_way(self) -> bool:
        """Whether a request has been sent that is not answered."""
        return self._under_way > 0

    def take(self, most: int) -> bool:
        """Takes this many tokens of the grant for texts that are to be sent, if they are left."""
        is_left = self._grant is None or self._used + most <= self._grant
        self._promised += most if is_left else 0
        return is_left

    async def sending(self, most: int) -> None:
        """Books a request that is about to be sent; what was promised is under way now.

        Raises:
            StepRepeated: a later try of the page goes on instead.
        """
        if self._refusal:
            raise self._refusal
        self._promised -= min(most, self._promised)
        self._under_way += most
        try:
            await self._save()
            await self._require_wanted()  # last, so that next to nothing is sent after it was told to stop
        except BaseException as error:
            self._refusal = error if isinstance(error, JobCanceled) else None
            self._under_way -= most  # it is not sent
            raise

    async def charged(self, most: int, *, tokens: int, requests: int, estimated: int) -> None:
        """Books what became of a request; if that cannot be written, the estimate stands until it can.

        In a tally that was closed meanwhile the estimate stands for good.
        """
        if self._closed:
            return
        self._under_way -= most
        self._settled.update(tokens=tokens + estimated, requests=requests, estimated=estimated)
        with suppress(*_NOT_WRITTEN):  # the next write has it too, or a later try has the estimate
            await self._save()

    async def close(self) -> None:
        """Ends the tally, which will not change any more; if that cannot be written, it is `unwritten`."""
        self._closed = True
        with suppress(*_NOT_WRITTEN):
            if self._changes:
                await self._save()
            else:
                await self._stop_others()

    async def _stop_others(self) -> None:
        """Takes over what other tries have spent, so that none of them sends anything more."""
        while await self._look_for_others():
            with suppress(WrittenMeanwhile):
                await self._stored.write(self._to_json())
                return

    @property
    def _tally(self) -> Counter[str]:
        return self._settled + Counter(tokens=self._under_way, estimated=self._under_way)

    @property
    def _used(self) -> int:
        return self.counts.get("tokens", 0) + self._promised

    def _to_json(self) -> dict[str, Any]:
        return {**self._tally, "attempt": self._attempt, "closed": self._closed}

    async def _save(self) -> None:
        """Writes the tally as it is when its turn has come: many changes may share a write."""
        self._changes += 1
        change = self._changes
        async with self._saving:
            if self._is_repeated:
                raise StepRepeated
            if self._saved >= change:
                return
            latest = self._changes
            await self._write()
            self._saved = latest

    async def _write(self) -> None:
        while True:
            try:
                await self._stored.write(self._to_json())
            except WrittenMeanwhile:
                await self._require_latest()
            else:
                return

    async def _require_latest(self) -> None:
        """Raises if another try has written the tally since this one has read or written it."""
        stored = await self._stored.read()
        # Without one its job is over; one of this try was written without an answer.
        if stored is not None and stored["attempt"] != self._attempt:
            self._is_repeated = True
            raise StepRepeated

    async def _look_for_others(self) -> bool:
        """Takes over what other tries have spent; whether one of them may still go on."""
        stored = await self._stored.read()
        if stored is None:
            return False
        known = self._unwritten_before.get(stored["attempt"], stored)
        self._settled = Counter({name: known.get(name, 0) for name in SPENDING}) | self._paid
        return not stored["closed"]


def _name(page: int) -> str:
    return f"spent/{page}.json"
