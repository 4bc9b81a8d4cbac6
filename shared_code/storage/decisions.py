"""What people decided about a job, as blobs below `decisions/{job id}/`: who comes first is heard.

A decision is here before the caller of the API has an answer, so that each step of the job, in whatever
process it runs, can ask for it with one small request. ADR 42 has the reasons.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from weakref import WeakValueDictionary

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.blob.aio import ContainerClient

from shared_code.errors import AppError, DecisionsUnavailable, SettingsError
from shared_code.http_pool import DENIED
from shared_code.jobs import Json
from shared_code.jobs.approval import Decision
from shared_code.storage.blob_account import written_to
from shared_code.storage.for_requests import soon
from shared_code.storage.reading import read_json

_DECISIONS = "decisions"
_CANCEL = "cancel.json"
_SECONDS_BETWEEN_LOOKS = 0.5
# Of one process. With more, as with live events, each of them is looked up less often: a busy process would
# spend its time on looks, by which steps take longer and are looked up more often still.
_JOBS_AT_FULL_PACE = 10
_SECONDS_FOR_A_LOOK = 5.0
# Of a job that has done its work: nobody cancels it any more.
_NOBODY = ""


class Decisions:
    """The decisions about all jobs, in the container of what jobs stage."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    async def cancel(self, job_id: str, by: str) -> bool:
        """Has a job end, and names who says so first; not heard if the job is closed."""
        held = await self._take(_name(job_id, _CANCEL), {"by": by})
        return bool(held["by"] != _NOBODY)

    async def close(self, job_id: str) -> str | None:
        """Has every later cancel come too late for a job that has done its work; who cancelled it before."""
        held = await self._take(_name(job_id, _CANCEL), {"by": _NOBODY})
        return held["by"] or None

    async def is_canceled(self, job_id: str) -> bool:
        """Whether a job is to end."""
        return await self.canceled_by(job_id) is not None

    async def canceled_by(self, job_id: str) -> str | None:
        """Who has a job end; None if nobody has."""
        decision = await self._read(_name(job_id, _CANCEL))
        return decision["by"] or None if decision else None

    async def approve(self, job_id: str, round_: int, decision: Decision) -> Decision:
        """Decides whether a job, or a round of a watch, may go on, if nobody has; the decision that holds."""
        held = await self._take(_approval(job_id, round_), decision.to_json())
        return Decision.from_json(held)

    async def approval(self, job_id: str, round_: int) -> Decision | None:
        """What was decided; None if nothing was."""
        held = await self._read(_approval(job_id, round_))
        return Decision.from_json(held) if held else None

    async def forget(self, job_id: str) -> None:
        """Deletes what was decided about a job: its id is to stand for a new submission."""
        listed = self._container.list_blob_names(name_starts_with=decisions_prefix(job_id))
        try:
            names = [name async for name in listed]
        except ResourceNotFoundError:
            return  # nothing was ever decided: there is no container
        await self._delete(names)

    async def _take(self, name: str, decision: Json) -> Json:
        """Writes a decision, unless there is one; the one that holds."""
        data = json.dumps(decision).encode()
        try:
            upload = partial(self._container.upload_blob, name, data, overwrite=False)
            await written_to(self._container, upload)
        except ResourceExistsError:
            return await self._read(name) or await self._take(name, decision)
        return decision

    async def _read(self, name: str) -> Json | None:
        try:
            decision: Json = await read_json(self._container, name)
        except ResourceNotFoundError:
            return None
        return decision

    async def _delete(self, names: Iterable[str]) -> None:
        for name in names:
            try:
                await self._container.delete_blob(name)
            except ResourceNotFoundError:
                continue  # forgotten twice


