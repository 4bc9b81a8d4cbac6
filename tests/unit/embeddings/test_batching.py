"""Texts that wait together and are embedded by one request."""

import asyncio
from typing import Any

from shared_code.embeddings.batching import BatchedEmbeddings, CountedText, Outcome
from shared_code.embeddings.client import Bill, Embedding, EmbeddingRefused, EmbeddingsUnusable
from tests.unit.embedding_fakes import PLAN, FakeEmbeddings, FreeSpending
from tests.unit.http_pool.scripted_service import HeldClock

WAIT = 0.05
PAYER = FreeSpending()


class Batches:
    """Embeddings that are batched on a clock of the test's."""

    def __init__(
        self, service: Any = None, *, tokens_per_request: int = 1_000, at_once: int = 8, **more: Any
    ) -> None:
        self.clock = HeldClock()
        if service is None:
            service = FakeEmbeddings()
        self.service = service
        self.embeddings = BatchedEmbeddings(
            service,
            wait=WAIT,
            tokens_per_request=tokens_per_request,
            at_once=at_once,
            sleep=self.clock.sleep,
            **more,
        )

    async def ask(
        self, *texts: str, model: str = PLAN.model, payer: Any = PAYER
    ) -> "asyncio.Future[list[Outcome]]":
        """A caller that waits for the outcomes of its texts."""
        counted = [CountedText(text, 10) for text in texts]
        asking = self.embeddings.embed(counted, model=model, dimensions=PLAN.dimensions, payer=payer)
        for _ in range(9):  # until a full request has been booked and sent
            await asyncio.sleep(0)
        return asking

    async def after(self, seconds: float, *tasks: "asyncio.Future[list[Outcome]]") -> list[Any]:
        """What the callers have got after so much time."""
        self.clock.advance(seconds)
        return await asyncio.gather(*tasks, return_exceptions=True)


class Broken(FakeEmbeddings):
    """A service that refuses the app."""

    async def embed(self, *texts: Any, **options: Any) -> Any:
        raise EmbeddingsUnusable


class AnyModel(FakeEmbeddings):
    """A service that knows more than one model."""

    async def embed(self, texts: Any, *, model: str, dimensions: Any, bill: Bill) -> Any:
        return await super().embed(texts, model=PLAN.model, dimensions=dimensions, bill=bill)


async def test_texts_that_wait_together_share_one_request():
    batches = Batches()
    first, second = await batches.ask("a", "b"), await batches.ask("c")
    await batches.after(WAIT, first, second)
    assert batches.service.batches == [["a", "b", "c"]]


async def test_each_caller_gets_the_outcomes_of_its_own_texts_in_order():
    batches = Batches()
    asked = await batches.ask("a", "b"), await batches.ask("c")
    first, second = await batches.after(WAIT, *asked)
    alone = await FakeEmbeddings().embed(
        ["a", "b", "c"], model=PLAN.model, dimensions=PLAN.dimensions, bill=Bill()
    )
    assert first + second == alone


async def test_text_that_comes_after_the_wait_is_in_the_next_request():
    batches = Batches()
    await batches.after(WAIT, await batches.ask("a"))
    await batches.after(WAIT, await batches.ask("b"))
    assert batches.service.batches == [["a"], ["b"]]


async def test_no_text_waits_longer_than_the_first_one_may():
    batches = Batches()
    first = await batches.ask("a")
    batches.clock.advance(WAIT - 0.001)
    second = await batches.ask("b")
    await batches.after(0.001, first, second)
    assert batches.service.batches == [["a", "b"]]


async def test_requests_are_no_fuller_than_the_service_takes():
    batches = Batches(tokens_per_request=25)
    await batches.after(WAIT, await batches.ask("a", "b", "c"), await batches.ask("d", "e"))
    assert batches.service.batches == [["a", "b"], ["c", "d"], ["e"]]


async def test_requests_of_all_callers_add_up_to_those_that_were_sent():
    batches = Batches(tokens_per_request=25)
    answers = await batches.after(WAIT, await batches.ask("a", "b", "c"), await batches.ask("d", "e"))
    assert [sum(each.requests for each in answer) for answer in answers] == [2, 1]


async def test_text_without_a_vector_is_no_matter_of_the_other_callers():
    batches = Batches(FakeEmbeddings(failing={"bad": EmbeddingRefused("refused")}))
    bad, good = await batches.after(WAIT, await batches.ask("bad"), await batches.ask("good"))
    assert [type(answer[0]) for answer in (bad, good)] == [EmbeddingRefused, Embedding]


async def test_failure_of_the_service_reaches_everyone_who_waits():
    batches = Batches(Broken())
    answers = await batches.after(WAIT, await batches.ask("a", "b"), await batches.ask("c"))
    kinds = [[type(outcome) for outcome in answer] for answer in answers]
    assert kinds == [[EmbeddingsUnusable] * 2, [EmbeddingsUnusable]]


