"""What functions put out to queues and blobs, and what they read of blobs, on a real storage service."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from devhost.app.binding_expressions import BindingData
from devhost.app.bindings import text_datum
from devhost.errors import UnresolvedExpression
from devhost.storage import patience
from tests.devhost.sample_app import RETURN, http_trigger
from tests.devhost.storage_app import base64_text, fresh_name, queue_trigger, until


def queue_out(queue: str, name: str = "msg", **properties: Any) -> dict[str, Any]:
    return {"name": name, "type": "queue", "direction": "out", "queueName": queue, **properties}


def blob(path: str, direction: str, name: str = "file", **properties: Any) -> dict[str, Any]:
    return {"name": name, "type": "blob", "direction": direction, "path": path, **properties}


PUTS_MESSAGE = """
    import typing
    import azure.functions as func
    def main(req: func.HttpRequest, msg: func.Out[{annotation}]) -> func.HttpResponse:
        msg.set({value})
        return func.HttpResponse("sent")
"""


@pytest.mark.parametrize(
    ("annotation", "value", "sent"),
    [
        ("str", "'Grüße'", ["Grüße"]),
        ("bytes", "b'abc'", ["abc"]),
        ("func.QueueMessage", "func.QueueMessage(body='of a message')", ["of a message"]),
        ("typing.List[str]", "['one', 'two']", ["one", "two"]),
        ("str", "['a', 'b']", ["a", "b"]),
        ("str", "{'a': 1}", ['{\n  "a": 1\n}']),
        ("str", "5", ["5"]),
        ("bytes", "1.5", ["1.5"]),
        ("str", "True", ["True"]),
        ("bytes", "[{'a': 1}, 2]", ['{\n  "a": 1\n}', "2"]),
        ("str", "'[1, 2, 3]'", ["1", "2", "3"]),
        ("str", "' [true, 1.0, null, \"x\", [1]] '", ["True", "1", "", "x", "[\n  1\n]"]),
        ("str", '\'{"a":1,"b":{}}\'', ['{\n  "a": 1,\n  "b": {}\n}']),
        ("str", '\'{"id":1,"body":2}\'', ['{\n  "id": 1,\n  "body": 2\n}']),
        ("str", "'[]'", []),
        ("str", "'true'", ["true"]),
        ("str", "'[half'", ["[half"]),
        ("bytes", "b'[1, 2]'", ["[1, 2]"]),
        (
            "typing.List[str]",
            "[func.QueueMessage(body='one'), func.QueueMessage(body='two')]",
            ["one", "two"],
        ),
    ],
)
async def test_out_parameter_of_every_kind_becomes_base64_messages(  # noqa: PLR0917 - fixtures
    app, account, start, annotation, value, sent
):
    name = fresh_name("out")
    code = PUTS_MESSAGE.format(annotation=annotation, value=value)
    app.function("put", http_trigger(), RETURN, queue_out(name), code=code)
    client = await start()
    assert (await client.get("/api/put")).text == "sent"
    messages = await account.arrivals(name, len(sent)) if sent else []
    assert sorted(message.content for message in messages) == sorted(base64_text(text) for text in sent)


async def test_text_that_only_looks_like_json_fails_the_call_as_on_azure(app, account, start, caplog):
    code = PUTS_MESSAGE.format(annotation="str", value="'[INFO] done [ok]'")
    app.function("put", http_trigger(), RETURN, queue_out(fresh_name("out")), code=code)
    assert (await (await start()).get("/api/put")).status == 500
    assert "the text begins and ends like JSON, and is not" in caplog.text


@pytest.mark.parametrize("text", ["message", '{"status": 404}', "true"])
async def test_text_that_an_http_function_returns_to_a_queue_is_its_answer_too(app, account, start, text):
    name = fresh_name("out")
    code = f"def main(req) -> str: return {text!r}\n"
    app.function("put", http_trigger(), queue_out(name, "$return"), code=code)
    answer = await (await start()).get("/api/put")
    assert (answer.status, answer.text) == (200, text)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert len(await account.arrivals(name)) == 1


async def test_text_that_an_http_function_returns_to_a_blob_is_its_answer_too(app, account, start):
    container = fresh_name("files")
    code = "def main(req) -> str: return 'content'\n"
    app.function("put", http_trigger(), blob(f"{container}/x", "out", "$return"), code=code)
    answer = await (await start()).get("/api/put")
    assert (answer.status, answer.text) == (200, "content")
    assert await account.blob(container, "x") == b"content"


async def test_text_returned_to_a_queue_answers_for_an_http_output_that_is_not_set(app, account, start):
    name = fresh_name("out")
    code = """
        import azure.functions as func
        def main(req: func.HttpRequest, res: func.Out[func.HttpResponse]) -> str:
            if req.params.get("set"):
                res.set(func.HttpResponse("set", status_code=201))
            return "message"
    """
    app.function("put", http_trigger(), {**RETURN, "name": "res"}, queue_out(name, "$return"), code=code)
    client = await start()
    unset, answered = await client.get("/api/put"), await client.get("/api/put?set=1")
    assert (unset.status, unset.text) == (200, "message")
    assert (answered.status, answered.text) == (201, "set")


async def test_queue_that_does_not_exist_is_created_for_the_first_message(app, account, start):
    name = fresh_name("out")
    app.function(
        "put",
        http_trigger(),
        RETURN,
        queue_out(name),
        code=PUTS_MESSAGE.format(annotation="str", value="'x'"),
    )
    client = await start()
    assert name not in await account.names_of_queues()
    await client.get("/api/put")
    assert name in await account.names_of_queues()


async def test_messages_are_plain_where_host_json_says_no_encoding(app, account, start):
    app.file("host.json", {"version": "2.0", "extensions": {"queues": {"messageEncoding": "none"}}})
    name = fresh_name("out")
    app.function(
        "put",
        http_trigger(),
        RETURN,
        queue_out(name),
        code=PUTS_MESSAGE.format(annotation="str", value="'x'"),
    )
    await (await start()).get("/api/put")
    assert [message.content for message in await account.arrivals(name)] == ["x"]


async def test_returned_value_goes_to_the_queue_of_the_return_binding(app, account, start):
    queue, name = await account.new_queue(), fresh_name("out")
    app.function(
        "pass",
        queue_trigger(queue.queue_name),
        queue_out(name, "$return"),
        code="def main(msg: str) -> str: return msg.upper()\n",
    )
    await start()
    await queue.send_message(base64_text("loud"))
    assert [message.content for message in await account.arrivals(name)] == [base64_text("LOUD")]


async def test_out_parameter_that_is_not_set_sends_nothing(app, account, start):
    name = fresh_name("out")
    app.function(
        "put",
        http_trigger(),
        RETURN,
        queue_out(name),
        code="""
            import azure.functions as func
            def main(req: func.HttpRequest, msg: func.Out[str]) -> str:
                return "nothing"
        """,
    )
    assert (await (await start()).get("/api/put")).text == "nothing"
    assert name not in await account.names_of_queues()


async def test_failed_function_sends_nothing(app, account, start):
    name = fresh_name("out")
    code = PUTS_MESSAGE.format(annotation="str", value="'x'") + "        raise ValueError('cannot')\n"
    app.function("put", http_trigger(), RETURN, queue_out(name), code=code.replace("return", "0; #"))
    assert (await (await start()).get("/api/put")).status == 500
    assert name not in await account.names_of_queues()


async def test_storage_that_does_not_answer_fails_the_call_and_names_the_binding(
    app, account, start, monkeypatch, caplog
):
    monkeypatch.setattr(patience, "PATIENCE", timedelta())
    monkeypatch.setenv("Gone", re.sub(r":\d+/", ":9/", account.connection_string))
    code = PUTS_MESSAGE.format(annotation="str", value="'x'")
    app.function("put", http_trigger(), RETURN, queue_out("queue", connection="Gone"), code=code)
    assert (await (await start()).get("/api/put")).status == 500
    assert "The binding 'msg' could not use the queue 'queue'" in caplog.text


@pytest.mark.parametrize(("annotation", "value"), [("str", "'Grüße'"), ("bytes", "'Grüße'.encode()")])
async def test_blob_is_written_in_place_of_an_older_one(app, account, start, annotation, value):
    container = fresh_name("files")
    code = f"""
        import azure.functions as func
        def main(req: func.HttpRequest, file: func.Out[{annotation}]) -> str:
            file.set({value} * int(req.params["times"]))
            return "written"
    """
    app.function("put", http_trigger(), RETURN, blob(f"{container}/a/b.txt", "out"), code=code)
    client = await start()
    for times in (2, 1):
        assert (await client.get(f"/api/put?times={times}")).text == "written"
    assert (await account.blob(container, "a/b.txt")).decode() == "Grüße"


async def test_blob_path_is_filled_in_from_the_message_of_the_trigger(app, account, start):
    queue, container = await account.new_queue(), fresh_name("files")
    app.function(
        "save",
        queue_trigger(queue.queue_name),
        blob(f"{container}/{{customer}}/{{Number}}.txt", "out", "$return"),
        code="def main(msg: str) -> str: return msg\n",
    )
    await start()
    body = json.dumps({"customer": "acme", "number": 7})
    await queue.send_message(base64_text(body))
    await until(lambda: account.is_empty(queue.queue_name))
    assert (await account.blob(container, "acme/7.txt")).decode() == body


async def test_blob_input_reads_what_the_route_names_and_none_where_nothing_is(app, account, start):
    container = fresh_name("files")
    await (await account.blobs.create_container(container)).upload_blob("known.txt", b"content")
    code = """
        import azure.functions as func
        def main(req: func.HttpRequest, file: func.InputStream) -> str:
            return file.read().decode() if file else "none"
    """
    app.function(
        "get", http_trigger(route="files/{name}"), RETURN, blob(f"{container}/{{name}}", "in"), code=code
    )
    client = await start()
    assert (await client.get("/api/files/known.txt")).text == "content"
    assert (await client.get("/api/files/other.txt")).text == "none"


BYTES = bytes([0x89, 0x50, 0xFF, 0x00, 0xC3, 0xA4])
AS_TEXT = "\ufffdP\ufffd\0ä"


@pytest.mark.parametrize("annotation", ["str", "bytes", "func.InputStream"])
@pytest.mark.parametrize("data_type", [None, "string", "binary", "BINARY"])
async def test_blob_input_is_a_text_unless_its_data_type_is_binary(
    app, account, start, annotation, data_type
):
    container = fresh_name("files")
    await (await account.blobs.create_container(container)).upload_blob("x", BYTES)
    properties = {} if data_type is None else {"dataType": data_type}
    code = f"""
        import azure.functions as func
        def main(req: func.HttpRequest, file: {annotation}) -> str:
            return repr(file.read() if isinstance(file, func.InputStream) else file)
    """
    app.function("read", http_trigger(), RETURN, blob(f"{container}/x", "in", **properties), code=code)
    is_binary = (data_type or "").lower() == "binary"
    as_text = AS_TEXT.encode() if "Stream" in annotation else AS_TEXT
    assert (await (await start()).get("/api/read")).text == repr(BYTES if is_binary else as_text)


async def test_name_that_the_trigger_does_not_have_fails_the_call_and_is_named(app, account, start, caplog):
    app.function("get", http_trigger(), RETURN, blob("files/{who}", "in"), code=READS_FILE)
    assert (await (await start()).get("/api/get")).status == 500
    assert "{who} of a binding cannot be filled in: the trigger has no value of this name" in caplog.text


READS_FILE = """
    import azure.functions as func
    def main(req: func.HttpRequest, file: str) -> str:
        return "read"
