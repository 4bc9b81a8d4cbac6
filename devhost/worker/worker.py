"""Runs the app's functions as the Python worker does.

Synchronous ones run on a pool of threads, asynchronous ones on one event loop. That loop has a thread of its
own, so that code which blocks it stalls neither HTTP nor timers.
"""

import asyncio
import json
import logging
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from azure.functions.meta import Datum

from devhost.app.app_folder import AppFolder
from devhost.app.binding_expressions import BindingData
from devhost.app.bindings import Binding, OutParameter, text_datum
from devhost.app.function_code import FunctionCode
from devhost.app.functions import Function
from devhost.engine.errors import FunctionFailed, describe_error, text_of_error
from devhost.errors import FunctionLoadError, FunctionTimedOut, HostError, IndexingError
from devhost.worker import extensions, invocation
from devhost.worker.http_calls import HttpCaller
from devhost.worker.invocation import Context
from devhost.worker.threads import DaemonThreadPool, LoopThread

logger = logging.getLogger(__name__)

Source: TypeAlias = "Callable[[Binding, BindingData], Awaitable[Datum]]"
Sink: TypeAlias = "Callable[[Binding, Datum, BindingData], Awaitable[None]]"

_ORCHESTRATION = "orchestrationTrigger"
_ORCHESTRATION_TRIGGERS = (_ORCHESTRATION, "entityTrigger")
_EXITS = (SystemExit, KeyboardInterrupt)
_KNOWN_FAILURES = 100  # orchestrations whose last failure is kept in mind, so that it is told once
_STATE_LABEL = "$OutOfProcData$"  # behind it the SDK puts an orchestrator's state into the error text
_SDK_HTTP = "azure.durable_functions.models.utils.http_utils"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a function put out; a binding that it did not set is absent from `outputs`."""

    result: Datum | None
    outputs: Mapping[str, Datum]


class FunctionExited(Exception):
    """The function raised what is not an `Exception`: an exit, or such as the panic of a library in Rust."""

    def __init__(self, error: BaseException) -> None:
        fate = "the worker would start anew" if isinstance(error, _EXITS) else "this call would never end"
        super().__init__(
            f"the function raised {describe_error(error)}, which is not an Exception: on Azure {fate}. "
            "Turn it into an Exception where it is raised."
        )


class Worker:
    """The functions of one app, ready to be called; the engine's `FunctionExecutor`."""

    def __init__(self, app_dir: Path, *, threads: int, timeout: timedelta | None = None) -> None:
        self._folder = AppFolder(app_dir)
        self._pool = DaemonThreadPool(threads)
        self._loop = LoopThread(at_stop=_close_client_session)
        self._timeout = timeout
        self._http = HttpCaller()
        self._codes: dict[str, FunctionCode | FunctionLoadError | IndexingError] = {}
        self._names: dict[str, list[str]] = {}
        self._sources: dict[str, Source] = {}
        self._sinks: dict[str, Sink] = {}
        self._failures: dict[str, str] = {}

    @property
    def orchestrators(self) -> Collection[str]:
        """Names of the orchestrator functions."""
        return self._names.get(_ORCHESTRATION, ())

    @property
    def activities(self) -> Collection[str]:
        """Names of the activity functions."""
        return self._names.get("activityTrigger", ())

    @property
    def entities(self) -> Collection[str]:
        """Names of the entity functions."""
        return self._names.get("entityTrigger", ())

    def provide_input(self, binding_type: str, source: Source) -> None:
        """Tells where the values of a type of input binding come from."""
        self._sources[binding_type] = source

    def provide_output(self, binding_type: str, sink: Sink) -> None:
        """Tells where the values of a type of output binding go; the rest is left to who calls."""
        self._sinks[binding_type] = sink

    async def start(
        self, functions: Iterable[Function], in_error: Iterable[IndexingError] = ()
    ) -> list[FunctionLoadError]:
        """Starts the threads and loads the code, in the loop's thread as the worker does.

        Args:
            functions: what to load.
            in_error: functions that have no usable function.json; who calls one is told why.

        Returns:
            What could not be loaded; each call of such a function fails with that reason.
        """
        self._folder.enter()
        self._loop.start()
        for error in in_error:
            self._names.setdefault(error.trigger or "", []).append(error.function)
            self._codes[error.function.lower()] = error
        for function in functions:
            self._names.setdefault(function.trigger.type, []).append(function.name)
            self._codes[function.name.lower()] = await self._loop.run(self._load(function))
        return [code for code in self._codes.values() if isinstance(code, FunctionLoadError)]

    async def stop(self, *, grace: float) -> None:
        """Cancels asynchronous functions and waits up to `grace` seconds; busy threads are left alone."""
        await self._http.close()
        await self._loop.stop(grace=grace)
        self._pool.shutdown()
        self._folder.leave()
        extensions.forget()

    async def run_orchestrator(self, name: str, instance_id: str, context: str) -> str:
        """Returns the orchestrator's state as JSON; raises FunctionFailed with the bare message."""
        return await self._run_with_bare_error(name, instance_id, context)

    async def run_entity(self, name: str, instance_id: str, context: str) -> str:
        """Returns the entity's state and results as JSON; raises FunctionFailed with the bare message."""
        return await self._run_with_bare_error(name, instance_id, context)

    async def call_http(self, request: str) -> str:
        """Sends an orchestration's HTTP request and returns the answer, both as JSON."""
        return await self._http.call(request)

    async def run_activity(self, name: str, instance_id: str, input_text: str | None) -> str | None:
        """Returns the activity's result as JSON text; raises FunctionFailed with type and message."""
        outcome = await self.invoke(name, text_datum(input_text or "null"), instance_id=instance_id)
        return None if outcome.result is None else _text_of(outcome.result)

    async def invoke(
        self,
        name: str,
        trigger: Datum,
        *,
        metadata: Mapping[str, Datum] | None = None,
        instance_id: str | None = None,
        retry: invocation.RetryContext | None = None,
    ) -> Outcome:
        """Calls a function.

        Args:
            name: its name, in any case.
            trigger: the value of its trigger binding.
            metadata: what the trigger tells beside its value.
            instance_id: the orchestration instance that the call is for, if any.
            retry: which attempt the call is; by default the first and only one.

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
            data = BindingData(trigger, metadata or {})
            inputs = await self._inputs(code, trigger, data)
            outcome = await self._run(_Call(code, inputs, metadata or {}, call))
            await self._put_out(code, outcome, data)
        except Exception as error:
            if not self._is_known(call, error):
                _log_failure(_without_state(error), started)
            raise self._failure(error) from error
        else:
            _log_success(code, started)
            if code.function.trigger.type == _ORCHESTRATION:
                self._failures.pop(instance_id or "", None)
            return outcome
        finally:
            invocation.current.reset(token)

    async def _load(self, function: Function) -> FunctionCode | FunctionLoadError:
        try:
            code = self._folder.load(function)
            extensions.after_load(function)
        except FunctionLoadError as error:
            return error
        return code

    def _code(self, name: str) -> FunctionCode:
        code = self._codes.get(name.lower())
        if code is None:
            raise FunctionLoadError(name, "the app has no such function")
        if isinstance(code, FunctionLoadError | IndexingError):
            raise code
        return code

    async def _inputs(self, code: FunctionCode, trigger: Datum, data: BindingData) -> dict[str, Datum]:
        return {
            name: trigger if c.binding.is_trigger else await self._sources[c.binding.type](c.binding, data)
            for name, c in code.inputs.items()
        }

    async def _put_out(self, code: FunctionCode, outcome: Outcome, data: BindingData) -> None:
        values = [(code.outputs[name].binding, value) for name, value in outcome.outputs.items()]
        if code.result is not None and outcome.result is not None:
            values.append((code.result.binding, outcome.result))
        for binding, value in values:
            if sink := self._sinks.get(binding.type):
                await sink(binding, value, data)

    async def _run(self, call: "_Call") -> Outcome:
        limit = asyncio.timeout(None if self._timeout is None else self._timeout.total_seconds())
        try:
            async with limit:
                return await (self._run_on_loop(call) if call.code.is_async else self._run_on_thread(call))
        except TimeoutError as error:
            if self._timeout is None or not limit.expired():
                raise  # the function's own
            raise FunctionTimedOut(call.code.function.name, self._timeout) from error

    async def _run_on_thread(self, call: "_Call") -> Outcome:
        future = self._pool.submit(call.run)
        try:
            return await future
        except asyncio.CancelledError:
            if self._pool.abandon(future):
                logger.warning(
                    "The thread of this call cannot be ended: it goes on, and a new one takes its place"
                )
            raise

    async def _run_on_loop(self, call: "_Call") -> Outcome:
        try:
            return await self._loop.run(call.run_async())
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # The function's own task was cancelled, which must not pass for a cancellation of ours.
            raise FunctionExited(error) from error

    async def _run_with_bare_error(self, name: str, instance_id: str, context: str) -> str:
        try:
            outcome = await self.invoke(name, text_datum(context), instance_id=instance_id)
        except FunctionFailed as failure:
            error = failure.__cause__ or failure
            raise FunctionFailed(text_of_error(error), failure.stack) from error
        return "" if outcome.result is None else _text_of(outcome.result)

    def _is_known(self, call: invocation.Invocation, error: Exception) -> bool:
        """Whether an orchestration fails as before: after a failure it is called again for each open task."""
        if call.instance_id is None or call.function_name.lower() not in map(str.lower, self.orchestrators):
            return False
        text = describe_error(_without_state(error))
        if self._failures.pop(call.instance_id, None) == text:
            self._failures[call.instance_id] = text
            return True
        self._failures[call.instance_id] = text
        if len(self._failures) > _KNOWN_FAILURES:
            del self._failures[next(iter(self._failures))]
        return False

    def _failure(self, error: Exception) -> FunctionFailed:
        if isinstance(error, FunctionLoadError | IndexingError):
            return FunctionFailed(describe_error(error))
        if isinstance(error, FunctionTimedOut):
            return FunctionFailed(str(error))
        raised = error.__cause__ if isinstance(error, FunctionExited) else _without_state(error)
        stack = self._folder.format_stack(raised or error)
        return FunctionFailed(describe_error(error), stack)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call, run where the function runs: on a pool thread or on the functions' loop.

    Here the app's code ends: whatever it raises, converters and classes of its own included, leaves as an
    `Exception`, since loops and threads of the host know no other.
    """

    code: FunctionCode
    inputs: Mapping[str, Datum]
    metadata: Mapping[str, Datum]
    invocation: invocation.Invocation

    def run(self) -> Outcome:
        try:
            arguments = self._arguments()
            extensions.before_call(self._context(), arguments)
            value = self.code.entry_point(**arguments)
            extensions.after_call(self._context(), arguments, value)
            return self._outcome(arguments, value)
        except StopIteration as error:  # which would confuse who awaits it
            raise RuntimeError("the function raised StopIteration") from error
        except Exception:
            raise
        except BaseException as error:
            raise FunctionExited(error) from error

    async def run_async(self) -> Outcome:
        try:
            arguments = self._arguments()
            extensions.before_call(self._context(), arguments)
            value = await self.code.entry_point(**arguments)
            extensions.after_call(self._context(), arguments, value)
            return self._outcome(arguments, value)
        except (Exception, asyncio.CancelledError):  # who cancelled it, and why, is known to the caller
            raise
        except BaseException as error:
            raise FunctionExited(error) from error

    def _arguments(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            name: conversion.decode(self.inputs[name], self.metadata)
            for name, conversion in self.code.inputs.items()
        }
        arguments |= {name: OutParameter() for name in self.code.outputs}
        if self.code.wants_context:
            arguments["context"] = self._context()
        return arguments

    def _context(self) -> Context:
        return Context(
            self.invocation.invocation_id,
            self.code.function.name,
            str(self.code.function.folder),
            retry_context=self.invocation.retry,
        )

    def _outcome(self, arguments: Mapping[str, Any], value: Any) -> Outcome:
        if self.code.result is None and value is not None:
            raise RuntimeError(
                f"function '{self.code.function.name}' without a $return binding returned a non-None value"
            )
        values = {name: arguments[name].get() for name in self.code.outputs}
        return Outcome(
            result=None if self.code.result is None else self.code.result.encode(value),
            outputs={n: self.code.outputs[n].encode(v) for n, v in values.items() if v is not None},
        )


