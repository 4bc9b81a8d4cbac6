"""Blobs start functions: which ones, how often, and what is remembered of it, as on the Functions host."""

import base64
import json
from typing import Any

import pytest

from devhost.app.blob_path import BlobPath, InvalidBlobPath
from devhost.storage.blob_receipts import host_id
from devhost.triggers.blob_trigger import POISON_QUEUE
from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import RETURN, SampleApp, http_trigger
from tests.devhost.storage_app import Storage, until


def blob_trigger(path: str, **properties: Any) -> dict[str, Any]:
    return {"name": "file", "type": "blobTrigger", "direction": "in", "path": path, **properties}


NOTES = """
    import json
    def main(file, context):
        note = {"name": file.name, "uri": file.uri, "length": file.length, "text": file.read().decode()}
        with open("notes", "a") as notes: notes.write(json.dumps(note) + "\\n")
"""


def notes(app: SampleApp) -> list[dict[str, Any]]:
    """What the function has noted of the blobs that it was called for."""
    file = app.root / "notes"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


async def noted(app: SampleApp, count: int) -> list[str]:
    """The names of the blobs, when there have been so many calls."""
    await until(lambda: len(notes(app)) >= count)
    return sorted(note["name"] for note in notes(app))


async def receipts(app: SampleApp, account: Storage) -> list[str]:
    container = account.blobs.get_container_client("azure-webjobs-hosts")
    prefix = f"blobreceipts/{host_id(app.root)}/"
    if not await container.exists():
        return []
    return [name.removeprefix(prefix) async for name in container.list_blob_names(name_starts_with=prefix)]


@pytest.mark.parametrize(
    ("path", "blob", "parts"),
    [
        ("in/{folder}/{name}.txt", "a/x.txt", {"folder": "a", "name": "x"}),
        ("in/{folder}/{name}.txt", "a/b/deep.txt", {"folder": "a/b", "name": "deep"}),
        ("in/{folder}/{name}.txt", "x.txt", None),
        ("in/{folder}/{name}.txt", "a/other.csv", None),
        ("in", "any/thing", {}),
        ("in/", "any/thing", {}),
        ("/in/{name}", "a/b", {"name": "a/b"}),
        ("in/fixed.txt", "fixed.txt", {}),
        ("in/fixed.txt", "fixed_txt", None),
        ("in/{a}-{b}", "x-y-z", {"a": "x-y", "b": "z"}),
        ("in/{name}", "line\nfeed", {"name": "line\nfeed"}),
    ],
)
def test_path_fits_blobs_by_their_names(path: str, blob: str, parts: dict[str, str] | None):
    assert BlobPath.parse(path).match(blob) == parts


@pytest.mark.parametrize(
    "path", ["", "/", "{container}/{name}", "In/{name}", "in/{}", "in/{a}{a}", "in/{a", "in/a}"]
)
def test_path_of_no_container_or_with_a_nameless_part_is_refused(path: str):
    with pytest.raises(InvalidBlobPath):
        BlobPath.parse(path)


async def test_blobs_that_are_there_and_those_that_come_are_delivered_once_each(
    app: SampleApp, start: StartHost, account: Storage
):
    container = await account.new_container()
    await account.upload(f"{container}/a/old.txt", b"old")
    await account.upload(f"{container}/other.csv")
    app.function("f", blob_trigger(f"{container}/{{folder}}/{{name}}.txt"), code=NOTES)
    await start()
    assert await noted(app, 1) == [f"{container}/a/old.txt"]
    await account.upload(f"{container}/a/b/new.txt", b"")
    assert await noted(app, 2) == [f"{container}/a/b/new.txt", f"{container}/a/old.txt"]
    old, new = notes(app)
    assert (old["length"], old["text"], new["length"], new["text"]) == (3, "old", None, "")
    assert old["uri"].endswith(f"/devstoreaccount1/{container}/a/old.txt")


