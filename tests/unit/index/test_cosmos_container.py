"""The container of the index: how it is made where an account lacks something, and what one lacks."""

import json
from typing import Any

import pytest
from azure.cosmos.exceptions import CosmosHttpResponseError

from shared_code.index.cosmos_container import Shape, create_container

POLICIES = {
    "full-text search": ("full_text_policy", "fullTextIndexes"),
    "vector search": ("vector_embedding_policy", "vectorIndexes"),
}
OLD = {
    "indexingPolicy": {
        "includedPaths": [{"path": "/*"}],
        "excludedPaths": [{"path": "/embedding/*"}, {"path": "/text/?"}],
        "vectorIndexes": [{"path": "/embedding", "type": "diskANN"}],
    },
    "vectorEmbeddingPolicy": {"vectorEmbeddings": [{"path": "/embedding", "dimensions": 8}]},
}


class Account:
    """A database of an account that refuses containers with what it cannot do."""

    def __init__(self, *lacking: str, status: int = 400) -> None:
        self.refused = {name for capability in lacking for name in POLICIES[capability]}
        self.status = status
        self.created: dict[str, Any] = {}

    async def create_container(self, name: str, _key: Any, **policies: Any) -> None:
        asked = {*policies, *policies["indexing_policy"]}
        if asked & self.refused:
            error: Any = CosmosHttpResponseError
            raise error(self.status, "The capability is not enabled for the account.")
        self.created = {name: policies["indexing_policy"], **policies}


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(record.message) for record in caplog.records]


async def created_by(account: Any) -> dict[str, Any]:
    await create_container(account, "chunks", 8)
    policies: dict[str, Any] = account.created
    return {
        "indexingPolicy": policies["indexing_policy"],
        "vectorEmbeddingPolicy": policies.get("vector_embedding_policy"),
    }


async def test_container_of_an_account_that_can_do_everything_lacks_nothing(caplog):
    shape = Shape.of(await created_by(Account()))

    assert shape == Shape(vector_index=True, is_sharded=True, texts=("text", "context"), dimensions=8)
    assert (shape.lacks, logged(caplog)) == ([], [])


@pytest.mark.parametrize(
    "lacking", [["full-text search"], ["vector search"], ["full-text search", "vector search"]]
)
async def test_what_an_account_lacks_is_left_out_and_said_once(caplog, lacking):
    shape = Shape.of(await created_by(Account(*lacking)))

    assert shape.full_text is ("full-text search" not in lacking)
    assert shape.vector_index is ("vector search" not in lacking)
    [line] = logged(caplog)
    assert (line["event"], line["container"]) == ("index.created_without", "chunks")
    assert all(capability.split()[0] in line["lacks"] for capability in lacking)


async def test_another_refusal_than_that_of_a_capability_is_raised():
    with pytest.raises(CosmosHttpResponseError):
        await created_by(Account("full-text search", status=403))


def test_what_an_earlier_release_made_lacks_the_shard_key_and_full_text():
    assert Shape.of(OLD).lacks == [
        "the shard key /index of that index",
        "full-text indexes on /text and /context",
    ]


def test_container_without_policies_lacks_all_of_them():
    assert len(Shape.of({}).lacks) == 3
