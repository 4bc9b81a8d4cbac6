"""`make put FILES=folder`: the user's own files in the storage of `make start`, and how to embed them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

from local.emulators.azurite import connection_string
from local.errors import NothingToPut
from local.host import origin
from local.ports import is_free
from local.settings import StackSettings

CONTAINER = "files"


def run_put(settings: StackSettings, environment: Mapping[str, str] = os.environ) -> None:
    """Writes a file, or all files below a folder, and prints the request that embeds them.

    Raises:
        NothingToPut: no file is named, or no storage serves.
    """
    written = environment.get("FILES", "")
    path = Path(written).expanduser()
    files = list(_files_below(path)) if written else []
    if not files:
        raise NothingToPut(f"No file is at FILES={written!r}: use make put FILES=~/documents.")
    if is_free(settings.blob.number):
        raise NothingToPut("No storage serves: run make start first, in another terminal.")
    folder = path.resolve().name if path.is_dir() else ""
    with BlobServiceClient.from_connection_string(connection_string(settings)) as blobs:
        container = blobs.get_container_client(CONTAINER)
        with suppress(ResourceExistsError):
            container.create_container()
        for name, file in files:
            container.upload_blob(f"{folder}/{name}".lstrip("/"), file.read_bytes(), overwrite=True)
    print(f"{len(files)} files are in {CONTAINER}/{folder}. To embed them:")
    print(embedding_request(settings, f"{CONTAINER}/{folder or files[0][0]}"))


def embedding_request(settings: StackSettings, path: str) -> str:
    """The command that embeds what is at a path of the storage."""
    body = f'{{"env": "demo", "version": "v1", "filesPath": "{path}"}}'
    return f"curl {origin(settings.host)}/api/orchestrators/start -d '{body}'"


def _files_below(path: Path) -> Iterator[tuple[str, Path]]:
    """Each file with its name below the path; hidden ones are left out."""
    if path.is_file():
        yield path.name, path
        return
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path)
        if file.is_file() and not any(part.startswith(".") for part in name.parts):
            yield name.as_posix(), file
