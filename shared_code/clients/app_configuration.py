"""Reads from an App Configuration store where the audit table is: the one setting that it may hold.

The SDK's provider is used in its synchronous form and in a thread: after a failure the asynchronous one
sleeps for seconds on the event loop, where every other activity of the process would wait too.

ADR 22 has the reasons.
"""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import DefaultAzureCredential

from shared_code.clients.identity import IdentityAnswers
from shared_code.errors import AccessDenied, AppError, ConfigurationUnavailable
from shared_code.http_pool import DENIED
from shared_code.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

KEY = "storage-account-connection-string"
LABEL = "async-http-api"

_STORE = Settings.app_config_endpoint
# Seconds. The SDKs would wait for five minutes for each answer, and a step has ten in all.
_CONNECT, _ANSWER, _WHOLE = 5, 20, 60.0
_SILENT = f"The store of {_STORE.name} does not answer: try again."


async def load_audit_storage(endpoint: str, *, client_id: str, seconds: float = _WHOLE) -> str:
    """The value of the store's key, its reference to Key Vault resolved.

    Args:
        endpoint: URL of the store.
        client_id: of the user-assigned identity that signs in to store and vault; empty: the app's own.
        seconds: that it may take. The thread may last longer, and then nobody waits for it.

    Raises:
        InvalidSetting: the store has no such key, or it does not refer to a secret.
        AccessDenied: the identity may not read the store or the vault, or there is none.
        IdentityUnavailable: there is no token for it now.
        ConfigurationUnavailable: one of them does not answer.
    """
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.to_thread(_load, endpoint, client_id)
    except TimeoutError as error:
        raise ConfigurationUnavailable(_SILENT) from error


def _load(endpoint: str, client_id: str) -> str:
    answers = IdentityAnswers()
    with DefaultAzureCredential(**answers.options(client_id)) as credential:
        value = _value_of(endpoint, credential, answers)
    if not value:
        raise _STORE.invalid(f"give the store the key {KEY} with the label {LABEL}")
    return value


def _value_of(endpoint: str, credential: "TokenCredential", answers: IdentityAnswers) -> str:
    from azure.appconfiguration.provider import SettingSelector, load  # noqa: PLC0415 - few apps have a store

    selected = [SettingSelector(key_filter=KEY, label_filter=LABEL)]
    try:
        # The step that asked is repeated by its workflow: a second wait in here would only hold it up.
        provider = load(
            endpoint,
            credential,
            keyvault_credential=credential,
            selects=selected,
            startup_timeout=0,
            connection_timeout=_CONNECT,
            read_timeout=_ANSWER,
        )
    except TimeoutError as error:
        # The provider reports failures like this: its second argument lists them.
        raise _failure(endpoint, error.args[1][-1], answers) from error
    except HttpResponseError as error:
        raise _failure(endpoint, error, answers) from error
    except ValueError as error:
        if error.__cause__:
            raise ConfigurationUnavailable("Key Vault does not answer: try again.") from error
        raise _STORE.invalid(f"the store's {KEY} does not refer to a secret of a Key Vault") from None
    with provider:
        return str(provider.get(KEY, ""))


def _failure(endpoint: str, error: Exception, answers: IdentityAnswers) -> AppError:
    """What an SDK's error means for who runs the app."""
    response: Any = error.response if isinstance(error, HttpResponseError) else None
    asked = urlsplit(response.request.url) if response else None
    if asked and asked.netloc == urlsplit(endpoint).netloc:
        return _refusal(f"The store of {_STORE.name}", response, role="App Configuration Data Reader")
    if asked and asked.path.startswith("/secrets/"):
        return _refusal(f"The Key Vault of {_STORE.name}", response, role="Key Vault Secrets User")
    if isinstance(error, ClientAuthenticationError):
        return answers.failure()
    return ConfigurationUnavailable(_SILENT)


def _refusal(name: str, response: Any, *, role: str) -> AppError:
    if response.status_code in DENIED:
        what = f"{name} refused access: give the app's identity the role {role}."
        return AccessDenied(what, refused_by=ConfigurationUnavailable.service)
    if response.status_code == HTTPStatus.NOT_FOUND:
        return _STORE.invalid(f"the store's {KEY} refers to a secret that does not exist")
    return ConfigurationUnavailable(f"{name} answered {response.status_code}: try again.")