def _text_of(datum: Datum) -> str:
    return datum.value if datum.type == "json" else json.dumps(datum.value)


def _log_success(code: FunctionCode, started: float) -> None:
    # An orchestrator is called once an episode, which tells nothing to the developer.
    is_episode = code.function.trigger.type in _ORCHESTRATION_TRIGGERS
    logger.log(logging.DEBUG if is_episode else logging.INFO, "Succeeded after %d ms", _milliseconds(started))


def _log_failure(error: BaseException, started: float) -> None:
    milliseconds = _milliseconds(started)
    if isinstance(error, HostError):  # its sentence is all there is to say
        logger.error("Failed after %d ms: %s", milliseconds, error)
    else:
        logger.error("Failed after %d ms", milliseconds, exc_info=error)


def _without_state(error: Exception) -> BaseException:
    """The error itself: the SDK wraps an orchestrator's in one whose text carries the whole state."""
    return error.__cause__ if error.__cause__ and _STATE_LABEL in text_of_error(error) else error


async def _close_client_session() -> None:
    """Closes the session that the SDK keeps for the life of a process, if it belongs to this loop.

    A loop that was stuck may end after the next host has started, and must not close that one's session.
    """
    session = getattr(sys.modules.get(_SDK_HTTP), "_client_session", None)
    if session is not None and session._loop is asyncio.get_running_loop():  # noqa: SLF001 - no public way
        await session.close()


def _milliseconds(started: float) -> float:
    return (time.monotonic() - started) * 1000
