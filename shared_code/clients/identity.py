"""The app's identity: its SDK raises one error for everything, and here a refusal differs from an outage."""

import asyncio
import time
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any, ClassVar

from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import AzureError
from azure.identity.aio import DefaultAzureCredential

from shared_code.errors import AccessDenied, AppError, Passing
from shared_code.http_pool import DENIED
from shared_code.settings import Settings

# Seconds of a try, how many are repeated, and seconds of all. The SDK would give each try five minutes, and
# wait between two for as long as the endpoint says; a step has no such time.
_CONNECT, _ANSWER, _RETRIES, _WHOLE = 5, 30, 2, 60.0
_REFUSALS = DENIED | {HTTPStatus.BAD_REQUEST}
_FIX = f"give the app an identity, and check {Settings.client_id.name}"


class IdentityUnavailable(Passing):
    """Nobody issues a token for the app's identity now."""

    service: ClassVar[str] = "identity"


class IdentityAnswers:
    """Sees what an identity endpoint answers, of which the SDK's errors keep nothing but words."""

    def __init__(self) -> None:
        self._last: int | None = None

    def options(self, client_id: str) -> dict[str, Any]:
        """Options of a credential that is watched; an empty client id is the app's own identity."""
        return {
            # Without a client id it is the system-assigned identity; locally, whoever is signed in.
            "managed_identity_client_id": client_id or None,
            "raw_response_hook": self._see,
            "connection_timeout": _CONNECT,
            "read_timeout": _ANSWER,
            "retry_total": _RETRIES,
        }

    def forget(self) -> None:
        """Another token is asked for: what was answered before says nothing of that."""
        self._last = None

    def failure(self) -> AppError:
        """What it means that there is no token."""
        if self._last in _REFUSALS:
            return AccessDenied(f"There is no identity to sign in with (status {self._last}): {_FIX}.")
        return IdentityUnavailable(f"{IdentityUnavailable.__doc__} If this lasts, {_FIX}.")

    def _see(self, response: Any) -> None:
        self._last = response.http_response.status_code


class AppIdentity(DefaultAzureCredential):
    """The identity of the app, for whatever is given without a key.

    Raises:
        IdentityUnavailable: there is no token now.
        AccessDenied: there is no such identity.
    """

    def __init__(self, client_id: str) -> None:
        self._answers = IdentityAnswers()
        super().__init__(**self._answers.options(client_id))

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A token for these scopes."""
        token: AccessToken = await self._issued(super().get_token(*scopes, **options))
        return token

    async def get_token_info(self, *scopes: str, **options: Any) -> AccessTokenInfo:
        """The same, with more about it."""
        token: AccessTokenInfo = await self._issued(super().get_token_info(*scopes, **options))
        return token

    async def _issued(self, asking: Awaitable[Any]) -> Any:
        self._answers.forget()
        try:
            async with asyncio.timeout(_WHOLE):
                token = await asking
        except (AzureError, TimeoutError) as error:
            raise self._answers.failure() from error
        if token.expires_on <= time.time():
            raise self._answers.failure()
        return token
