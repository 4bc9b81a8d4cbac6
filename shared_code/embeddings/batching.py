"""Texts of callers that wait at the same time share requests for embeddings.

A caller gets the outcomes of its own texts, whatever becomes of the others', and its payer hears of every
request that has some of them: before it is sent, and when it is known what was charged. Knows nothing of
events and files.

ADR 20 has the reasons.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

from shared_code.embeddings.client import MAX_INPUTS, Bill, Embedding, EmbeddingsClient, shares
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

    @property
    def most(self) -> int:
        """More tokens than any model charges for it: tokenizers differ by a third."""
        return self.tokens + self.tokens // 2 + 1


class Payer(Protocol):
    """Who pays for texts."""

    async def sending(self, most: int) -> None:
        """A request is about to be sent: what is booked now counts, whatever becomes of the request.

        Args:
            most: more tokens than the payer's texts in it can be charged.

        Raises:
            Exception: it cannot be booked; then these texts are not sent.
        """

    async def charged(self, most: int, *, tokens: int, requests: int, estimated: int) -> None:
        """It is known what became of the request for which this was booked.

        Args:
            most: as it was booked.
            tokens: of the payer's texts, as the service said.
            requests: as far as they are counted for this payer.
            estimated: tokens that may have been charged beside, in sendings that were not answered.
        """


@dataclass(slots=True, eq=False)
class _Waiting:
    """A text on its way."""

    text: CountedText
    payer: Payer
    outcome: "asyncio.Future[Outcome]"

    def end(self, outcome: Outcome) -> None:
        """Tells what became of it, unless nobody wants to know any more."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)


@dataclass(frozen=True, slots=True)
class _Part:
    """The texts of one payer in a request."""

    payer: Payer
    texts: list[_Waiting]

    @property
    def most(self) -> int:
        return sum(each.text.most for each in self.texts)

    @property
    def length(self) -> int:
        return sum(len(each.text.text) for each in self.texts)

    def end(self, outcome: Outcome) -> None:
        """Tells what became of each of them."""
        for each in self.texts:
            each.end(outcome)


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
    seconds for those of callers that have announced themselves. At most `at_once` are under way; a request is
    booked when its turn has come, right before it is sent.
    """

    def __init__(
        self,
        embeddings: EmbeddingsClient,
        *,
        wait: float,
        tokens_per_request: int,
        at_once: int,
        patience: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._embeddings = embeddings
        self._wait = wait
        self._tokens_per_request = tokens_per_request
        self._slots = asyncio.Semaphore(at_once)
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
        self, texts: Sequence[CountedText], *, model: str, dimensions: int | None, payer: Payer
    ) -> "asyncio.Future[list[Outcome]]":
        """What becomes of each text, in order; whatever `EmbeddingsClient.embed` raises is an outcome too.

        Nothing is raised: the texts may go by several requests, and each that is answered is charged for.
        """
        loop = asyncio.get_running_loop()
        waiting = [_Waiting(text, payer, loop.create_future()) for text in texts]
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
        async with self._slots:
            await self._send_now(request, kind)

    async def _send_now(self, request: Sequence[_Waiting], kind: _Kind) -> None:
        # Whoever was cancelled meanwhile wants no outcome any more.
        waiting = [each for each in request if not each.outcome.done()]
        of_payers = [_Part(payer, list(texts)) for payer, texts in groupby(waiting, _payer_of)]
        parts = [part for part in await asyncio.gather(*map(_booked, of_payers)) if part]
        if not parts:
            return
        sent = [each for part in parts for each in part.texts]
        bill = Bill()
        asking = self._outcomes([each.text.text for each in sent], kind, bill)
        outcomes = await _while_wanted(asking, [each.outcome for each in sent])
        if outcomes is None:
            return  # what was booked for it counts
        await asyncio.gather(*(_charge(*each) for each in _shared(bill, parts)))
        for each, outcome in zip(sent, outcomes, strict=True):
            each.end(outcome)

    async def _outcomes(self, texts: Sequence[str], kind: _Kind, bill: Bill) -> Sequence[Outcome]:
        model, dimensions = kind
        try:
            return await self._embeddings.embed(texts, model=model, dimensions=dimensions, bill=bill)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome of all who wait
            return [error] * len(texts)


async def _while_wanted(
    asking: Coroutine[Any, Any, Sequence[Outcome]], wanted: Sequence["asyncio.Future[Outcome]"]
) -> Sequence[Outcome] | None:
    """The outcomes; None if everyone who waits for them has given up before."""
    answer, nobody = asyncio.create_task(asking), asyncio.create_task(asyncio.wait(wanted))
    try:
        await asyncio.wait({answer, nobody}, return_when=asyncio.FIRST_COMPLETED)
        return answer.result() if answer.done() else None
    finally:
        nobody.cancel()
        answer.cancel()


async def _booked(part: _Part) -> _Part | None:
    """The part, if its payer could book it; else its texts are not sent."""
    try:
        await part.payer.sending(part.most)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome of these texts
        part.end(error)
        return None
    return part


def _shared(bill: Bill, parts: Sequence[_Part]) -> Iterator[tuple[_Part, Bill]]:
    """What of a bill falls to each part, so that nothing is left over; the first one has the requests."""
    lengths = [part.length for part in parts]
    tokens, unknown = shares(bill.tokens, lengths), shares(bill.unknown, lengths)
    requests = [bill.requests, *[0] * (len(parts) - 1)]
    for part, *figures in zip(parts, tokens, requests, unknown, strict=True):
        yield part, Bill(*figures)


async def _charge(part: _Part, bill: Bill) -> None:
    estimated = -(-part.most * bill.unknown // max(part.length, 1))
    try:
        await part.payer.charged(part.most, tokens=bill.tokens, requests=bill.requests, estimated=estimated)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome of these texts
        part.end(error)


def _payer_of(waiting: _Waiting) -> Payer:
    return waiting.payer


def _tokens_of(waiting: _Waiting) -> int:
    return waiting.text.tokens
