"""The clients of this process, one set for each event loop: opened at first use, closed with their loop.

Opening them imports the SDKs, which takes longer than all the rest of the app. A worker pays for that with
its first step, not when it starts, and in a thread, so that other work of its loop goes on meanwhile. The
`main` of an activity's folder therefore asks for the clients first, and imports its step after that (ADR 38).
"""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

from shared_code.concurrency import PerLoop
from shared_code.settings import settings

if TYPE_CHECKING:
    from shared_code.clients.composition import Clients


async def clients() -> "Clients":
    """The clients of the running event loop."""
    return await _clients.get()


async def _open() -> "Clients":
    await asyncio.to_thread(import_module, "shared_code.clients.composition")
    from shared_code.clients.composition import Clients

    return Clients(settings())


async def _close(opened: "Clients") -> None:
    await opened.close()


_clients = PerLoop(_open, _close)
