"""The smallest app that an engine can run: Python functions by name, and a hub whose time is virtual."""

import asyncio
import inspect
import json
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import azure.durable_functions as df

from devhost.engine.clock import VirtualClock
from devhost.engine.errors import FunctionFailed
from devhost.engine.executor import nothing
from devhost.engine.instance import Instance
from devhost.engine.options import HubOptions
from devhost.engine.store import Store
from devhost.engine.task_hub import TaskHub
from devhost.testing import run_until_idle

START = datetime(2026, 1, 1, tzinfo=UTC)


class App:
    """Runs orchestrators through the SDK's own replay, activities as plain or async functions."""

    def __init__(self) -> None:
        self.orchestrators: dict[str, Callable[..., Any]] = {}
        self.activities: dict[str, Callable[..., Any]] = {}
        self.entities: dict[str, Callable[..., Any]] = {}
        self.http: Callable[[dict[str, Any]], dict[str, Any]] = lambda request: {"content": request["uri"]}
        self.contexts: list[dict[str, Any]] = []
        self.answers: list[str] = []

    def orchestrator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        self.orchestrators[function.__name__] = df.Orchestrator.create(function)
        return function

    def activity(self, function: Callable[..., Any]) -> Callable[..., Any]:
        self.activities[function.__name__] = function
        return function

    def entity(self, function: Callable[..., Any]) -> Callable[..., Any]:
        self.entities[function.__name__] = df.Entity.create(function)
        return function

    async def run_orchestrator(self, name: str, instance_id: str, context: str) -> str:
        self.contexts.append(json.loads(context))
        main = _by_name(self.orchestrators, name)
        try:
            answer = str(await asyncio.to_thread(main, context))
        except Exception as error:
            raise FunctionFailed(str(error), _stack(error.__cause__ or error)) from error
        self.answers.append(answer)
        return answer

    async def run_activity(
        self, name: str, instance_id: str, input_text: str | None, has_read: Callable[[], None] = nothing
    ) -> str | None:
        function = _by_name(self.activities, name)
        try:
            value = json.loads(input_text or "null")
            has_read()
            result = function(value)
            return json.dumps(await result if inspect.isawaitable(result) else result)
        except Exception as error:
            raise FunctionFailed(f"{type(error).__name__}: {error}", _stack(error)) from error

    async def call_http(self, request: str) -> str:
        try:
            return json.dumps(self.http(json.loads(request)))
        except ConnectionError as error:
            raise FunctionFailed(str(error)) from error

    async def run_entity(self, name: str, instance_id: str, context: str) -> str:
        return str(await asyncio.to_thread(_by_name(self.entities, name), context))


class Hub(TaskHub):
    """A task hub for tests: opened on enter, stopped on exit, days pass at once."""

    def __init__(self, app: App, state: str, options: HubOptions | None = None) -> None:
        self.clock = VirtualClock(START)
        super().__init__(Store.open(state), app, clock=self.clock, options=options)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop(grace=5)

    async def begin(self, name: str, value: Any = None, *, instance_id: str | None = None) -> str:
        """Starts an orchestration as the SDK's client does: its input is JSON text within JSON text."""
        text = None if value is None else json.dumps(json.dumps(value))
        return await self.start_orchestration(name, instance_id=instance_id, input_text=text)

    async def run_until_idle(self, limit: timedelta = timedelta(days=365)) -> None:
        """Lets everything run that can, timers of the next `limit` included."""
        await run_until_idle(self, self.clock, limit=limit)

    async def state_of(self, instance_id: str) -> Instance:
        instance = await self.get_instance(instance_id)
        assert instance is not None
        return instance

    async def run(self, name: str, value: Any = None) -> Instance:
        """Runs an orchestration to wherever it comes."""
        instance_id = await self.begin(name, value)
        await self.run_until_idle()
        return await self.state_of(instance_id)


def output(instance: Instance) -> Any:
    """The result of a completed instance."""
    assert instance.status == "Completed", instance
    return None if instance.output is None else json.loads(instance.output)


def _stack(error: BaseException) -> str:
    return "".join(traceback.format_tb(error.__traceback__))


def _by_name(functions: dict[str, Callable[..., Any]], name: str) -> Callable[..., Any]:
    return {known.lower(): function for known, function in functions.items()}[name.lower()]
