"""What a page spends on embeddings: booked before a request is sent, and never more than was granted.

Each run of a page keeps an account of its own, a blob beside what its job has staged, which is written
before a request is sent and once more before its vectors are used. A run that breaks off leaves it to the
next one, in which what was under way counts as spent, by the estimate. A run that ends closes it, and the
next one takes it over into its own, so that they stay few however often a page is tried. Where storage is
away then, the answer of the run carries the account, and the next run gets it with its input.

ADR 37 has the reasons.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any
from uuid import uuid4

from azure.core.exceptions import AzureError
from azure.storage.blob.aio import ContainerClient

from shared_code.errors import JobCanceled
from shared_code.jobs import SPENDING
from shared_code.jobs.steps import PaidPage
from shared_code.storage.staging import discard_some_staged, read_all_staged_json, stage_json


class PageSpending:
    """The account of one run of a page; it pays for the page's texts."""

    def __init__(
        self,
        container: ContainerClient,
        step: PaidPage,
        accounts: Mapping[str, Any],
        require_wanted: Callable[[], Awaitable[None]],
    ) -> None:
        """Opens an account beside those of other runs of the page."""
        self._require_wanted = require_wanted
        self._refusal: JobCanceled | None = None
        self._container = container
        self._job_id = step.job_id
        self._name = f"{_folder(step.page)}{uuid4().hex}.json"
        self._grant = step.grant
        self._paid = step.paid
        # An account that was taken over is still there if its run broke off then.
        over = {name for account in accounts.values() for name in account["takenOver"]}
        of_runs = {name: account for name, account in accounts.items() if name not in over}
        self._taken_over = sorted(
            (over & accounts.keys()) | {name for name, account in of_runs.items() if account["closed"]}
        )
        self._settled = _sum(of_runs[name] for name in self._taken_over if name in of_runs)
        self._others = _sum(account for account in of_runs.values() if not account["closed"])
        self._under_way = 0
        self._promised = 0
        self._closed = False
        self._changes = self._saved = 0
        self._saving = asyncio.Lock()

    @classmethod
    async def begin(
        cls, container: ContainerClient, step: PaidPage, *, require_wanted: Callable[[], Awaitable[None]]
    ) -> "PageSpending":
        """Opens the account of a new run of a page; `require_wanted` raises when it is to stop."""
        stored = await read_all_staged_json(container, step.job_id, _folder(step.page))
        return cls(container, step, {**stored, **step.accounts}, require_wanted)

    @property
    def counts(self) -> dict[str, int]:
        """What was spent that no answer has counted yet; tokens with those that are `estimated`."""
        sums = self._others + self._account
        unheard = {name: sums[name] - self._paid.get(name, 0) for name in SPENDING}
        return {name: count for name, count in unheard.items() if count}

    @property
    def unwritten(self) -> dict[str, Any]:
        """The account by its name, unless storage is known to have it as it is now."""
        return {} if self._saved == self._changes else {self._name: self._to_json()}

    def is_under_way(self) -> bool:
        """Whether a request has been sent that is not answered."""
        return self._under_way > 0

    def take(self, most: int) -> bool:
        """Takes so many tokens of the grant for texts that are to be sent, if they are left."""
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

        In an account that was closed meanwhile the estimate stands for good.
        """
        if self._closed:
            return
        self._under_way -= most
        self._settled.update(tokens=tokens + estimated, requests=requests, estimated=estimated)
        try:
            await self._save()
        except AzureError:
            return  # the next write has it too

    async def close(self) -> None:
        """Ends the account, which will not change any more; if that cannot be written, it is `unwritten`."""
        if self._changes:
            self._closed = True
            with suppress(AzureError):
                await self._save()

    @property
    def _account(self) -> Counter[str]:
        return self._settled + Counter(tokens=self._under_way, estimated=self._under_way)

    @property
    def _used(self) -> int:
        return self.counts.get("tokens", 0) + self._promised

    def _to_json(self) -> dict[str, Any]:
        return {**self._account, "closed": self._closed, "takenOver": self._taken_over}

    async def _save(self) -> None:
        """Writes the account as it is when its turn has come: many changes may share a write."""
        self._changes += 1
        change = self._changes
        async with self._saving:
            if self._saved >= change:
                return
            latest, is_first = self._changes, not self._saved
            await stage_json(self._container, self._job_id, self._name, self._to_json())
            self._saved = latest
        if is_first and self._taken_over:
            await self._discard_taken_over()

    async def _discard_taken_over(self) -> None:
        try:
            await discard_some_staged(self._container, self._job_id, self._taken_over)
        except AzureError:
            return  # they are known to be taken over


def _sum(accounts: Iterable[Mapping[str, Any]]) -> Counter[str]:
    return sum(
        (Counter({name: account.get(name, 0) for name in SPENDING}) for account in accounts), Counter()
    )


def _folder(page: int) -> str:
    return f"spent/{page}/"
