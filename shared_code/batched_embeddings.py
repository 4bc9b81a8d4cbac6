"""Texts of callers that wait at the same time share requests for embeddings.

A caller gets the outcomes of its own texts, whatever becomes of the others'. Knows nothing of events and
files.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from shared_code.embeddings import MAX_INPUTS, Embedding, EmbeddingsClient
from shared_code.packing import packed

Outcome = Embedding | Exception
"""What became of a text: its vector, or the reason why it has none."""

_Kind = tuple[str, int | None]
"""Model and dimensions: what the texts of a request have in common."""

# One that is never answered must not hold up the texts behind it.
_PART_FULL_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class CountedText:
    """A text to embed, and how many tokens it is counted as."""

    text: str
    tokens: int


@dataclass(slots=True, eq=False)
class _Waiting:
    """A text on its way."""

    text: CountedText
    outcome: "asyncio.Future[Outcome]"


class BatchedEmbeddings:
    """Embeds texts together with those of others, in requests as full as the service takes them.

    A full request is sent at once. Any other waits so many seconds for more texts, and then as long as others
    like it are under way: the slower the service and the fewer requests it allows, the fuller they are.
    """

    def __init__(
        self,
        embeddings: EmbeddingsClient,
        *,
        wait: float,
        tokens_per_request: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._embeddings = embeddings
        self._wait = wait
        self._tokens_per_request = tokens_per_request
        self._sleep = sleep
        self._gathered: dict[_Kind, list[_Waiting]] = {}
        self._part_full = asyncio.Semaphore(_PART_FULL_AT_ONCE)
        self._sending: set[asyncio.Task[None]] = set()

    async def embed(
        self, texts: Sequence[CountedText], *, model: str, dimensions: int | None
    ) -> list[Outcome]:
        """What became of each text, in order; whatever `EmbeddingsClient.embed` raises is an outcome too.

        Nothing is raised: the texts may go by several requests, and each that is answered is charged for.
        """
        if not texts:
            return []
        loop = asyncio.get_running_loop()
        waiting = [_Waiting(text, loop.create_future()) for text in texts]
        self._gather(waiting, (model, dimensions))
        return await asyncio.gather(*(each.outcome for each in waiting))

    def _gather(self, waiting: Sequence[_Waiting], kind: _Kind) -> None:
        """Adds texts to those that wait already, and sends what fills requests of them."""
        gathered = [*self._gathered.get(kind, ()), *waiting]
        *full, rest = packed(
            gathered, _tokens_of, most_weight=self._tokens_per_request, most_items=MAX_INPUTS
        )
        for request in full:
            self._start(self._send(request, kind))
        if kind not in self._gathered:
            self._start(self._send_later(kind))
        self._gathered[kind] = rest

    def _start(self, sending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(sending)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send_later(self, kind: _Kind) -> None:
        await self._sleep(self._wait)
        async with self._part_full:
            await self._send(self._gathered.pop(kind), kind)

    async def _send(self, request: Sequence[_Waiting], kind: _Kind) -> None:
        # Whoever was cancelled meanwhile wants no outcome any more.
        waiting = [each for each in request if not each.outcome.done()]
        if not waiting:
            return
        model, dimensions = kind
        outcomes: Sequence[Outcome]
        try:
            outcomes = await self._embeddings.embed(
                [each.text.text for each in waiting], model=model, dimensions=dimensions
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome of all who wait
            outcomes = [error] * len(waiting)
        for each, outcome in zip(waiting, outcomes, strict=True):
            if not each.outcome.done():
                each.outcome.set_result(outcome)


def _tokens_of(waiting: _Waiting) -> int:
    return waiting.text.tokens