async def test_overwritten_blob_is_delivered_again(app: SampleApp, start: StartHost, account: Storage):
    container = await account.new_container()
    await account.upload(f"{container}/x", b"1")
    app.function("f", blob_trigger(container), code=NOTES)
    await start()
    await noted(app, 1)
    await account.upload(f"{container}/x", b"2")
    await noted(app, 2)
    assert [note["text"] for note in notes(app)] == ["1", "2"]


async def test_container_may_come_after_the_host(app: SampleApp, start: StartHost, account: Storage):
    container = await account.new_container()
    await account.blobs.delete_container(container)
    app.function("f", blob_trigger(f"{container}/{{name}}"), code=NOTES)
    await start()
    await account.blobs.create_container(f"{container}")
    await account.upload(f"{container}/x")
    assert await noted(app, 1) == [f"{container}/x"]


async def test_receipt_keeps_a_blob_from_being_delivered_after_a_restart(
    app: SampleApp, start: StartHost, account: Storage
):
    container = await account.new_container()
    await account.upload(f"{container}/x")
    app.function("f", blob_trigger(container), code=NOTES)
    client = await start()
    (receipt,) = await until(lambda: receipts(app, account))
    etag = (await account.blobs.get_blob_client(container, "x").get_blob_properties()).etag
    assert receipt == f"Host.Functions.f/{etag}/{container}/x"
    await client.host._triggers.stop(grace=1)
    await account.upload(f"{container}/y")
    await start()
    assert await noted(app, 2) == [f"{container}/x", f"{container}/y"]


FAILS = """
    def main(file):
        with open("attempts", "a") as attempts: attempts.write("x")
        1 / 0
"""


async def test_failing_function_is_tried_five_times_and_the_blob_goes_to_the_poison_queue(
    app: SampleApp, start: StartHost, account: Storage
):
    container = await account.new_container()
    await account.upload(f"{container}/a/x.txt")
    app.function("f", blob_trigger(f"{container}/{{name}}"), code=FAILS)
    await start()
    (receipt,) = await until(lambda: receipts(app, account))
    etag = receipt.split("/")[1]
    texts = [message.content for message in await account.arrivals(POISON_QUEUE)]
    message = {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.f",
        "BlobType": "BlockBlob",
        "ContainerName": container,
        "BlobName": "a/x.txt",
        "ETag": etag,
    }
    assert base64.b64encode(json.dumps(message, indent=2).encode()).decode() in texts
    assert (app.root / "attempts").read_text() == "xxxxx"


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (("", {}), "InputStream b'\\xff'"),
        ((": func.InputStream", {"dataType": "binary"}), "InputStream b'\\xff'"),
        ((": bytes", {}), "bytes b'\\xff'"),
        ((": str", {"dataType": "string"}), "str '\ufffd'"),
    ],
)
async def test_content_is_given_as_the_parameter_asks_for_it(
    app: SampleApp, start: StartHost, account: Storage, parameter: tuple[str, Any], expected: str
):
    annotation, properties = parameter
    container = await account.new_container()
    await account.upload(f"{container}/x", b"\xff")
    code = f"""
        import azure.functions as func
        def main(file{annotation}):
            value = file.read() if hasattr(file, "read") else file
            with open("seen", "w") as seen: seen.write(f"{{type(file).__name__}} {{value!r}}")
    """
    app.function("f", blob_trigger(container, **properties), code=code)
    await start()
    await until(lambda: (app.root / "seen").exists() and (app.root / "seen").read_text() == expected)


async def test_parts_of_the_name_fill_in_other_bindings(app: SampleApp, start: StartHost, account: Storage):
    container = await account.new_container()
    await account.upload(f"{container}/a/x.txt", b'{"name": "of the content"}')
    out = {
        "name": "$return",
        "type": "blob",
        "direction": "out",
        "path": f"{container}-out/{{name}}.{{folder}}",
    }
    code = "def main(file): return file.read()\n"
    app.function("f", blob_trigger(f"{container}/{{folder}}/{{name}}.txt"), out, code=code)
    await start()
    await until(lambda: receipts(app, account))
    assert await account.blob(f"{container}-out", "x.a") == b'{"name": "of the content"}'


