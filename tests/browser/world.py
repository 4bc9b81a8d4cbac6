"""What the console shows: an environment with two evaluated versions, and names that could be markup."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from azure.data.tables import TableClient
from azure.storage.blob import ContainerClient

from local.http_client import request
from tests.support.api_client import ApiClient
from tests.support.corpus import prose

MARKUP = '<img src=x onerror="window.hacked=1">'
BROKEN = f"docs/broken {MARKUP}.pdf"
# Longer than a chunk, so that its end has a path of headings.
TRAVEL = f"# Handbook\n\n## Travel\n\n{prose('ports', paragraphs=12)}\n\nTrains are booked by the office.\n"
LEAVE = f"# Handbook\n\n## Leave {MARKUP}\n\nEverybody has 25 days a year. <script>window.hacked=2</script>\n"
QUESTIONS = {"How are trains booked?": "docs/travel.md", "How many days of leave are there?": "docs/leave.md"}


AUDITED = {"2021-02-02": ["1", "2"], "2021-02-03": ["2", "3"], "2021-02-06": ["4"]}
"""People with a certificate by the day that they were audited."""


def audited_table(storage: str) -> str:
    """The name of a new audit table."""
    name = f"audit{uuid4().hex[:12]}"
    with TableClient.from_connection_string(storage, name) as table:
        table.create_table()
        for day, people in AUDITED.items():
            for person in people:
                row = {"identificationNumber": person, "CertNumber": "C"}
                table.create_entity({"PartitionKey": day, "RowKey": person, **row})
    return name


@dataclass(frozen=True)
class World:
    """A host and what has run on it.

    Attributes:
        files: whose container gives the environment its name.
        log: of the host.
        storage: connection string of what the host stores in.
        first: the job that embedded v1, with a failed file.
    """

    api: ApiClient
    files: ContainerClient = field(repr=False)
    log: Path
    storage: str = field(repr=False)
    first: str = ""

    @classmethod
    def made(cls, api: ApiClient, files: ContainerClient, log: Path, storage: str) -> "World":
        """Embeds and evaluates two versions, of which the second one lacks a file and is not live."""
        for name, text in {"docs/travel.md": TRAVEL, "docs/leave.md": LEAVE, BROKEN: "no PDF"}.items():
            files.upload_blob(name, text)
        lines = [
            json.dumps({"question": question, "sources": [f"{files.container_name}/{source}"]})
            for question, source in QUESTIONS.items()
        ]
        files.upload_blob("golden.jsonl", "\n".join(lines))
        made = cls(api, files, log, storage)
        first = made.run(filesPath=f"{made.container}/docs")["id"]
        made.run(version="v2", filesPath=f"{made.container}/docs/travel.md")
        for version in ("v1", "v2"):
            made.run(version=version, questions=f"{made.container}/golden.jsonl")
        request("PUT", f"{api.origin}/api/index/{made.env}", body={"live": "v1"})
        return replace(made, first=first)

    @property
    def env(self) -> str:
        """The environment."""
        return self.container

    @property
    def container(self) -> str:
        """The container of the files."""
        return self.files.container_name

    def start(self, **body: Any) -> str:
        """The id of a new job."""
        whole = {"env": self.env, "version": "v1", **body}
        job: str = request("POST", f"{self.api.origin}/api/orchestrators/start", body=whole).json()["id"]
        return job

    def run(self, **body: Any) -> dict[str, Any]:
        """The last status of a new job."""
        return self.api.finished(self.start(**body))

    def awaiting(self) -> str:
        """A job that waits for an approval; it would embed one file into a version of its own."""
        job = self.start(
            version=f"w{uuid4().hex[:8]}", filesPath=f"{self.container}/docs/travel.md", approvalAbove=0
        )
        self.api.reached(job, "awaiting-approval")
        return job
