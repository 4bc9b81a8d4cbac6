"""The app among real services, on a host whose time and death a test decides, and its clients."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any
from uuid import uuid4

from azure.cosmos import CosmosClient
from azure.data.tables import TableClient
from azure.storage.blob import ContainerClient

from local.emulators.azurite import Azurite
from local.emulators.cosmos.service import KEY, Cosmos
from local.emulators.embeddings.service import Embeddings
from local.host import clean_environment
from local.http_client import Answer, request
from tests.support.app_time import months_ago
from tests.support.corpus import DATABASE, SHORT_VECTORS, Corpus, prose
from tests.support.events_service import EventsService, events_service
from tests.support.live_events import LiveEvents
from tests.support.service_proxy import Call, Reply, ServiceProxy, service_proxy
from tests.support.timed_host import TimedHost, timed_host

FILES = {name: prose(name, paragraphs=3) for name in ("apples", "bears", "cedars", "dates")}
EVENT_TEXT = "The train to Bern leaves at 10:02."
PEOPLE = 37
APPROVAL, RETENTION = timedelta(days=1), timedelta(days=4)
_HUB = "AzureFunctionsJobHost__extensions__durableTask__hubName"
_AUDIT = "/api/submit/query?s=2031-01-01&e=2031-03-31"
# Of so many environments half have a budget, which pays for one job or two.
_ENVIRONMENTS = 400
_BUDGET = 0.002
_AWAY = Reply.of({}, status=HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True)
class Unanswered:
    """What a client has from a host that died over its request."""

    status: int = 0


@dataclass
class ControlWorld:
    """A host with a task hub of its own, and its clients, of whom any number asks at once."""

    host: TimedHost
    storage: Azurite
    cosmos: CosmosClient
    embeddings: Embeddings
    proxy: ServiceProxy
    events: EventsService
    budgets: dict[str, float]
    clients: ThreadPoolExecutor
    environments: Iterator[str]
    opened: ExitStack
    jobs: set[str] = field(default_factory=set)

    def new_client(self, *, has_budget: bool) -> "ClientOfWorld":
        """A client with an environment and files of its own."""
        env = next(env for env in self.environments if (env in self.budgets) == has_budget)
        files = ContainerClient.from_connection_string(self.storage.connection_string, env)
        self.opened.enter_context(files)
        files.create_container()
        index = self.cosmos.get_database_client(DATABASE).get_container_client("chunks")
        corpus = Corpus(files, index, env)
        corpus.put(**FILES)
        files.upload_blob("watched/first.txt", FILES["apples"])
        events = LiveEvents(index, env)
        events.put(self.events, "one", EVENT_TEXT)
        return ClientOfWorld(self, corpus, events)

    def is_up(self, *, up: bool) -> None:
        """Takes the services away that cost money, or brings them back."""
        self.proxy.rule = Call.pass_on if up else (lambda _: _AWAY)
        self.events.is_down = not up

    def raise_budget(self, env: str) -> None:
        """Has the host begin anew with more money for an environment, if it has a budget."""
        if env not in self.budgets:
            return
        self.budgets[env] = 1_000.0
        self.host.kill()
        self.host.environment["MONTHLY_BUDGETS"] = _budgets(self.budgets)
        self.host.begin()

    def at_once(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """What calls return that are all made at once."""
        return [each.result() for each in [self.clients.submit(call) for call in calls]]

    def kept_blobs(self, prefix: str) -> list[str]:
        """The names of what jobs have staged or kept."""
        with ContainerClient.from_connection_string(self.storage.connection_string, "jobs") as jobs:
            return list(jobs.list_blob_names(name_starts_with=prefix))


@dataclass(frozen=True)
class ClientOfWorld:
    """What a client asks of the app; of a host that dies over it, it hears nothing."""

    world: ControlWorld
    corpus: Corpus
    events: LiveEvents

    def submit(self, kind: str, key: str, *, needs_approval: bool = False, watch_minutes: int = 600) -> Any:
        """Asks for a job; the key is the version of its index, too."""
        headers = {"Idempotency-Key": key}
        if kind == "audit":
            return self._ask("POST", _AUDIT, headers=headers)
        if kind == "event":
            body = {**self.events.named("one"), "env": self.events.env, "version": key}
            return self._ask("POST", "/api/orchestrators/start", body=body)
        folder = "watched" if kind == "watch" else "docs"
        path = f"{self.corpus.files.container_name}/{folder}"
        body = {"env": self.corpus.env, "version": key, "filesPath": path}
        more = {"approvalAbove": 0} if needs_approval else {}
        more |= {"watchMinutes": watch_minutes} if kind == "watch" else {}
        return self._ask("POST", "/api/orchestrators/start", body=body | more, headers=headers)

    def decide(self, what: str, job: str) -> Any:
        """Approves, rejects or cancels a job."""
        if what == "cancel":
            return self._ask("DELETE", f"/api/status/{job}")
        return self._ask("POST", f"/api/status/{job}/approval", body={"approved": what == "approve"})

    def status(self, job: str) -> Answer:
        """The status of a job, on a host that is up."""
        answer = self._ask("GET", f"/api/status/{job}")
        assert isinstance(answer, Answer), "The host is up and does not answer."
        return answer

    def listed(self) -> list[str]:
        """The ids of the jobs of this client's environment, by pages of two."""
        ids: list[str] = []
        following: str | None = ""
        while following is not None:
            after = f"&after={following}" if following else ""
            page = self._ask("GET", f"/api/jobs?env={self.corpus.env}&top=2{after}").json()
            ids += [job["id"] for job in page["jobs"]]
            following = page["next"]
        return ids

    def spent(self) -> tuple[int, int]:
        """The tokens that are counted, and how many of them are estimated."""
        months = self.world.host.api.usage(self.corpus.env)["months"]
        return sum(m["tokens"] for m in months), sum(m.get("estimated", 0) for m in months)

    def _ask(self, method: str, target: str, **more: Any) -> Any:
        try:
            return request(method, f"{self.world.host.api.origin}{target}", **more)
        except (OSError, HTTPException):
            return Unanswered()


