"""The real app among real services, each behind a proxy, and jobs of every kind that an outage may meet."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http import HTTPStatus
from random import Random
from typing import Any, TypeVar
from uuid import uuid4

from azure.core.exceptions import ResourceExistsError
from azure.cosmos import ContainerProxy, CosmosClient
from azure.data.tables import TableClient
from azure.storage.queue import QueueClient

from local.emulators.azurite import ACCOUNT, Azurite
from local.emulators.cosmos.service import KEY, Cosmos
from local.emulators.embeddings.service import Embeddings
from local.http_client import Answer, request
from local.ports import LOOPBACK
from local.settings import StackSettings
from shared_code.http_pool import Service, ServiceCaller, ServicePool
from shared_code.network import Network
from tests.support.api_client import ApiClient
from tests.support.app_time import AppTime
from tests.support.corpus import OUTAGES_DATABASE, SHORT_VECTORS, Corpus, empty_corpus, prose
from tests.support.cosmos_proxy import cosmos_proxy
from tests.support.events_service import EventsService, events_service
from tests.support.instant_app import InstantApp, instant_app
from tests.support.live_events import LiveEvents
from tests.support.outages import FAULTS, PATIENCE, Outage
from tests.support.service_proxy import Call, ServiceProxy, service_proxy

SERVICES = ("table", "blobs", "queues", "cosmos", "embeddings", "events")
JOBS = ("audit", "file", "event", "evaluation")
# What a job does not use it does not miss, which one fault shows as well as all.
USES = {
    "audit": ("table", "blobs"),
    "file": ("blobs", "cosmos", "embeddings"),
    "event": ("queues", "events", "cosmos", "embeddings", "blobs"),
    "evaluation": ("blobs", "cosmos", "embeddings"),
}
FILES = {name: prose(name, paragraphs=2) for name in ("apples", "bears", "cedars", "dates")}
QUESTIONS = "golden.jsonl"
FIGURES = ("asked", "missed", "mrr", "recall@1")
TEXT = "The train to Bern leaves at 10:02."
AUDIT_TABLE = "outages"
AUDIT_START, AUDIT_END, AUDIT_PEOPLE = "2031-01-01", "2031-03-31", 37
_SECONDS_OF_QUEUE = 2.0
# How often a queue is asked is a matter of luck: at least for a message, and to delete it.
_FEWEST = {"queues": 2}
_OF_EACH_KIND = 6
# Texts that come together share requests for embeddings.
_FEWEST_AT_ONCE = {**_FEWEST, "embeddings": 2}


Result = TypeVar("Result")


class HastyPool(ServicePool):
    """A pool in which no attempt at a request may take long."""

    def register(self, service: Service) -> ServiceCaller:
        return super().register(replace(service, timeouts=replace(service.timeouts, attempt=PATIENCE)))


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """What came of a job that met an outage.

    Attributes:
        seconds: from its submission to its end, of the app's time.
        met: requests that failed.
        status: its last one.
        is_right: whether what it leaves is what an undisturbed job leaves.
        charged: tokens that the embeddings service charged for.
        counted: those that the usage of the environment tells.
        estimated: of these, the ones that are not known to have been charged.
    """

    seconds: float
    met: int
    status: dict[str, Any]
    is_right: bool
    charged: int = 0
    counted: int = 0
    estimated: int = 0

    @property
    def has_completed(self) -> bool:
        """Whether the job has ended as if there had been no outage."""
        return bool(self.status["status"] == "Completed" and self.is_right)

    @property
    def result(self) -> str:
        """In a word, what came of the job."""
        error = (self.status.get("error") or {}).get("code", "wrong")
        return "right" if self.has_completed else f"{self.status['status']}, {error}"


@dataclass
class OutageWorld:
    """The app, its services, and what its jobs are about."""

    app: InstantApp
    time: AppTime
    proxies: Mapping[str, ServiceProxy]
    storage: Azurite
    cosmos_client: CosmosClient
    embeddings: Embeddings
    events: EventsService
    queue: QueueClient
    evaluated: Corpus
    usual: dict[tuple[str, str], int] = field(default_factory=dict)
    undisturbed: dict[str, list[str]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def api(self) -> ApiClient:
        return ApiClient(self.app.running.host.origin)

    async def run_undisturbed(self) -> None:
        """Runs a job of each kind, which creates what the first one has to create."""
        await self._ended(await self._taken(lambda: self.evaluated.submit(self.api)))
        for job in JOBS:
            meeting = await self.run(job)
            if not meeting.has_completed:
                raise AssertionError(meeting)

    async def run(self, job: str) -> Meeting:
        """Runs a job that meets no outage."""
        return await self._run(job, self._counting("table"))

    async def meet(self, job: str, service: str, fault: str, seconds: float, *, seed: int) -> Meeting:
        """Runs a job that meets an outage at one of its requests to the service."""
        chance = Random(f"{seed} {job} {service} {fault} {seconds}")  # noqa: S311 - repeatable
        begins = chance.randint(1, _FEWEST.get(service) or await self._requests(job, service))
        while True:
            outage = Outage(self.proxies[service], self.time, FAULTS[fault], seconds, begins)
            meeting = await self._run(job, outage)
            if meeting.met or begins == 1 or service not in USES[job]:
                return meeting
            begins //= 2  # a slower job had asked more often whether it was cancelled

    async def meet_at_once(self, service: str, fault: str, seconds: float, *, seed: int) -> list[Meeting]:
        """Submits jobs of each kind at once, over the same files, which meet an outage together."""
        chance = Random(f"{seed} at once {service} {fault}")  # noqa: S311 - repeatable
        begins = chance.randint(1, _FEWEST_AT_ONCE.get(service, _OF_EACH_KIND))
        outage = Outage(self.proxies[service], self.time, FAULTS[fault], seconds, begins)
        meetings = await self._within(outage, self._run_many)
        return [replace(meeting, met=outage.met) for meeting in meetings]

    async def _run_many(self) -> list[Meeting]:
        events = LiveEvents(self._chunks, f"events-{uuid4().hex[:8]}")
        names = [f"event{number}" for number in range(_OF_EACH_KIND)]
        with empty_corpus(self.storage, self.cosmos_client, database=OUTAGES_DATABASE) as corpus:
            await asyncio.to_thread(lambda: corpus.put(**FILES))
            audits, files = [], []
            for name in names:
                await self._send(events, name)
                files.append(await self._taken(lambda: corpus.submit(self.api)))
                audits.append(await self._taken(lambda: self.api.submit(AUDIT_START, AUDIT_END)))
            for name in names:
                await self._arrived(events.job_id(name))
            found = await self._all_ended(audits)
            meetings = self._meetings(
                found, is_right=all(status["result"] == AUDIT_PEOPLE for status in found)
            )
            found = await self._all_ended(files)
            embedded = sum((status["result"] or {}).get("embedded", 0) for status in found)
            is_whole = await asyncio.to_thread(corpus.searchable) == self.undisturbed
            meetings += self._meetings(found, is_right=is_whole and embedded == len(FILES))
            found = await self._all_ended([events.job_id(name) for name in names])
            written = [events.documents(name)[0]["text"] for name in names]
            meetings += self._meetings(found, is_right=written == [TEXT] * len(names))
            tokens = await self._tokens(corpus.env) + await self._tokens(events.env)
        charged = self.embeddings.counters()["tokens"]
        return [replace(meeting, charged=charged, counted=tokens) for meeting in meetings]

    async def _all_ended(self, jobs: Sequence[str]) -> list[dict[str, Any]]:
        return [await self._ended(job) for job in jobs]

    def _meetings(self, statuses: Sequence[dict[str, Any]], *, is_right: bool) -> list[Meeting]:
        return [Meeting(seconds=0, met=0, status=status, is_right=is_right) for status in statuses]

    async def _tokens(self, env: str, which: str = "tokens") -> int:
        usage = await asyncio.to_thread(self.api.usage, env)
        return sum(month.get(which, 0) for month in usage["months"])

    async def _requests(self, job: str, service: str) -> int:
        """How many requests an undisturbed job sends to a service at least."""
        if (job, service) not in self.usual:
            counting = self._counting(service)
            await self._run(job, counting)
            self.usual[job, service] = max(counting.seen, 1)
        return self.usual[job, service]

    def _counting(self, service: str) -> Outage:
        return Outage(self.proxies[service], self.time, FAULTS["500"], seconds=0.0, begins=0)

    async def _run(self, job: str, outage: Outage) -> Meeting:
        began = self.time.now()
        runs: dict[str, Callable[[], Awaitable[Meeting]]] = {
            "audit": self._run_audit,
            "file": self._run_file,
            "event": self._run_event,
            "evaluation": self._run_evaluation,
        }
        meeting = await self._within(outage, runs[job])
        return replace(meeting, seconds=self.time.now() - began, met=outage.met)

    async def _within(self, outage: Outage, run: Callable[[], Awaitable[Result]]) -> Result:
        await self.app.running.advance(timedelta(hours=2))  # no pause or circuit of the last one lasts
        self.embeddings.reset()
        outage.proxy.rule = outage
        try:
            return await run()
        finally:
            await asyncio.to_thread(outage.end)
            self._end_outages()

    def _end_outages(self) -> None:
        for proxy in self.proxies.values():
            proxy.rule = Call.pass_on

    async def _run_audit(self) -> Meeting:
        status = await self._ended(await self._taken(lambda: self.api.submit(AUDIT_START, AUDIT_END)))
        [meeting] = self._meetings([status], is_right=status["result"] == AUDIT_PEOPLE)
        return meeting

    async def _run_file(self) -> Meeting:
        with empty_corpus(self.storage, self.cosmos_client, database=OUTAGES_DATABASE) as corpus:
            await asyncio.to_thread(lambda: corpus.put(**FILES))
            status = await self._ended(await self._taken(lambda: corpus.submit(self.api)))
            is_right = await asyncio.to_thread(self._is_whole, corpus, status["result"])
            return await self._with_usage(corpus.env, status, is_right=is_right)

    def _is_whole(self, corpus: Corpus, result: Mapping[str, Any] | None) -> bool:
        if not result or (result["embedded"], result["failed"]) != (len(FILES), 0):
            return False
        texts = corpus.searchable()
        self.undisturbed = self.undisturbed or texts
        return texts == self.undisturbed and result["chunks"] == len(corpus.chunks())

    async def run_event(self) -> tuple[LiveEvents, dict[str, Any]]:
        """Sends the message of a new event; the event, and the last status of its job."""
        events = LiveEvents(self._chunks, f"events-{uuid4().hex[:8]}")
        await self._send(events, "one")
        await self._arrived(events.job_id("one"))
        return events, await self._ended(events.job_id("one"))

    @property
    def _chunks(self) -> ContainerProxy:
        return self.cosmos_client.get_database_client(OUTAGES_DATABASE).get_container_client("chunks")

    async def _send(self, events: LiveEvents, name: str) -> None:
        events.put(self.events, name, TEXT)
        text = json.dumps({**events.named(name), "env": events.env})
        await asyncio.to_thread(self.queue.send_message, text)

    async def _run_event(self) -> Meeting:
        events, status = await self.run_event()
        documents = await asyncio.to_thread(events.documents, "one")
        is_right = [document["text"] for document in documents] == [TEXT] and any(documents[0]["embedding"])
        return await self._with_usage(events.env, status, is_right=is_right)

    async def _run_evaluation(self) -> Meeting:
        corpus = self.evaluated
        before = await self._tokens(corpus.env)
        questions = f"{corpus.files.container_name}/{QUESTIONS}"
        body = {"env": corpus.env, "version": "v1", "questions": questions}
        start = f"{self.api.origin}/api/orchestrators/start"
        status = await self._ended(await self._taken(lambda: request("POST", start, body=body)))
        self._end_outages()  # what is asked from here on is the test's, not the job's
        kept = (await asyncio.to_thread(self.api.send, "GET", f"/api/index/{corpus.env}")).json()
        figures = {name: each for name, each in (status["result"] or {}).items() if name in FIGURES}
        self.figures = self.figures or figures
        evaluation = kept["versions"][0]["evaluation"] or {}
        is_right = figures == self.figures and evaluation.get("job") == status["id"] and kept["live"] is None
        meeting = await self._with_usage(corpus.env, status, is_right=is_right)
        return replace(meeting, counted=meeting.counted - before)

    async def _arrived(self, job: str) -> None:
        """Waits until the job of a message is known; meanwhile the app's time goes on."""
        async with asyncio.timeout(120):
            while (await asyncio.to_thread(self.api.status, job)).status != 200:
                await self.app.running.advance(timedelta(seconds=_SECONDS_OF_QUEUE))
                await asyncio.sleep(0.02)

    async def _taken(self, submit: Callable[[], Answer]) -> str:
        """The id of a job that is submitted again while the app says that it cannot take it."""
        while (answer := await asyncio.to_thread(submit)).status == HTTPStatus.SERVICE_UNAVAILABLE:
            await self.app.running.advance(timedelta(seconds=float(answer.headers["retry-after"])))
        return str(answer.json()["id"])

    async def _ended(self, job: str) -> dict[str, Any]:
        await self.app.running.run_until_idle()
        status: dict[str, Any] = (await asyncio.to_thread(self.api.status, job)).json()
        return status

    async def _with_usage(self, env: str, status: dict[str, Any], *, is_right: bool) -> Meeting:
        tokens = await self._tokens(env)
        estimated = await self._tokens(env, "estimated")
        charged = self.embeddings.counters()["tokens"]
        [meeting] = self._meetings([status], is_right=is_right)
        return replace(meeting, charged=charged, counted=tokens, estimated=estimated)


