"""Where embeddings are asked for, and in which form, as the shape of an address tells.

OpenAI's form names the model in the body. Azure's older form names a deployment in the path; its newer one,
below `/openai/v1`, is OpenAI's, and so is that of Foundry below `/models`, with a version.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from shared_code.http_pool import Auth, FixedAuth, bearer, header

_API_VERSION = "2024-10-21"
_MODELS_API_VERSION = "2024-05-01-preview"
# Azure's clouds: the public one, that of the US government, and that of China.
_CLOUDS = r"(?P<cloud>com|us|cn)"
_AZURE_HOST = re.compile(
    rf".+\.(?:openai\.azure|cognitiveservices\.azure|services\.ai\.azure|api\.cognitive\.azure"
    rf"|api\.cognitive\.microsoft)\.{_CLOUDS}"
)
_DEPLOYMENT = re.compile(r"(?P<base>.*)/openai/deployments/(?P<name>[^/]+)")
# A project of Foundry: its resource has the older form, and its own address the newer one alone.
_PROJECT = re.compile(r"/api/projects/[^/]+")
_PROJECTS_SCOPE = "https://ai.azure.{cloud}/.default"
_SCOPE = "https://cognitiveservices.azure.{cloud}/.default"


@dataclass(frozen=True, kw_only=True)
class EmbeddingsEndpoint:
    """Where embeddings are asked for.

    Attributes:
        base_url: what comes before the path of a request.
        azure: whether keys and tokens are sent in Azure's way.
        deployment: the part of the path that is Azure's; `None` where the address names none.
        api_version: Azure's; empty for OpenAI's form.
        query: of the address, which each request in OpenAI's form carries on.
        scope: what a token of the app's identity has to be for.
    """

    base_url: str
    azure: bool
    deployment: str | None = None
    api_version: str = ""
    query: dict[str, str] = field(default_factory=dict)
    scope: str = _SCOPE.format(cloud="com")

    @classmethod
    def parse(cls, url: str) -> "EmbeddingsEndpoint":
        """Reads a base such as `https://api.openai.com/v1`, an Azure resource, or an Azure deployment."""
        parts = urlsplit(url)
        path = parts.path.rstrip("/").removesuffix("/embeddings").rstrip("/")
        origin = f"{parts.scheme}://{parts.netloc}"
        query = dict(parse_qsl(parts.query))
        version = query.get("api-version", _API_VERSION)
        on_azure = _AZURE_HOST.fullmatch(parts.hostname or "")
        scope = _scope(on_azure["cloud"] if on_azure else "com", path)
        if named := _DEPLOYMENT.fullmatch(path):
            base = origin + named["base"]
            return cls(base_url=base, azure=True, deployment=named["name"], api_version=version, scope=scope)
        if on_azure and path.endswith("/models"):
            query = {"api-version": query.get("api-version", _MODELS_API_VERSION)}
            return cls(base_url=origin + path, azure=True, query=query, scope=scope)
        if not on_azure or path.endswith("/v1"):
            return cls(base_url=origin + path, azure=bool(on_azure), query=query, scope=scope)
        base = _PROJECT.sub("", path.removesuffix("/openai"))
        return cls(base_url=origin + base, azure=True, api_version=version, scope=scope)

    def auth(self, key: str, tokens_for: Callable[[str], Auth]) -> FixedAuth | Auth | None:
        """How requests are signed; a scope is only asked for where there is no key, and on Azure."""
        if key:
            return header("api-key", key) if self.azure else bearer(key)
        return tokens_for(self.scope) if self.azure else None

    def target(self, model: str) -> tuple[str, dict[str, str]]:
        """Path and query parameters for a model; Azure's form has a deployment, which may be named for it."""
        if not self.api_version:
            return "/embeddings", self.query
        deployment = self.deployment or model
        return f"/openai/deployments/{deployment}/embeddings", {"api-version": self.api_version}


def _scope(cloud: str, path: str) -> str:
    of_project = _PROJECT.match(path) and path.endswith("/v1")
    return (_PROJECTS_SCOPE if of_project else _SCOPE).format(cloud=cloud)