@contextmanager
def control_world(
    storage: Azurite, cosmos: Cosmos, embeddings: Embeddings, state: Path
) -> Iterator[ControlWorld]:
    """A world that has just begun."""
    name = f"control{uuid4().hex[:8]}"
    budgets = {f"{name}-{number}": _BUDGET for number in range(0, _ENVIRONMENTS, 2)}
    _put_people(storage, name)
    embeddings.reset()
    embeddings.configure(latency=0.02)
    with ExitStack() as opened:
        opened.callback(embeddings.reset)
        events = opened.enter_context(events_service())
        proxy = opened.enter_context(service_proxy(embeddings.origin))
        own = _settings(name, proxy, events, budgets)
        services = cosmos.app_settings() | embeddings.app_settings()
        environment = clean_environment(storage.connection_string) | services | own
        yield ControlWorld(
            host=opened.enter_context(timed_host(state, environment, months_ago())),
            storage=storage,
            cosmos=opened.enter_context(CosmosClient(cosmos.endpoint, KEY)),
            embeddings=embeddings,
            proxy=proxy,
            events=events,
            budgets=budgets,
            clients=opened.enter_context(ThreadPoolExecutor(8)),
            environments=(f"{name}-{number}" for number in range(_ENVIRONMENTS)),
            opened=opened,
        )


def _settings(
    name: str, proxy: ServiceProxy, events: EventsService, budgets: dict[str, float]
) -> dict[str, str]:
    return {
        **SHORT_VECTORS,
        _HUB: f"hub{name}",  # names that begin with that of the hub are its own
        "AUDIT_TABLE": name,
        "COSMOS_DATABASE": DATABASE,
        "EMBEDDINGS_ENDPOINT": f"{proxy.origin}/v1",
        "EMBEDDINGS_PRICE_PER_MILLION": "1",
        "EMBEDDINGS_TOKENS_PER_REQUEST": "300",
        "EVENTS_ENDPOINT": events.origin,
        "CHUNK_TOKENS": "64",
        "CHUNK_OVERLAP_TOKENS": "0",
        "FILES_CONCURRENCY": "2",
        "APPROVAL_DAYS": str(APPROVAL.days),
        "JOB_RETENTION_DAYS": str(RETENTION.days),
        "PATIENCE_HOURS": "1000",
        "BUDGET_RECHECK_SECONDS": "3600",
        "MONTHLY_BUDGETS": _budgets(budgets),
        "AzureWebJobs.live-event-function.Disabled": "true",
    }


def _budgets(budgets: dict[str, float]) -> str:
    return ",".join(f"{env}={amount:.6f}" for env, amount in budgets.items())


def _put_people(storage: Azurite, name: str) -> None:
    with TableClient.from_connection_string(storage.connection_string, name) as table:
        table.create_table()
        for number in range(60):
            key = {"PartitionKey": f"2031-0{1 + number % 3}-{1 + number % 28:02}", "RowKey": str(number)}
            table.upsert_entity({**key, "CertNumber": "c", "identificationNumber": number % PEOPLE})
