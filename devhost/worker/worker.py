"""The functions of an app, loaded, called and put out as the Python worker does it."""

import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

from azure.functions.meta import Datum

from devhost.app.app_folder import AppFolder
from devhost.app.binding_expressions import BindingData
from devhost.app.bindings import Binding, text_datum
from devhost.app.function_code import FunctionCode
from devhost.app.functions import Function, Index
from devhost.app.loader import index_app
from devhost.app.surprises import surprises_of_code
from devhost.app.v2_model import index_script, script_of
from devhost.engine.errors import FunctionFailed, text_of_error
from devhost.engine.executor import nothing
from devhost.errors import FunctionLoadError, IndexingError
from devhost.worker import extensions, invocation
from devhost.worker.call import Call, Outcome
from devhost.worker.failures import OrchestratorFailures, failure_of, log_failure
from devhost.worker.http_calls import HttpCaller
from devhost.worker.runner import CallRunner

logger = logging.getLogger(__name__)

Source: TypeAlias = "Callable[[Binding, BindingData], Awaitable[Datum]]"
Sink: TypeAlias = "Callable[[Binding, Datum, BindingData], Awaitable[None]]"

_ORCHESTRATION = "orchestrationTrigger"
_ACTIVITY = "activityTrigger"
_ENTITY = "entityTrigger"
_ORCHESTRATION_TRIGGERS = (_ORCHESTRATION, _ENTITY)


