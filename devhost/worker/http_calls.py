"""`call_http`: the HTTP requests that orchestrations make through their host.

As on Azure, the answer's headers hold no content headers, a 202 with a `Location` is returned and not polled
(the SDK does not ask for that), and redirects are followed.
"""

from __future__ import annotations

import json
import os
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy

from devhost.engine.errors import FunctionFailed

_SECONDS = 100  # the default timeout of .NET's HttpClient
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
        asked: dict[str, Any] = json.loads(request)
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
        except (aiohttp.ClientError, TimeoutError) as error:
            raise FunctionFailed(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Closes the session."""
        if self._session is not None:
            await self._session.close()


async def _send(session: aiohttp.ClientSession, asked: dict[str, Any]) -> str:
    options: dict[str, Any] = {"headers": asked.get("headers"), "data": asked.get("content")}
    async with session.request(asked["method"], asked["uri"], **options) as response:
        headers = _response_headers(response.headers)
        content = await response.text()
        return json.dumps({"statusCode": response.status, "headers": headers, "content": content})


def _response_headers(headers: CIMultiDictProxy[str]) -> dict[str, Any]:
    kept = {name: headers.getall(name) for name in headers if not _is_content_header(name.lower())}
    return {name: values[0] if len(values) == 1 else values for name, values in kept.items()}


def _is_content_header(name: str) -> bool:
    return name.startswith("content-") or name in _CONTENT_HEADERS
