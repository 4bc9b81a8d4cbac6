"""Episodes with much to read take turns, and let others go first."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from devhost.engine.executor import nothing
from devhost.engine.options import HubOptions
from devhost.engine.turns import LARGE, Turn, Turns
from tests.engine.app import App, Hub, output


class World:
    """Work items and a clock for turns; the clock changes only when a test says so."""

    def __init__(self, *, patience: float = 60) -> None:
        self.now = 100.0
        self.small_at_hand = 0
        self.turns = Turns(lambda: self.small_at_hand, clock=lambda: self.now, patience=patience)
        self.begun: list[str] = []

    async def take(self, name: str, size: int = LARGE, *, seconds: float = 0) -> None:
        """One work item: it waits for its turn, begins and ends."""
        with await self.turns.take(size):
            self.begun.append(name)
            self.now += seconds


async def until_idle() -> None:
    """Lets waiting tasks look around many times."""
    await asyncio.sleep(0.1)


async def test_large_ones_begin_one_after_another():
    world = World()
    async with asyncio.TaskGroup() as group:
        with await world.turns.take(LARGE):
            group.create_task(world.take("second"))
            await until_idle()
            assert world.begun == []
    assert world.begun == ["second"]


async def test_turn_ends_before_its_block_when_a_thread_says_so():
    world = World()
    with await world.turns.take(LARGE) as turn:
        await asyncio.to_thread(turn.end)
        await world.take("second")
    await world.take("third")
    assert world.begun == ["second", "third"]


async def test_small_ones_wait_for_nobody():
    world = World()
    with await world.turns.take(LARGE):
        await world.take("small", LARGE - 1)
    assert world.begun == ["small"]


@asynccontextmanager
async def a_second_large_one_that_waits(world: World) -> AsyncIterator[None]:
    """A large turn of five seconds, and another that gives way; what ends its wait comes inside."""
    await world.take("first", seconds=5)
    async with asyncio.TaskGroup() as group:
        group.create_task(world.take("second"))
        await until_idle()
        assert world.begun[-1] == "first"
        yield
    assert world.begun[-1] == "second"


async def test_small_ones_at_hand_go_first():
    world = World()
    world.small_at_hand = 1
    async with a_second_large_one_that_waits(world):
        world.small_at_hand = 0


async def test_small_ones_that_a_large_one_kept_waiting_have_time_to_come():
    world = World()
    await world.take("small", 1)
    async with a_second_large_one_that_waits(world):
        world.now += 1


async def test_large_ones_wait_for_small_ones_no_longer_than_these_have_waited():
    world = World()
    world.small_at_hand = 1
    async with a_second_large_one_that_waits(world):
        world.now += 5


async def test_large_ones_that_are_alone_wait_for_nothing():
    world = World()
    await world.take("small", 1)
    world.now += 2
    for name in ("first", "second", "third"):
        await world.take(name, seconds=5)
    assert world.begun == ["small", "first", "second", "third"]


async def test_small_ones_that_do_not_count_are_no_sign_of_more():
    world = World()
    with await world.turns.take(1, counts=False):
        await world.take("first", seconds=5)
    await world.take("second")
    assert world.begun == ["first", "second"]


async def test_code_that_is_held_up_holds_up_no_other_for_long():
    world = World(patience=0.05)
    with await world.turns.take(LARGE):
        world.now += 1
        await world.take("second")
    assert world.begun == ["second"]


async def test_turn_that_is_none_too_long_is_waited_for_however_many_have_come_before_it():
    world = World(patience=0.01)
    async with asyncio.TaskGroup() as group:
        with await world.turns.take(LARGE):
            group.create_task(world.take("second"))
            await until_idle()
            assert world.begun == []
    assert world.begun == ["second"]


async def test_turn_that_is_given_up_passes_to_the_next():
    world = World()
    first = await world.turns.take(LARGE)
    given_up, next_one = (asyncio.create_task(world.take(name)) for name in ("second", "third"))
    await until_idle()
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    first.end()
    await next_one
    assert world.begun == ["third"]


def length(text: str) -> int:
    """An activity."""
    return len(text)


class Sizes(Turns):
    """Turns that remember how much there was to read."""

    def __init__(self) -> None:
        super().__init__(lambda: 0)
        self.asked: list[int] = []

    async def take(self, size: int, *, counts: bool = True) -> Turn:
        self.asked.append(size)
        return await super().take(size, counts=counts)


async def test_what_has_just_arrived_is_to_be_read_too(app: App, hub: Hub):
    @app.orchestrator
    def waits(context):
        return len((yield context.wait_for_external_event("news")))

    hub._dispatcher._turns = sizes = Sizes()
    job = await hub.begin("waits")
    await hub.settle()
    await hub.raise_event(job, "news", f'"{"x" * LARGE}"')
    await hub.settle()
    assert output(await hub.state_of(job)) == LARGE
    first, second = sizes.asked
    assert first < LARGE <= second


@pytest.fixture
def gate(app: App) -> Iterator[threading.Event]:
    """Holds up the code of large orchestrations, beside which there are light ones."""
    gate = threading.Event()

    @app.orchestrator
    def heavy(context):
        gate.wait(30)
        return len(context.get_input())
        yield

    @app.orchestrator
    def light(_context):
        return "done"
        yield

    yield gate
    gate.set()


async def test_small_ones_find_a_slot_however_many_large_ones_wait(hub: Hub, gate: threading.Event):
    large = [await hub.begin("heavy", "x" * LARGE) for _ in range(8)]
    async with asyncio.timeout(20):
        while len(hub.in_hand) < 4:
            await asyncio.sleep(0.01)
        small = await hub.begin("light")
        while (await hub.state_of(small)).status != "Completed":
            await asyncio.sleep(0.01)
        assert [(await hub.state_of(job)).status for job in large] == ["Pending"] * 8
        gate.set()
        await hub.settle()
    assert [output(await hub.state_of(job)) for job in large] == [LARGE] * 8


async def test_large_ones_share_a_single_slot_with_small_ones(app: App, gate: threading.Event):
    gate.set()
    async with Hub(app, ":memory:", HubOptions(max_concurrent_orchestrators=1)) as hub:
        jobs = [await hub.begin("heavy", "x" * size) for size in (LARGE, 1, LARGE)]
        async with asyncio.timeout(20):
            await hub.settle()
        assert [output(await hub.state_of(job)) for job in jobs] == [LARGE, 1, LARGE]


async def test_large_activities_leave_a_slot_to_small_ones(app: App):
    gate = asyncio.Event()

    @app.activity
    async def held(text):
        await gate.wait()
        return length(text)

    @app.activity
    def small(_text):
        return "done"

    @app.orchestrator
    def many(context):
        return (yield context.task_all([context.call_activity("held", "x" * LARGE) for _ in range(4)]))

    @app.orchestrator
    def one(context):
        return (yield context.call_activity("small", 1))

    async with Hub(app, ":memory:", HubOptions(max_concurrent_activities=2)) as hub, asyncio.timeout(20):
        large = await hub.begin("many")
        while not hub.running:
            await asyncio.sleep(0.01)
        beside = await hub.begin("one")
        while (await hub.state_of(beside)).status != "Completed":
            await asyncio.sleep(0.01)
        gate.set()
        await hub.settle()
        assert output(await hub.state_of(large)) == [LARGE] * 4


class SlowReader(App):
    """An app whose activities take their time to read their inputs; `reading` has how many are at it."""

    def __init__(self) -> None:
        super().__init__()
        self.reading: list[int] = []

    async def run_activity(
        self, name: str, instance_id: str, input_text: str | None, has_read: Callable[[], None] = nothing
    ) -> str | None:
        self.reading.append(1 + sum(self.reading))
        await asyncio.sleep(0.01)
        self.reading.append(-1)
        return await super().run_activity(name, instance_id, input_text, has_read)


async def test_activities_read_their_large_inputs_one_after_another():
    app = SlowReader()
    app.activity(length)

    @app.orchestrator
    def many(context):
        return (yield context.task_all([context.call_activity("length", "x" * LARGE) for _ in range(3)]))

    async with Hub(app, ":memory:") as hub:
        assert output(await hub.run("many")) == [LARGE] * 3
    assert app.reading == [1, -1] * 3
