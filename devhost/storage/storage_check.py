"""Tells whether the storage account of the app's host answers, so that nobody has to guess from later errors.

A connection is opened and closed again; nothing is sent, and no key is shown.
"""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

from devhost.storage.storage_connection import DEFAULT_CONNECTION

SECONDS = 2.0  # how long the account has to accept a connection

_EMULATOR = "http://127.0.0.1:10000"
_PORTS = {"http": 80, "https": 443}


async def storage_line(settings: Mapping[str, str]) -> str:
    """One sentence on the storage that the settings name: found, not found and what to do, or none."""
    origin = blob_origin(settings)
    if origin is None:
        return f"none: {DEFAULT_CONNECTION} is not set, which HTTP and durable functions do without"
    parts = urlsplit(origin)
    try:
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or _PORTS[parts.scheme])
    except (OSError, ValueError):  # a time-out is the former, a port that is not a number the latter
        remedy = f"start it (locally Azurite), or correct {DEFAULT_CONNECTION}"
        return f"not found at {origin}: {remedy}; HTTP and durable functions do without"
    writer.close()
    return f"found at {origin}"


def blob_origin(settings: Mapping[str, str]) -> str | None:
    """Scheme, host and port of the account's blob service; `None` if the settings name no account."""
    text = settings.get(DEFAULT_CONNECTION, "")
    parts = dict(part.strip().partition("=")[::2] for part in text.split(";"))
    if parts.get("UseDevelopmentStorage", "").lower() == "true":
        return _EMULATOR
    if urlsplit(text).scheme in _PORTS:
        return _origin(text)
    account = parts.get("AccountName") or settings.get(f"{DEFAULT_CONNECTION}__accountName")
    url = parts.get("BlobEndpoint") or settings.get(f"{DEFAULT_CONNECTION}__blobServiceUri")
    if not url and account:
        scheme, suffix = parts.get("DefaultEndpointsProtocol", "https"), parts.get("EndpointSuffix")
        url = f"{scheme}://{account}.blob.{suffix or 'core.windows.net'}"
    return _origin(url) if url and urlsplit(url).scheme in _PORTS else None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
