"""Vector, full-text and hybrid searches with the real SDK, of the stand-in as of the service."""

import asyncio
import re
from typing import Any

import pytest
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosHttpResponseError

from local.settings import ROOT
from tests.local.emulators.cosmos.conftest import query

DOCUMENTS: dict[str, tuple[str, list[float]]] = {
    "mooring": ("Two bow lines and two stern lines are the least.", [1.0, 0.0, 0.0]),
    "crane": ("The gantry crane lifts forty tonnes; the crane is on the east quay.", [0.9, 0.1, 0.0]),
    "cranes": ("Cranes are tested each morning on the east quay before the first load.", [0.0, 1.0, 0.0]),
    "pilot": ("The pilot boards two miles west of the light.", [0.0, 0.9, 0.1]),
    "café": ("Café Brygga: crème brûlée from nine to five.", [0.0, 0.0, 1.0]),
}  # fmt: skip
QUESTION = [1.0, 0.05, 0.0]


@pytest.fixture
async def filled(searchable: ContainerProxy) -> ContainerProxy:
    """Documents of one version, others of a second, and an item that is no document."""
    for index in ("v1", "v2"):
        for name, (text, vector) in DOCUMENTS.items():
            item = {"id": name, "pk": f"{index}|{name}", "index": index, "text": text, "embedding": vector}
            await searchable.upsert_item(item)
    await searchable.upsert_item({"id": "record", "pk": "v1", "source": "a.md"})
    return searchable


async def search(
    container: ContainerProxy, order: str, partition: str | None = None, **values: Any
) -> list[Any]:
    text = f"SELECT TOP @top c.id FROM c WHERE c.index = 'v1' ORDER BY {order}"  # noqa: S608 - of the tests
    found = await query(container, text, partition, **{"top": 3, **values})
    return [item["id"] for item in found]


async def test_nearest_vectors_come_first(filled: ContainerProxy) -> None:
    found = await search(filled, "VectorDistance(c.embedding, @question)", question=QUESTION)

    assert found == ["mooring", "crane", "cranes"]


async def test_query_of_the_documents_finds_by_vector_and_by_words(
    searchable: ContainerProxy,
) -> None:
    for name, (text, vector) in DOCUMENTS.items():
        item = {"id": name, "pk": name, "index": "prod|v1", "source": name, "text": text, "embedding": vector}
        await searchable.upsert_item(item)
    [documented] = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "vector-index.md").read_text(), re.DOTALL)

    found = await query(searchable, documented, question=QUESTION, word0="crane", word1="gantry")

    assert [item["source"] for item in found][:2] == ["crane", "mooring"]


async def test_distance_that_is_selected_is_the_one_that_is_sorted_by(filled: ContainerProxy) -> None:
    text = (
        "SELECT TOP 3 VectorDistance(c.embedding, @question) AS score FROM c "
        "ORDER BY VectorDistance(c.embedding, @question)"
    )
    found = await query(filled, text, question=QUESTION)

    scores = [item["score"] for item in found]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(0.9987, abs=1e-3)


async def test_search_within_a_partition_finds_nothing_else(filled: ContainerProxy) -> None:
    found = await search(filled, "VectorDistance(c.embedding, @question)", "v1|pilot", question=QUESTION)

    assert found == ["pilot"]


async def test_texts_that_have_the_words_most_come_first(filled: ContainerProxy) -> None:
    assert (await search(filled, "RANK FullTextScore(c.text, 'crane')", top=2)) == ["crane", "cranes"]
    assert (
        await search(filled, "RANK FullTextScore(c.text, @one, @two)", top=1, one="pilot", two="miles")
    ) == ["pilot"]


async def test_rare_word_counts_more_than_a_frequent_one(filled: ContainerProxy) -> None:
    assert (await search(filled, "RANK FullTextScore(c.text, 'quay', 'gantry')", top=1)) == ["crane"]


async def test_hybrid_search_puts_first_what_both_find(filled: ContainerProxy) -> None:
    order = "RANK RRF(VectorDistance(c.embedding, @question), FullTextScore(c.text, 'crane'))"

    assert (await search(filled, order, top=1, question=QUESTION)) == ["crane"]


