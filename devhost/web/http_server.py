"""The host's one port, on loopback: HTTP triggers, the durable management API, a few pages about the host.

No key is ever asked for, also not for `/admin`: keys are Azure's business. Only this machine can connect, and
`access` says what may come in of what a browser sends from there.
"""

import asyncio
import contextlib
import html
import logging
import os
import socket
from collections.abc import Iterator, Sequence
from http import HTTPStatus

from aiohttp import web

from devhost.app.functions import Function, Index
from devhost.app.routes import RouteTemplate, split_decoded_path, split_path
from devhost.engine.errors import FunctionFailed
from devhost.errors import PortUnusable
from devhost.page.page import host_page
from devhost.settings.app_settings import NO_HOMEPAGE
from devhost.settings.extension_options import HttpOptions
from devhost.web.access import AccessRules, Refusal
from devhost.web.admin_api import AdminApi
from devhost.web.client_binding import RPC_PATH, WEBHOOK_PATH
from devhost.web.http_answer import UnsendableAnswer, to_response
from devhost.web.http_trigger import MAX_BODY, BodyTooLong, request_datum
from devhost.web.management_api import ManagementApi
from devhost.web.throttle import Throttle, TooManyRequests
from devhost.worker.worker import Worker

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
_MAX_REQUEST_LINE = 8192  # of Kestrel; a longer one is answered 414
_READ_LIMIT = 64 * 1024  # what aiohttp reads of a line, so that it is this host that refuses it
_LOOKS = 10  # for as many a connection that was accepted last gets to bring its request
_LOOK_INTERVAL = 0.005  # seconds
_CLOSING_TIME = 0.1  # seconds that connections get to close, when what they asked for is over
_PAGE = ["devhost"]
_API_ROOTS = tuple(root.strip("/").split("/") for root in (WEBHOOK_PATH, RPC_PATH))


