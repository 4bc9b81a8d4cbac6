"""Embedding jobs over HTTP: files in Azurite, vectors in the Cosmos DB emulator, a real embeddings server."""

import json
from collections.abc import Iterator

import pytest
from azure.storage.blob import ContainerClient

from local.emulators.azurite import Azurite
from local.http_client import Answer, request
from shared_code.jobs import LEDGER_LIMIT
from tests.support.api_client import ApiClient, StartHost
from tests.support.corpus import DATABASE, SELF_CERTIFIED, corpus, prose

__all__ = ["corpus"]
pytestmark = SELF_CERTIFIED


@pytest.fixture(scope="module")
def api(start_host: StartHost, embedding_settings: dict[str, str]) -> Iterator[ApiClient]:
    with start_host(**embedding_settings, COSMOS_DATABASE=DATABASE) as (client, _):
        yield client


def test_first_run_embeds_every_file_in_full_batches(corpus, api, embeddings_server):
    result = corpus.run(api)["result"]

    texts = corpus.searchable()
    assert set(texts) == {"apples", "bears", "cedars"}
    assert (result["files"], result["embedded"], result["failed"]) == (3, 3, 0)
    asked = embeddings_server.counters()
    # The first page of a new container asks for one short text more, to learn the size of vectors.
    learnt = asked["requests"] - 1
    assert learnt in {0, 1}
    assert result["chunks"] == sum(map(len, texts.values())) == asked["inputs"] - learnt
    assert result["tokens"] == asked["tokens"] > 0


def test_unchanged_run_asks_for_no_embedding_and_writes_nothing(corpus, api, embeddings_server):
    corpus.run(api)
    before = corpus.records(), corpus.chunks()
    embeddings_server.reset()
    result = corpus.run(api)["result"]

    assert (result["unchanged"], result["embedded"], result["chunks"]) == (3, 0, 0)
    assert embeddings_server.counters()["requests"] == 0
    assert (corpus.records(), corpus.chunks()) == before  # with the times at which they were written


def test_edit_in_the_middle_embeds_only_the_chunks_around_it(corpus, api, embeddings_server):
    corpus.run(api)
    before = corpus.searchable()["bears"]
    edited = prose("bears").replace("Paragraph 30 is", "After a long winter, paragraph 30 is")
    corpus.put(bears=edited)
    embeddings_server.reset()
    result = corpus.run(api)["result"]

    after = corpus.searchable()["bears"]
    new = [text for text in after if text not in before]
    assert (result["embedded"], result["unchanged"]) == (1, 2)
    assert embeddings_server.counters()["inputs"] == result["chunks"] == len(new) <= 3
    assert "long winter" in "".join(after)
    assert [chunk["ordinal"] for chunk in corpus.chunks() if "bears" in chunk["source"]] == [
        *range(len(after))
    ]


def test_same_content_in_a_new_upload_counts_as_unchanged(corpus, api, embeddings_server):
    corpus.run(api)
    corpus.put(bears=prose("bears"))
    embeddings_server.reset()
    result = corpus.run(api)["result"]

    assert (result["unchanged"], result["embedded"]) == (3, 0)
    assert embeddings_server.counters()["requests"] == 0


def test_deleted_file_is_taken_out_of_the_index(corpus, api):
    corpus.run(api)
    corpus.drop("bears")
    result = corpus.run(api)["result"]

    assert (result["files"], result["deleted"]) == (2, 1)
    assert set(corpus.searchable()) == {"apples", "cedars"}


def test_renamed_file_keeps_its_vectors_without_embedding(corpus, api, embeddings_server):
    corpus.run(api)
    before = corpus.searchable()["bears"]
    corpus.drop("bears")
    corpus.put(grizzlies=prose("bears"))
    embeddings_server.reset()
    result = corpus.run(api)["result"]

    assert (result["embedded"], result["deleted"], result["tokens"]) == (1, 1, 0)
    assert embeddings_server.counters()["requests"] == 0
    assert corpus.searchable()["grizzlies"] == before
    assert "bears" not in corpus.searchable()


