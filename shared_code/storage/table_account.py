"""Where a table account is and how to sign in to it, in every form in which a setting may say so.

A connection string with a key or a shared access signature, that of the local emulator, or an account URL,
with a signature or for the app's identity. It opens nothing, and no secret leaves it but to sign a request.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

from azure.core.utils import parse_connection_string

from shared_code.http_pool import Auth

_SCOPE = "https://storage.azure.com/.default"
# Published, and the same for every emulator.
_EMULATOR = (
    "AccountName=devstoreaccount1;TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


@dataclass(frozen=True)
class TableAccount:
    """A table endpoint; `query` is the signature that each request carries, if that is how it signs in."""

    endpoint: str
    auth: Auth | None
    query: Mapping[str, str] = field(repr=False)

    @classmethod
    def parse(cls, storage: str, tokens_for: Callable[[str], Auth]) -> "TableAccount":
        """Reads a setting; the identity's tokens for a scope are asked for only if nothing else signs in.

        Raises:
            ValueError: it is neither connection string nor account URL.
        """
        if storage.startswith(("https://", "http://")):
            return _from_url(storage, tokens_for)
        return _from_connection_string(storage)


class SharedKey:
    """Signs each request with the account's key (Shared Key Lite of the table service)."""

    def __init__(self, account: str, key: str) -> None:
        self._account = account
        self._key = b64decode(key, validate=True)

    async def headers(self, method: str, url: str) -> Mapping[str, str]:  # noqa: ARG002 - it signs no method
        """The signature over the time and the path."""
        date = formatdate(usegmt=True)
        text = f"{date}\n/{self._account}{urlsplit(url).path}"
        signature = b64encode(hmac.digest(self._key, text.encode(), sha256)).decode()
        return {"x-ms-date": date, "Authorization": f"SharedKeyLite {self._account}:{signature}"}

    async def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - there is no other key
        """A refused key stays refused."""
        return False


def _from_url(url: str, tokens_for: Callable[[str], Auth]) -> TableAccount:
    endpoint, _, signature = url.partition("?")
    if signature:
        return TableAccount(endpoint, None, _signature(signature))
    return TableAccount(endpoint, tokens_for(_SCOPE), {})


def _from_connection_string(text: str) -> TableAccount:
    if text.rstrip(";").lower() == "usedevelopmentstorage=true":
        text = _EMULATOR
    parts = parse_connection_string(text)
    name, key = parts.get("accountname", ""), parts.get("accountkey", "")
    endpoint = parts.get("tableendpoint") or _public_endpoint(name, parts)
    if key and name:
        return TableAccount(endpoint, SharedKey(name, key), {})
    return TableAccount(endpoint, None, _signature(parts.get("sharedaccesssignature", "")))


def _public_endpoint(name: str, parts: Mapping[str, str]) -> str:
    if not name:
        raise ValueError("A connection string names an account or a table endpoint.")
    scheme = parts.get("defaultendpointsprotocol", "https")
    return f"{scheme}://{name}.table.{parts.get('endpointsuffix', 'core.windows.net')}"


def _signature(text: str) -> dict[str, str]:
    signature = dict(parse_qsl(text.removeprefix("?"), keep_blank_values=True))
    if "sig" not in signature:
        raise ValueError("An account that is given without a key needs a shared access signature.")
    return signature
