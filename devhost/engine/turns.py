"""Turns of what there is much to read for: one at a time, after what else there is to do.

The SDK reads the whole history and input in every episode, an activity its input, and nothing else runs in
this process meanwhile: for 10 MB that is half a second. ADR 71 has the reasons.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

LARGE: Final = 1_000_000  # characters of history and input, which take the SDK some 20 ms
_PATIENCE: Final = 2.0  # seconds after which a turn is known to wait for something else than the processor
_LONGEST_GAP: Final = 10.0  # seconds in which small ones go first
_RECENT: Final = 1.0  # seconds for which small ones are a sign of more
_QUIET: Final = 0.1  # seconds in which a client that has waited for a small one starts the next
_LOOK: Final = 0.005  # seconds in which what has just arrived is begun with


class Turn:
    """A turn that has come, until it ends."""

    def __init__(self, at_end: ExitStack | None = None) -> None:
        """`at_end` is closed at its end; without it nobody hears of that."""
        self._at_end = at_end
        self._loop = asyncio.get_running_loop()

    def end(self) -> None:
        """Ends it, if it has not ended; safe to call from any thread."""
        if self._at_end is not None:
            self._loop.call_soon_threadsafe(self._at_end.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._at_end is not None:
            self._at_end.close()


class Turns:
    """Who may read next, of all that is read in this process."""

    def __init__(
        self,
        small_at_hand: Callable[[], int],
        *,
        clock: Callable[[], float] = time.monotonic,
        patience: float = _PATIENCE,
    ) -> None:
        """`small_at_hand` tells how many episodes there are, those left out that are known to be large."""
        self._small_at_hand = small_at_hand
        self._clock = clock
        self._patience = patience
        self._lock = asyncio.Lock()
        self._small_ended = -_RECENT
        self._large_began = self._large_ended = 0.0

    async def take(self, size: int, *, counts: bool = True) -> "Turn":
        """Waits for a turn to read `size` characters, which comes at once if that is little.

        A small one that `counts` tells that more may come. Activities do not: a large job has its own.
        """
        if size < LARGE and not counts:
            return Turn()
        with ExitStack() as held:
            if size >= LARGE:
                await self._take_large(held)
            else:
                held.callback(self._end_small)
            return Turn(held.pop_all())

    def _end_small(self) -> None:
        self._small_ended = self._clock()

    async def _take_large(self, held: ExitStack) -> None:
        """Waits for a large one's turn, and adds to `held` what has to be done at its end."""
        if await self._acquire():
            held.callback(self._lock.release)
        await self._let_others_go_first()
        self._large_began = self._clock()
        held.callback(self._end_large)

    def _end_large(self) -> None:
        self._large_ended = self._clock()

    async def _acquire(self) -> bool:
        """Waits for the turns before this one to end, unless the code of one is held up."""
        while not self._is_held_up():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    return await self._lock.acquire()
        return False

    def _is_held_up(self) -> bool:
        is_reading = self._large_began > self._large_ended
        return is_reading and self._clock() - self._large_began >= self._patience

    async def _let_others_go_first(self) -> None:
        """Waits while small ones come, at most as long as the last large one has kept them waiting."""
        kept_waiting = self._large_ended - self._large_began
        end = self._clock() + min(kept_waiting, _LONGEST_GAP)
        await asyncio.sleep(_LOOK)
        while self._small_may_come() and self._clock() < end:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(_LOOK)

    def _small_may_come(self) -> bool:
        """Whether small ones are at hand, or came shortly before the last large one and may come again."""
        had_come = self._small_ended >= self._large_began - _RECENT
        free_since = max(self._small_ended, self._large_ended)
        return self._small_at_hand() > 0 or (had_come and self._clock() - free_since < _QUIET)