@asynccontextmanager
async def outage_world(
    stack: StackSettings, storage: Azurite, cosmos: Cosmos, embeddings: Embeddings
) -> AsyncIterator[OutageWorld]:
    """A running app whose every service may have an outage."""
    time = AppTime()
    with ExitStack() as opened:
        events = opened.enter_context(events_service())
        proxies = proxied_services(opened, stack, cosmos, embeddings, events)
        queue = opened.enter_context(
            QueueClient.from_connection_string(storage.connection_string, "live-events")
        )
        client = opened.enter_context(CosmosClient(cosmos.endpoint, KEY))
        _prepare(storage, queue)
        network = Network(clock=time, pool=HastyPool, answer=PATIENCE)
        own = settings_of(proxies, cosmos, embeddings)
        evaluated = opened.enter_context(empty_corpus(storage, client, database=OUTAGES_DATABASE))
        evaluated.put(**FILES)
        evaluated.files.upload_blob(QUESTIONS, _questions(evaluated))
        async with AsyncExitStack() as running:
            app = await running.enter_async_context(instant_app(through(storage, proxies), own, network))
            time.follow(app.running.clock)
            world = OutageWorld(app, time, proxies, storage, client, embeddings, events, queue, evaluated)
            await world.run_undisturbed()
            yield world


