"""Whole embedding jobs that a fault meets at any moment: one job after the other, each at its next request.

Each job finds an edited file, a copy, an unchanged file that was uploaded anew, and one that is gone. At no
time is a file that was indexed before it without all of its vectors, be they those of its old text.
"""

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import pytest
from azure.cosmos import CosmosClient

from local.emulators.azurite import ACCOUNT, Azurite
from local.emulators.cosmos.service import Cosmos
from local.ports import LOOPBACK
from local.settings import StackSettings
from tests.support.corpus import DATABASE, SELF_CERTIFIED, SHORT_VECTORS, Corpus, empty_corpus, prose
from tests.support.cosmos_proxy import answer_lost, cosmos_proxy, is_write, refused
from tests.support.instant_app import InstantApp, instant_app
from tests.support.service_proxy import Call, Reply, Rule, ServiceProxy, service_proxy

pytestmark = SELF_CERTIFIED

BEARS = prose("bears", paragraphs=8)
EDITED_BEARS = "News come first.\n\n" + BEARS.replace("Paragraph 5", "After a long winter, paragraph 5")
UNCHANGED = {"apples": prose("apples", paragraphs=2), "dates": prose("dates", paragraphs=2)}
STATES = (
    {**UNCHANGED, "bears": BEARS, "cedars": prose("cedars", paragraphs=2)},
    {**UNCHANGED, "bears": EDITED_BEARS, "elders": UNCHANGED["dates"]},
)
# Read in more than one piece.
LONG = "\n" * 300_000 + "Bears sleep long."
Texts = dict[str, list[str]]
"""Of the chunks of each file."""


@dataclass
class AtWrite:
    """A rule: the fault meets the write of that number, and if it lasts, all that come after."""

    number: int
    fault: Rule
    lasts: bool = False
    writes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def has_met(self) -> bool:
        return self.writes >= self.number

    def __call__(self, call: Call) -> Reply:
        with self._lock:
            self.writes += is_write(call)
            meets = is_write(call) and (self.has_met if self.lasts else self.writes == self.number)
        return self.fault(call) if meets else call.pass_on()


@dataclass
class Scene:
    """Files that go to and fro between two states, and an index that is watched while jobs follow them."""

    corpus: Corpus
    app: InstantApp
    cosmos: ServiceProxy
    undisturbed: Sequence[Texts]
    state: int = 0
    gaps: list[str] = field(default_factory=list)

    def change_files(self) -> None:
        """Brings the files into the other state."""
        self.state = 1 - self.state
        self.corpus.hold(**STATES[self.state])

    async def run(self, rule: Rule = Call.pass_on) -> dict[str, Any]:
        """The last status of a job whose requests to the index are treated by the rule."""

        def watched(call: Call) -> Reply:
            try:
                return rule(call)
            finally:
                if is_write(call):
                    self._look()

        self.cosmos.rule = watched
        try:
            return await self.app.run(self.corpus)
        finally:
            self.cosmos.rule = Call.pass_on

    def is_whole(self) -> bool:
        """Whether the index is what an undisturbed job makes of the files, and was never less meanwhile."""
        complete = all(record["etag"] for record in self.corpus.records())
        return complete and not self.gaps and self.corpus.searchable() == self.undisturbed[self.state]

    def _look(self) -> None:
        found = self.corpus.searchable()
        for name in STATES[0].keys() & STATES[1].keys():
            if not any(set(texts[name]).issubset(found.get(name, ())) for texts in self.undisturbed):
                self.gaps.append(name)


@pytest.fixture(scope="module")
def cosmos_on_the_way(cosmos_emulator: Cosmos) -> Iterator[ServiceProxy]:
    with cosmos_proxy(cosmos_emulator) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def blobs_on_the_way(stack_settings: StackSettings, storage: Azurite) -> Iterator[ServiceProxy]:
    with service_proxy(f"http://{LOOPBACK}:{stack_settings.blob.number}") as proxy:
        yield proxy


@pytest.fixture(scope="module")
async def app(
    storage: Azurite,
    embedding_settings: dict[str, str],
    cosmos_on_the_way: ServiceProxy,
    blobs_on_the_way: ServiceProxy,
) -> AsyncIterator[InstantApp]:
    account = storage.connection_string.split("BlobEndpoint")[0]
    own = {
        "AZURE_STORAGE_CONNECTION_STRING": f"{account}BlobEndpoint={blobs_on_the_way.origin}/{ACCOUNT};",
        "COSMOS_ENDPOINT": cosmos_on_the_way.origin,
        "COSMOS_DATABASE": DATABASE,
        "CHUNK_TOKENS": "64",
        "CHUNK_OVERLAP_TOKENS": "0",
        "PATIENCE_HOURS": "0.25",
    }
    async with instant_app(storage.connection_string, embedding_settings | SHORT_VECTORS | own) as running:
        yield running