class CancelWatch:
    """Whether one job is to end, looked up for all of its steps that run in this process."""

    def __init__(
        self, decisions: Callable[[], Decisions], job_id: str, *, seconds_to_next_look: Callable[[], float]
    ) -> None:
        self._decisions = decisions
        self._job_id = job_id
        self.seconds_to_next_look = seconds_to_next_look
        self._over = asyncio.Event()
        self._watching = asyncio.Lock()

    @property
    def is_over(self) -> bool:
        """Whether it is known that the job is to end."""
        return self._over.is_set()

    async def look(self) -> None:
        """Looks it up; where storage cannot say, the job is taken to go on."""
        with suppress(AzureError, AppError, TimeoutError):  # one of the app is that there is no token
            async with asyncio.timeout(_SECONDS_FOR_A_LOOK):
                if not self.is_over and await self._decisions().is_canceled(self._job_id):
                    self._over.set()

    async def close(self) -> None:
        """Has no cancel come after this; where the app may not write there, none has come before.

        Raises:
            AzureError: storage cannot say.
            TimeoutError: nor does it say that.
        """
        try:
            with suppress(SettingsError):
                async with asyncio.timeout(_SECONDS_FOR_A_LOOK):
                    if not self.is_over and await self._decisions().close(self._job_id):
                        self._over.set()
        except HttpResponseError as error:
            if error.status_code not in DENIED:
                raise

    async def wait(self) -> None:
        """Returns when the job is to end. Of all that wait one looks; when that one leaves, the next does."""
        async with self._watching:
            while not self.is_over:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.seconds_to_next_look()):
                        await self._over.wait()
                await self.look()


class CancelWatches:
    """The watches of jobs that have a step running in this process."""

    def __init__(
        self, decisions: Callable[[], Decisions], *, between_looks: float = _SECONDS_BETWEEN_LOOKS
    ) -> None:
        """Opens nothing.

        Args:
            decisions: gives the decisions; for want of a setting it may raise SettingsError.
            between_looks: in seconds, as long as there are few jobs.
        """
        self._decisions = decisions
        self._between_looks = between_looks
        self._watches: WeakValueDictionary[str, CancelWatch] = WeakValueDictionary()

    def of(self, job_id: str) -> CancelWatch:
        """The watch of a job; one that is over may be of an earlier run with the same id."""
        watch = self._watches.get(job_id)
        if watch is None or watch.is_over:
            watch = CancelWatch(self._decisions, job_id, seconds_to_next_look=self._pause)
            self._watches[job_id] = watch
        return watch

    def _pause(self) -> float:
        return self._between_looks * max(1.0, len(self._watches) / _JOBS_AT_FULL_PACE)


class DecisionsOfRequests:
    """The same for requests. Each call may raise DecisionsUnavailable or AccessDenied."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    async def cancel(self, job_id: str, by: str) -> bool:
        """Has a job end, and names who says so first; whether it hears that."""
        return await soon(self._decisions.cancel(job_id, by), DecisionsUnavailable)

    async def is_canceled(self, job_id: str) -> bool:
        """Whether a job is to end."""
        return await soon(self._decisions.is_canceled(job_id), DecisionsUnavailable)

    async def approve(self, job_id: str, round_: int, decision: Decision) -> Decision:
        """Decides whether a job, or a round of a watch, may go on, if nobody has; the decision that holds."""
        return await soon(self._decisions.approve(job_id, round_, decision), DecisionsUnavailable)

    async def approval(self, job_id: str, round_: int) -> Decision | None:
        """What was decided; None if nothing was."""
        return await soon(self._decisions.approval(job_id, round_), DecisionsUnavailable)

    async def forget(self, job_id: str) -> None:
        """Deletes what was decided about a job."""
        await soon(self._decisions.forget(job_id), DecisionsUnavailable)


def decisions_prefix(job_id: str) -> str:
    """What the names of all decisions about a job begin with."""
    return f"{_DECISIONS}/{job_id}/"


def _approval(job_id: str, round_: int) -> str:
    return _name(job_id, f"approval-{round_}.json")


def _name(job_id: str, decision: str) -> str:
    return f"{decisions_prefix(job_id)}{decision}"
