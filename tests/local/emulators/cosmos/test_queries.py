"""Queries, answered by the stand-in as by the service."""

from typing import Any

import pytest
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.local.emulators.cosmos.conftest import query

ITEMS: list[dict[str, Any]] = [
    {"id": "one", "place": 1, "kind": "file", "tags": ["a", "b"], "position": {"page": 3}},
    {"id": "two", "place": 2, "kind": "file", "tags": []},
    {"id": "three", "place": 3, "kind": "event", "note": None},
    {"id": "four", "place": 4.5, "kind": "Event", "tags": ["b"]},
]
# Conditions, and the places of the items that they hold for.
CONDITIONS: dict[str, list[float]] = {
    "c.place > 1": [2, 3, 4.5],
    "c.place BETWEEN 2 AND 3": [2, 3],
    "c.place != 2": [1, 3, 4.5],
    "c.place = '2'": [],
    "c.kind < 'e'": [4.5],
    "ARRAY_CONTAINS(@ids, c.id)": [1, 3],
    "NOT ARRAY_CONTAINS(@ids, c.id)": [2, 4.5],
    "ARRAY_CONTAINS(c.tags, 'b')": [1, 4.5],
    "c.id IN ('one', 'two', 'nine')": [1, 2],
    "c.id NOT IN ('one', 'two')": [3, 4.5],
    "STARTSWITH(c.id, 't')": [2, 3],
    "STARTSWITH(c.kind, 'EV', true)": [3, 4.5],
    "CONTAINS(c.id, 'o')": [1, 2, 4.5],
    "ENDSWITH(c.id, 'e')": [1, 3],
    "IS_DEFINED(c.note)": [3],
    "NOT IS_DEFINED(c.tags)": [3],
    "IS_NULL(c.note)": [3],
    "c.position.page = 3": [1],
    'c["position"]["page"] = 3': [1],
    "c.tags[0] = 'a'": [1],
    "c.absent = 1 OR c.place = 2": [2],
    "NOT (c.absent = 1)": [],
    "(c.kind = 'file' OR c.kind = 'event') AND c.place < 3": [1, 2],
    "c.place * 2 - 1 = 8": [4.5],
    "c.place % 2 = 1": [1, 3],
    "LENGTH(c.id) = 3 AND LOWER(c.kind) = 'file'": [1, 2],
    "true": [1, 2, 3, 4.5],
}


@pytest.fixture
async def filled(container: ContainerProxy) -> ContainerProxy:
    for item in ITEMS:
        await container.upsert_item(item | {"source": "a.md"})
    return container


@pytest.mark.parametrize("partition", ["a.md", None], ids=["partition", "container"])
async def test_query_finds_what_its_condition_names(partition: str | None, filled: ContainerProxy) -> None:
    found = {
        condition: await query(
            filled,
            f"SELECT VALUE c.place FROM c WHERE {condition} ORDER BY c.place",  # noqa: S608 - of the table above
            partition,
            ids=["one", "three", "nine"],
        )
        for condition in CONDITIONS
    }

    assert found == CONDITIONS


@pytest.mark.parametrize("partition", ["a.md", None], ids=["partition", "container"])
@pytest.mark.parametrize(
    ("text", "results"),
    [
        ("SELECT TOP 2 VALUE c.id FROM c ORDER BY c.place DESC", ["four", "three"]),
        ("SELECT VALUE c.id FROM c ORDER BY c.place OFFSET 1 LIMIT 2", ["two", "three"]),
        ("SELECT c.id, c.position.page FROM c WHERE c.place = 1", [{"id": "one", "page": 3}]),
        ("SELECT c.id AS name FROM c WHERE c.place = 2", [{"name": "two"}]),
        ("SELECT VALUE {'name': c.id, 'absent': c.absent} FROM c WHERE c.place = 2", [{"name": "two"}]),
        ("SELECT VALUE COUNT(1) FROM c", [4]),
        ("SELECT VALUE COUNT(c.tags) FROM c", [3]),
        ("SELECT VALUE SUM(c.place) FROM c", [10.5]),
        ("SELECT VALUE MAX(c.place) FROM c", [4.5]),
        ("SELECT VALUE MIN(c.id) FROM c", ["four"]),
        ("SELECT VALUE AVG(c.place) FROM c WHERE c.kind = 'file'", [1.5]),
        ("SELECT VALUE COUNT(1) FROM c WHERE c.place > 9", [0]),
        ("SELECT VALUE r.id FROM root r WHERE r.place = 3", ["three"]),
    ],
)
async def test_query_gives_what_it_selects(
    text: str, results: list[Any], partition: str | None, filled: ContainerProxy
) -> None:
    assert await query(filled, text, partition) == results


