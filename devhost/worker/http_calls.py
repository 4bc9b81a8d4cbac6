"""`call_http`: the HTTP requests that orchestrations make through their host.

As on Azure, the answer's headers hold no content headers, a 202 with a `Location` is returned and not polled
(the SDK does not ask for that), and redirects are followed.
"""

import json
import os
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy

from devhost.engine.dotnet_json import parse
from devhost.engine.errors import FunctionFailed, describe_error

_SECONDS = 100  # the default timeout of .NET's HttpClient
_UNUSABLE = (ValueError, TypeError, LookupError, AttributeError)  # what aiohttp says of an odd request
_CONTENT_HEADERS = frozenset({"allow", "expires", "last-modified"})  # and all that begin with `content-`


class HttpCaller:
    """Sends requests over one session, opened at the first of them."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def call(self, request: str) -> str:
        """Sends a request as `call_http` describes it in JSON; the answer as JSON.

        Raises:
            FunctionFailed: there was no answer, or the request needs an identity that only Azure has.
        """
        asked: dict[str, Any] = parse(request)
        if asked.get("tokenSource"):
            raise FunctionFailed(
                "call_http was given a token source: this host has no managed identity to take a token from."
            )
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS))
        try:
            return await _send(self._session, asked)
        except aiohttp.ClientConnectorError as error:
            reason = os.strerror(error.os_error.errno or 0)
            raise FunctionFailed(f"{reason} ({error.host}:{error.port})") from error
        except (aiohttp.ClientError, TimeoutError, OSError, *_UNUSABLE) as error:
            raise FunctionFailed(describe_error(error)) from error

    async def close(self) -> None:
        """Closes the session."""
        if self._session is not None:
            await self._session.close()


async def _send(session: aiohttp.ClientSession, asked: dict[str, Any]) -> str:
    options: dict[str, Any] = {"headers": _request_headers(asked), "data": asked.get("content")}
    async with session.request(asked["method"], asked["uri"], **options) as response:
        headers = _response_headers(response.headers)
        content = _text_of(await response.read(), response.get_encoding())
        return json.dumps({"statusCode": response.status, "headers": headers, "content": content})


def _request_headers(asked: dict[str, Any]) -> dict[str, str]:
    headers = {name: str(value) for name, value in (asked.get("headers") or {}).items()}
    if any(line_break in text for text in (*headers, *headers.values()) for line_break in "\r\n\0"):
        raise FunctionFailed("New-line characters are not allowed in header values.")
    return headers


def _text_of(content: bytes, encoding: str) -> str:
    """What the answer says; what is not text becomes text with replacement characters."""
    try:
        return content.decode(encoding, "replace")
    except (
        LookupError,
        ValueError,
    ):  # such as `hex`, which Python knows and which is not a text encoding
        return content.decode("utf-8", "replace")


def _response_headers(headers: CIMultiDictProxy[str]) -> dict[str, Any]:
    kept = {name: headers.getall(name) for name in headers if not _is_content_header(name.lower())}
    return {name: values[0] if len(values) == 1 else values for name, values in kept.items()}


def _is_content_header(name: str) -> bool:
    return name.startswith("content-") or name in _CONTENT_HEADERS
