"""`make put`: a user's own files in the storage of the local stack."""

from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from local.emulators.azurite import Azurite
from local.errors import NothingToPut
from local.ports import free_port
from local.put import run_put
from local.settings import StackSettings


def test_files_below_a_folder_are_there_with_the_request_that_embeds_them(
    storage: Azurite, stack_settings: StackSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "my docs"
    (folder / "deep").mkdir(parents=True)
    (folder / ".git").mkdir()
    for name in ("a.txt", "deep/b.txt", ".git/config"):
        (folder / name).write_text(name)
    run_put(stack_settings, {"FILES": str(folder)})
    with ContainerClient.from_connection_string(storage.connection_string, "files") as container:
        names = [blob.name for blob in container.list_blobs(name_starts_with="my docs/")]
    assert names == ["my docs/a.txt", "my docs/deep/b.txt"]
    assert '"filesPath": "files/my docs"' in capsys.readouterr().out


@pytest.mark.parametrize("written", ["", "/nowhere"])
def test_what_is_not_there_is_named(stack_settings: StackSettings, written: str):
    with pytest.raises(NothingToPut, match="use make put FILES="):
        run_put(stack_settings, {"FILES": written})


def test_storage_that_does_not_serve_is_named(tmp_path: Path):
    (tmp_path / "a.txt").write_text("a")
    settings = StackSettings.read({"AZURITE_BLOB_PORT": str(free_port())})
    with pytest.raises(NothingToPut, match="run make start first"):
        run_put(settings, {"FILES": str(tmp_path)})
