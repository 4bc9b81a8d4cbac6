"""What a long history costs: a chain of activities, where every step replays all steps before it."""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any

import azure.durable_functions as df

from devhost.engine.executor import nothing
from devhost.engine.store import Store
from devhost.engine.task_hub import TaskHub


def _chain(context: Any) -> Any:
    for step in range(context.get_input()):
        yield context.call_activity("echo", step)


class MeteredApp:
    """Runs the chain through the SDK and counts the seconds spent in it."""

    orchestrators: Collection[str] = ("chain",)
    activities: Collection[str] = ("echo",)
    entities: Collection[str] = ()

    def __init__(self) -> None:
        self.sdk_seconds = 0.0
        self._main = df.Orchestrator.create(_chain)

    async def run_orchestrator(self, name: str, instance_id: str, context: str) -> str:  # noqa: ARG002
        """Replays the chain."""
        began = time.process_time()
        try:
            return str(self._main(context))
        finally:
            self.sdk_seconds += time.process_time() - began

    async def run_activity(
        self,
        name: str,  # noqa: ARG002
        instance_id: str,  # noqa: ARG002
        input_text: str | None,
        has_read: Callable[[], None] = nothing,  # noqa: ARG002
    ) -> str | None:
        """Returns its input."""
        return input_text

    async def call_http(self, request: str) -> str:
        """Nothing calls."""
        raise NotImplementedError

    async def run_entity(self, name: str, instance_id: str, context: str) -> str:
        """There is none."""
        raise NotImplementedError


def measure_chain(length: int) -> list[object]:
    """CPU milliseconds an activity: in all, in the SDK's own replay, in the host."""
    app = MeteredApp()
    began = time.process_time()
    asyncio.run(_run(app, length))
    total = time.process_time() - began
    return [
        length,
        *(1_000 * seconds / length for seconds in (total, app.sdk_seconds, total - app.sdk_seconds)),
    ]


async def _run(app: MeteredApp, length: int) -> None:
    hub = TaskHub(Store.open(":memory:"), app)
    await hub.start()
    try:
        await hub.start_orchestration("chain", input_text=f'"{length}"')
        await hub.settle()
    finally:
        await hub.stop(grace=5)
