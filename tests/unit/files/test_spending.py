"""What pages spend is counted, to the token where every answer arrived, whatever happens to them.

Two jobs embed the same three files, run after run. A run may be killed at any of its writes or with a request
under way, its requests may be refused or not answered, storage may go away, having done what it was asked or
not, and it may be granted too little. Where there is a budget, which may be raised and lowered between two
runs, they keep to it.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from azure.core.exceptions import ServiceRequestError
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_code.clients.identity import IdentityUnavailable
from shared_code.embeddings.client import Bill
from shared_code.errors import Passing
from shared_code.files.ingestion import PageResult
from shared_code.files.spending import PageSpending
from shared_code.jobs import Budget
from shared_code.jobs.steps import EmbedPage
from shared_code.settings import Settings
from shared_code.usage.metering import ASK, HELD, READ
from shared_code.usage.month import MonthUsage, answer
from tests.unit.embedding_fakes import JOB, Crash, FakeBlobs, FakeEmbeddings, World, prose

LIMITED = JOB.__class__(**{**vars(JOB), "budget": Budget(amount=1, recheck_seconds=1)})
FILES = {name: prose(name, sentences=12) for name in ("apples", "bears", "cedars")}
NONE, REFUSED, LOST, KILLED = "none", "refused", "lost", "killed"


class Away(Passing):
    """The service cannot be reached."""


@dataclass
class Service(FakeEmbeddings):
    """A service that charges each text as much as our tokenizer says, give or take a third."""

    fault: str = NONE
    tokens: int = 0
    unsure: bool = False
    factor: float = 1.0
    hangs: asyncio.Event = field(default_factory=asyncio.Event)

    async def embed(self, texts: Sequence[str], *, model: str, dimensions: Any, bill: Bill) -> Any:
        fault, self.fault = self.fault, NONE
        if fault == REFUSED:
            raise Away
        charged = sum(math.ceil(self.factor * len(text) / 6) for text in texts)
        self.tokens += charged
        if fault == LOST:
            self.unsure = True
            bill.unknown += sum(map(len, texts))
            raise Away
        if fault == KILLED:
            self.unsure = True
            self.hangs.set()
            await asyncio.Event().wait()
        outcomes = await super().embed(texts, model=model, dimensions=dimensions, bill=Bill())
        bill.tokens += charged
        bill.requests += 1
        return outcomes


@dataclass
class Job:
    """What the lane of a job with a single page knows."""

    name: str
    world: World
    tokens: int | None = None
    heard: Counter[str] = field(default_factory=Counter)
    tallies: dict[str, Any] = field(default_factory=dict)
    runs_heard: int = 0
    done: bool = False

    async def run(self, *, twice: bool = False, hears: int = 0) -> None:
        """One run of the page, or two at once; the lane hears of one, unless its process is killed."""
        tries = await asyncio.gather(*(self._try() for _ in range(1 + twice)))
        if heard := tries[hears * twice]:
            spending, result = heard
            self.heard.update(spending.counts)
            self.tallies = spending.unwritten or self.tallies
            self.runs_heard += 1
            self.done = not (result.error or result.lacks)
            self.tokens = result.lacks or self.tokens

    async def _try(self) -> tuple[PageSpending, PageResult] | None:
        """What one try of the page answers; nothing if its process is killed."""
        limited = LIMITED if self.tokens is not None else JOB
        step = EmbedPage(
            job_id=self.name, job=limited, page=0, tokens=self.tokens, paid=dict(self.heard),
            tallies=self.tallies,
        )  # fmt: skip
        fakes: Any = self.world
        spending = await PageSpending.begin(fakes.blobs, step, require_wanted=self.world.require_wanted)
        try:
            files = [self.world.files.listed(name) for name in sorted(self.world.files.texts)]
            result = await self._until_killed(self.world.ingestion(step, spending).embed(files))
        except (Crash, asyncio.CancelledError):
            service: Any = self.world.embeddings
            service.unsure |= self.world.blobs.away_after == 0  # nobody is left who knows
            return None
        except (Passing, ServiceRequestError) as error:
            result = PageResult(error=error if isinstance(error, Passing) else Away())
        await spending.close()
        assert isinstance(result.error, Passing | ServiceRequestError | None)
        return spending, result

    async def _until_killed(self, embedding: Coroutine[Any, Any, PageResult]) -> PageResult:
        """The result, unless the process is killed with a request under way."""
        hanging: Any = self.world.embeddings
        page, hangs = asyncio.create_task(embedding), asyncio.create_task(hanging.hangs.wait())
        await asyncio.wait({page, hangs}, return_when=asyncio.FIRST_COMPLETED)
        hanging.hangs.clear()
        hangs.cancel()
        if not page.done():
            self.world.index.crash_after = 0
            page.cancel()
        return await page


@dataclass(frozen=True)
class Happening:
    """What is done next: a run of one of the jobs, and what meets it.

    Attributes:
        twice: whether the host begins the run once more while it runs.
        hears: which of the two runs it then takes the answer of.
    """

    job: int
    fault: str
    crash_after: int | None
    storage_away_after: int | None = None
    storage_lies: bool = False
    twice: bool = False
    hears: int = 0


HAPPENINGS = st.lists(
    st.builds(
        Happening,
        job=st.integers(0, 1),
        fault=st.sampled_from([NONE, NONE, REFUSED, LOST, KILLED]),
        crash_after=st.none() | st.integers(0, 12),
        storage_away_after=st.none() | st.integers(0, 4),
        storage_lies=st.booleans(),
        twice=st.booleans(),
        hears=st.integers(0, 1),
    ),
    max_size=8,
)


async def play(
    happenings: Sequence[Happening], grant: int | None, factor: float
) -> tuple[Service, list[Job]]:
    """Everything that happens, and then undisturbed runs until both jobs are done."""
    service = Service(factor=factor)
    world = World(embeddings=service)
    for name, text in FILES.items():
        world.files.put(name + ".txt", text)
    jobs = [Job(name, world, tokens=grant) for name in ("one", "other")]
    undisturbed = [Happening(job, NONE, None) for job in (0, 1)] * 6
    for happening in (*happenings, *undisturbed):
        await meet(jobs[happening.job], happening)
    return service, jobs


async def meet(job: Job, happening: Happening) -> None:
    """Runs a job that is not done yet, and lets something happen to it."""
    service, index = job.world.embeddings, job.world.index
    assert isinstance(service, Service)
    service.fault, index.crash_after = happening.fault, None
    blobs = job.world.blobs
    blobs.away_after, blobs.lies = happening.storage_away_after, happening.storage_lies
    if happening.crash_after is not None:
        index.crash_after = len(index.writes) + happening.crash_after
    if not job.done:
        await job.run(twice=happening.twice, hears=happening.hears)


def check(happenings: Sequence[Happening], grant: int | None, factor: float) -> None:
    service, jobs = asyncio.run(play(happenings, grant, factor))
    counted = sum(job.heard["tokens"] for job in jobs)
    estimated = sum(job.heard["estimated"] for job in jobs)
    assert all(job.done for job in jobs)
    assert counted - estimated <= service.tokens <= counted
    # What one try has under way when another one begins, that one counts by the estimate.
    if not service.unsure and not any(each.twice for each in happenings):
        assert estimated == 0
    undisturbed = Happening(0, NONE, None)
    if all(replace(each, job=0, storage_lies=False, hears=0) == undisturbed for each in happenings):
        texts = [text for batch in service.batches for text in batch]
        assert len(texts) == len(set(texts))


GRANTS = st.none() | st.integers(0, 400)
FACTORS = st.floats(0.7, 1.4)


@settings(max_examples=40)
@given(happenings=HAPPENINGS, grant=GRANTS, factor=FACTORS)
def test_what_is_counted_is_what_was_charged_whatever_happens(happenings, grant, factor):
    check(happenings, grant, factor)


@dataclass
class Usage:
    """The usage entity of the jobs' environment, and what its budget is now, in tokens."""

    budget: int = 0
    highest: int = 0
    month: MonthUsage = field(default_factory=MonthUsage)

    def set_budget(self, tokens: int) -> None:
        """Raises or lowers the budget."""
        self.budget, self.highest = tokens, max(tokens, self.highest)

    def operate(self, operation: str, payload: dict[str, Any]) -> Any:
        """Runs one operation of the entity."""
        config = Settings({"MONTHLY_BUDGETS": f"test={self.budget / 1e6:.6f}"})
        self.month, result = answer(self.month, "test:2026-11", operation, payload, config)
        return result


