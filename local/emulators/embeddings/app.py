"""The HTTP side of the embeddings server: both forms of the API, a health answer, and the orders of tests.

OpenAI: POST /v1/embeddings. Azure: POST /openai/deployments/{name}/embeddings?api-version=.
Tests: PATCH and DELETE /control, GET /control/counters.
"""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import numpy as np
import orjson
from aiohttp import web

from local.emulators.embeddings.api import EmbeddingsRequest, answer, check_tokens, parse
from local.emulators.embeddings.behaviour import Behaviour, Fault, Kind
from local.emulators.embeddings.errors import (
    ApiError,
    InvalidRequest,
    KeyRefused,
    ServerFault,
    TooManyRequests,
    UnknownResource,
)
from local.emulators.embeddings.models import Model

API_KEY = "local-embeddings"
"""No secret: the server listens on loopback, and wants a key so that a client without one is found out."""
MAX_BODY = 64 * 1024**2

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_app(model: Model, behaviour: Behaviour | None = None) -> web.Application:
    """The server over `model`, behaving well until it is told otherwise."""
    server = EmbeddingsServer(model, behaviour or Behaviour())
    app = web.Application(middlewares=[_errors_as_json], client_max_size=MAX_BODY)
    app.router.add_post("/v1/embeddings", server.embeddings)
    app.router.add_post("/openai/deployments/{name}/embeddings", server.deployment_embeddings)
    app.router.add_get("/healthz", server.health)
    app.router.add_patch("/control", server.configure)
    app.router.add_delete("/control", server.reset)
    app.router.add_get("/control/counters", server.counters)
    return app


class EmbeddingsServer:
    """The handlers, over one model and one behaviour."""

    def __init__(self, model: Model, behaviour: Behaviour) -> None:
        self.model = model
        self.behaviour = behaviour

    async def deployment_embeddings(self, request: web.Request) -> web.Response:
        """The Azure form, which is the OpenAI form at another address."""
        if not request.query.get("api-version"):
            raise UnknownResource("Resource not found: the address lacks api-version.", code="404")
        return await self.embeddings(request)

    async def embeddings(self, request: web.Request) -> web.Response:
        """Answers with embeddings, or as a test has ordered."""
        behaviour = self.behaviour
        behaviour.counters.requests += 1
        behaviour.at_once += 1
        behaviour.counters.most_at_once = max(behaviour.counters.most_at_once, behaviour.at_once)
        try:
            return await self._answer(request)
        finally:
            behaviour.at_once -= 1

    async def health(self, _: web.Request) -> web.Response:
        """What serves here."""
        return web.json_response({"model": self.model.name, "dimensions": self.model.dimensions})

    async def configure(self, request: web.Request) -> web.Response:
        """Takes a test's order."""
        self.behaviour.configure(await _json(request))
        return web.Response(status=204)

    async def reset(self, _: web.Request) -> web.Response:
        """Forgets every order and count."""
        self.behaviour.reset()
        return web.Response(status=204)

    async def counters(self, _: web.Request) -> web.Response:
        """What was counted."""
        return web.json_response(self.behaviour.report())

    async def _answer(self, request: web.Request) -> web.Response:
        _require_key(request)
        self.behaviour.admit()
        fault = self.behaviour.next_fault()
        await asyncio.sleep(self.behaviour.latency)
        if fault:
            await _fail(fault, request)
        parsed = parse(await _json(request), self.model)
        body, tokens = await asyncio.to_thread(self._compute, parsed, fault)
        counters = self.behaviour.counters
        counters.answered += 1
        counters.inputs += len(parsed.texts)
        counters.tokens += tokens
        return web.Response(body=body, content_type="application/json")

    def _compute(self, parsed: EmbeddingsRequest, fault: Fault | None) -> tuple[bytes, int]:
        tokens = self.model.tokenize(parsed.texts)
        total = check_tokens(tokens)
        vectors = self.model.embed(tokens, parsed.dimensions)
        if fault and fault.kind is Kind.NAN:
            vectors[0, 0] = np.nan
        made = answer(vectors, encoding_format=parsed.encoding_format, model=self.model.name, tokens=total)
        if fault and fault.kind is Kind.MISSING:
            made["data"].pop()
        if fault and fault.kind is Kind.REVERSED:
            made["data"].reverse()
        return orjson.dumps(made, option=orjson.OPT_SERIALIZE_NUMPY), total


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return web.json_response(error.body(), status=error.status, headers=error.headers())
    except web.HTTPRequestEntityTooLarge as error:
        return web.json_response(InvalidRequest(error.reason).body(), status=error.status)
    except web.HTTPNotFound as error:
        unknown = UnknownResource(f"Invalid URL ({request.method} {request.path}).", code="unknown_url")
        return web.json_response(unknown.body(), status=error.status)


def _require_key(request: web.Request) -> None:
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    given = request.headers.get("api-key") or bearer
    if not secrets.compare_digest(given.encode(), API_KEY.encode()):
        wrong = "wrong" if given else "missing"
        message = f"The API key is {wrong}: send it as api-key, or as Authorization: Bearer."
        raise KeyRefused(message, code="invalid_api_key")


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except ValueError as error:
        raise InvalidRequest("The body of the request is not JSON.") from error


async def _fail(fault: Fault, request: web.Request) -> None:
    match fault.kind:
        case Kind.STATUS if fault.status == TooManyRequests.status:
            raise TooManyRequests(fault.retry_after)
        case Kind.STATUS:
            raise ServerFault(fault.status)
        case Kind.HANG:
            await asyncio.Event().wait()  # until the client has gone, which cancels the handler
        case Kind.DISCONNECT:
            _disconnect(request)


def _disconnect(request: web.Request) -> NoReturn:
    if request.transport:
        request.transport.abort()
    raise ServerFault(500)  # nobody hears it
