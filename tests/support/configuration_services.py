"""App Configuration, Key Vault and the identity endpoint of an Azure site, as far as the app uses them.

They listen on loopback; store and vault speak https, as the SDKs send tokens over nothing else.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from local.ports import free_port
from shared_code.clients.app_configuration import KEY, LABEL
from tests.support.certificates import self_signed

TOKEN = "a-token"  # noqa: S105 - no service but these takes it
_IDENTITY_HEADER = "of-this-site"
_REFERENCE = "application/vnd.microsoft.appconfig.keyvaultref+json;charset=utf-8"
_KEY_VALUES = "application/vnd.microsoft.appconfig.kvset+json"


@dataclass
class ConfigurationServices:
    """What the services hold, what they refuse, and what they were asked.

    Attributes:
        value: of the store's key; `reference` is the address of a secret instead.
        store_status: what the store answers instead, `vault_status` the vault, `identity_status` the endpoint
            of identities.
        tokens: resource and client id of each token that was asked for.
        loads: how often the store was asked for its key.
        answers_after: how many seconds the store takes.
    """

    site: int = field(default_factory=free_port)
    secured: int = field(default_factory=free_port)
    value: str | None = None
    reference: str | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    store_status: int | None = None
    vault_status: int | None = None
    has_identity: bool = True
    identity_status: int | None = None
    tokens: list[tuple[str, str]] = field(default_factory=list)
    loads: int = 0
    answers_after: float = 0.0

    @property
    def store(self) -> str:
        """The address of the store."""
        return f"https://localhost:{self.secured}"

    @property
    def vault(self) -> str:
        """The address of the vault, in the domain "0.0.1": the SDK sends tokens to no other."""
        return f"https://127.0.0.1:{self.secured}"

    def environment(self, certificate: Path) -> dict[str, str]:
        """What Azure tells an app of its identity, and whom to trust."""
        return {
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{self.site}/msi/token",
            "IDENTITY_HEADER": _IDENTITY_HEADER,
            "REQUESTS_CA_BUNDLE": str(certificate),
        }

    async def issue_token(self, request: web.Request) -> web.Response:
        if self.identity_status:
            return web.json_response({"message": "not now"}, status=self.identity_status)
        if not self.has_identity or request.headers["X-IDENTITY-HEADER"] != _IDENTITY_HEADER:
            return web.json_response({"message": "no such identity"}, status=400)
        resource = request.query["resource"]
        self.tokens.append((resource, request.query.get("client_id", "")))
        return web.json_response(
            {"access_token": TOKEN, "expires_on": "4102444800", "token_type": "Bearer", "resource": resource}
        )

    async def list_key_values(self, request: web.Request) -> web.Response:
        self.loads += 1
        await asyncio.sleep(self.answers_after)
        if self.store_status or not _is_signed(request):
            return web.json_response({}, status=self.store_status or 401)
        selected = (request.query["key"], request.query["label"]) == (KEY, LABEL)
        items = [self._key_value()] if selected and (self.value or self.reference) else []
        return web.json_response({"items": items}, content_type=_KEY_VALUES, headers={"ETag": "1"})

    def _key_value(self) -> dict[str, Any]:
        content = {"value": self.value, "content_type": None}
        if self.reference:
            content = {"value": f'{{"uri": "{self.reference}"}}', "content_type": _REFERENCE}
        return {"key": KEY, "label": LABEL, "etag": "1", "locked": False, "tags": {}, **content}

    async def read_secret(self, request: web.Request) -> web.Response:
        if not _is_signed(request):
            resource = f"https://0.0.1:{self.secured}"
            challenge = f'Bearer authorization="https://login.invalid/tenant", resource="{resource}"'
            return web.json_response({}, status=401, headers={"WWW-Authenticate": challenge})
        name = request.match_info["name"]
        if self.vault_status or name not in self.secrets:
            return web.json_response({"error": {"code": "no"}}, status=self.vault_status or 404)
        return web.json_response({"id": f"{self.vault}/secrets/{name}/1", "value": self.secrets[name]})


@web.middleware
async def _closing(request: web.Request, handler: Handler) -> web.StreamResponse:
    """No connection is kept: an SDK that was refused leaves its own open, and TLS needs both sides to end."""
    response = await handler(request)
    response.force_close()
    return response


def _is_signed(request: web.Request) -> bool:
    return request.headers.get("Authorization") == f"Bearer {TOKEN}"


@asynccontextmanager
async def configuration_services(folder: Path) -> AsyncIterator[tuple[ConfigurationServices, dict[str, str]]]:
    """The services, and the environment of an app on a site that has them."""
    services = ConfigurationServices()
    certificate, tls = self_signed(folder)
    site, secured = web.Application(), web.Application(middlewares=[_closing])
    site.router.add_get("/msi/token", services.issue_token)
    secured.router.add_get("/kv", services.list_key_values)
    secured.router.add_get("/secrets/{name}/{version:.*}", services.read_secret)
    runners = [web.AppRunner(site), web.AppRunner(secured)]
    try:
        for runner, port, context in zip(
            runners, (services.site, services.secured), (None, tls), strict=True
        ):
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        yield services, services.environment(certificate)
    finally:
        for runner in runners:
            await runner.cleanup()
