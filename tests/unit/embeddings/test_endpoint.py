"""Which form an address has, on which cloud, and how its requests are signed."""

from typing import Any

import pytest

from shared_code.embeddings.endpoint import EmbeddingsEndpoint

HOSTS = {
    "own.openai.azure.com": "com",
    "own.cognitiveservices.azure.com": "com",
    "own.services.ai.azure.com": "com",
    "eastus.api.cognitive.microsoft.com": "com",
    "OWN.OpenAI.Azure.COM": "com",
    "own.privatelink.openai.azure.com": "com",
    "own.openai.azure.us": "us",
    "own.cognitiveservices.azure.us": "us",
    "own.services.ai.azure.us": "us",
    "own.openai.azure.cn": "cn",
    "own.cognitiveservices.azure.cn": "cn",
    "chinaeast2.api.cognitive.azure.cn": "cn",
}
OLDER = "https://own.openai.azure.com/openai/deployments/{}/embeddings"
NEWER = "https://own.openai.azure.com/openai/v1/embeddings"
PROJECT = "https://own.services.ai.azure.com/api/projects/mine"
FORMS = {
    "https://own.openai.azure.com": OLDER.format("model"),
    "https://own.openai.azure.com/": OLDER.format("model"),
    "https://own.openai.azure.com/openai": OLDER.format("model"),
    "https://own.openai.azure.com/openai/deployments/mine": OLDER.format("mine"),
    "https://own.openai.azure.com/openai/deployments/mine/embeddings": OLDER.format("mine"),
    "https://own.openai.azure.com/openai/v1": NEWER,
    "https://own.openai.azure.com/openai/v1/": NEWER,
    "https://own.openai.azure.com/openai/v1/embeddings": NEWER,
    f"{PROJECT}/openai/v1": f"{PROJECT}/openai/v1/embeddings",
    PROJECT: "https://own.services.ai.azure.com/openai/deployments/model/embeddings",
    "https://own.services.ai.azure.com/models": "https://own.services.ai.azure.com/models/embeddings",
    "https://api.openai.com/v1": "https://api.openai.com/v1/embeddings",
    "https://gateway.example/openai/deployments/mine": (
        "https://gateway.example/openai/deployments/mine/embeddings"
    ),
    "http://localhost:8080": "http://localhost:8080/embeddings",
}


def signed_by(endpoint: EmbeddingsEndpoint) -> Any:
    """The scope that a token is asked for."""
    scopes: list[str] = []

    def tokens_for(scope: str) -> Any:
        scopes.append(scope)

    endpoint.auth("", tokens_for)
    return scopes


@pytest.mark.parametrize(("host", "cloud"), HOSTS.items())
@pytest.mark.parametrize("path", ["", "/openai/v1", "/openai/deployments/any"])
def test_host_of_azure_is_told_on_every_cloud_and_its_token_is_for_that_cloud(host, cloud, path):
    endpoint = EmbeddingsEndpoint.parse(f"https://{host}{path}")

    assert endpoint.azure
    assert signed_by(endpoint) == [f"https://cognitiveservices.azure.{cloud}/.default"]


@pytest.mark.parametrize(("url", "asked"), FORMS.items())
def test_every_form_of_an_address_leads_to_its_route(url, asked):
    endpoint = EmbeddingsEndpoint.parse(url)
    assert endpoint.base_url + endpoint.target("model")[0] == asked


@pytest.mark.parametrize(
    ("url", "version"),
    [
        ("https://own.openai.azure.com", "2024-10-21"),
        ("https://own.openai.azure.com?api-version=2023-05-15", "2023-05-15"),
        ("https://own.openai.azure.com/openai/deployments/mine/embeddings?api-version=1", "1"),
        ("https://own.openai.azure.com/openai/v1", None),
        ("https://own.openai.azure.com/openai/v1?api-version=preview", "preview"),
        ("https://own.services.ai.azure.com/models", "2024-05-01-preview"),
        ("https://api.openai.com/v1", None),
    ],
)
def test_version_is_that_of_the_address_or_the_one_its_form_needs(url, version):
    assert EmbeddingsEndpoint.parse(url).target("model")[1].get("api-version") == version


def test_project_of_foundry_wants_a_token_of_its_own_kind():
    endpoint = EmbeddingsEndpoint.parse(f"{PROJECT}/openai/v1")
    assert signed_by(endpoint) == ["https://ai.azure.com/.default"]


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "https://openai.azure.com.example.org/v1",
        "https://own.openai.azure.org/v1",
        "http://localhost:1/v1",
    ],
)
def test_any_other_host_is_taken_for_the_open_form_and_gets_no_token_of_the_app(url):
    endpoint = EmbeddingsEndpoint.parse(url)
    assert (endpoint.azure, signed_by(endpoint)) == (False, [])
