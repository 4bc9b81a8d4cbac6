"""Texts of callers that wait at the same time share requests for embeddings.

A caller gets the outcomes of its own texts, whatever becomes of the others'. Knows nothing of events and
files.

ADR 20 has the reasons.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from shared_code.embeddings.client import MAX_INPUTS, Embedding, EmbeddingsClient
from shared_code.packing import packed

Outcome = Embedding | Exception
"""What became of a text: its vector, or the reason why it has none."""

_Kind = tuple[str, int | None]
"""Model and dimensions: what the texts of a request have in common."""


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


@dataclass(slots=True)
class _Gathering:
    """Texts that do not fill a request yet, and the task that sends them all the same in time."""

    texts: list[_Waiting]
    departure: "asyncio.Task[None]"


class Announcement:
    """A caller's word that it is going to have texts; those of others wait for them until it is withdrawn."""

    def __init__(self, among: "set[Announcement]", none_left: asyncio.Event) -> None:
        self._among = among
        self._none_left = none_left
        among.add(self)
        none_left.clear()

    def withdraw(self) -> None:
        """Lets nobody wait for this caller any longer; more than once does no harm."""
        self._among.discard(self)
        if not self._among:
            self._none_left.set()


class BatchedEmbeddings:
    """Embeds texts together with those of others, in requests as full as the service takes them.

    A full request is sent at once. Any other waits `wait` seconds for more texts, and then at most `patience`
    seconds for those of callers that have announced themselves.
    """

    def __init__(
        self,
        embeddings: EmbeddingsClient,
        *,
        wait: float,
        tokens_per_request: int,
        patience: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._embeddings = embeddings
        self._wait = wait
        self._tokens_per_request = tokens_per_request
        self._patience = patience
        self._sleep = sleep
        self._gathered: dict[_Kind, _Gathering] = {}
        self._announced: set[Announcement] = set()
        self._all_here = asyncio.Event()
        self._all_here.set()
        self._sending: set[asyncio.Task[None]] = set()

    @contextmanager
    def announced(self) -> Iterator[Announcement]:
        """Announces texts for as long as this lasts, or until the announcement is withdrawn."""
        announcement = Announcement(self._announced, self._all_here)
        try:
            yield announcement
        finally:
            announcement.withdraw()

    def embed(
        self, texts: Sequence[CountedText], *, model: str, dimensions: int | None
    ) -> "asyncio.Future[list[Outcome]]":
        """What becomes of each text, in order; whatever `EmbeddingsClient.embed` raises is an outcome too.

        Nothing is raised: the texts may go by several requests, and each that is answered is charged for.
        """
        loop = asyncio.get_running_loop()
        waiting = [_Waiting(text, loop.create_future()) for text in texts]
        if waiting:
            self._gather(waiting, (model, dimensions))
        return asyncio.gather(*(each.outcome for each in waiting))

    def _gather(self, waiting: Sequence[_Waiting], kind: _Kind) -> None:
        """Adds texts to those that wait already, and sends what fills requests of them."""
        before = self._gathered.get(kind)
        texts = [*before.texts, *waiting] if before else waiting
        limits = {"most_weight": self._tokens_per_request, "most_items": MAX_INPUTS}
        *full, rest = packed(texts, _tokens_of, **limits)
        for request in full:
            self._start(self._send(request, kind))
        if before and not full:
            before.texts = rest
            return
        if before:
            before.departure.cancel()
        # The first text of a request decides when it is sent.
        self._gathered[kind] = _Gathering(rest, self._start(self._send_later(kind)))

    def _start(self, sending: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(sending)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        return task

    async def _send_later(self, kind: _Kind) -> None:
        await self._sleep(self._wait)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await self._all_here.wait()
        await self._send(self._gathered.pop(kind).texts, kind)

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