"""


async def test_queue_as_an_input_is_an_error_of_that_function(app, account, start, caplog):
    app.function(
        "get", http_trigger(), RETURN, {**queue_out("queue", "file"), "direction": "in"}, code=READS_FILE
    )
    await start()
    assert "The 'get' function is in error: The binding 'file' of type 'queue' can only have" in caplog.text


@pytest.mark.parametrize(
    ("template", "pattern"),
    [
        ("{rand-guid}.txt", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.txt"),
        ("{DateTime}", r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ"),
        ("{dequeuecount}/{QueueTrigger}", "3/plain text"),
        ("%PLACE%/x", "here/x"),
        ("{rand-guid:N}", "[0-9a-f]{32}"),
        ("{DateTime:yyyy/MM/dd HHmm}", r"\d{4}/\d\d/\d\d \d{4}"),
        ("{sys.methodname}.txt", "mine.txt"),
    ],
)
def test_expression_is_filled_in(template, pattern, monkeypatch):
    monkeypatch.setenv("PLACE", "here")
    data = BindingData(
        text_datum("plain text"),
        {"DequeueCount": text_datum("3"), "QueueTrigger": text_datum("plain text")},
        function="mine",
    )
    assert re.fullmatch(pattern, data.expand(template))


async def test_blob_path_takes_members_of_members_query_and_headers(app, account, start):
    container = fresh_name("files")
    path = f"{container}/{{Customer.Name}}/{{query.part}}/{{headers.x-Of}}"
    app.function(
        "put", http_trigger(), blob(path, "out", "$return"), code="def main(req) -> str: return 'content'\n"
    )
    client = await start()
    body = {"customer": {"name": "acme"}}
    await client.post("/api/put?part=p", json=body, headers={"X-Of": "h"})
    assert await account.blob(container, "acme/p/h") == b"content"


def test_setting_that_is_not_set_is_named():
    with pytest.raises(UnresolvedExpression, match=r"%NOT_SET% .* set the app setting NOT_SET"):
        BindingData(text_datum(""), {}).expand("%NOT_SET%/x")


@pytest.mark.parametrize("value", ["'text'", "b'bytes'", "['a']", "{'a': 1}", "5", "1.5", "False"])
async def test_blob_takes_what_out_of_text_can_be_set_to(app, account, start, value):
    code = PUTS_MESSAGE.format(annotation="str", value=value)
    app.function("put", http_trigger(), RETURN, blob(f"{fresh_name('out')}/x", "out", "msg"), code=code)
    assert (await (await start()).get("/api/put")).text == "sent"