@dataclass
class LimitedJob(Job):
    """A job whose lane asks for what its page may cost, and reports what that has cost."""

    usage: Usage = field(default_factory=Usage)
    meter: int | None = None
    turn: int = 0
    is_admitted: bool = False

    async def run(self, *, twice: bool = False, hears: int = 0) -> None:
        """Runs the page if it is admitted; a run that was killed is run again without asking."""
        price = LIMITED.plan.price
        if not self.is_admitted:
            asking = {"meter": self.meter, "limited": True, "turn": self.turn + 1}
            asked = self.usage.operate(ASK, {**asking, "cost": (self.tokens or 0) * price})
            if asked[HELD]:
                return
            self.meter, self.turn, self.is_admitted = asked["meter"], self.turn + 1, True
        before = self.runs_heard
        await super().run(twice=twice, hears=hears)
        if self.runs_heard > before:
            self.is_admitted = False
            tokens = self.heard["tokens"]
            reading = {**self.heard, "tokens": tokens, "requests": self.heard["requests"]}
            ended = {"meter": self.meter, "turn": self.turn, "cost": tokens * price, "ended": self.done}
            self.usage.operate(READ, {**reading, **ended})


BUDGETS = st.lists(st.integers(0, 1_500), min_size=8, max_size=8)


async def play_limited(
    happenings: Sequence[Happening], budgets: Sequence[int], needed: int, factor: float
) -> None:
    """Everything that happens, each on a budget of its own, and in the end on one that suffices."""
    service, usage = Service(factor=factor), Usage()
    world = World(embeddings=service)
    for name, text in FILES.items():
        world.files.put(name + ".txt", text)
    jobs = [LimitedJob(name, world, tokens=needed, usage=usage) for name in ("one", "other")]
    undisturbed = [Happening(job, NONE, None) for job in (0, 1)] * 12
    for number, happening in enumerate((*happenings, *undisturbed)):
        usage.set_budget(budgets[number] if number < len(happenings) else 1_000_000)
        await meet(jobs[happening.job], happening)
        assert service.tokens <= usage.highest
        assert usage.month.tokens <= usage.highest
    assert all(job.done for job in jobs)
    assert usage.month.meters == {}
    assert usage.month.tokens == sum(job.heard["tokens"] for job in jobs) >= service.tokens
    assert usage.month.tokens - usage.month.estimated <= service.tokens
    if not service.unsure and not any(each.twice for each in happenings):
        assert usage.month.estimated == 0


def check_limited(
    happenings: Sequence[Happening], budgets: Sequence[int], needed: int, factor: float
) -> None:
    asyncio.run(play_limited(happenings, budgets, needed, factor))


NEEDED = st.integers(1, 400)


@settings(max_examples=40)
@given(happenings=HAPPENINGS, budgets=BUDGETS, needed=NEEDED, factor=FACTORS)
def test_budget_that_is_raised_and_lowered_is_kept_and_what_is_counted_was_charged(
    happenings, budgets, needed, factor
):
    check_limited(happenings, budgets, needed, factor)


async def test_charge_that_cannot_be_written_for_want_of_a_token_is_told_by_the_answer():
    blobs: Any = FakeBlobs()
    step = EmbedPage(job_id="job", job=JOB, page=0)
    spending = await PageSpending.begin(blobs, step, require_wanted=lambda: asyncio.sleep(0))
    await spending.sending(20)
    blobs.away_after, blobs.failure = 0, IdentityUnavailable()
    await spending.charged(20, tokens=7, requests=1, estimated=0)
    await spending.close()
    assert spending.counts == {"tokens": 7, "requests": 1}
    assert spending.unwritten
