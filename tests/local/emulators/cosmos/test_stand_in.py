"""What is only true of the stand-in: where its limits are, what it keeps, how it is started."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient, DatabaseProxy
from azure.cosmos.exceptions import CosmosHttpResponseError

from local.emulators.cosmos.service import KEY, Cosmos, cosmos
from local.errors import PortTaken, StateInUse
from local.http_client import request
from local.ports import free_port, is_free
from local.settings import Port, StackSettings
from tests.conftest import settings_in
from tests.local.emulators.cosmos.conftest import INDEXING, TEXTS, VECTORS, query
from tests.support.certificates import self_signed
from tests.support.web_servers import serving

HYBRID = (
    "SELECT TOP 1 VALUE c.id FROM c "
    "ORDER BY RANK RRF(VectorDistance(c.embedding, [1, 0, 0]), FullTextScore(c.text, 'crane'))"
)

ENDLESS = [f"SELECT VALUE {part * 5_000}1 FROM c" for part in ("(", "1+", "NOT (", "[")]  # noqa: S608 - no input


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("SELECT c.id FROM c JOIN t IN c.tags", "JOIN"),
        ("SELECT c.id FROM c WHERE c.id LIKE 't%'", "LIKE"),
        ("SELECT c.id FROM c WHERE ST_DISTANCE(c.a, c.b) < 1", "ST_DISTANCE"),
        ("SELECT c.id FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.tags)", "EXISTS"),
        ("SELECT VALUE (SELECT 1) FROM c", "query within a query"),
    ],
)
async def test_query_that_the_stand_in_lacks_is_refused_with_its_limit(
    text: str, named: str, container: ContainerProxy
) -> None:
    with pytest.raises(
        CosmosHttpResponseError, match=f"{named}.* not supported by the local stand-in"
    ) as refused:
        await query(container, text, "a.md")

    assert refused.value.status_code == 400


@pytest.mark.parametrize("text", ["(" * 5_000, *ENDLESS])
async def test_query_without_end_is_refused(text: str, container: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError) as refused:
        await query(container, text, "a.md")

    assert refused.value.status_code == 400


async def test_long_query_is_answered(container: ContainerProxy) -> None:
    await container.upsert_item({"id": "7", "source": "a.md", "place": 7})
    conditions = " OR ".join(f"c.place = {place}" for place in range(2_000))

    assert await query(container, f"SELECT VALUE c.id FROM c WHERE {conditions}", "a.md") == ["7"]  # noqa: S608 - above


async def test_query_of_the_first_part_of_a_partition_key_is_refused_not_answered_wrongly(
    database: DatabaseProxy,
) -> None:
    made = await database.create_container("two", PartitionKey(["/a", "/b"], kind="MultiHash"))
    await made.upsert_item({"id": "one", "a": "x", "b": "y"})

    assert (await made.read_item("one", ["x", "y"]))["b"] == "y"
    with pytest.raises(CosmosHttpResponseError, match="range of partition keys"):
        await query(made, "SELECT * FROM c", ["x"])


async def test_half_a_surrogate_pair_is_refused_not_kept_unreadable(container: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.upsert_item({"id": "one", "source": "a.md", "text": "\ud800"})

    assert refused.value.status_code == 400


@asynccontextmanager
async def opened(endpoint: str) -> AsyncIterator[DatabaseProxy]:
    async with CosmosClient(endpoint, KEY) as client:
        yield client.get_database_client("kept")


async def fill(endpoint: str) -> None:
    async with CosmosClient(endpoint, KEY) as client:
        database = await client.create_database("kept")
        made = await database.create_container(
            "chunks",
            PartitionKey("/pk"),
            indexing_policy=INDEXING,
            vector_embedding_policy=VECTORS,
            full_text_policy=TEXTS,
        )
        for number in range(20):
            item = {"id": str(number), "pk": "p", "text": "crane", "embedding": [1 / (number + 1), number, 0]}
            await made.upsert_item(item)


async def test_every_write_that_was_answered_outlives_a_kill(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with cosmos(settings) as first:
        await fill(first.endpoint)
        assert first.service is not None
        os.killpg(first.service.process.pid, signal.SIGKILL)
        first.service.process.wait()

    with cosmos(replace(settings, cosmos=Port("COSMOS_PORT", free_port()))) as second:
        async with opened(second.endpoint) as database:
            container = database.get_container_client("chunks")
            assert (await container.read())["vectorEmbeddingPolicy"] == VECTORS
            assert await query(container, "SELECT VALUE COUNT(1) FROM c", "p") == [20]
            assert await query(container, HYBRID) == ["0"]


def search_processes(stand_in: Cosmos) -> list[int]:
    assert stand_in.service is not None
    tasks = Path(f"/proc/{stand_in.service.process.pid}/task").glob("*/children")
    return [int(pid) for children in tasks for pid in children.read_text().split()]


def is_running(process: int) -> bool:
    return Path(f"/proc/{process}/exe").exists()


async def test_search_is_answered_though_its_process_was_killed(tmp_path: Path) -> None:
    with cosmos(settings_in(tmp_path)) as stand_in:
        await fill(stand_in.endpoint)
        async with opened(stand_in.endpoint) as database:
            container = database.get_container_client("chunks")
            assert await query(container, HYBRID) == ["0"]
            [process] = search_processes(stand_in)
            os.kill(process, signal.SIGKILL)
            await container.delete_item("0", "p")

            assert await query(container, HYBRID) == ["1"]


async def test_process_of_searches_ends_with_a_stand_in_that_is_killed(tmp_path: Path) -> None:
    with cosmos(settings_in(tmp_path)) as stand_in:
        await fill(stand_in.endpoint)
        async with opened(stand_in.endpoint) as database:
            await query(database.get_container_client("chunks"), HYBRID)
        [process] = search_processes(stand_in)
        assert stand_in.service is not None
        os.kill(stand_in.service.process.pid, signal.SIGKILL)
        stand_in.service.process.wait()

        while is_running(process):
            await asyncio.sleep(0.01)


def test_folder_of_a_running_stand_in_is_refused(
    cosmos_emulator: Cosmos, stack_settings: StackSettings
) -> None:
    elsewhere = replace(stack_settings, cosmos=Port("COSMOS_PORT", free_port()))

    with pytest.raises(StateInUse, match="Another Cosmos DB stand-in"), cosmos(elsewhere):
        pass


async def test_certificate_and_data_are_for_their_owner_alone(tmp_path: Path) -> None:
    with cosmos(settings_in(tmp_path)):
        certificate = tmp_path / "cosmos" / "certificate.pem"
        assert certificate.stat().st_mode & 0o077 == 0


def test_unknown_address_is_not_found(cosmos_emulator: Cosmos) -> None:
    for path in ("/dbs/x/colls/y/sprocs", "/offers", "/dbs/x/colls/y/docs/z/attachments"):
        answer = request("GET", f"{cosmos_emulator.endpoint}{path}")
        assert answer.status == 404
        assert answer.json()["code"] == "NotFound"


def test_running_stand_in_is_used_and_left_running(
    cosmos_emulator: Cosmos, stack_settings: StackSettings
) -> None:
    with cosmos(stack_settings) as found:
        assert found == replace(cosmos_emulator, service=None)

    assert not is_free(stack_settings.cosmos.number)


def test_port_of_another_program_is_named_with_the_variable_that_moves_it(tmp_path: Path) -> None:
    with serving(BaseHTTPRequestHandler) as taken:
        settings = replace(settings_in(tmp_path), cosmos=Port("COSMOS_PORT", taken))

        with pytest.raises(PortTaken, match=f"Port {taken} is taken .*set COSMOS_PORT"), cosmos(settings):
            pass


def test_another_server_with_tls_is_not_taken_for_a_cosmos_emulator(tmp_path: Path) -> None:
    _, tls = self_signed(tmp_path)
    with serving(BaseHTTPRequestHandler, tls) as taken:
        settings = replace(settings_in(tmp_path), cosmos=Port("COSMOS_PORT", taken))

        with pytest.raises(PortTaken, match="not a Cosmos DB emulator"), cosmos(settings):
            pass


@pytest.mark.usefixtures("storage")
def test_azurite_is_not_taken_for_a_cosmos_emulator(stack_settings: StackSettings) -> None:
    swapped = replace(stack_settings, cosmos=stack_settings.blob)

    with pytest.raises(PortTaken, match="not a Cosmos DB emulator"), cosmos(swapped):
        pass