def proxied_services(
    opened: ExitStack, stack: StackSettings, cosmos: Cosmos, embeddings: Embeddings, events: EventsService
) -> dict[str, ServiceProxy]:
    """A proxy before each service that the app uses, by its name."""
    origins = {
        "table": f"http://{LOOPBACK}:{stack.table.number}",
        "blobs": f"http://{LOOPBACK}:{stack.blob.number}",
        "queues": f"http://{LOOPBACK}:{stack.queue.number}",
        "embeddings": embeddings.origin,
        "events": events.origin,
    }
    proxies = {name: opened.enter_context(service_proxy(origin)) for name, origin in origins.items()}
    return {**proxies, "cosmos": opened.enter_context(cosmos_proxy(cosmos))}


def through(storage: Azurite, proxies: Mapping[str, ServiceProxy]) -> str:
    """The connection string of the same storage, each service of it behind its proxy."""
    account = storage.connection_string.split("BlobEndpoint")[0]
    names = {"Blob": "blobs", "Queue": "queues", "Table": "table"}
    return account + "".join(
        f"{kind}Endpoint={proxies[name].origin}/{ACCOUNT};" for kind, name in names.items()
    )


def settings_of(
    proxies: Mapping[str, ServiceProxy], cosmos: Cosmos, embeddings: Embeddings
) -> dict[str, str]:
    return {
        **cosmos.app_settings(),
        **embeddings.app_settings(),
        **SHORT_VECTORS,
        "AUDIT_TABLE": AUDIT_TABLE,
        "COSMOS_ENDPOINT": proxies["cosmos"].origin,
        "COSMOS_DATABASE": OUTAGES_DATABASE,
        "EMBEDDINGS_ENDPOINT": f"{proxies['embeddings'].origin}/v1",
        "EVENTS_ENDPOINT": proxies["events"].origin,
        "FILES_CONCURRENCY": "2",  # a process for each takes longest to start
        "CHUNK_TOKENS": "64",
        "CHUNK_OVERLAP_TOKENS": "0",
    }


def _questions(corpus: Corpus) -> str:
    """Golden questions about each file."""
    container = corpus.files.container_name
    lines = ({"question": f"Of {name}?", "sources": [f"{container}/docs/{name}.txt"]} for name in FILES)
    return "\n".join(map(json.dumps, lines))


def _prepare(storage: Azurite, queue: QueueClient) -> None:
    """The rows of the audit query, and an empty queue."""
    with TableClient.from_connection_string(storage.connection_string, AUDIT_TABLE) as table:
        with suppress(ResourceExistsError):  # from an earlier world of this process
            table.create_table()
        for number in range(60):
            key = {"PartitionKey": f"2031-0{1 + number % 3}-{1 + number % 28:02}", "RowKey": str(number)}
            person = {"CertNumber": "c", "identificationNumber": number % AUDIT_PEOPLE}
            table.upsert_entity({**key, **person})
    with suppress(ResourceExistsError):
        queue.create_queue()
    queue.clear_messages()