def reserve_port(port: int) -> socket.socket:
    """Binds a port without listening yet, so that clients are refused until the host has started.

    Raises:
        PortUnusable: another program listens on it, or it is none.
    """
    reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        reserved.bind((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        reserved.close()
        raise PortUnusable(port, getattr(error, "strerror", error)) from error
    return reserved


class HttpServer:
    """Serves an app's functions and its task hub."""

    def __init__(
        self,
        index: Index,
        worker: Worker,
        management: ManagementApi,
        admin: AdminApi,
        access: AccessRules,
        *,
        route_prefix: str,
        options: HttpOptions,
    ) -> None:
        self._index = index
        self._worker = worker
        self._management = management
        self._access = access
        self._prefix = [part.lower() for part in split_path(route_prefix)]
        self._functions = [function for function in index.functions if function.http]
        self._admin = admin
        self._headers = options.headers
        self._throttle = Throttle(options)
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._runner: web.AppRunner | None = None
        self._listener: socket.socket | None = None

    async def start(self, reserved: socket.socket) -> None:
        """Listens on a port from `reserve_port`.

        Raises:
            PortUnusable: another program was faster to listen on it.
        """
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", r"/{path:[\s\S]*}", self._handle)  # line feeds included
        self._runner = web.AppRunner(
            app,
            access_log=None,
            auto_decompress=False,
            max_line_size=_READ_LIMIT,
            max_field_size=_READ_LIMIT,
            shutdown_timeout=_CLOSING_TIME,
        )
        await self._runner.setup()
        self._listener = reserved
        try:
            await web.SockSite(self._runner, reserved).start()
        except OSError as error:
            raise PortUnusable(reserved.getsockname()[1], error.strerror) from error

    async def stop(self, *, grace: float) -> None:
        """Refuses new connections, then waits up to `grace` seconds for the functions that are being called.

        Until then open connections stay: the SDK's client in such a function talks to this server, too.
        """
        await self._admin.stop()
        if self._runner is None or self._listener is None:
            return
        # Closing the port resets connections between being accepted and being known: so no more are accepted,
        # and the last ones get to bring their request.
        asyncio.get_running_loop().remove_reader(self._listener)
        await self._last_requests(self._runner)
        for site in self._runner.sites:
            await site.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._idle.wait()
        await self._runner.cleanup()

    async def _last_requests(self, runner: web.AppRunner) -> None:
        """Waits for the requests of connections that were just accepted, if there are any connections."""
        for _ in range(_LOOKS):
            await asyncio.sleep(_LOOK_INTERVAL)
            if runner.server is None or not runner.server.connections:
                return

    async def _handle(self, request: web.Request) -> web.Response:
        """Answers whoever may come in; see `access`."""
        path = split_path(request.raw_path)
        is_for_host = _api_root(path) is not None or _is_admin(path) or self._is_page(path)
        is_for_app = not is_for_host and any(self._routes(path))
        if refusal := self._access.refusal(request, is_for_app=is_for_app):
            logger.warning("Refused %s %s: %s", request.method, request.raw_path, refusal.detail)
            return _problem(refusal)
        if is_for_app and self._access.is_preflight(request):
            return web.Response(status=204, headers=self._access.preflight_headers(request))
        response = await self._answer(request, path)
        if is_for_app:
            response.headers.update(self._access.cors_headers(request))
        return response

    async def _answer(self, request: web.Request, path: Sequence[str]) -> web.Response:
        if len(f"{request.method} {request.raw_path} HTTP/1.1\r\n") > _MAX_REQUEST_LINE:
            return web.Response(status=414)
        if root := _api_root(path):
            decoded = split_decoded_path(request.raw_path)
            return await self._management.handle(request, decoded[len(root) :])
        if _is_admin(path):
            return await self._admin.handle(request, path[1:])
        if self._is_page(path):
            return _page(request)
        for function, values in self._routes(path):
            if function.http is not None and function.http.accepts(request.method):
                response = await self._call(function, values, request)
                for name, value in self._headers.items():
                    response.headers.setdefault(name, value)
                return response
        return web.Response(status=404) if path else self._home()

    @property
    def page(self) -> str | None:
        """The path of the host's page; `None` where a function of the app has that very route."""
        own = any(
            function.http and self._literal(function.http.route) == _PAGE for function in self._functions
        )
        return None if own else f"/{'/'.join(_PAGE)}"

    def _literal(self, route: RouteTemplate) -> list[str]:
        return [*self._prefix, *(part.lower() for part in split_path(route.text.strip("/")))]

    def _is_page(self, path: Sequence[str]) -> bool:
        return [part.lower() for part in path] == _PAGE and self.page is not None

    def _routes(self, path: Sequence[str]) -> Iterator[tuple[Function, dict[str, str]]]:
        """The functions whose routes fit a path, whatever their methods, and the parameters in it."""
        length = len(self._prefix)
        if [part.lower() for part in path[:length]] != self._prefix:
            return
        for function in self._functions:
            values = function.http.route.match(path[length:]) if function.http else None
            if values is not None:
                yield function, values

    async def _call(self, function: Function, values: dict[str, str], request: web.Request) -> web.Response:
        """Every failure is an empty 500, as on Azure; the reason is in the log."""
        self._in_flight += 1
        self._idle.clear()
        try:
            async with self._throttle.turn():
                trigger = await request_datum(request, values)
                outcome = await self._worker.invoke(function.name, trigger)
            return to_response(function, outcome, request)
        except TooManyRequests as error:
            logger.warning("'%s' answers 429: %s", function.name, error)
            return web.Response(status=HTTPStatus.TOO_MANY_REQUESTS)
        except (BodyTooLong, UnsendableAnswer) as error:
            return _refused(function, error)
        except FunctionFailed:  # logged where it ran
            return web.Response(status=500)
        except Exception:
            logger.exception("'%s' answers 500: the host failed at it.", function.name)
            return web.Response(status=500)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    def _home(self) -> web.Response:
        if os.environ.get(NO_HOMEPAGE, "").lower() in ("true", "1"):
            return web.Response(status=204)
        items = "".join(f"<li>{html.escape(function.name)}</li>" for function in self._index.functions)
        link = f'<p><a href="{self.page}">What it does</a>' if self.page else ""
        text = "<!doctype html><title>devhost</title><p>This Functions app is up and running."
        return web.Response(text=f"{text}{link}<ul>{items}</ul>", content_type="text/html")


def _api_root(path: Sequence[str]) -> list[str] | None:
    """The root of the management API that the path is below."""
    return next((root for root in _API_ROOTS if [part.lower() for part in path[: len(root)]] == root), None)


def _page(request: web.Request) -> web.Response:
    if request.method not in ("GET", "HEAD"):
        return web.Response(status=405, headers={"Allow": "GET, HEAD"})
    page = host_page()
    if page.etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=page.headers)
    return web.Response(text=page.content, headers=page.headers, content_type="text/html")


def _is_admin(path: Sequence[str]) -> bool:
    return bool(path) and path[0].lower() == "admin"


def _problem(refusal: Refusal) -> web.Response:
    body = {"title": HTTPStatus(refusal.status).phrase, "status": refusal.status, "detail": refusal.detail}
    return web.json_response(body, status=refusal.status, content_type="application/problem+json")


def _refused(function: Function, reason: Exception) -> web.Response:
    logger.error("'%s' answers 500: %s", function.name, reason)
    return web.Response(status=500)
