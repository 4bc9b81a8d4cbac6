"""How a listener ends: what it has in hand gets time to finish, and is cut off then."""

import asyncio
import contextlib
from collections.abc import Callable, Collection


async def finish(
    watcher: "asyncio.Task[None]", in_hand: Callable[[], Collection["asyncio.Task[None]"]], *, grace: float
) -> None:
    """Waits up to `grace` seconds for a watcher that ends by itself, then for what it has taken in hand.

    What has not ended by then is cancelled; when this returns, nothing runs.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(grace):
            await asyncio.shield(watcher)
            while tasks := in_hand():
                await asyncio.wait(tasks)
    unfinished = [watcher, *in_hand()]
    for task in unfinished:
        task.cancel()
    await asyncio.gather(*unfinished, return_exceptions=True)