async def test_run_by_hand_names_the_blob(app: SampleApp, start: StartHost, account: Storage):
    container = await account.new_container()
    app.function("f", blob_trigger(f"{container}/in/{{name}}"), code=NOTES)
    client = await start()
    await account.upload(f"{container}/elsewhere")
    answer = await client.post("/admin/functions/f", json={"input": f"{container}/elsewhere"})
    assert answer.status == 202
    assert await noted(app, 1) == [f"{container}/elsewhere"]


async def test_blob_that_was_in_hand_when_the_host_stopped_is_delivered_again(
    app: SampleApp, start: StartHost, account: Storage
):
    container = await account.new_container()
    await account.upload(f"{container}/x")
    code = """
        import asyncio, pathlib
        async def main(file):
            if pathlib.Path("begun").exists():
                pathlib.Path("again").touch()
                return
            pathlib.Path("begun").touch()
            await asyncio.sleep(60)
    """
    app.function("f", blob_trigger(container), code=code)
    client = await start()
    await app.wrote("begun")
    await client.host._triggers.stop(grace=0)
    await start()
    await app.wrote("again")


async def test_trigger_without_a_usable_path_is_an_error_of_its_function(
    app: SampleApp, start: StartHost, account: Storage, caplog: pytest.LogCaptureFixture
):
    app.function("f", blob_trigger("{container}/{name}"), code=NOTES)
    app.function("g", http_trigger(), RETURN)
    assert (await (await start()).get("/api/g")).status == 200
    assert "The 'f' function is in error: '{container}/{name}' is not a path of a blob trigger" in caplog.text


async def test_stop_waits_for_the_function_that_has_a_blob_in_hand(
    app: SampleApp, start: StartHost, account: Storage
):
    container = await account.new_container()
    await account.upload(f"{container}/x")
    code = """
        import time
        def main(file):
            open("begun", "w").close()
            time.sleep(0.3)
            open("ended", "w").close()
    """
    app.function("f", blob_trigger(container), code=code)
    client = await start()
    await app.wrote("begun")
    await client.host._triggers.stop(grace=5)
    assert (app.root / "ended").exists()
    assert len(await receipts(app, account)) == 1


async def test_account_that_is_named_for_queues_alone_is_an_error_of_that_function_alone(
    app: SampleApp,
    start: StartHost,
    account: Storage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    monkeypatch.setenv("Files__queueServiceUri", "https://files.queue.core.windows.net")
    app.function("read", blob_trigger("in/{name}", connection="Files"), code=NOTES)
    output = {"name": "out", "type": "blob", "direction": "out", "path": "out/x", "connection": "Files"}
    code = "import azure.functions as func\ndef main(req, out: func.Out[str]): out.set('x')\n"
    app.function("write", http_trigger(), output, code=code)
    app.http("hello")
    client = await start()
    lacking = "The setting 'Files' is missing, and so is 'Files__blobServiceUri': set it to"
    assert f"The 'read' function is in error: {lacking}" in caplog.text
    assert (await client.get("/api/hello")).status == 200
    caplog.clear()
    assert (await client.get("/api/write")).status == 500
    assert lacking in caplog.text


async def test_start_says_that_azure_would_wait_for_events_instead_of_looking(
    app: SampleApp, start: StartHost, account: Storage, caplog: pytest.LogCaptureFixture
):
    container = await account.new_container()
    app.function("f", blob_trigger(f"{container}/{{name}}", source="EventGrid"), code=NOTES)
    await account.upload(f"{container}/here")
    await start()
    assert "This host looks for the blobs of 'f' itself" in caplog.text
    assert await noted(app, 1) == [f"{container}/here"]
