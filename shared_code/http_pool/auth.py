"""How requests sign in: fixed headers, tokens that expire, or anything that signs each attempt.

Secrets stay out of every repr, message and log.
"""

import asyncio
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class FixedAuth:
    """A header that every request carries."""

    name: str
    value: str = field(repr=False)


def header(name: str, value: str) -> FixedAuth:
    """A key in a header of the service's choice, such as `api-key`."""
    return FixedAuth(name, value)


def bearer(token: str) -> FixedAuth:
    """A token that does not expire; see TokenAuth for one that does."""
    return FixedAuth("Authorization", f"Bearer {token}")


def basic(user: str, password: str) -> FixedAuth:
    """User and password (RFC 7617)."""
    return FixedAuth("Authorization", f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}")


class Auth(Protocol):
    """Signs each attempt."""

    async def headers(self, method: str, url: str) -> Mapping[str, str]:
        """The headers that sign one attempt; the URL has no query."""

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Called when the service answered 401 to these headers; returns whether others may do better."""


# Seconds; callers have deadlines of their own, and a provider that hangs must not be all that they wait for.
_LONGEST_ASKING = 60.0


@dataclass(frozen=True)
class Token:
    """A bearer token and the unix time at which it expires."""

    value: str = field(repr=False)
    expires_at: float


class TokenAuth:
    """Bearer tokens of an async provider: asked for once by all requests, and again before they expire."""

    def __init__(
        self,
        provider: Callable[[], Awaitable[Token]],
        *,
        renew_before: float = 120.0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Keeps the provider; `renew_before` is in seconds before the token expires, `wall` is unix time."""
        self._provider = provider
        self._renew_before = renew_before
        self._wall = wall
        self._headers: dict[str, str] = {}
        self._renew_at = 0.0
        self._asking: asyncio.Task[None] | None = None

    async def headers(self, method: str, url: str) -> Mapping[str, str]:  # noqa: ARG002 - a token fits any request
        """The current token."""
        if self._wall() >= self._renew_at:
            await self._asked()
        return self._headers

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Asks for another token, unless that has happened since the refused one was sent."""
        if self._headers == refused:
            await self._asked()
        return self._headers != refused

    async def _asked(self) -> None:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
            # If all who wait have given up, nobody asks what became of it.
            self._asking.add_done_callback(lambda asking: asking.cancelled() or asking.exception())
        # Who has no more time must not end it: a provider that is slow would never be waited for.
        await asyncio.shield(self._asking)

    async def _ask(self) -> None:
        async with asyncio.timeout(_LONGEST_ASKING):
            token = await self._provider()
        self._headers = {"Authorization": f"Bearer {token.value}"}
        # A token that lives shorter than that is still used once.
        self._renew_at = token.expires_at - self._renew_before
