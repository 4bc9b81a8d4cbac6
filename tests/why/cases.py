"""A way to wait, and what is to be said of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from devhost.engine.history import EventType
from devhost.engine.options import HubOptions
from devhost.engine.versions import VersionPolicy
from devhost.why.gather import why
from devhost.why.state import Why
from tests.engine.app import Hub
from tests.why.waits import Waits

STRICT = HubOptions(strict_parity=True)
ONE_SLOT = HubOptions(max_concurrent_activities=1)
ONE_TURN = HubOptions(max_concurrent_orchestrators=1)


@dataclass(frozen=True)
class Scene:
    """A hub with an instance, and the app that it runs."""

    app: Waits
    hub: Hub
    job: str

    @property
    def child(self) -> str:
        """The instance below it."""
        return f"{self.job}-child"


Act = Callable[[Scene], Awaitable[None]]


async def at_once(_scene: Scene) -> None:
    """Nothing happens."""


async def rests(scene: Scene) -> None:
    """Nothing runs any more."""
    await scene.hub.settle()


@dataclass(frozen=True)
class Case:
    """An orchestrator, what happens to it, and the cause that it is to be told.

    Attributes:
        about: the situation in a few words.
        code: of the cause; `None` if there is nothing to tell.
        part: of the sentence.
        act: what happens after it has come to its wait.
        asked: the instance that is asked about; by default the one that was started.
        arrives: how it comes to its wait.
        before: what happens before it is started.
        version: that it is started with.
    """

    about: str
    orchestrator: str
    code: str | None
    part: str = ""
    act: Act = at_once
    asked: Callable[[Scene], str] = lambda scene: scene.job
    arrives: Act = rests
    before: Act = at_once
    options: HubOptions = field(default_factory=HubOptions)
    version: str | None = None


async def told(case: Case) -> Why | None:
    """Plays a case, and asks why."""
    app = Waits()
    async with Hub(app, ":memory:", case.options) as hub:
        try:
            await case.before(Scene(app, hub, ""))
            job = await hub.start_orchestration(case.orchestrator, version=case.version)
            scene = Scene(app, hub, job)
            await case.arrives(scene)
            await case.act(scene)
            return await why(hub, case.asked(scene))
        finally:
            app.release()


def when(condition: Callable[[Scene], Awaitable[bool]]) -> Act:
    """Something comes about while other things go on."""

    async def act(scene: Scene) -> None:
        async with asyncio.timeout(20):
            while not await condition(scene):
                await asyncio.sleep(0.002)

    return act


async def _runs_slowly(scene: Scene) -> bool:
    return scene.app.is_slow and not scene.hub.in_hand


async def _has_scheduled(scene: Scene) -> bool:
    """Whether the instance, and its child if it is to have one, wait for a slot."""
    own = await scene.hub.state_of(scene.job)
    known = [scene.job, scene.child] if own.name.startswith("parent_of") else [scene.job]
    return not scene.hub.in_hand and all([await scene.hub.get_history(one) for one in known])


async def _has_gone_on(scene: Scene) -> bool:
    done = [e for e in await scene.hub.get_history(scene.job) if e["EventType"] == EventType.TASK_COMPLETED]
    return scene.app.is_slow and bool(done) and not scene.hub.is_at(scene.job)


async def _asks_a_busy_entity(scene: Scene) -> bool:
    return set(scene.hub.in_hand) == {"@busy@a"}


async def _hangs(scene: Scene) -> bool:
    return scene.job in scene.hub.in_hand


slow = when(_runs_slowly)
has_gone_on = when(_has_gone_on)
has_scheduled = when(_has_scheduled)
asks_a_busy_entity = when(_asks_a_busy_entity)
hangs = when(_hangs)


def starts(orchestrator: str, arrives: Act) -> Act:
    """Another instance has begun already."""

    async def act(scene: Scene) -> None:
        await arrives(replace(scene, job=await scene.hub.begin(orchestrator)))

    return act


def raises(*names: str, to: Callable[[Scene], str] = lambda scene: scene.job) -> Act:
    """External events come, one after the other."""

    async def act(scene: Scene) -> None:
        for name in names:
            await scene.hub.raise_event(to(scene), name, "true")
            await scene.hub.settle()

    return act


def suspended(reason: str | None = None, *, on_child: bool = False) -> Act:
    """A client suspends the instance, or its child."""

    async def act(scene: Scene) -> None:
        await scene.hub.suspend(scene.child if on_child else scene.job, reason)
        await scene.hub.settle()

    return act


async def resumed(scene: Scene) -> None:
    """A client resumes the instance."""
    await scene.hub.resume(scene.job, None)
    await scene.hub.settle()


async def terminated(scene: Scene) -> None:
    """A client terminates the instance."""
    await scene.hub.terminate(scene.job, None)
    await scene.hub.settle()


async def released(scene: Scene) -> None:
    """What was slow comes to its end."""
    scene.app.release()
    await scene.hub.settle()


def replaced(name: str, by: str) -> Act:
    """A new release has other code under the name of an orchestrator."""

    async def act(scene: Scene) -> None:
        scene.app.orchestrators[name] = scene.app.orchestrators[by]

    return act


def broken(name: str, error: str) -> Act:
    """A new release has an orchestrator that cannot be run."""

    def fails(_context: Any) -> Any:
        raise ImportError(error)

    async def act(scene: Scene) -> None:
        scene.app.orchestrators[name] = fails

    return act


def held_back(reason: str) -> Act:
    """A new release whose app has no functions, for a reason."""

    async def act(scene: Scene) -> None:
        scene.hub.hold_back(reason)

    return act


def passes(**span: float) -> Act:
    """Time passes, and what is due then happens."""

    async def act(scene: Scene) -> None:
        await scene.hub.run_until_idle(limit=timedelta(**span))

    return act


def clock_moves(seconds: float) -> Act:
    """Time passes for what runs."""

    async def act(scene: Scene) -> None:
        scene.hub.clock.advance_to(scene.hub.now + timedelta(seconds=seconds))

    return act


def then(*acts: Act) -> Act:
    """One thing after the other."""

    async def act(scene: Scene) -> None:
        for each in acts:
            await each(scene)

    return act


def of_version(version: str) -> HubOptions:
    """A host of a version."""
    return HubOptions(versions=VersionPolicy(default=version))


def child(scene: Scene) -> str:
    """The instance below the one that was started."""
    return scene.child