async def test_weights_decide_between_the_scores_of_a_hybrid_search(filled: ContainerProxy) -> None:
    order = "RANK RRF(VectorDistance(c.embedding, @question), FullTextScore(c.text, 'pilot'), @weights)"

    for weights, first in (([1, 0.01], {"mooring", "crane"}), ([0.01, 1], {"pilot"})):
        [found] = await search(filled, order, top=1, question=QUESTION, weights=weights)
        assert found in first


async def test_hybrid_search_skips_what_was_seen(filled: ContainerProxy) -> None:
    rank = "RRF(VectorDistance(c.embedding, @question), FullTextScore(c.text, 'crane'))"
    text = f"SELECT c.id FROM c WHERE c.index = 'v1' ORDER BY RANK {rank} OFFSET 1 LIMIT 2"  # noqa: S608 - above

    found = await query(filled, text, question=QUESTION)

    assert len(found) == 2
    assert "crane" not in {item["id"] for item in found}


async def test_hybrid_search_of_an_empty_version_finds_nothing(filled: ContainerProxy) -> None:
    rank = "RRF(VectorDistance(c.embedding, @question), FullTextScore(c.text, 'crane'))"
    text = f"SELECT TOP 5 c.id FROM c WHERE c.index = 'v3' ORDER BY RANK {rank}"  # noqa: S608 - above

    assert await query(filled, text, question=QUESTION) == []


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("FullTextContains(c.text, 'pilot')", {"pilot"}),
        ("FullTextContains(c.text, 'east quay')", {"crane", "cranes"}),
        ("FullTextContains(c.text, 'quay east')", set()),
        ("FullTextContainsAll(c.text, 'east', 'tonnes')", {"crane"}),
        ("FullTextContainsAny(c.text, 'pilot', 'tonnes')", {"crane", "pilot"}),
        ("FullTextContains(c.text, 'pilot') AND STARTSWITH(c.id, 'c')", set()),
    ],
)
async def test_texts_are_found_by_their_words(
    condition: str, found: set[str], filled: ContainerProxy
) -> None:
    text = f"SELECT VALUE c.id FROM c WHERE c.index = 'v1' AND {condition}"  # noqa: S608 - of the table above

    assert set(await query(filled, text)) == found


async def test_search_sees_each_write_at_once(filled: ContainerProxy) -> None:
    order = "RANK RRF(VectorDistance(c.embedding, @question), FullTextScore(c.text, 'beacon'))"
    item = {"id": "new", "pk": "p", "index": "v1", "text": "A beacon.", "embedding": QUESTION}

    await filled.upsert_item(item)
    assert (await search(filled, order, top=1, question=QUESTION)) == ["new"]
    await filled.upsert_item(item | {"index": "v2"})
    assert "new" not in await search(filled, order, top=9, question=QUESTION)
    await filled.upsert_item(item)
    await filled.delete_item("new", "p")
    assert "new" not in await search(filled, order, top=9, question=QUESTION)


async def test_searches_find_all_that_was_written_before_while_others_write(filled: ContainerProxy) -> None:
    async def write(writer: str) -> None:
        for number in range(8):
            name = f"{writer}{number}"
            await filled.upsert_item({"id": name, "pk": "p", "index": "v1", "text": f"Beacon {name}."})
            found = await search(filled, "RANK FullTextScore(c.text, @name)", top=1, name=name)
            assert found == [name]

    await asyncio.gather(*map(write, "abcd"))


@pytest.mark.parametrize(
    "order", ["RANK FullTextScore(c.text, 'crane')", "VectorDistance(c.embedding, [1, 0, 0])"]
)
async def test_search_over_all_partitions_needs_a_limit(order: str, filled: ContainerProxy) -> None:
    with pytest.raises(ValueError, match="without TOP or LIMIT"):
        await query(filled, f"SELECT c.id FROM c ORDER BY {order}")  # noqa: S608 - of the list above


async def test_question_of_other_dimensions_is_refused(filled: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError) as refused:
        await search(filled, "VectorDistance(c.embedding, [1, 0])")

    assert refused.value.status_code == 400