async def test_caller_that_is_cancelled_pays_for_nothing_and_disturbs_nobody():
    batches = Batches()
    gone, here = await batches.ask("a"), await batches.ask("b")
    gone.cancel()
    _, answer = await batches.after(WAIT, gone, here)
    assert batches.service.batches == [["b"]]
    assert answer[0].requests == 1


async def test_texts_for_different_models_do_not_share_a_request():
    batches = Batches(AnyModel())
    await batches.after(WAIT, await batches.ask("a"), await batches.ask("b", model="other"))
    assert batches.service.batches == [["a"], ["b"]]


async def test_full_request_waits_for_nothing():
    batches = Batches(tokens_per_request=25)
    full, rest = await batches.ask("a", "b"), await batches.ask("c")
    assert batches.service.batches == [["a", "b"]]
    await batches.after(WAIT, full, rest)
    assert batches.service.batches == [["a", "b"], ["c"]]


async def test_first_text_of_a_request_decides_how_long_it_waits():
    batches = Batches(tokens_per_request=25)
    first = await batches.ask("a", "b")
    batches.clock.advance(WAIT / 2)
    second = await batches.ask("c")
    batches.clock.advance(WAIT / 2)
    await first
    assert batches.service.batches == [["a", "b"]]
    await batches.after(WAIT / 2, second)
    assert batches.service.batches == [["a", "b"], ["c"]]


async def test_texts_wait_for_a_caller_that_has_announced_itself():
    batches = Batches(patience=60)
    with batches.embeddings.announced():
        first = await batches.ask("a")
        batches.clock.advance(WAIT)
        second = await batches.ask("b")
    await asyncio.gather(first, second)
    assert batches.service.batches == [["a", "b"]]


async def test_withdrawn_announcement_is_waited_for_no_longer():
    batches = Batches(patience=60)
    with batches.embeddings.announced() as announcement, batches.embeddings.announced() as other:
        announcement.withdraw()
        announcement.withdraw()
        first = await batches.ask("a")
        batches.clock.advance(WAIT)
        second = await batches.ask("b")
        other.withdraw()
        await asyncio.gather(first, second)
    assert batches.service.batches == [["a", "b"]]


async def test_patience_with_a_caller_that_does_not_come_ends():
    batches = Batches(patience=0.001)
    with batches.embeddings.announced():
        await batches.after(WAIT, await batches.ask("a"))
    assert batches.service.batches == [["a"]]


async def test_caller_without_texts_waits_for_nothing():
    batches = Batches()
    answer = await (await batches.ask())
    assert (answer, batches.service.batches) == ([], [])


class Unanswered(FakeEmbeddings):
    """A service that takes for ever."""

    async def embed(self, texts: Any, *, model: str, dimensions: int | None, bill: Any) -> Any:
        self.batches.append(list(texts))
        try:
            await asyncio.Event().wait()
        finally:
            self.batches.append(["given up"])


async def test_request_is_booked_only_when_its_turn_has_come():
    batches = Batches(Unanswered(), tokens_per_request=10, at_once=1)
    booked = Booked()
    first = await batches.ask("a", "b", payer=booked)
    batches.clock.advance(WAIT)
    for _ in range(9):
        await asyncio.sleep(0)
    assert (len(booked.sent), batches.service.batches) == (1, [["a"]])
    first.cancel()


async def test_request_for_which_nobody_waits_any_more_is_given_up_and_stays_booked():
    batches = Batches(Unanswered(), tokens_per_request=10)
    booked = Booked()
    asking = await batches.ask("a", "b", payer=booked)
    asking.cancel()
    for _ in range(9):
        await asyncio.sleep(0)
    assert batches.service.batches == [["a"], ["given up"]]
    assert (booked.sent, booked.charges) == ([16], [])


async def test_texts_whose_payer_cannot_note_the_charge_hear_why_and_others_get_their_vectors():
    class Unable(Booked):
        async def charged(self, most: int, **_: int) -> None:
            raise ConnectionError(f"{most} cannot be noted")

    batches = Batches()
    asked = await batches.ask("a", payer=Unable()), await batches.ask("b", payer=Booked())
    async with asyncio.timeout(1):
        of_unable, of_other = await batches.after(WAIT, *asked)
    assert [type(outcome) for outcome in (*of_unable, *of_other)] == [ConnectionError, Embedding]


class Booked:
    """A payer that keeps what it was told."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.charges: list[int] = []

    async def sending(self, most: int) -> None:
        self.sent.append(most)

    async def charged(self, most: int, **_: int) -> None:
        self.charges.append(most)
