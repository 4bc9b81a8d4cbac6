"""What a page spends on embeddings: booked before a request is sent, and never more than was granted.

Each try of a page keeps a tally of its own, a blob beside what its job has staged, which is written
before a request is sent and once more before its vectors are used. A try that breaks off leaves it to the
next one, in which what was under way counts as spent, by the estimate. A try that ends closes it, and the
next one takes it over into its own, so that they stay few however often a page is tried.

ADR 37 has the reasons.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from uuid import uuid4

from azure.core.exceptions import AzureError
from azure.storage.blob.aio import ContainerClient

from shared_code.errors import JobCanceled
from shared_code.jobs import SPENDING
from shared_code.jobs.steps import PaidPage
from shared_code.storage.staging import discard_some_staged, read_all_staged_json, stage_json


class PageSpending:
    """The tally of one try of a page; it pays for the page's texts."""

    def __init__(
        self,
        container: ContainerClient,
        step: PaidPage,
        tallies: Mapping[str, Any],
        require_wanted: Callable[[], Awaitable[None]],
    ) -> None:
        """Opens a tally beside those of other tries of the page."""
        self._require_wanted = require_wanted
        self._refusal: JobCanceled | None = None
        self._container = container
        self._job_id = step.job_id
        self._name = f"{_folder(step.page)}{uuid4().hex}.json"
        self._grant = step.grant
        self._paid = step.paid
        # A tally that was taken over is still there if its try broke off then.
        over = {name for tally in tallies.values() for name in tally["takenOver"]}
        of_tries = {name: tally for name, tally in tallies.items() if name not in over}
        self._taken_over = sorted(
            (over & tallies.keys()) | {name for name, tally in of_tries.items() if tally["closed"]}
        )
        self._settled = _sum(of_tries[name] for name in self._taken_over if name in of_tries)
        self._others = _sum(tally for tally in of_tries.values() if not tally["closed"])
        self._under_way = 0
        self._promised = 0
        self._closed = False
        self._changes = self._saved = 0
        self._saving = asyncio.Lock()

    @classmethod
    async def begin(
        cls, container: ContainerClient, step: PaidPage, *, require_wanted: Callable[[], Awaitable[None]]
    ) -> "PageSpending":
        """Opens the tally of a new try of a page; `require_wanted` raises when it is to stop."""
        tallies = await read_all_staged_json(container, step.job_id, _folder(step.page))
        return cls(container, step, tallies, require_wanted)

    @property
    def counts(self) -> dict[str, int]:
        """What was spent that no answer has counted yet; tokens with those that are `estimated`."""
        sums = self._others + self._tally
        unheard = {name: sums[name] - self._paid.get(name, 0) for name in SPENDING}
        return {name: count for name, count in unheard.items() if count}

    def is_under_way(self) -> bool:
        """Whether a request has been sent that is not answered."""
        return self._under_way > 0

    def take(self, most: int) -> bool:
        """Takes this many tokens of the grant for texts that are to be sent, if they are left."""
        is_left = self._grant is None or self._used + most <= self._grant
        self._promised += most if is_left else 0
        return is_left

    async def sending(self, most: int) -> None:
        """Books a request that is about to be sent; what was promised is under way now."""
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
        try:
            await self._save()
        except AzureError:
            return  # the next write has it too, and close raises

    async def close(self) -> None:
        """Ends the tally: what it says is exact and will not change."""
        if self._changes:
            self._closed = True
            await self._save()

    @property
    def _tally(self) -> Counter[str]:
        return self._settled + Counter(tokens=self._under_way, estimated=self._under_way)

    @property
    def _used(self) -> int:
        return self.counts.get("tokens", 0) + self._promised

    async def _save(self) -> None:
        """Writes the tally as it is when its turn has come: many changes may share a write."""
        self._changes += 1
        change = self._changes
        async with self._saving:
            if self._saved >= change:
                return
            latest, is_first = self._changes, not self._saved
            tally = {**self._tally, "closed": self._closed, "takenOver": self._taken_over}
            await stage_json(self._container, self._job_id, self._name, tally)
            self._saved = latest
        if is_first and self._taken_over:
            await self._discard_taken_over()

    async def _discard_taken_over(self) -> None:
        try:
            await discard_some_staged(self._container, self._job_id, self._taken_over)
        except AzureError:
            return  # they are known to be taken over


def _sum(tallies: Iterable[Mapping[str, Any]]) -> Counter[str]:
    return sum((Counter({name: tally.get(name, 0) for name in SPENDING}) for tally in tallies), Counter())


def _folder(page: int) -> str:
    return f"spent/{page}/"
