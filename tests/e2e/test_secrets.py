"""Keys and signatures are used, and seen nowhere: not in logs, histories, statuses, results or kept blobs."""

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient
from azure.storage.blob import (
    AccountSasPermissions,
    BlobServiceClient,
    ResourceTypes,
    Services,
    generate_account_sas,
)

from local.emulators.azurite import ACCOUNT, ACCOUNT_KEY, Azurite
from tests.support.api_client import ApiClient, StartHost
from tests.support.configuration_services import configuration_services
from tests.support.corpus import DATABASE, SELF_CERTIFIED, corpus

__all__ = ["corpus"]
pytestmark = SELF_CERTIFIED

MARK = "do-not-show-this"
MARKED_KEY = b64encode(f"{MARK}-key".encode()).decode()
SIGNATURE = f"sv=2024-01-01&ss=t&sig={MARK}-signature"
YEAR = 2011


@dataclass(frozen=True)
class Watched:
    """A host, and all that it leaves behind."""

    api: ApiClient
    folder: Path
    log: Path
    seen: list[str]

    def everything(self) -> str:
        """Log, state with every history, answers, and what its jobs staged and kept as blobs."""
        state = [path.read_bytes().decode(errors="replace") for path in self.folder.iterdir()]
        return "\n".join([self.log.read_text(), *state, *self.seen])

    def follow(self, answer: Any, blobs: BlobServiceClient) -> dict[str, Any]:
        """Watches a job until it has ended, its staged blobs included."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            status: dict[str, Any] = self.api.status(answer.json()["id"]).json()
            self.seen.extend([json.dumps(status), *kept(blobs, status["id"])])
            if status["status"] not in {"Pending", "Running"}:
                return status
            time.sleep(0.05)
        raise TimeoutError(status)

    def has_logged(self, text: str) -> None:
        """Returns when the log holds a text."""
        deadline = time.monotonic() + 30
        while text not in self.log.read_text():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)


def kept(blobs: BlobServiceClient, job_id: str) -> Iterator[str]:
    """What a job has in the container of the jobs."""
    container = blobs.get_container_client("jobs")
    try:
        for name in [name for name in container.list_blob_names() if job_id in name]:
            yield container.download_blob(name).readall().decode(errors="replace")
    except ResourceNotFoundError:
        return  # no container yet, or a job was quicker


@contextmanager
def watched(start_host: StartHost, folder: Path, **settings: str) -> Iterator[Watched]:
    folder.mkdir()
    with start_host(folder / "state.db", **settings) as (api, service):
        log = service.service.log
        assert log is not None
        yield Watched(api, folder, log, [])


@pytest.fixture
def blobs(storage: Azurite) -> Iterator[BlobServiceClient]:
    with BlobServiceClient.from_connection_string(storage.connection_string) as client:
        yield client


def signed(blobs: BlobServiceClient) -> str:
    """The account's address with a signature instead of a key."""
    signature = generate_account_sas(
        ACCOUNT,
        ACCOUNT_KEY,
        ResourceTypes(container=True, object=True),
        AccountSasPermissions(read=True, write=True, delete=True, list=True, create=True),
        datetime.now(UTC) + timedelta(hours=1),
        services=Services(blob=True),
    )
    return f"{blobs.primary_endpoint}?{signature}"


def submit_audit(api: ApiClient, end: str) -> Any:
    return api.send("GET", f"/api/submit/query?s={YEAR}-01-01&e={YEAR}-{end}&code={MARK}-function-key")


@pytest.fixture
def marked_settings(embedding_settings: dict[str, str]) -> dict[str, str]:
    """Settings for embedding whose key of Cosmos DB is easily found; the emulator takes any."""
    return embedding_settings | {"COSMOS_KEY": MARKED_KEY, "COSMOS_DATABASE": DATABASE}


@pytest.fixture
async def site(storage: Azurite, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """The settings of an app whose audit table is behind a reference to a Key Vault."""
    (tmp_path / "site").mkdir()
    async with configuration_services(tmp_path / "site") as (services, environment):
        services.reference = f"{services.vault}/secrets/audit"
        services.secrets["audit"] = storage.connection_string
        yield {"AppConfigEndpoint": services.store, **environment}


@pytest.fixture
def audited_row(audit_table: TableClient) -> None:
    row = {"PartitionKey": f"{YEAR}-01-02", "RowKey": "1", "CertNumber": "c", "identificationNumber": "one"}
    audit_table.upsert_entity(row)


@pytest.mark.usefixtures("audited_row")
async def test_secrets_that_work_are_seen_nowhere(  # noqa: PLR0917 - fixtures
    start_host, marked_settings, site, embeddings_server, blobs, corpus, tmp_path
):
    files = signed(blobs)
    own = {**marked_settings, **site, "AZURE_STORAGE_CONNECTION_STRING": files}
    corpus.files.upload_blob("docs/for-the-ledger.bin", b"no text")

    def run() -> tuple[list[dict[str, Any]], str]:
        with watched(start_host, tmp_path / "state", **own) as host:
            jobs = [
                host.follow(job, blobs) for job in (submit_audit(host.api, "02-28"), corpus.submit(host.api))
            ]
            embeddings_server.configure({"kind": "status", "status": 401, "times": 20})
            corpus.put(news="A file that is refused.")
            jobs.append(host.follow(corpus.submit(host.api), blobs))
            return jobs, host.everything()

    # The site's services are in this process, and so on this loop.
    (audit, embedded, refused), everything = await asyncio.to_thread(run)
    assert (audit["result"], embedded["result"]["embedded"]) == (1, 3), everything
    assert refused["status"] == "Failed"
    assert "window.read" in everything
    assert "for-the-ledger.bin" in everything
    signature = parse_qs(files.partition("?")[2])["sig"][0]
    hidden = ACCOUNT_KEY, MARK, MARKED_KEY, own["EMBEDDINGS_API_KEY"], signature, quote(signature, safe="")
    assert [secret for secret in hidden if secret in everything] == []


def test_secrets_that_fail_are_seen_nowhere(  # noqa: PLR0917 - fixtures
    start_host, marked_settings, storage, blobs, corpus, tmp_path
):
    wrong = {
        "AUDIT_STORAGE": f"https://localhost:1?{SIGNATURE}",
        "AZURE_STORAGE_CONNECTION_STRING": storage.connection_string.replace(ACCOUNT_KEY, MARKED_KEY),
    }
    with watched(start_host, tmp_path / "state", **marked_settings | wrong) as host:
        submit_audit(host.api, "01-02")
        denied = host.follow(corpus.submit(host.api), blobs)
        host.has_logged("table audit of AUDIT_STORAGE")
        everything = host.everything()

    assert denied["error"]["code"] == "AccessDenied"
    assert [secret for secret in (MARK, MARKED_KEY) if secret in everything] == []
