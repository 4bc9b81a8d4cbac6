"""Texts of callers that wait at the same time share one request for embeddings.

A caller waits a bounded time for others to join it, and gets the outcomes of its own texts, whatever becomes
of the others'. Knows nothing of events or documents.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared_code.embeddings import MAX_INPUTS, Embedding, EmbeddingFailure, EmbeddingsClient
from shared_code.packing import packed

Outcome = Embedding | EmbeddingFailure


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
    """Embeds texts together with those that come within `wait` seconds of the first."""

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
        self._gathered: dict[tuple[str, int | None], list[_Waiting]] = {}
        self._sending: set[asyncio.Task[None]] = set()

    async def embed(
        self, texts: Sequence[CountedText], *, model: str, dimensions: int | None
    ) -> list[Outcome]:
        """What became of each text, in order; one without a vector is no matter of the other callers.

        Raises:
            EmbeddingsUnusable: key, address or model are refused, so that no text can be embedded.
            ServiceError: the service could not be reached, or failed beyond the pool's retries.
        """
        loop = asyncio.get_running_loop()
        waiting = [_Waiting(text, loop.create_future()) for text in texts]
        self._gather(waiting, model, dimensions)
        return await asyncio.gather(*(each.outcome for each in waiting))

    def _gather(self, waiting: Sequence[_Waiting], model: str, dimensions: int | None) -> None:
        """Adds texts to those that wait already; the first ones decide when all are sent."""
        if gathered := self._gathered.get((model, dimensions)):
            gathered.extend(waiting)
        elif waiting:
            self._gathered[model, dimensions] = list(waiting)
            sending = asyncio.create_task(self._send_later(model, dimensions))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

    async def _send_later(self, model: str, dimensions: int | None) -> None:
        await self._sleep(self._wait)
        # Whoever was cancelled meanwhile wants no outcome any more.
        waiting = [each for each in self._gathered.pop((model, dimensions)) if not each.outcome.done()]
        requests = packed(waiting, _tokens_of, most_weight=self._tokens_per_request, most_items=MAX_INPUTS)
        await asyncio.gather(*(self._send(request, model, dimensions) for request in requests))

    async def _send(self, request: Sequence[_Waiting], model: str, dimensions: int | None) -> None:
        texts = [each.text.text for each in request]
        outcomes: Sequence[Outcome | Exception]
        try:
            outcomes = await self._embeddings.embed(texts, model=model, dimensions=dimensions)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome of all who wait
            outcomes = [error] * len(request)
        for each, outcome in zip(request, outcomes, strict=True):
            _settle(each.outcome, outcome)


def _tokens_of(waiting: _Waiting) -> int:
    return waiting.text.tokens


def _settle(future: "asyncio.Future[Outcome]", outcome: Outcome | Exception) -> None:
    if future.done():
        return
    if isinstance(outcome, Embedding | EmbeddingFailure):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)
