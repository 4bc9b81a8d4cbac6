"""The peers' own stores for Cosmos DB, in a container that is the same for both."""

# The peers are installed for `make bench` only, so that their types are not always known.
# mypy: disable-error-code="import-not-found, import-untyped, no-any-return"

import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient
from langchain_azure_cosmosdb import AsyncAzureCosmosDBNoSqlVectorSearch
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore
from llama_index.core.vector_stores.types import BasePydanticVectorStore
from llama_index.vector_stores.azurecosmosnosql import AzureCosmosDBNoSqlVectorSearch
from urllib3.exceptions import InsecureRequestWarning

_DATABASE, _CONTAINER = "peer", "chunks"
_KEY = PartitionKey("/id")  # their default, which their ways to delete count on
_VECTORS = {
    "path": "/embedding",
    "dataType": "float32",
    "dimensions": 1_536,
    "distanceFunction": "cosine",
}
_OPTIONS: dict[str, Any] = {
    "vector_embedding_policy": {"vectorEmbeddings": [_VECTORS]},
    "indexing_policy": {"vectorIndexes": [{"path": "/embedding", "type": "diskANN"}]},
    "cosmos_container_properties": {"partition_key": _KEY},
    "cosmos_database_properties": {},
    "database_name": _DATABASE,
    "container_name": _CONTAINER,
}


def llama_index_cosmos(endpoint: str, key: str) -> BasePydanticVectorStore:
    """The store of llama-index-vector-stores-azurecosmosnosql."""
    client = _with_container(endpoint, key)
    return AzureCosmosDBNoSqlVectorSearch(cosmos_client=client, **_OPTIONS)


@asynccontextmanager
async def lang_chain_cosmos(endpoint: str, key: str, embeddings: Embeddings) -> AsyncIterator[VectorStore]:
    """The asynchronous store of langchain-azure-cosmosdb."""
    _with_container(endpoint, key).close()
    async with AsyncCosmosClient(endpoint, key) as client:
        yield await AsyncAzureCosmosDBNoSqlVectorSearch.create(
            cosmos_client=client,
            embedding=embeddings,
            vector_search_fields={"text_field": "text", "embedding_field": "embedding"},
            **_OPTIONS,
        )


def _with_container(endpoint: str, key: str) -> CosmosClient:
    warnings.filterwarnings(
        "ignore", category=InsecureRequestWarning
    )  # the emulator signs its own certificate
    client = CosmosClient(endpoint, key)
    database = client.create_database_if_not_exists(_DATABASE)
    policies = {name: _OPTIONS[name] for name in ("vector_embedding_policy", "indexing_policy")}
    database.create_container_if_not_exists(_CONTAINER, _KEY, **policies)
    return client
