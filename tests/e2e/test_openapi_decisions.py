"""A client that knows the OpenAPI document alone decides about jobs: it approves one, and cancels another."""

from collections.abc import Iterator

import pytest

from tests.support.api_client import ApiClient, StartHost
from tests.support.corpus import DATABASE, SELF_CERTIFIED, SHORT_VECTORS, Corpus, corpus
from tests.support.openapi_client import OpenApiClient

__all__ = ["corpus"]
pytestmark = SELF_CERTIFIED


@pytest.fixture
def api(start_host: StartHost, embedding_settings: dict[str, str]) -> Iterator[ApiClient]:
    own = {"COSMOS_DATABASE": DATABASE, "APPROVAL_ABOVE": "0"}
    with start_host(**(embedding_settings | SHORT_VECTORS | own)) as (client, _):
        yield client


def test_client_of_the_document_submits_approves_and_cancels(api: ApiClient, corpus: Corpus) -> None:
    client = OpenApiClient.of(api.origin)
    body = {"env": corpus.env, "filesPath": f"{corpus.files.container_name}/docs"}
    jobs = [client.call("startJob", {**body, "version": version}) for version in ("v1", "v2")]
    approved, canceled = (job.json()["id"] for job in jobs)
    for job in (approved, canceled):
        api.reached(job, "awaiting-approval")
    assert client.call("getStatus", id=approved).json()["approvalUri"]

    decided = client.call("decide", {"approved": True, "by": "Ada"}, id=approved)
    ending = client.follow("startJob", jobs[1], "cancel")
    assert (decided.status, ending.status) == (202, 202)
    assert {api.finished(approved)["status"], api.finished(canceled)["status"]} == {"Completed", "Canceled"}

    for job in (approved, canceled):
        assert client.call("getStatus", id=job).json()["expiresAt"]
    assert client.call("decide", {"approved": True}, id=approved).status == 200
    assert client.call("cancelJob", id=canceled).status == 200
