"""Waiting for the end of a job in place of a client's polls: `Prefer: wait=n` (RFC 7240).

A client that waits costs a look at the job now and then, and no request. The looks become rarer, so that one
comes at most a tenth of the time late that the job has taken since.
"""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Self

import azure.functions as func

from shared_code.api.answers import accepted, ended
from shared_code.api.job_instances import StartedJob, is_live
from shared_code.api.job_status import JobStatus, read_status
from shared_code.errors import HostUnavailable, JobNotFound
from shared_code.jobs import DurableClient

MOST_SECONDS = 60
_SHORTEST, _LONGEST = 0.1, 2.0
_SHARE = 0.1
_LAST_LOOK = 5.0
_PREFERENCE = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_WAIT = re.compile(r'\s*wait\s*=\s*(?:(\d{1,9})|"(\d{1,9})")\s*(?:;.*)?', re.IGNORECASE)

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Wait:
    """For how many seconds a client is willing to wait; None if it does not say."""

    seconds: int | None = None

    @classmethod
    def asked_for(cls, headers: Mapping[str, str]) -> Self:
        """What the headers of a request ask for; a preference that cannot be read counts as none."""
        for preference in _PREFERENCE.findall(headers.get("prefer", "")):
            if found := _WAIT.fullmatch(preference):
                return cls(min(int(found[1] or found[2]), MOST_SECONDS))
        return cls()

    @property
    def applied(self) -> dict[str, str]:
        """The header that says so."""
        return {} if self.seconds is None else {"Preference-Applied": f"wait={self.seconds}"}

    async def until_ended(
        self,
        client: DurableClient,
        job_id: str,
        *,
        clock: Callable[[], float] = monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Waits until the job has ended, or time is over.

        A host that does not answer for a while is asked again. What is not a job is not waited for.
        """
        if not self.seconds:
            return
        began, passed = clock(), 0.0
        while await _goes_on(client, job_id, within=self.seconds - passed):
            passed = clock() - began
            if passed >= self.seconds:
                return
            pause = min(max(_SHARE * passed, _SHORTEST), _LONGEST) * random.uniform(0.8, 1)  # noqa: S311
            await sleep(min(pause, self.seconds - passed))


async def submitted(
    client: DurableClient, job: StartedJob, wait: Wait, *, origin: str, retention_days: int
) -> func.HttpResponse:
    """The answer to a request that submitted a job: 202, or 200 with its status if it has ended meanwhile.

    Whatever goes wrong while waiting, the job is started, and the answer says so.
    """
    status: JobStatus | None = None
    if wait.seconds is not None:
        await wait.until_ended(client, job.id)
        with suppress(HostUnavailable, JobNotFound, TimeoutError):
            async with asyncio.timeout(_LAST_LOOK):
                status = await read_status(client, job.id, retention_days=retention_days, origin=origin)
    if status and status.ended:
        return ended(status.to_json(), origin=origin, headers=wait.applied)
    now = status.status if status else job.runtime_status
    return accepted(job.id, now, origin=origin, headers=wait.applied)


async def _goes_on(client: DurableClient, job_id: str, *, within: float) -> bool:
    """Whether the job may still go on; a host that does not say so in time is not asked further."""
    try:
        async with asyncio.timeout(max(within, _SHORTEST)):
            return await is_live(client, job_id)
    except HostUnavailable:
        return True
    except TimeoutError:
        return False
