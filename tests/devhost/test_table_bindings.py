"""The binding `table`: entities that functions read and write beside their trigger, on a real service."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.data.tables.aio import TableClient, TableServiceClient

from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import RETURN, SampleApp, http_trigger
from tests.devhost.storage_app import Storage, fresh_name


def table(name: str, direction: str, **properties: Any) -> dict[str, Any]:
    return {"name": "rows", "type": "table", "direction": direction, "tableName": name, **properties}


@pytest.fixture
async def people(account: Storage) -> AsyncIterator[TableClient]:
    """A table that is not there yet."""
    async with TableServiceClient.from_connection_string(account.connection_string) as service:
        yield service.get_table_client(fresh_name("people").replace("-", ""))


@pytest.fixture
async def filled(people: TableClient) -> TableClient:
    await people.create_table()
    for partition, row, age in [("a", "1", 7), ("a", "2", 8), ("b", "1", 9), ("o'x", "1", 10)]:
        await people.create_entity({"PartitionKey": partition, "RowKey": row, "age": age})
    return people


READS = "def main(req, rows): return repr(rows)\n"
WRITES = """
    import json
    import azure.functions as func
    def main(req: func.HttpRequest, rows: func.Out[str]):
        rows.set(req.get_body().decode())
        return "ok"
"""


async def rows_of(people: TableClient) -> list[dict[str, Any]]:
    return [dict(entity) async for entity in people.list_entities()]


async def test_row_key_narrows_nothing_as_on_azure_with_a_warning(
    app: SampleApp, start: StartHost, filled: TableClient, caplog: pytest.LogCaptureFixture
):
    binding = table(filled.table_name, "in", partitionKey="a", rowKey="{id}")
    code = "def main(req, rows): return rows\n"
    app.function("f", http_trigger(route="f/{id}"), RETURN, binding, code=code)
    found = (await (await start()).get("/api/f/2")).json
    assert [row["RowKey"] for row in found] == ["1", "2"]
    assert "The rowKey of the input 'rows' of 'f' has no effect, as on Azure" in caplog.text


@pytest.mark.parametrize(
    ("properties", "ages"),
    [
        ({}, [7, 8, 9, 10]),
        ({"partitionKey": "a"}, [7, 8]),
        ({"partitionKey": "{who}"}, [10]),
        ({"filter": "age gt 7 and age lt 10"}, [8, 9]),
        ({"partitionKey": "a", "filter": "age eq 9 or age eq 8"}, [8]),
        ({"take": 2}, [7, 8]),
        ({"partitionKey": "nobody"}, []),
    ],
)
async def test_entities_are_a_list_that_filter_and_take_narrow(
    app: SampleApp, start: StartHost, filled: TableClient, properties: dict[str, Any], ages: list[int]
):
    code = "def main(req, rows: str): return rows\n"
    app.function("f", http_trigger(), RETURN, table(filled.table_name, "in", **properties), code=code)
    found = (await (await start()).get("/api/f?who=o'x")).json
    assert [row["age"] for row in found] == ages


async def test_table_that_is_not_there_is_an_empty_list(
    app: SampleApp, start: StartHost, people: TableClient
):
    app.function("f", http_trigger(), RETURN, table(people.table_name, "in"), code=READS)
    assert (await (await start()).get("/api/f")).text == "'[]'"


async def test_output_creates_the_table_and_an_entity_with_the_keys_of_the_binding(
    app: SampleApp, start: StartHost, people: TableClient
):
    binding = table(people.table_name, "out", partitionKey="p", rowKey="{rand-guid}")
    app.function("f", http_trigger(), RETURN, binding, code=WRITES)
    entity = {"name": "Ann", "age": 5, "half": 0.5, "ok": True, "none": None, "more": {"a": [1]}}
    await (await start()).post("/api/f", data=json.dumps(entity))
    (row,) = await rows_of(people)
    assert (row["PartitionKey"], len(row["RowKey"]), row["age"].value) == ("p", 36, 5)
    assert {name: row[name] for name in ("name", "half", "ok", "more")} == {
        "name": "Ann",
        "half": 0.5,
        "ok": True,
        "more": '{"a":[1]}',
    }
    assert "none" not in row


@pytest.mark.parametrize("value", ["None", "'returned'"])
async def test_value_that_is_returned_beside_an_output_does_not_go_there(
    app: SampleApp, start: StartHost, people: TableClient, value: str
):
    binding = table(people.table_name, "out", partitionKey="p", rowKey="1")
    code = f"def main(req, rows):\n    rows.set('{{\"age\": 5}}')\n    return {value}\n"
    app.function("f", http_trigger(), binding, code=code)
    assert (await (await start()).get("/api/f")).status in (200, 204)
    assert [row["age"].value for row in await rows_of(people)] == [5]


async def test_output_of_a_list_is_an_entity_each_with_keys_in_any_case(
    app: SampleApp, start: StartHost, people: TableClient
):
    app.function("f", http_trigger(), RETURN, table(people.table_name, "out"), code=WRITES)
    entities = [{"partitionKey": "p", "rowkey": str(number)} for number in range(101)]
    await (await start()).post("/api/f", data=json.dumps([*entities, {"PartitionKey": "q", "RowKey": "1"}]))
    assert len(await rows_of(people)) == 102


@pytest.mark.parametrize(
    ("etag", "answer"), [({}, (500, 7)), ({"ETag": "*"}, (200, 50)), ({"ETag": 'W/"old"'}, (500, 7))]
)
async def test_entity_that_is_there_is_replaced_only_with_an_etag(
    app: SampleApp, start: StartHost, filled: TableClient, etag: dict[str, str], answer: tuple[int, int]
):
    app.function("f", http_trigger(), RETURN, table(filled.table_name, "out"), code=WRITES)
    body = {"PartitionKey": "a", "RowKey": "1", "age": 50, **etag}
    status = (await (await start()).post("/api/f", data=json.dumps(body))).status
    age = (await filled.get_entity("a", "1"))["age"]
    assert (status, getattr(age, "value", age)) == answer


async def test_numbers_and_booleans_are_keys_as_dotnet_shows_them(
    app: SampleApp, start: StartHost, people: TableClient
):
    app.function("f", http_trigger(), RETURN, table(people.table_name, "out"), code=WRITES)
    body = json.dumps([{"PartitionKey": 1, "RowKey": key} for key in (2, 1.5, True)])
    assert (await (await start()).post("/api/f", data=body)).status == 200
    keys = {(entity["PartitionKey"], entity["RowKey"]) async for entity in people.list_entities()}
    assert keys == {("1", "2"), ("1", "1.5"), ("1", "True")}


@pytest.mark.parametrize("body", ["[1]", "no JSON", '{"RowKey": "1"}', '{"PartitionKey": [], "RowKey": "1"}'])
async def test_what_is_no_entity_fails_the_call_and_names_the_table(
    app: SampleApp, start: StartHost, people: TableClient, body: str, caplog: pytest.LogCaptureFixture
):
    app.function("f", http_trigger(), RETURN, table(people.table_name, "out"), code=WRITES)
    assert (await (await start()).post("/api/f", data=body)).status == 500
    assert f"The binding 'rows' could not use the table '{people.table_name}'" in caplog.text


async def test_entities_of_the_v2_model_are_read_and_written(
    app: SampleApp, start: StartHost, filled: TableClient
):
    code = f"""
        import json
        import azure.functions as func
        app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
        @app.route()
        @app.table_input("rows", "AzureWebJobsStorage", "{filled.table_name}", partition_key="a")
        @app.table_output("new", "AzureWebJobsStorage", "{filled.table_name}", partition_key="c", row_key="1")
        def f(req: func.HttpRequest, rows: str, new: func.Out[str]):
            new.set(json.dumps({{"age": sum(row["age"] for row in json.loads(rows))}}))
            return "ok"
    """
    app.file("function_app.py", code)
    assert (await (await start()).get("/api/f")).text == "ok"
    assert (await filled.get_entity("c", "1"))["age"].value == 15