def test_second_version_stands_beside_the_first_untouched(corpus, api):
    corpus.run(api)
    before = corpus.chunks()
    corpus.put(bears=prose("polar bears"))
    corpus.run(api, version="v2")

    assert corpus.chunks() == before
    assert "polar bears" in corpus.searchable("v2")["bears"][0]


def test_dry_run_tells_the_cost_and_does_nothing(corpus, api, embeddings_server):
    status = corpus.run(api, dryRun=True)

    assert status["progress"]["phase"] == "estimated"
    assert status["progress"]["estimate"]["files"] == 3
    assert status["progress"]["estimate"]["tokens"] > 0
    assert embeddings_server.counters()["requests"] == 0
    assert corpus.records() == []
    spent = corpus.run(api)["result"]["cost"]
    assert 0.5 < spent / status["progress"]["estimate"]["cost"] < 2


def test_files_that_cannot_be_embedded_are_in_the_ledger(corpus, api):
    corpus.files.upload_blob("docs/picture.png", b"\x89PNG")
    corpus.put(nothing="")
    result = corpus.run(api)["result"]

    assert (result["embedded"], result["failed"]) == (3, 2)
    codes = [(entry["source"].rsplit("/", 1)[1], entry["code"]) for entry in result["ledger"]]
    assert codes == [("nothing.txt", "EmptyDocument"), ("picture.png", "UnsupportedKind")]


def test_path_of_a_single_container_takes_all_of_its_files(corpus, api):
    corpus.files.upload_blob("elsewhere/oaks.md", prose("oaks", paragraphs=2))
    result = corpus.run(api, filesPath=corpus.files.container_name)["result"]

    assert (result["files"], result["embedded"]) == (4, 4)


def test_missing_container_fails_the_job_with_a_sentence(corpus, api):
    status = corpus.run(api, filesPath="no-such-container")

    assert status["status"] == "Failed"
    assert status["error"]["code"] == "ContainerNotFound"
    assert "no-such-container" in status["error"]["message"]


def test_most_files_gone_at_once_deletes_nothing(corpus, api):
    corpus.run(api)
    for name in ("apples", "bears"):
        corpus.drop(name)
    result = corpus.run(api)["result"]

    assert (result["deleted"], [entry["code"] for entry in result["ledger"]]) == (0, ["ListingShrank"])
    assert set(corpus.searchable()) == {"apples", "bears", "cedars"}


def test_what_concerns_the_path_is_not_lost_among_files_that_failed_and_those_can_all_be_found(
    corpus, api, storage
):
    corpus.run(api)
    for name in ("apples", "bears"):
        corpus.drop(name)
    for number in range(LEDGER_LIMIT + 30):
        corpus.files.upload_blob(f"docs/{number}.bin", b"?")
    result = corpus.run(api)["result"]

    assert (result["failed"], len(result["ledger"])) == (LEDGER_LIMIT + 30, 1 + LEDGER_LIMIT)
    assert (result["ledger"][0]["code"], result["deleted"]) == ("ListingShrank", 0)
    kept = ledger_in(storage, **result["wholeLedger"])
    assert {entry["source"] for entry in kept} == {
        f"{corpus.files.container_name}/docs/{number}.bin" for number in range(LEDGER_LIMIT + 30)
    }


def ledger_in(storage: Azurite, *, container: str, prefix: str) -> list[dict[str, str]]:
    """All entries of a ledger, where a result says that it is."""
    with ContainerClient.from_connection_string(storage.connection_string, container) as blobs:
        names = blobs.list_blob_names(name_starts_with=prefix)
        return [entry for name in names for entry in json.loads(blobs.download_blob(name).readall())]


def test_path_of_a_file_embeds_that_file_alone_and_once(corpus, api):
    corpus.put(**{"apples.txt.old": "Old apples."})
    path = f"{corpus.files.container_name}/docs/apples.txt"
    first = corpus.run(api, filesPath=path)["result"]
    second = corpus.run(api, filesPath=path)["result"]

    assert (first["files"], first["embedded"], second["unchanged"]) == (1, 1, 1)
    assert set(corpus.searchable()) == {"apples"}


