"""The steps of an evaluation one by one, and the versions that they tell of."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from local.emulators.azurite import Azurite
from local.emulators.cosmos.service import Cosmos
from shared_code.activities.versions import put_live, read_versions
from shared_code.clients.composition import Clients
from shared_code.embeddings.vectors import Vector
from shared_code.errors import IndexUnavailable
from shared_code.index.records import NewChunk, Place, SourceRecord
from shared_code.jobs import EvaluateJob
from shared_code.jobs.promotion import PromotionRequest
from shared_code.settings import Settings
from tests.support.activities import ask_questions, read_questions, sum_up
from tests.support.corpus import SELF_CERTIFIED
from tests.support.cosmos_proxy import answer_lost, cosmos_proxy, is_write, refused
from tests.support.service_proxy import Call, Reply, Rule

pytestmark = SELF_CERTIFIED
# Words that no other text has: the model of the tests knows texts by their words.
TEXTS = {
    "docs/mooring.md": ["Ships moor at the quay with hawsers."],
    "docs/ice.md": ["Winter closes the channel; icebreakers come."],
}
QUESTIONS = [
    {"question": "Where do ships moor?", "sources": ["docs/mooring.md"]},
    {"question": "What closes the channel in winter?", "sources": ["docs/gone.md", "docs/ice.md"]},
    {"question": "Icebreakers?", "sources": ["docs/gone.md"]},
]


@pytest.fixture(scope="module")
async def clients(storage: Azurite, embedding_settings: dict[str, str]) -> AsyncIterator[Clients]:
    own = {"AzureWebJobsStorage": storage.connection_string, "COSMOS_DATABASE": uuid4().hex}
    opened = Clients(Settings({**embedding_settings, **own}))
    yield opened
    await opened.close()


@pytest.fixture
async def env(clients: Clients) -> str:
    """An environment whose version v1 has both texts."""
    name = uuid4().hex[:12]
    await embed(clients, name, "v1", TEXTS)
    return name


async def embed(clients: Clients, env: str, version: str, texts: dict[str, list[str]]) -> None:
    index, plan = clients.index(env, version), clients.settings.embedding_plan
    made = [text for parts in texts.values() for text in parts]
    vectors = await clients.embeddings.embed(made, model=plan.model, dimensions=plan.dimensions)
    by_text = {text: vector.vector for text, vector in zip(made, vectors, strict=True)}  # type: ignore[union-attr]
    dimensions = next(iter(by_text.values())).dimensions
    await index.save([SourceRecord(source=name, model=plan.model) for name in texts], dimensions=dimensions)
    for source, parts in texts.items():
        await index.write([chunk(source, number, text, by_text[text]) for number, text in enumerate(parts)])


def chunk(source: str, ordinal: int, text: str, vector: Vector) -> NewChunk:
    return NewChunk(
        id=f"{source[5:]}{ordinal}", source=source, text=text, place=Place(ordinal, {}), vector=vector,
        job_id="job", tokens=7, requests=1,
    )  # fmt: skip


async def job_of(clients: Clients, env: str, version: str = "v1", *, content: bytes | None = None) -> Any:
    """The input that all steps of an evaluation have in common, once its questions are written."""
    container, name = "golden", f"{uuid4().hex}.jsonl"
    data = "\n".join(map(json.dumps, QUESTIONS)).encode() if content is None else content
    blobs = clients._blobs.get_container_client(container)
    if not await blobs.exists():
        await blobs.create_container()
    await blobs.upload_blob(name, data)
    body = {"env": env, "version": version, "questions": f"{container}/{name}"}
    job = EvaluateJob.parse(body, clients.settings.embedding_plan, {})
    return {"jobId": uuid4().hex, "job": job.to_json()}


async def evaluated(clients: Clients, job: Any) -> Any:
    read = await read_questions(clients, job)
    for page, tokens in enumerate(read["pageTokens"]):
        await ask_questions(clients, {**job, "page": page, "tokens": tokens, "paid": {}})
    return await sum_up(clients, {**job, "pages": len(read["pageTokens"]), "digest": read["digest"]})


async def test_questions_are_counted_by_whether_their_sources_are_found(clients, env):
    summed = await evaluated(clients, await job_of(clients, env))

    assert summed["quality"] == {"recall@1": 0.6667, "recall@5": 0.6667, "recall@10": 0.6667, "mrr": 0.6667}
    assert (summed["missed"], summed["notIndexed"]) == (1, 1)
    [miss] = summed["misses"]
    assert (miss["question"], miss["notIndexed"]) == ("Icebreakers?", ["docs/gone.md"])
    assert set(miss["found"]) == set(TEXTS)


async def test_page_that_runs_again_asks_and_spends_nothing(clients, env, embeddings_server):
    job = await job_of(clients, env)
    read = await read_questions(clients, job)
    page = {**job, "page": 0, "tokens": read["pageTokens"][0], "paid": {}}
    first = await ask_questions(clients, page)
    embeddings_server.reset()

    assert await ask_questions(clients, page) == first
    assert embeddings_server.counters()["requests"] == 0
    assert 0 < first["counts"]["tokens"] <= read["pageTokens"][0]
    assert (first["counts"]["completed"], first["counts"]["requests"]) == (3, 1)


async def test_embeddings_service_that_is_away_is_waited_for_and_not_searched_without(
    clients, env, embeddings_server
):
    job = await job_of(clients, env)
    read = await read_questions(clients, job)
    embeddings_server.configure(*[{"kind": "status", "status": 401}] * 3)
    answer = await ask_questions(clients, {**job, "page": 0, "tokens": read["pageTokens"][0], "paid": {}})

    assert (answer["ok"], answer["error"]["code"]) == (False, "EmbeddingsUnusable")


async def test_page_pays_nothing_while_the_index_does_not_answer_or_has_lost_the_version(
    clients, env, cosmos_emulator: Cosmos, embeddings_server
):
    job = await job_of(clients, env)
    read = await read_questions(clients, job)
    page = {**job, "page": 0, "tokens": read["pageTokens"][0], "paid": {}}
    with cosmos_proxy(cosmos_emulator, refused(503)) as proxy:
        disturbed = Clients(Settings({**clients.settings.environment, "COSMOS_ENDPOINT": proxy.origin}))
        away = await ask_questions(disturbed, page)
        await disturbed.close()
    gone = await ask_questions(clients, {**page, "job": {**job["job"], "indexVersion": "v0"}})

    assert (away["trouble"]["service"], gone["error"]["code"]) == ("index", "VersionNotFound")
    assert embeddings_server.counters()["requests"] == 0


async def test_ten_thousand_questions_are_read_into_pages(clients, env):
    content = "\n".join(json.dumps({**QUESTIONS[0], "n": number}) for number in range(10_000)).encode()
    read = await read_questions(clients, await job_of(clients, env, content=content))

    assert (read["questions"], len(read["pageTokens"])) == (10_000, 200)


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [(b"", "InvalidQuestions", "the file has none"), (b"{}\n", "InvalidQuestions", "Line 1 of")],
)
async def test_file_that_holds_no_questions_ends_the_job(clients, env, content, code, said):
    answer = await read_questions(clients, await job_of(clients, env, content=content))

    assert (answer["ok"], answer["error"]["code"]) == (False, code)
    assert said in answer["error"]["message"]
    assert "trouble" not in answer


@pytest.mark.parametrize(("field", "value"), [("name", "nowhere.jsonl"), ("container", "nowhere")])
async def test_file_that_is_not_there_ends_the_job(clients, env, field, value):
    job = await job_of(clients, env)
    answer = await read_questions(clients, {**job, "job": {**job["job"], field: value}})

    assert answer["error"]["code"] == "QuestionsUnreadable"
    assert "trouble" not in answer


async def test_version_that_is_not_there_ends_the_job(clients, env):
    answer = await read_questions(clients, await job_of(clients, env, "v9"))

    assert (answer["error"]["code"], "trouble" in answer) == ("VersionNotFound", False)


async def test_version_that_is_being_embedded_is_waited_for(clients, env):
    index = clients.index(env, "v1")
    records = await index.records(["docs/ice.md"])
    until = int(clients.network.clock.wall()) + 600
    [opened] = await index.save([records["docs/ice.md"].opened("another", until)])
    job = await job_of(clients, env)
    answer = await read_questions(clients, job)
    await index.save([opened.released()])

    assert (answer["error"]["code"], answer["trouble"]["service"]) == ("VersionBusy", "index")
    assert (await read_questions(clients, job))["ok"]


async def test_evaluation_shows_with_its_version_beside_what_that_holds(clients, env):
    await embed(clients, env, "v2", {"docs/ice.md": TEXTS["docs/ice.md"]})
    job = await job_of(clients, env)
    await evaluated(clients, job)
    body = await read_versions(clients, env)

    assert (body["env"], body["live"], [one["version"] for one in body["versions"]]) == (
        env,
        None,
        ["v1", "v2"],
    )
    first, second = body["versions"]
    model = clients.settings.embedding_plan.model
    assert (first["sources"], first["chunks"], first["model"]) == (2, 2, model)
    assert (first["evaluation"]["job"], first["evaluation"]["asked"]) == (job["jobId"], 3)
    assert (second["sources"], second["chunks"], second["evaluation"]) == (1, 1, None)


async def test_promotion_that_runs_beside_others_is_decided_once(clients, env):
    request = PromotionRequest(version="v1", by="ada")
    assert (await put_live(clients, env, request))["live"] == "v1"
    body = await put_live(clients, env, request)

    assert [one["by"] for one in body["promotions"]] == ["ada"]


async def test_environment_without_an_index_has_no_versions(clients):
    assert await read_versions(clients, "nothing") == {
        "env": "nothing", "live": None, "versions": [], "promotions": [],
    }  # fmt: skip


@pytest.mark.parametrize("fault", [answer_lost, refused(503), refused(429)], ids=["lost", "503", "429"])
async def test_promotion_of_which_a_request_fails_is_kept_once(
    clients, env, cosmos_emulator: Cosmos, fault: Rule
):
    faults = [fault]

    def rule(call: Call) -> Reply:
        return faults.pop()(call) if faults and is_write(call) else call.pass_on()

    with cosmos_proxy(cosmos_emulator, rule) as proxy:
        disturbed = Clients(Settings({**clients.settings.environment, "COSMOS_ENDPOINT": proxy.origin}))
        body = await put_live(disturbed, env, PromotionRequest(version="v1"))
        await disturbed.close()

    assert (faults, body["live"], len(body["promotions"])) == ([], "v1", 1)


async def test_index_that_does_not_answer_is_told_to_who_asks(clients, env, cosmos_emulator: Cosmos):
    with cosmos_proxy(cosmos_emulator, refused(503)) as proxy:
        disturbed = Clients(Settings({**clients.settings.environment, "COSMOS_ENDPOINT": proxy.origin}))
        with pytest.raises(IndexUnavailable):
            await read_versions(disturbed, env)
        await disturbed.close()