@pytest.fixture(scope="module")
async def undisturbed(app: InstantApp, storage: Azurite, cosmos_client: CosmosClient) -> Sequence[Texts]:
    """What a job makes of either state of the files."""
    made = []
    with empty_corpus(storage, cosmos_client) as corpus:
        for number, files in enumerate(STATES):
            corpus.hold(**files)
            await app.run(corpus, version=f"v{number}")
            made.append(corpus.searchable(f"v{number}"))
    return made


@pytest.fixture
async def scene(
    app: InstantApp,
    undisturbed: Sequence[Texts],
    storage: Azurite,
    cosmos_client: CosmosClient,
    cosmos_on_the_way: ServiceProxy,
) -> AsyncIterator[Scene]:
    """Files and index in the first state."""
    with empty_corpus(storage, cosmos_client) as corpus:
        corpus.hold(**STATES[0])
        await app.run(corpus)
        yield Scene(corpus, app, cosmos_on_the_way, undisturbed)


def done_but_denied(call: Call) -> Reply:
    """The write is done, and said to have failed."""
    call.pass_on()
    return Reply.of({"code": "InternalServerError"}, status=500)


async def test_job_goes_on_after_a_fault_at_any_of_its_writes(scene: Scene):
    for number in count(1):
        scene.change_files()
        meeting = AtWrite(number, done_but_denied)
        status = await scene.run(meeting)
        result = status["result"]
        own = [chunk for chunk in scene.corpus.chunks() if chunk["job_id"] == status["id"]]

        assert scene.is_whole(), number
        assert (result["embedded"], result["failed"], result["deleted"]) == (2, 0, 1)
        assert (result["chunks"], result["tokens"]) == (len(own), sum(chunk["tokens"] for chunk in own))
        assert result["requests"] == sum(chunk["requests"] for chunk in own)
        if not meeting.has_met:
            break
    assert number > 5


@pytest.mark.soak
async def test_job_that_a_fault_ends_at_any_of_its_writes_is_mended_by_the_next(scene: Scene):
    for number in count(1):
        scene.change_files()
        meeting = AtWrite(number, refused(500), lasts=True)
        broken = await scene.run(meeting)
        if not meeting.has_met:
            break
        if number % 2:
            scene.change_files()  # back, so that the next job finds what the one before last has indexed
        mended = await scene.run()

        assert (broken["status"], broken["error"]["code"]) == ("Failed", "IndexUnavailable")
        assert (mended["status"], mended["result"]["failed"]) == ("Completed", 0)
        assert scene.is_whole(), number
    assert number > 5


class EachAtFirst:
    """A rule: the fault meets every request when it is sent for the first time."""

    def __init__(self, fault: Rule) -> None:
        self._fault = fault
        self._seen: set[tuple[str, str, bytes]] = set()
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> Reply:
        request = (call.method, call.target, call.body)
        with self._lock:
            is_first = request not in self._seen
            self._seen.add(request)
        return self._fault(call) if is_first else call.pass_on()


@pytest.mark.parametrize("fault", [refused(429), answer_lost], ids=["throttled", "answer-lost"])
async def test_job_survives_that_every_request_to_the_index_fails_at_first(scene: Scene, fault: Rule):
    scene.corpus.put(bears=EDITED_BEARS)
    scene.corpus.drop("cedars")
    result = (await scene.run(EachAtFirst(fault)))["result"]

    assert (result["embedded"], result["failed"], result["deleted"]) == (1, 0, 1)
    assert not scene.gaps
    after = scene.undisturbed[1]
    assert scene.corpus.searchable() == {name: after[name] for name in (*UNCHANGED, "bears")}


def unavailable_twice(*methods: str) -> Rule:
    """The first request of each method is refused, and refused again when the SDK repeats it."""
    chosen: dict[str, bytes] = {}
    left = dict.fromkeys(methods, 2)
    lock = threading.Lock()

    def rule(call: Call) -> Reply:
        request = call.target.encode() + call.body
        with lock:
            is_chosen = chosen.setdefault(call.method, request) == request and left.get(call.method, 0) > 0
            left[call.method] = left.get(call.method, 0) - is_chosen
        return refused(503)(call) if is_chosen else call.pass_on()

    return rule


