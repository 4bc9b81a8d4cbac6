"""Episodes with much to read take turns, and let others go first."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from devhost.engine.options import HubOptions
from devhost.engine.turns import LARGE, Turns
from tests.engine.app import App, Hub, output


class World:
    """Work items and a clock for turns; both change only when a test says so."""

    def __init__(self, *, patience: float = 60) -> None:
        self.at_hand = 0
        self.now = 0.0
        self.turns = Turns(lambda: self.at_hand, clock=lambda: self.now, patience=patience)
        self.begun: list[str] = []

    async def take(self, name: str, size: int = LARGE, *, seconds: float = 0) -> None:
        """One work item: it waits for its turn, begins and ends."""
        self.at_hand += 1
        async with self.turns.turn(size):
            self.begun.append(name)
            self.now += seconds
        self.at_hand -= 1


async def until_idle() -> None:
    """Lets waiting tasks look around many times."""
    await asyncio.sleep(0.1)


async def test_large_ones_begin_one_after_another():
    world = World()
    async with asyncio.TaskGroup() as group, world.turns.turn(LARGE):
        group.create_task(world.take("second"))
        await until_idle()
        assert world.begun == []
    assert world.begun == ["second"]


async def test_small_ones_wait_for_nobody():
    world = World()
    async with world.turns.turn(LARGE):
        await world.take("small", LARGE - 1)
    assert world.begun == ["small"]


@asynccontextmanager
async def a_second_that_lets_others_go_first(world: World) -> AsyncIterator[None]:
    """A turn that waits as there is something else at hand; what ends its wait comes inside."""
    await world.take("first", seconds=5)
    world.at_hand += 1
    async with asyncio.TaskGroup() as group:
        group.create_task(world.take("second"))
        await until_idle()
        assert world.begun == ["first"]
        yield
    assert world.begun == ["first", "second"]


async def test_what_else_is_at_hand_goes_first():
    world = World()
    async with a_second_that_lets_others_go_first(world):
        world.at_hand -= 1


async def test_others_go_first_no_longer_than_the_last_turn_took():
    world = World()
    async with a_second_that_lets_others_go_first(world):
        world.now += 5


async def test_large_ones_do_not_wait_for_each_others_waiting():
    world = World()
    await world.take("first", seconds=5)
    async with asyncio.TaskGroup() as group:
        for name in ("second", "third"):
            group.create_task(world.take(name, seconds=5))
    assert world.begun == ["first", "second", "third"]


async def test_code_that_is_held_up_holds_up_no_other_for_long():
    world = World(patience=0.05)
    async with world.turns.turn(LARGE):
        await world.take("second")
    assert world.begun == ["second"]


async def test_turn_that_is_given_up_passes_to_the_next():
    world = World()
    async with AsyncExitStack() as first:
        await first.enter_async_context(world.turns.turn(LARGE))
        given_up, next_one = (asyncio.create_task(world.take(name)) for name in ("second", "third"))
        await until_idle()
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        world.at_hand -= 1
    await next_one
    assert world.begun == ["third"]


class Sizes(Turns):
    """Turns that remember how much there was to read."""

    def __init__(self) -> None:
        super().__init__(lambda: 0)
        self.asked: list[int] = []

    @asynccontextmanager
    async def turn(self, size: int) -> AsyncIterator[None]:
        self.asked.append(size)
        async with super().turn(size):
            yield


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
