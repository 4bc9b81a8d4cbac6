"""One call of a function: its arguments are read, its code runs, and what it puts out is written."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from azure.functions.meta import Datum

from devhost.app.bindings import OutParameter
from devhost.app.function_code import FunctionCode
from devhost.engine.errors import describe_error
from devhost.engine.executor import nothing
from devhost.worker import extensions, invocation
from devhost.worker.invocation import Context

_EXITS = (SystemExit, KeyboardInterrupt)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a function put out; a binding that it did not set is absent from `outputs`."""

    result: Datum | None
    outputs: Mapping[str, Datum]


class FunctionExited(Exception):
    """The function raised what is not an `Exception`: an exit, or such as the panic of a library in Rust."""

    def __init__(self, error: BaseException) -> None:
        fate = "the worker would restart" if isinstance(error, _EXITS) else "this call would never end"
        super().__init__(
            f"the function raised {describe_error(error)}, which is not an Exception: on Azure {fate}. "
            "Turn it into an Exception where it is raised."
        )


@dataclass(frozen=True, slots=True)
class Call:
    """One call, run where the function runs: on a pool thread or on the functions' loop.

    Here the app's code ends: whatever it raises, converters and classes of its own included, leaves as an
    `Exception`, since loops and threads of the host know no other.
    """

    code: FunctionCode
    inputs: Mapping[str, Datum]
    metadata: Mapping[str, Datum]
    invocation: invocation.Invocation
    has_read: Callable[[], None] = nothing

    def run(self) -> Outcome:
        """Runs a synchronous function and returns what it puts out."""
        try:
            arguments = self._arguments()
            self.has_read()
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
        """Runs an asynchronous function and returns what it puts out."""
        try:
            arguments = self._arguments()
            self.has_read()
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
