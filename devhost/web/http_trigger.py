"""One HTTP request to the value of an `httpTrigger`.

The oddities are the Functions host's, measured on it: parameters without a value are dropped, repeated ones
joined, a chunked upload arrives empty, a body with a `Content-Encoding` arrives as it came.
"""

import logging
from collections.abc import Mapping

from aiohttp import web
from azure.functions.meta import Datum

from devhost.app.bindings import text_datum
from devhost.web.http_request import joined, origin_of, query_of

logger = logging.getLogger(__name__)

MAX_BODY = 100 * 1024 * 1024


class BodyTooLong(ValueError):
    """The request's body is longer than the host accepts."""


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


async def _read_body(request: web.Request) -> bytes:
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        logger.warning(
            "The upload is chunked: Azure hands such a body to Python empty, and so does this host."
        )
        return b""
    if (request.content_length or 0) > MAX_BODY:
        raise BodyTooLong(f"The request has {request.content_length} bytes; at most {MAX_BODY} are accepted.")
    return await request.read()


def _texts(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: text_datum(value) for name, value in values.items()}