async def test_different_values_come_once(filled: ContainerProxy) -> None:
    for partition in ("a.md", None):
        found = await query(filled, "SELECT DISTINCT VALUE c.kind FROM c", partition)
        assert sorted(found) == ["Event", "event", "file"]


async def test_groups_are_counted_within_a_partition(filled: ContainerProxy) -> None:
    text = "SELECT c.kind, COUNT(1) AS items, MAX(c.place) AS last FROM c GROUP BY c.kind"

    found = await query(filled, text, "a.md")

    assert sorted(found, key=lambda group: group["last"]) == [
        {"kind": "file", "items": 2, "last": 2},
        {"kind": "event", "items": 1, "last": 3},
        {"kind": "Event", "items": 1, "last": 4.5},
    ]


@pytest.mark.parametrize("partition", ["a.md", None], ids=["partition", "container"])
@pytest.mark.parametrize("order", ["", "ORDER BY c.place"])
async def test_results_come_in_pages_and_each_once(
    order: str, partition: str | None, container: ContainerProxy
) -> None:
    for place in range(7):
        await container.upsert_item({"id": str(place), "source": "a.md", "place": place})

    text = f"SELECT VALUE c.id FROM c {order}"  # noqa: S608 - of the parameters above
    found = container.query_items(text, partition_key=partition, max_item_count=3).by_page()
    pages = [[item async for item in page] async for page in found]

    assert [len(page) for page in pages] == [3, 3, 1]
    assert sorted(str(item) for page in pages for item in page) == list("0123456")


async def test_page_can_be_asked_for_by_its_continuation(container: ContainerProxy) -> None:
    for place in range(5):
        await container.upsert_item({"id": str(place), "source": "a.md"})

    pages = container.query_items(
        "SELECT VALUE c.id FROM c", partition_key="a.md", max_item_count=2
    ).by_page()
    first = [item async for item in await anext(pages)]
    rest = container.query_items("SELECT VALUE c.id FROM c", partition_key="a.md").by_page(
        pages.continuation_token  # type: ignore[attr-defined]  # azure.core's pages have one
    )

    following = [str(item) async for page in rest async for item in page]
    assert [*map(str, first), *following] == list("01234")


async def test_query_of_a_partition_finds_no_items_of_another(container: ContainerProxy) -> None:
    await container.upsert_item({"id": "one", "source": "a.md"})
    await container.upsert_item({"id": "one", "source": "b.md", "place": 1})
    await container.delete_item("one", "a.md")

    for text in ("SELECT VALUE c.source FROM c", "SELECT VALUE c.source FROM c WHERE c.place > 0"):
        assert await query(container, text, "a.md") == []
        assert await query(container, text, "b.md") == ["b.md"]


async def test_query_over_all_partitions_sees_each_write_at_once(container: ContainerProxy) -> None:
    text = "SELECT VALUE c.place FROM c WHERE c.kind = 'x'"
    item = {"id": "one", "source": "a.md", "kind": "x", "place": 1}

    await container.upsert_item(item)
    assert await query(container, text) == [1]
    await container.upsert_item(item | {"place": 2})
    assert await query(container, text) == [2]
    await container.delete_item("one", "a.md")
    assert await query(container, text) == []


async def test_items_are_read_by_their_ids_and_partitions(filled: ContainerProxy) -> None:
    found = await filled.read_items([("one", "a.md"), ("three", "a.md"), ("one", "b.md")])

    assert sorted(item["id"] for item in found) == ["one", "three"]
    assert sorted([item["id"] async for item in filled.read_all_items()]) == ["four", "one", "three", "two"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT c.id FRM c",
        "SELECT c.id FROM c WHERE",
        "SELECT c.id FROM c WHERE c.place = @absent",
        "SELECT c.id FROM c WHERE d.place = 1",
        "SELECT c.id FROM c WHERE c.id = 'open",
        "SELECT TOP 'two' c.id FROM c",
        "SELECT COUNT(1, 2) FROM c",
        "",
    ],
)
async def test_query_that_is_not_valid_is_refused(text: str, filled: ContainerProxy) -> None:
    with pytest.raises((CosmosHttpResponseError, ValueError)) as refused:
        await query(filled, text, "a.md")

    assert getattr(refused.value, "status_code", 400) == 400