@pytest.mark.parametrize("mistyped", ["docs/apples", "Docs", "/docs", "docs/apples.txt/x"])
def test_path_of_nothing_fails_the_job_with_a_sentence(corpus, api, mistyped):
    path = f"{corpus.files.container_name}/{mistyped}"
    status = corpus.run(api, filesPath=path)

    assert (status["status"], status["error"]["code"]) == ("Failed", "NothingFound")
    assert status["error"]["message"].startswith(f"There is no file at {path} or below it")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"env": ""}, "env"),
        ({"version": "a b"}, "version"),
        ({"filesPath": "??"}, "filesPath"),
        ({"filesPath": "docs/\x00"}, "filesPath"),
        ({"filesPath": "x" * 64}, "filesPath"),
        ({"dryRun": "yes"}, "dryRun"),
        ({"trackingId": "1", "sessionId": "2"}, "filesPath"),
    ],
)
def test_unusable_field_is_a_400_that_names_it(corpus, api, fields, named):
    answer = corpus.submit(api, **fields)

    assert (answer.status, answer.json()["code"]) == (400, "InvalidField")
    assert answer.json()["detail"].startswith(f"Field {named} cannot be used: ")


def retry(api: ApiClient, job_id: str) -> Answer:
    return request("POST", f"{api.origin}/api/orchestrators/start", body={"retryOf": job_id})


def whole_ledger(api: ApiClient, job_id: str) -> list[dict[str, str]]:
    """All entries of a job's ledger, over HTTP."""
    page = api.send("GET", f"/api/status/{job_id}/ledger").json()
    entries: list[dict[str, str]] = page["ledger"]
    while page["next"]:
        page = api.send("GET", f"/api/status/{job_id}/ledger?after={page['next']}").json()
        entries += page["ledger"]
    return entries


def test_retry_embeds_the_failed_files_of_the_whole_ledger_and_no_others(corpus, api):
    for number in range(LEDGER_LIMIT + 30):
        corpus.put(**{f"empty-{number}": ""})
    first = corpus.run(api)
    corpus.put(pears=prose("pears"))  # it is new, and not the retry's
    for number in range(LEDGER_LIMIT + 20):
        corpus.put(**{f"empty-{number}": f"Text number {number}."})
    corpus.drop(f"empty-{LEDGER_LIMIT + 20}")
    again = api.finished(retry(api, first["id"]).json()["id"], seconds=120)

    result = again["result"]
    assert (result["files"], result["embedded"], result["failed"]) == (
        LEDGER_LIMIT + 30,
        LEDGER_LIMIT + 20,
        10,
    )
    assert "pears" not in corpus.searchable()
    assert [entry["code"] for entry in whole_ledger(api, again["id"])].count("FileVanished") == 1
    assert len(whole_ledger(api, first["id"])) == LEDGER_LIMIT + 30
    third = api.finished(retry(api, again["id"]).json()["id"])["result"]
    assert (third["files"], third["failed"]) == (10, 10)


def test_retry_that_has_no_sense_is_refused_with_what_to_do(corpus, api):
    whole = corpus.run(api)["id"]
    dates = api.run("2021-02-03", "2021-02-05")["id"]

    answers = [retry(api, job_id) for job_id in (whole, dates, "0" * 32)]
    assert [(answer.status, answer.json()["code"]) for answer in answers] == [
        (409, "NothingToRetry"),
        (400, "InvalidField"),
        (404, "JobNotFound"),
    ]


def test_ledger_begins_with_what_concerns_the_whole_path(corpus, api):
    corpus.run(api)
    corpus.drop("apples")
    corpus.drop("bears")
    corpus.put(nothing="")
    job = corpus.run(api)

    assert [entry["code"] for entry in whole_ledger(api, job["id"])] == ["ListingShrank", "EmptyDocument"]
    assert api.send("GET", f"/api/status/{'0' * 32}/ledger").status == 404