async def test_each_step_is_tried_again_when_cosmos_db_is_unavailable(scene: Scene):
    scene.change_files()
    # The first query, a record and the last deletion: of listing, embedding and deleting.
    status = await scene.run(unavailable_twice("POST", "PUT", "DELETE"))

    assert (status["status"], status["result"]["failed"]) == ("Completed", 0)
    assert scene.is_whole()


def at_reading(name: str, *happenings: Callable[[], object], midway: bool = False) -> Rule:
    """Lets things happen, one each time, when a listed file is about to be read, or read on."""
    pending = list(happenings)

    def rule(call: Call) -> Reply:
        is_meant = call.method == "GET" and f"/docs/{name}.txt" in call.target
        if pending and is_meant and ("if-match" in call.headers) == midway:
            pending.pop(0)()
        return call.pass_on()

    return rule


async def test_file_that_vanishes_before_it_is_read_keeps_its_vectors_until_the_next_job(
    scene: Scene, blobs_on_the_way: ServiceProxy
):
    scene.change_files()
    blobs_on_the_way.rule = at_reading("bears", partial(scene.corpus.drop, "bears"))
    result = (await scene.run())["result"]
    kept = scene.corpus.searchable()["bears"]
    later = (await scene.run())["result"]

    assert (result["embedded"], result["failed"]) == (1, 1)
    assert [entry["code"] for entry in result["ledger"]] == ["FileVanished"]
    assert kept == scene.undisturbed[0]["bears"]
    assert (later["deleted"], later["failed"]) == (1, 0)
    assert set(scene.corpus.searchable()) == {*UNCHANGED, "elders"}


async def test_file_that_is_replaced_before_it_is_read_is_embedded_as_it_was_read(
    scene: Scene, blobs_on_the_way: ServiceProxy
):
    scene.change_files()
    blobs_on_the_way.rule = at_reading("bears", partial(scene.corpus.put, bears="Something else."))
    result = (await scene.run())["result"]
    later = (await scene.run())["result"]

    assert (result["embedded"], result["failed"]) == (2, 0)
    assert (later["unchanged"], later["embedded"]) == (4, 0)
    assert scene.corpus.searchable()["bears"] == ["Something else."]


async def test_container_that_is_deleted_before_its_files_are_read_costs_no_vector(
    scene: Scene, blobs_on_the_way: ServiceProxy
):
    scene.change_files()
    blobs_on_the_way.rule = at_reading("bears", scene.corpus.files.delete_container)
    first = await scene.run()
    second = await scene.run()
    kept = scene.corpus.searchable()
    scene.corpus.files.create_container()
    scene.corpus.put(**STATES[1])
    await scene.run()

    assert {entry["code"] for entry in first["result"]["ledger"]} == {"FileVanished"}
    assert (second["status"], second["error"]["code"]) == ("Failed", "ContainerNotFound")
    assert kept["bears"] == scene.undisturbed[0]["bears"]
    assert scene.is_whole()


async def test_file_that_is_replaced_while_it_is_read_is_read_again(
    scene: Scene, blobs_on_the_way: ServiceProxy
):
    scene.corpus.put(bears=LONG)
    replace = partial(scene.corpus.put, bears=LONG.replace("long", "late"))
    blobs_on_the_way.rule = at_reading("bears", replace, midway=True)
    result = (await scene.run())["result"]

    assert (result["embedded"], result["failed"]) == (1, 0)
    assert "".join(scene.corpus.searchable()["bears"]) == "Bears sleep late."


async def test_file_that_is_replaced_each_time_it_is_read_is_in_the_ledger_and_no_other_suffers(
    scene: Scene, blobs_on_the_way: ServiceProxy
):
    scene.corpus.put(apples="New apples.", bears=LONG)
    replacements = (partial(scene.corpus.put, bears=f"{LONG} {number}") for number in range(3))
    blobs_on_the_way.rule = at_reading("bears", *replacements, midway=True)
    result = (await scene.run())["result"]
    kept = scene.corpus.searchable()
    later = (await scene.run())["result"]

    assert (result["embedded"], [entry["code"] for entry in result["ledger"]]) == (1, ["FileReplaced"])
    assert (kept["apples"], kept["bears"]) == (["New apples."], scene.undisturbed[0]["bears"])
    assert (later["embedded"], later["failed"]) == (1, 0)
