"""Files of a test's own and the index that jobs make of them, as their users see both."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from azure.cosmos import ContainerProxy, CosmosClient
from azure.storage.blob import ContainerClient

from local.emulators.azurite import Azurite
from local.http_client import Answer, request
from tests.support.api_client import ApiClient

DATABASE = "embed-files"
# Of tests that ask: a container keeps to the size of its first vectors, and those are not to be short ones.
SEARCHED_DATABASE = "searched-files"
# For the same reason: of tests that ask, with short vectors.
OUTAGES_DATABASE = "outages"
# The local service cuts vectors for this model only; most of what a test of many jobs takes is their length.
SHORT_VECTORS = {"EMBEDDINGS_MODEL": "text-embedding-3-small", "EMBEDDINGS_DIMENSIONS": "16"}
# The emulator certifies itself, which the app's own client takes from localhost without a word.
SELF_CERTIFIED = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


@dataclass(frozen=True)
class Corpus:
    """A container of files, and an environment of the index."""

    files: ContainerClient
    index: ContainerProxy
    env: str

    def put(self, **texts: str) -> None:
        """Writes text files."""
        for name, text in texts.items():
            self.files.upload_blob(f"docs/{name}.txt", text, overwrite=True)

    def drop(self, name: str) -> None:
        """Deletes a text file."""
        self.files.delete_blob(f"docs/{name}.txt")

    def hold(self, **texts: str) -> None:
        """Makes these the only files, each a new upload."""
        for name in self.files.list_blob_names():
            if name.removeprefix("docs/").removesuffix(".txt") not in texts:
                self.files.delete_blob(name)
        self.put(**texts)

    def submit(self, api: ApiClient, *, version: str = "v1", **fields: Any) -> Answer:
        """Asks for a job over all of the files."""
        path = f"{self.files.container_name}/docs"
        body = {"env": self.env, "version": version, "filesPath": path, **fields}
        return request("POST", f"{api.origin}/api/orchestrators/start", body=body)

    def run(self, api: ApiClient, *, version: str = "v1", **fields: Any) -> dict[str, Any]:
        """The last status of a job over all of the files."""
        submitted = self.submit(api, version=version, **fields)
        return api.finished(submitted.json()["id"], seconds=120)

    def records(self, version: str = "v1") -> list[dict[str, Any]]:
        """What the index knows of the files."""
        records = f"{self.env}|{version}"
        return self._items("pk", records, partition_key=records)

    def chunks(self, version: str = "v1") -> list[dict[str, Any]]:
        """What a search would find, orphans included, each source's chunks in their order."""
        found = self._items("index", f"{self.env}|{version}", enable_cross_partition_query=True)
        return sorted(found, key=lambda chunk: (chunk["source"], chunk["ordinal"]))

    def searchable(self, version: str = "v1") -> dict[str, list[str]]:
        """The texts of each file's chunks, of those that have a vector."""
        texts: dict[str, list[str]] = {}
        for chunk in self.chunks(version):
            if any(chunk["embedding"]):
                name = chunk["source"].rsplit("/", 1)[1].removesuffix(".txt")
                texts.setdefault(name, []).append(chunk["text"])
        return texts

    def _items(self, field: str, value: str, **where: Any) -> list[dict[str, Any]]:
        query = "SELECT * FROM c WHERE c[@field] = @value"
        parameters: list[dict[str, object]] = [
            {"name": "@field", "value": field},
            {"name": "@value", "value": value},
        ]
        return list(self.index.query_items(query, parameters=parameters, **where))


def prose(subject: str, *, paragraphs: int = 60) -> str:
    """Text in which no two paragraphs are the same."""
    return "\n\n".join(
        f"Paragraph {number} is about {subject}. " + f"It says the {number}th thing of {subject} again. " * 7
        for number in range(paragraphs)
    )


@contextmanager
def empty_corpus(storage: Azurite, cosmos: CosmosClient, *, database: str = DATABASE) -> Iterator[Corpus]:
    """A container without files, and an environment of its own."""
    name = f"files-{uuid4().hex[:12]}"
    with ContainerClient.from_connection_string(storage.connection_string, name) as files:
        files.create_container()
        index = cosmos.get_database_client(database).get_container_client("chunks")
        yield Corpus(files, index, env=name)


@pytest.fixture
def corpus(storage: Azurite, cosmos_client: CosmosClient) -> Iterator[Corpus]:
    """Three files of some 25 chunks each, and nothing of them in the index."""
    with empty_corpus(storage, cosmos_client) as made:
        made.put(apples=prose("apples"), bears=prose("bears"), cedars=prose("cedars"))
        yield made
