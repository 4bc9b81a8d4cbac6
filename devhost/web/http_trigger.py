"""One HTTP request to the value of an `httpTrigger`, and what the function put out to the answer.

The oddities are the Functions host's, measured on it: parameters without a value are dropped, repeated ones
joined, a chunked upload arrives empty, an answer that it would refuse to send is an empty 500.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from aiohttp import HttpVersion11, web
from azure.functions.meta import Datum

from devhost.app.bindings import Direction, text_datum

from .http_request import joined, origin_of, query_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devhost.app.loader import Function
    from devhost.worker.worker import Outcome

log = logging.getLogger(__name__)

MAX_BODY = 100 * 1024 * 1024

_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SENDABLE_HEADER = re.compile(r"[\t\x20-\x7e]*")
_SERVER_OWNED = frozenset({"transfer-encoding", "connection"})


class BodyTooLong(ValueError):
    """The request's body is longer than the host accepts."""


class UnsendableAnswer(ValueError):
    """The function's answer is none that the host can send."""


async def request_datum(request: web.Request, route_values: Mapping[str, str]) -> Datum:
    """The request as the worker gets it.

    Raises:
        BodyTooLong: it is longer than the host accepts.
    """
    return Datum(
        {
            "method": text_datum(request.method),
            "url": text_datum(origin_of(request) + request.raw_path),
            "headers": _texts(joined(request.headers.items())),
            "query": _texts({name: value for name, value in query_of(request).items() if value}),
            "params": _texts(route_values),
            "body": Datum(await _read_body(request), "bytes"),
        },
        "http",
    )


def to_response(function: Function, outcome: Outcome, request: web.BaseRequest) -> web.Response:
    """The answer to the request.

    Raises:
        UnsendableAnswer: its status, a header or its length is not valid.
    """
    datum = _answer_of(function, outcome)
    if datum is None:
        return web.Response(status=204)
    if datum.type in ("string", "json"):
        return _chunked(_text_response(datum.value), request)
    if datum.type == "bytes":
        return _chunked(web.Response(body=datum.value), request)
    parts = datum.value
    body: bytes = parts["body"].value
    response = web.Response(status=_status(parts["status_code"].value), body=body)
    for name, header in parts["headers"].items():
        if name.lower() not in _SERVER_OWNED:
            response.headers[_sendable_name(name)] = _sendable(name, header.value)
    for cookie in parts["cookies"] or ():
        for morsel in cookie.values():
            response.headers.add("Set-Cookie", _sendable("Set-Cookie", morsel.OutputString()))
    _require_right_length(response, len(body))
    return _chunked(response, request)


async def _read_body(request: web.Request) -> bytes:
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        log.warning("The upload is chunked: Azure hands such a body to Python empty, and so does this host.")
        return b""
    if (request.content_length or 0) > MAX_BODY:
        raise BodyTooLong(f"The request has {request.content_length} bytes; at most {MAX_BODY} are accepted.")
    return await request.read()


def _answer_of(function: Function, outcome: Outcome) -> Datum | None:
    for binding in function.bindings:
        if binding.type == "http" and binding.direction is Direction.OUT:
            return outcome.result if binding.name == "$return" else outcome.outputs.get(binding.name)
    return None


def _status(text: str) -> int:
    if not text.isdecimal() or not 200 <= int(text) <= 999:  # noqa: PLR2004 (the range of final statuses)
        raise UnsendableAnswer(f"The status code {text} is not valid.")
    return int(text)


def _text_response(text: str) -> web.Response:
    try:
        return web.Response(text=text)
    except UnicodeEncodeError as error:
        raise UnsendableAnswer(f"The text holds half a character: {error}.") from error


def _sendable_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise UnsendableAnswer(f"'{name}' cannot be the name of a header.")
    return name


def _sendable(name: str, value: str) -> str:
    if not _SENDABLE_HEADER.fullmatch(value):
        raise UnsendableAnswer(f"The header {name} holds a control or non-ASCII character.")
    return value


def _require_right_length(response: web.Response, length: int) -> None:
    declared = response.headers.get("Content-Length")
    if declared is not None and declared != str(length):
        raise UnsendableAnswer(f"Content-Length is {declared}, the body has {length} bytes.")


def _chunked(response: web.Response, request: web.BaseRequest) -> web.Response:
    if not response.body or "Content-Length" in response.headers:
        return response
    if request.version >= HttpVersion11 and request.method != "HEAD":
        response.enable_chunked_encoding()
    return response


def _texts(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: text_datum(value) for name, value in values.items()}
