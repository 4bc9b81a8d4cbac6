"""The few pages below `/admin` that tools of Azure ask for, and ways to run a function by hand."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from aiohttp import web

from devhost.app.functions import Function, Index
from devhost.engine.dotnet_json import parse
from devhost.engine.errors import FunctionFailed
from devhost.web.history_view import parse_stored
from devhost.web.http_request import query_of
from devhost.web.management_call import json_answer
from devhost.web.overview_api import OverviewApi

logger = logging.getLogger(__name__)

RunByHand: TypeAlias = Callable[[str, str], Awaitable[str | None]]
Errors: TypeAlias = Callable[[], Sequence[str]]

_CALLED_OTHERWISE = frozenset({"httpTrigger", "orchestrationTrigger", "entityTrigger"})


class AdminApi:
    """Answers what is below `/admin`; no key is asked for."""

    def __init__(
        self,
        index: Index,
        run_by_hand: RunByHand,
        errors: Errors,
        overview: OverviewApi,
        *,
        route_prefix: str,
    ) -> None:
        """Runs functions by `run_by_hand`, which takes a name and what the trigger has to say.

        `errors` says why functions cannot be called; `overview` answers what only this host has.
        """
        self._errors = errors
        self._overview = overview
        self._functions = {function.name.lower(): function for function in index.functions}
        self._run_by_hand = run_by_hand
        self._prefix = route_prefix.strip("/").lower()
        self._started = time.monotonic()
        self._running: set[asyncio.Task[None]] = set()

    async def handle(self, request: web.Request, path: Sequence[str]) -> web.Response:
        """Answers a request; `path` is what follows `/admin`."""
        match request.method, [part.lower() for part in path]:
            case _, ["host", "ping"]:
                return web.Response()
            case _, ["host", "status"]:
                uptime = int((time.monotonic() - self._started) * 1000)
                state = {"id": "devhost", "state": "Running", "processUptime": uptime}
                return web.json_response({**state, "errors": list(self._errors())})
            case "GET" | "POST", ["warmup"]:
                return await self._warm_up()
            case "POST", ["functions", name] if name in self._functions:
                return await self._run_function(self._functions[name], request)
            case "GET", ["functions", name] if name in self._functions:
                return web.json_response(self._describe(self._functions[name]))
            case "GET", ["functions"]:
                return web.json_response([self._describe(found) for found in self._functions.values()])
        return await self._overview.handle(request, path) or web.Response(status=404)

    async def _warm_up(self) -> web.Response:
        """Runs the warm-up function once more, if there is one: so Azure asks a new instance to warm up."""
        for function in self._functions.values():
            if function.is_warm_up:
                await self._run(function.name, "")
        return web.Response()

    async def stop(self) -> None:
        """Gives up the calls that run."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run_function(self, function: Function, request: web.Request) -> web.Response:
        """Starts a call; the body is `{"input": "text"}`. With `?wait=true`, here alone, it awaits that."""
        try:
            content = parse((await request.read()).decode())
        except ValueError:
            content = None
        if not isinstance(content, dict):
            return web.Response(status=400)
        if function.trigger.type in _CALLED_OTHERWISE:
            problem = f"'{function.name}' cannot be run by hand: call its route, or start an orchestration."
            logger.error("%s", problem)
            return web.json_response({"Message": problem}, status=400)
        given = next((value for name, value in content.items() if name.lower() == "input"), "")
        text = "" if given is None else str(given)
        if query_of(request).get("wait") == "true":
            return await self._awaited(function.name, text)
        task = asyncio.create_task(self._run(function.name, text))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return web.Response(status=202)

    async def _awaited(self, name: str, text: str) -> web.Response:
        try:
            result = await self._run_by_hand(name, text)
        except FunctionFailed as failure:
            return web.json_response({"Message": failure.error}, status=500)
        return json_answer({"result": None if result is None else parse_stored(result)})

    async def _run(self, name: str, text: str) -> None:
        try:
            await self._run_by_hand(name, text)
        except FunctionFailed:  # logged where it ran
            return
        except Exception:
            logger.exception("The host failed at running '%s' by hand.", name)

    def _describe(self, function: Function) -> dict[str, Any]:
        route = f"{self._prefix}/{function.http.route.text.strip('/')}".strip("/") if function.http else None
        return {
            "name": function.name,
            "language": "python",
            "script_href": str(function.script),
            "invoke_url_template": route,
            "config": {
                "name": function.name,
                "scriptFile": function.script.name,
                "functionDirectory": str(function.folder),
                "entryPoint": function.entry_point,
                "language": "python",
                "bindings": [dict(binding.properties) for binding in function.bindings],
            },
        }
