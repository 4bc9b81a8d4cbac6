"""The clients of this process, one set for each event loop: opened at first use, closed with their loop.

Opening them imports the SDKs, which takes longer than all the rest of the app. A worker pays for that with
its first step, not when it starts, and in a thread, so that other work of its loop goes on meanwhile. The
`main` of an activity's folder therefore asks for the clients first, and imports its step after that (ADR 38).
"""

import asyncio
import gc
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from shared_code.concurrency import PerLoop
from shared_code.settings import settings

if TYPE_CHECKING:
    from shared_code.clients.composition import Clients
    from shared_code.network import Network
    from shared_code.storage.job_table import StoredJobs


async def clients() -> "Clients":
    """The clients of the running event loop."""
    return await _clients.get()


async def forget_decisions(job_id: str) -> None:
    """Deletes what was decided about a job; it opens the clients only when it is needed, which is seldom."""
    await (await clients()).decisions_of_requests.forget(job_id)


async def job_table() -> "StoredJobs":
    """The table of jobs, by the clients of the running event loop."""
    return (await clients()).job_table


@dataclass
class Opening:
    """How the clients of a loop are opened: on a network that was put here before, or else the machine's."""

    network: "Network | None" = None

    async def __call__(self) -> "Clients":
        """Clients by the settings of the process."""
        await asyncio.to_thread(_import_clients)
        from shared_code.clients.composition import Clients

        return Clients(settings(), self.network)


@cache
def _import_clients() -> None:
    import_module("shared_code.clients.composition")
    # What is there by now stays, and a collection of garbage that looked through all of it would hold up
    # everything else for a tenth of a second.
    gc.freeze()


async def _close(opened: "Clients") -> None:
    await opened.close()


opening = Opening()
_clients = PerLoop(opening, _close)
