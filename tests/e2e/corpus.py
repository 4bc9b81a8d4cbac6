"""Files of a test's own and the index that jobs make of them, as their users see both."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from azure.cosmos import ContainerProxy, CosmosClient
from azure.storage.blob import ContainerClient

from local.azurite import Azurite
from local.cosmos import KEY, Cosmos
from local.http_client import Answer, request
from tests.e2e.api_client import ApiClient

DATABASE = "embed-files"
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
        return self._items(f"{self.env}|{version}")

    def chunks(self, version: str = "v1") -> list[dict[str, Any]]:
        """What a search would find, each source's chunks in their order."""
        found = [
            chunk
            for record in self.records(version)
            for chunk in self._items(f"{self.env}|{version}|{record['id']}")
        ]
        return sorted(found, key=lambda chunk: (chunk["source"], chunk["ordinal"]))

    def searchable(self, version: str = "v1") -> dict[str, list[str]]:
        """The texts of each file's chunks, all with a vector."""
        texts: dict[str, list[str]] = {}
        for chunk in self.chunks(version):
            assert any(chunk["embedding"])
            texts.setdefault(chunk["source"].rsplit("/", 1)[1].removesuffix(".txt"), []).append(chunk["text"])
        return texts

    def _items(self, partition: str) -> list[dict[str, Any]]:
        query = "SELECT * FROM c WHERE c.pk = @pk"
        parameters: list[dict[str, object]] = [{"name": "@pk", "value": partition}]
        return list(self.index.query_items(query, parameters=parameters, partition_key=partition))


def prose(subject: str, *, paragraphs: int = 60) -> str:
    """Text in which no two paragraphs are the same."""
    return "\n\n".join(
        f"Paragraph {number} is about {subject}. " + f"It says the {number}th thing of {subject} again. " * 7
        for number in range(paragraphs)
    )


@pytest.fixture
def corpus(storage: Azurite, cosmos_emulator: Cosmos) -> Iterator[Corpus]:
    """Three files of some 25 chunks each, and nothing of them in the index."""
    name = f"files-{uuid4().hex[:12]}"
    with (
        ContainerClient.from_connection_string(storage.connection_string, name) as files,
        CosmosClient(cosmos_emulator.endpoint, KEY) as cosmos,
    ):
        files.create_container()
        index = cosmos.get_database_client(DATABASE).get_container_client("chunks")
        made = Corpus(files, index, env=name)
        made.put(apples=prose("apples"), bears=prose("bears"), cedars=prose("cedars"))
        yield made