class Worker:
    """The functions of one app, ready to be called; the engine's `FunctionExecutor`."""

    def __init__(self, app_dir: Path, *, threads: int, timeout: timedelta | None = None) -> None:
        self._folder = AppFolder(app_dir)
        self._runner = CallRunner(threads=threads, timeout=timeout)
        self._http = HttpCaller()
        self._codes: dict[str, FunctionCode | FunctionLoadError | IndexingError] = {}
        self._durable: dict[str, dict[str, str]] = {}
        self._sources: dict[str, Source] = {}
        self._sinks: dict[str, Sink] = {}
        self._failures = OrchestratorFailures()

    @property
    def orchestrators(self) -> Collection[str]:
        """Names of the orchestrator functions."""
        return self._durable.get(_ORCHESTRATION, {})

    @property
    def activities(self) -> Collection[str]:
        """Names of the activity functions."""
        return self._durable.get(_ACTIVITY, {})

    @property
    def entities(self) -> Collection[str]:
        """Names of the entity functions."""
        return self._durable.get(_ENTITY, {})

    def provide_input(self, binding_type: str, source: Source) -> None:
        """Tells where the values of a type of input binding come from."""
        self._sources[binding_type] = source

    def provide_output(self, binding_type: str, sink: Sink) -> None:
        """Tells where the values of a type of output binding go; the rest is left to who calls."""
        self._sinks[binding_type] = sink

    def start(self) -> None:
        """Enters the app's folder and starts the loop; the app's code is imported in the loop's thread."""
        self._folder.enter()
        self._runner.start()

    async def index(self, *, route_prefix: str) -> Index:
        """Finds the app's functions: those of `function_app.py` if there is one, or else of the folders."""
        return await self._runner.on_loop(self._index(route_prefix))

    async def load(
        self, functions: Iterable[Function], in_error: Iterable[IndexingError] = ()
    ) -> list[FunctionLoadError]:
        """Loads the code.

        Args:
            functions: what to load.
            in_error: functions whose description is not usable; who calls one learns why.

        Returns:
            What could not be loaded; each call of such a function fails with that reason.
        """
        for error in in_error:
            self._durable.setdefault(error.trigger or "", {})[error.durable_name] = error.function
            self._codes[error.function.lower()] = error
        for function in functions:
            self._durable.setdefault(function.trigger.type, {})[function.durable_name] = function.name
            self._codes[function.name.lower()] = await self._runner.on_loop(self._load(function))
        return [code for code in self._codes.values() if isinstance(code, FunctionLoadError)]

    async def stop(self, *, grace: float) -> None:
        """Cancels asynchronous functions and waits up to `grace` seconds; busy threads are left alone."""
        await self._http.close()
        await self._runner.stop(grace=grace)
        self._folder.leave()
        extensions.forget()

    async def run_orchestrator(self, name: str, instance_id: str, context: str) -> str:
        """Returns the orchestrator's state as JSON; raises FunctionFailed with the bare message."""
        return await self._run_with_bare_error(_ORCHESTRATION, name, instance_id, context)

    async def run_entity(self, name: str, instance_id: str, context: str) -> str:
        """Returns the entity's state and results as JSON; raises FunctionFailed with the bare message."""
        return await self._run_with_bare_error(_ENTITY, name, instance_id, context)

    async def call_http(self, request: str) -> str:
        """Sends an orchestration's HTTP request and returns the answer, both as JSON."""
        return await self._http.call(request)

    async def run_activity(
        self, name: str, instance_id: str, input_text: str | None, has_read: Callable[[], None] = nothing
    ) -> str | None:
        """Returns the activity's result as JSON text; raises FunctionFailed with type and message."""
        function = self._called(_ACTIVITY, name)
        datum = text_datum(input_text or "null")
        outcome = await self.invoke(function, datum, instance_id=instance_id, has_read=has_read)
        return None if outcome.result is None else _text_of(outcome.result)

    async def invoke(
        self,
        name: str,
        trigger: Datum,
        *,
        metadata: Mapping[str, Datum] | None = None,
        instance_id: str | None = None,
        retry: invocation.RetryContext | None = None,
        has_read: Callable[[], None] = nothing,
    ) -> Outcome:
        """Calls a function.

        Args:
            name: its name, in any case.
            trigger: the value of its trigger binding.
            metadata: what the trigger tells beside its value.
            instance_id: the orchestration instance that the call is for, if any.
            retry: which attempt the call is; by default the first and only one.
            has_read: called, from whatever thread, when the function has its arguments and begins.

        Raises:
            FunctionFailed: it could not be loaded, or raised, or took too long, or put out what its bindings
                do not take; the error is the cause, and has been logged.
        """
        attempt = retry or invocation.RetryContext()
        call = invocation.Invocation(str(uuid.uuid4()), name, instance_id, attempt)
        token = invocation.current.set(call)
        started = time.monotonic()
        try:
            code = self._code(name)
            data = BindingData(trigger, metadata or {}, function=code.function.name)
            inputs = await self._inputs(code, trigger, data)
            outcome = await self._runner.run(Call(code, inputs, metadata or {}, call, has_read))
            await self._put_out(code, outcome, data)
        except Exception as error:
            replayed = self._replayed_by(call)
            if replayed is None or not self._failures.is_known(replayed, error):
                log_failure(error, _milliseconds(started))
            raise failure_of(error, self._folder.format_stack) from error
        else:
            _log_success(code, started)
            if (replayed := self._replayed_by(call)) is not None:
                self._failures.forget(replayed)
            return outcome
        finally:
            invocation.current.reset(token)

    async def _index(self, route_prefix: str) -> Index:
        if (script := script_of(self._folder.path)) is not None:
            return index_script(self._folder, script, route_prefix=route_prefix)
        return index_app(self._folder.path, route_prefix=route_prefix)

    async def _load(self, function: Function) -> FunctionCode | FunctionLoadError:
        try:
            code = self._folder.load(function)
            extensions.after_load(function)
        except FunctionLoadError as error:
            return error
        for sentence in surprises_of_code(function, code.entry_point):
            logger.warning("%s", sentence)
        return code

    def _code(self, name: str) -> FunctionCode:
        code = self._codes.get(name.lower())
        if code is None:
            raise FunctionLoadError(name, "the app has no such function")
        if isinstance(code, FunctionLoadError | IndexingError):
            raise code
        return code

    def _called(self, trigger: str, durable_name: str) -> str:
        """The function that orchestrations call by a name, which is in any case."""
        names = self._durable.get(trigger, {}).items()
        found = (function for name, function in names if name.lower() == durable_name.lower())
        return next(found, durable_name)

    async def _inputs(self, code: FunctionCode, trigger: Datum, data: BindingData) -> dict[str, Datum]:
        return {
            name: trigger if c.binding.is_trigger else await self._sources[c.binding.type](c.binding, data)
            for name, c in code.inputs.items()
        }

    async def _put_out(self, code: FunctionCode, outcome: Outcome, data: BindingData) -> None:
        values = [(code.outputs[name].binding, value) for name, value in outcome.outputs.items()]
        if code.result is not None and outcome.result is not None and code.result.binding.is_return:
            values.append((code.result.binding, outcome.result))
        for binding, value in values:
            if sink := self._sinks.get(binding.type):
                await sink(binding, value, data)

    def _replayed_by(self, call: invocation.Invocation) -> str | None:
        """The orchestration whose code the call runs, if it runs one."""
        is_orchestrator = call.function_name in self._durable.get(_ORCHESTRATION, {}).values()
        return call.instance_id if is_orchestrator else None

    async def _run_with_bare_error(self, trigger: str, name: str, instance_id: str, context: str) -> str:
        try:
            function = self._called(trigger, name)
            outcome = await self.invoke(function, text_datum(context), instance_id=instance_id)
        except FunctionFailed as failure:
            error = failure.__cause__ or failure
            raise FunctionFailed(text_of_error(error), failure.stack) from error
        return "" if outcome.result is None else _text_of(outcome.result)


def _text_of(datum: Datum) -> str:
    return datum.value if datum.type == "json" else json.dumps(datum.value)


def _log_success(code: FunctionCode, started: float) -> None:
    # An orchestrator is called once an episode, which tells nothing to the developer.
    is_episode = code.function.trigger.type in _ORCHESTRATION_TRIGGERS
    logger.log(logging.DEBUG if is_episode else logging.INFO, "Succeeded after %d ms", _milliseconds(started))


def _milliseconds(started: float) -> float:
    return (time.monotonic() - started) * 1000
