"""The embedding job and its peers behind one interface: given documents, each makes its index.

The job gets files in blob storage, a peer gets them in a folder, or their text, read beforehand at no cost
of its own.
"""

import json
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

from benchmarks.embed_corpus import Draft
from local.emulators.all import Emulators
from local.emulators.cosmos.service import KEY
from local.emulators.embeddings.app import API_KEY
from local.host import clean_environment, host, origin
from local.http_client import request
from local.job_polling import statuses
from local.ports import free_port
from local.settings import ROOT, Port
from shared_code.documents import DocumentLimits, extract

CONTAINER = "benchmark"
POLL_SECONDS = 0.1
JOB_SECONDS = 3_600.0
GIVEN = "_given"
_REQUEST = {"env": "benchmark", "version": "v1", "filesPath": CONTAINER}


class Contender(ABC):
    """Something that keeps an index of documents."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        """The process that works, together with its children."""

    @abstractmethod
    def prepare(self, documents: Sequence[Draft]) -> None:
        """Puts the documents where they are read from; not measured."""

    @abstractmethod
    def ingest(self) -> None:
        """Brings the index in line with the documents."""


class Job(Contender):
    """The job over HTTP on the development host, with blobs, and vectors in Cosmos DB."""

    def __init__(self, pid: int, origin: str, blobs: BlobServiceClient) -> None:
        super().__init__(pid)
        self.origin = origin
        self._container = blobs.get_container_client(CONTAINER)
        self._uploaded: dict[str, Draft] = {}

    def prepare(self, documents: Sequence[Draft]) -> None:
        """Uploads what differs from what is there."""
        with suppress(ResourceExistsError):
            self._container.create_container()
        for draft in documents:
            if self._uploaded.get(draft.name) != draft:
                self._container.upload_blob(draft.name, draft.content, overwrite=True)
                self._uploaded[draft.name] = draft

    def ingest(self) -> None:
        """Runs a job, of which no file may fail."""
        *_, status = statuses(self.submit(), seconds=JOB_SECONDS, interval=POLL_SECONDS)
        if status["status"] != "Completed" or status["result"]["failed"]:
            raise RuntimeError(f"The job has not embedded every file: {status}")

    def submit(self) -> str:
        """Begins a job; the address of its status."""
        submitted = request("POST", f"{self.origin}/api/orchestrators/start", body=_REQUEST).json()
        return str(submitted["statusUri"])


class Peer(Contender):
    """A library in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path, *, reads: bool) -> None:
        super().__init__(process.pid)
        self._process = process
        self._reads = reads
        self._files = folder / "documents"
        self._texts = folder / "texts.json"
        self._hear("ready")

    def prepare(self, documents: Sequence[Draft]) -> None:
        """Writes the files, or their texts."""
        if not self._reads:
            self._texts.write_text(json.dumps({draft.name: text_of(draft) for draft in documents}))
            return
        for draft in documents:
            file = self._files / draft.name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(draft.content)

    def ingest(self) -> None:
        """Has it embed them."""
        commands = _pipe(self._process.stdin)
        commands.write(f"{self._files if self._reads else self._texts}\n")
        commands.flush()
        self._hear("done")

    def _hear(self, word: str) -> None:
        heard = _pipe(self._process.stdout).readline().strip()
        if heard != word:
            raise RuntimeError(f"The peer said {heard!r} instead of {word!r}: its errors are above.")


@contextmanager
def job(stack: Emulators, folder: Path) -> Iterator[Job]:
    """The app on a host of its own."""
    port = Port("PORT", free_port())
    environment = clean_environment(stack.storage.connection_string) | stack.app_settings()
    log = folder / "host.log"
    with (
        host(port, state_file=folder / "host.db", environment=environment, log=log) as serving,
        BlobServiceClient.from_connection_string(stack.storage.connection_string) as blobs,
    ):
        yield Job(serving.process.pid, origin(port), blobs)


@contextmanager
def peer(name: str, stack: Emulators, folder: Path) -> Iterator[Peer]:
    """A peer of embed_peers; one that is given the texts has a name that says so."""
    library = name.removesuffix(GIVEN)
    services = [stack.embeddings.endpoint, API_KEY, stack.cosmos.endpoint, KEY]
    command = [sys.executable, "-m", "benchmarks.embed_peers", library, *services]
    with subprocess.Popen(  # noqa: S603 - our own module
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Peer(process, folder, reads=name == library)
        _pipe(process.stdin).close()


def text_of(draft: Draft) -> str:
    """The text that the app extracts from a document."""
    document = extract(draft.name, draft.content, DocumentLimits())
    return "\n".join(segment.text for segment in document.segments)


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise RuntimeError("The process has no pipe.")
    return pipe
