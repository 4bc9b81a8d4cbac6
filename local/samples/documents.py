"""Made-up documents of a small harbour, one or more of every kind: the files below `files`.

Some cannot be read, as in any real collection: an embedding job has to account for those too.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient, ContentSettings

CONTAINER = "samples"

_FILES = Path(__file__).with_name("files")
_UNREADABLE = ("broken", "pictures")


@dataclass(frozen=True)
class SampleDocument:
    """A file, and whether there is text to be had from it."""

    path: str
    content: bytes
    readable: bool = True


def documents() -> list[SampleDocument]:
    """Every sample document, in the order of the paths."""
    return [_document(file) for file in sorted(_FILES.rglob("*")) if file.is_file()]


def upload(blobs: BlobServiceClient) -> int:
    """Writes to the container `samples` what differs from what it holds; how many documents were written."""
    container = blobs.get_container_client(CONTAINER)
    with suppress(ResourceExistsError):  # then it may hold the documents already
        container.create_container()
    there = {blob.name: bytes(blob.content_settings.content_md5 or b"") for blob in container.list_blobs()}
    changed = [one for one in documents() if there.get(one.path) != _md5(one.content)]
    for document in changed:
        settings = ContentSettings(content_md5=bytearray(_md5(document.content)))
        container.upload_blob(document.path, document.content, overwrite=True, content_settings=settings)
    return len(changed)


def remove_others(blobs: BlobServiceClient) -> None:
    """Deletes what the container `samples` holds beside them, such as a document of an earlier release."""
    container = blobs.get_container_client(CONTAINER)
    paths = {document.path for document in documents()}
    for name in container.list_blob_names():
        if name not in paths:
            container.delete_blob(name)


def _document(file: Path) -> SampleDocument:
    path = file.relative_to(_FILES)
    return SampleDocument(path.as_posix(), file.read_bytes(), readable=path.parts[0] not in _UNREADABLE)


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()
