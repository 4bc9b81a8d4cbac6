"""One activity call: run the function, and say what its orchestration gets."""

import logging
from typing import Any

from devhost.engine.actions import HTTP_ACTIVITY
from devhost.engine.clock import Clock
from devhost.engine.dotnet_json import MAX_DEPTH, parse, to_dotnet_json, to_json
from devhost.engine.errors import FunctionFailed
from devhost.engine.executor import FunctionExecutor, answer_of
from devhost.engine.history import HistoryEvent, task_completed, task_failed
from devhost.engine.turns import Turns
from devhost.engine.work import ActivityCall

logger = logging.getLogger(__name__)

_HRESULT = -2146233088  # of every .NET exception that has none of its own


class ActivityProcessor:
    """Turns an activity call into the event that reports its outcome; it stores nothing itself."""

    def __init__(self, executor: FunctionExecutor, clock: Clock, turns: Turns) -> None:
        self._executor = executor
        self._clock = clock
        self._turns = turns

    async def process(self, call: ActivityCall) -> HistoryEvent:
        """Runs the activity to its end."""
        is_http = call.name == HTTP_ACTIVITY
        try:
            result = await answer_of(self._call_http(call) if is_http else self._run(call))
        except FunctionFailed as failure:
            describe = _describe_request if is_http else _describe_call
            return task_failed(self._clock.now(), call.task_id, *describe(call, failure))
        return task_completed(self._clock.now(), call.task_id, result)

    async def _run(self, call: ActivityCall) -> str | None:
        with await self._turns.take(len(call.input or ""), counts=False) as turn:
            result = await self._executor.run_activity(call.name, call.instance_id, call.input, turn.end)
        return await self._stored(call, result)

    async def _call_http(self, call: ActivityCall) -> str | None:
        return await self._stored(call, await self._executor.call_http(call.input or "{}"))

    async def _stored(self, call: ActivityCall, result: str | None) -> str | None:
        with await self._turns.take(len(result or ""), counts=False):
            return _as_stored(call, result)


def _as_stored(call: ActivityCall, result: str | None) -> str | None:
    """JSON as .NET writes it again; JSON null is not a result.

    Raises:
        FunctionFailed: it is not JSON, or deeper than .NET reads it within the list that carries results.
    """
    try:
        value = None if result is None else parse(result, depth=MAX_DEPTH - 1)
    except ValueError as error:
        logger.error("The result of '%s' cannot be stored: %s", call.name, error)  # noqa: TRY400 - it says all
        raise FunctionFailed(str(error)) from error
    return None if value is None else to_dotnet_json(value)


def _describe_call(call: ActivityCall, failure: FunctionFailed) -> tuple[str, str]:
    """Reason and details of a failure, the latter a .NET exception as the extension serializes it."""
    remote = {
        "$type": "Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException, Microsoft.Azure.WebJobs.Script",
        "RemoteMessage": failure.error,
        "RemoteStackTrace": failure.stack,
        "Message": f"Result: Failure\nException: {failure.error}\nStack: {failure.stack}",
        "Data": {"$type": "System.Collections.ListDictionaryInternal, System.Private.CoreLib"},
        "InnerException": None,
        "HelpLink": None,
        "Source": "System.Private.CoreLib",
        "HResult": _HRESULT,
        "StackTrace": "",
    }
    details = _exception("System.Exception, System.Private.CoreLib", f" {failure.error}", remote)
    return f"Activity function '{call.name}' failed:  {failure.error}", details


def _describe_request(_call: ActivityCall, failure: FunctionFailed) -> tuple[str, str]:
    """The same of an HTTP request without an answer, which no worker had a part in."""
    dotnet_type = "System.Net.Http.HttpRequestException, System.Net.Http"
    return failure.error, _exception(dotnet_type, failure.error, None)


def _exception(dotnet_type: str, message: str, inner: dict[str, Any] | None) -> str:
    return to_json(
        {
            "$type": dotnet_type,
            "ClassName": dotnet_type.partition(",")[0],
            "Message": message,
            "Data": None,
            "InnerException": inner,
            "HelpURL": None,
            "StackTraceString": None,
            "RemoteStackTraceString": None,
            "RemoteStackIndex": 0,
            "ExceptionMethod": None,
            "HResult": _HRESULT,
            "Source": None,
            "WatsonBuckets": None,
        }
    )
