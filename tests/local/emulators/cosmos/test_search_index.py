"""The search index and the plain reading of items give the same results, whatever is asked and written."""

import math
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.emulators.cosmos.containers import Container, Raw
from local.emulators.cosmos.execution import Execution, best_first
from local.emulators.cosmos.functions import phrase_count
from local.emulators.cosmos.items import Operation
from local.emulators.cosmos.parser import parse
from local.emulators.cosmos.search_index import SearchIndex
from local.emulators.cosmos.store import Store
from local.emulators.cosmos.texts import Statistics, Texts
from local.emulators.cosmos.words import words

PARTITION = '["p"]'
PROPERTIES: dict[str, Any] = {
    "id": "chunks",
    "partitionKey": {"paths": ["/pk"]},
    "vectorEmbeddingPolicy": {
        "vectorEmbeddings": [{"path": "/v", "dataType": "float32", "dimensions": 2}],
    },
    "fullTextPolicy": {"fullTextPaths": [{"path": "/text", "language": "en-US"}]},
}
VALUES = st.sampled_from([None, True, 0, 1, 1.5, "a", "b", "ab", [1], {"x": 1}])
TEXTS = st.sampled_from(["crane", "crane quay"])
ITEMS = st.dictionaries(st.sampled_from(["a", "b", "text"]), VALUES | TEXTS)
COMPARED = st.builds(
    "c.{} {} {}".format,
    st.sampled_from(["a", "b", "text"]),
    st.sampled_from(["=", "!=", "<", ">="]),
    st.sampled_from(["1", "'a'", "null", "true", "c.a"]),
)
TESTED = st.sampled_from(
    [
        "IS_DEFINED(c.a)",
        "STARTSWITH(c.b, 'a')",
        "c.a IN (1, 'b', null)",
        "ARRAY_CONTAINS([1, 'ab'], c.b)",
        "FullTextContains(c.text, 'crane')",
        "FullTextContainsAny(c.text, 'quay', 'pilot')",
    ]
)
CONDITIONS = st.recursive(
    COMPARED | TESTED,
    lambda inner: st.one_of(
        st.builds("NOT ({})".format, inner),
        st.builds("({}) AND ({})".format, inner, inner),
        st.builds("({}) OR ({})".format, inner, inner),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with TemporaryDirectory() as folder:
        made = Store.in_folder(Path(folder))
        made.create_database({"id": "db"})
        yield made


@pytest.fixture
def container(store: Store) -> Iterator[Container]:
    yield store.create_container("db", PROPERTIES)
    store.delete_container("db", "chunks")


def put(store: Store, container: Container, name: str, item: dict[str, Any]) -> None:
    raw = msgspec.json.decode(msgspec.json.encode({**item, "id": name, "pk": "p"}), type=Raw)
    store.run(container, PARTITION, Operation(kind="Upsert", item=raw))


def both_ways(store: Store, container: Container, text: str) -> tuple[list[Any], list[Any]]:
    query = parse(text)
    plain = Execution(store, container, query, {}, PARTITION).in_partition("")
    index = SearchIndex(store, container)
    index.refresh()
    indexed = Execution(store, container, query, {}, None).in_index(index, 0)
    return [one.value for one in plain], [one.value for one in indexed]


@given(items=st.lists(ITEMS, max_size=6), condition=CONDITIONS)
@settings(max_examples=150)
def test_condition_holds_for_the_same_items_with_and_without_the_index(
    items: list[dict[str, Any]], condition: str, store: Store
) -> None:
    container = store.create_container("db", PROPERTIES)
    try:
        for number, item in enumerate(items):
            put(store, container, str(number), item)
        plain, indexed = both_ways(
            store,
            container,
            f"SELECT VALUE c.id FROM c WHERE {condition} ORDER BY c.id",  # noqa: S608 - generated
        )
    finally:
        store.delete_container("db", "chunks")

    assert plain == indexed


@given(CONDITIONS)
def test_text_of_a_query_is_read_as_the_same_query(condition: str) -> None:
    selected = "SELECT c.a AS x, [c.b, {'y': c.a}] AS z FROM c"
    query = parse(f"{selected} WHERE {condition} ORDER BY c.a DESC, c.b")

    assert parse(str(query)) == query


@given(st.lists(st.text(alphabet="ab c.é", max_size=30), max_size=8), st.text(alphabet="ab é", max_size=8))
def test_phrases_are_counted_as_they_stand_in_the_texts(texts: list[str], phrase: str) -> None:
    index = Texts()
    for text in texts:
        index.add(text)

    counts = [phrase_count(words(text), words(phrase)) for text in texts]
    found = index.found(phrase)
    assert dict(zip(found.rows.tolist(), found.often.tolist(), strict=True)) == {
        row: count for row, count in enumerate(counts) if count
    }
    assert index.lengths.tolist() == [len(words(text)) for text in texts]


def test_words_are_found_in_full_blocks_and_in_the_last_one() -> None:
    index = Texts()
    for number in range(2_500):
        index.add(f"text number{number} of all" if number % 2 else None)

    assert index.found("number1 of all").rows.tolist() == [1]
    for number in (1, 1_023, 1_025, 2_049, 2_499):
        assert index.found(f"number{number}").rows.tolist() == [number]
    assert index.found("text").often.sum() == 1_250


def test_what_was_found_and_scored_grows_with_the_texts() -> None:
    index, statistics = Texts(), Statistics(documents=3_000, words=6_000, hits=(1_500, 30))
    for number in range(3_000):
        index.add(f"text{number % 2} word{number % 100}")
        if number in {10, 1_024, 1_500, 2_999}:
            index.found("word7")
            index.relevance(["text1", "text1 word7"], statistics)
    anew = Texts()
    for number in range(3_000):
        anew.add(f"text{number % 2} word{number % 100}")

    assert index.found("word7").rows.tolist() == anew.found("word7").rows.tolist() == [*range(7, 3_000, 100)]
    scores = index.relevance(["text1", "text1 word7"], statistics)
    assert scores.tolist() == anew.relevance(["text1", "text1 word7"], statistics).tolist()
    assert np.argmax(scores) == 7


@pytest.mark.parametrize(
    ("text", "known_by"),
    [
        ("The CRANES of Brennholm", ["crane", "brennholm"]),
        ("berths, companies; glass status this", ["berth", "company", "glass", "status"]),
        ("Café Blåskjell crème", ["cafe", "blaskjell", "creme"]),
        ("港へ Straße 42", ["港", "へ", "straße", "42"]),
        ("and the of", []),
    ],
)
def test_words_are_compared_without_case_accents_and_plural(text: str, known_by: list[str]) -> None:
    assert words(text) == known_by


def test_relevance_is_the_sum_that_bm25_is_defined_as(store: Store, container: Container) -> None:
    texts = ["crane crane quay", "crane pilot", "pilot pilot pilot boards at dawn"]
    for number, text in enumerate(texts):
        put(store, container, str(number), {"text": text})
    average = sum(len(words(text)) for text in texts) / 3

    index = SearchIndex(store, container)
    index.refresh()
    index.require([], [("text",)], [])
    found = index.relevance(("text",), ["crane", "dawn"], Statistics(3, int(average * 3), (2, 1)))

    def part(often: int, length: int, hits: int) -> float:
        norm = 1.2 * (0.25 + 0.75 * length / average)
        return math.log(1 + (3 - hits + 0.5) / (hits + 0.5)) * often * 2.2 / (often + norm)

    assert found.tolist() == pytest.approx([part(2, 3, 2), part(1, 2, 2), part(1, 5, 1)])


@pytest.mark.parametrize(
    ("function", "scores"),
    [("cosine", [1.0, 0.0, 0.6]), ("dotproduct", [2.0, 0.0, 3.0]), ("euclidean", [1.0, 5**0.5, 20**0.5])],
)
def test_distance_is_the_one_that_the_policy_names(function: str, scores: list[float], store: Store) -> None:
    [vectors] = PROPERTIES["vectorEmbeddingPolicy"]["vectorEmbeddings"]
    policy = {"vectorEmbeddings": [vectors | {"distanceFunction": function}]}
    container = store.create_container("db", PROPERTIES | {"id": function, "vectorEmbeddingPolicy": policy})
    for number, vector in enumerate([[2, 0], [0, 2], [3, 4], "none"]):
        put(store, container, str(number), {"v": vector})

    index = SearchIndex(store, container)
    index.refresh()
    index.require([], [], ["v"])
    found = index.scores("v", np.array([1, 0], np.float32)).tolist()

    assert found[:3] == pytest.approx(scores)
    assert math.isnan(found[3])


def test_index_follows_what_is_written_and_deleted(store: Store, container: Container) -> None:
    put(store, container, "kept", {"text": "crane", "v": [1, 0]})
    put(store, container, "rewritten", {"text": "crane", "v": [1, 0]})
    put(store, container, "deleted", {"text": "crane", "v": [1, 0]})
    index = SearchIndex(store, container)
    index.refresh()
    index.require([("id",)], [("text",)], ["v"])
    put(store, container, "rewritten", {"text": "pilot", "v": [0, 1]})
    store.run(container, PARTITION, Operation(kind="Delete", id="deleted"))

    index.refresh()
    alive = index.alive
    assert index.found(("text",), "crane")[alive].tolist() == [True, False]
    assert index.scores("v", np.array([1, 0], np.float32))[alive].tolist() == [1, 0]
    is_rewritten = index.column(("id",)).where("rewritten", lambda value: value == "rewritten")
    assert is_rewritten[alive].tolist() == [False, True]


def test_index_takes_in_what_was_written_a_part_at_a_time(store: Store, container: Container) -> None:
    for number in range(5):
        put(store, container, str(number), {})
    index = SearchIndex(store, container)

    parts = [(index.refresh(2), len(index)) for _ in range(3)]

    assert parts == [(True, 2), (True, 4), (False, 5)]
    assert not index.refresh(2)


def test_best_keys_come_first_and_equal_ones_in_their_order() -> None:
    dice = np.random.default_rng(1)
    for keys in (dice.standard_normal(5_000), dice.integers(0, 3, 5_000).astype(float), np.zeros(2_000)):
        assert list(best_first(keys)) == np.argsort(keys, kind="stable").tolist()
