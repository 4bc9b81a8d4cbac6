"""A host that is killed ten times in the middle of activities: every job completes, and no file is blamed."""

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from azure.data.tables import TableClient

from local.emulators.azurite import Azurite
from local.emulators.cosmos.service import Cosmos
from local.emulators.embeddings.service import Embeddings
from local.settings import StackSettings
from tests.e2e.conftest import start_host
from tests.support.api_client import ApiClient
from tests.support.corpus import DATABASE, SELF_CERTIFIED, Corpus, corpus, prose
from tests.support.events_service import events_service
from tests.support.live_events import LiveEvents, events
from tests.support.outage_world import proxied_services, settings_of, through
from tests.support.service_proxy import Call, Reply

__all__ = ["corpus", "events", "start_host"]
pytestmark = [SELF_CERTIFIED, pytest.mark.soak]
KILLS = 10
EVENTS = [f"event-{number}" for number in range(6)]
TABLE = "kills"


@dataclass
class Trap:
    """A rule that tells when so many requests of activities have come since it was set."""

    sprung: threading.Event = field(default_factory=threading.Event)
    _left: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, requests: int) -> None:
        """Begins to count anew."""
        with self._lock:
            self._left = requests
        self.sprung.clear()

    def __call__(self, call: Call) -> Reply:
        with self._lock:
            self._left -= 1
            is_sprung = self._left == 0
        if is_sprung:
            self.sprung.set()
            time.sleep(0.2)  # the request is under way while its host dies
        return call.pass_on()


@pytest.fixture
def many_files(corpus: Corpus) -> Corpus:
    corpus.put(**{f"file{number:02}": prose(f"subject {number}", paragraphs=4) for number in range(12)})
    return corpus


@pytest.fixture
def people(storage: Azurite) -> int:
    """The right answer of an audit query of the first months of 2032."""
    with TableClient.from_connection_string(storage.connection_string, TABLE) as table:
        table.create_table()
        for number in range(60):
            key = {"PartitionKey": f"2032-0{1 + number % 3}-{1 + number % 28:02}", "RowKey": str(number)}
            table.upsert_entity({**key, "CertNumber": "c", "identificationNumber": number % 41})
    return 41


def test_jobs_of_a_host_that_dies_ten_times_complete_and_no_file_is_blamed(  # noqa: PLR0917 - fixtures
    stack_settings: StackSettings,
    storage: Azurite,
    cosmos_emulator: Cosmos,
    embeddings_server: Embeddings,
    start_host: Any,
    many_files: Corpus,
    events: LiveEvents,
    people: int,
    seed: int,
    table: list[str],
    tmp_path: Path,
):
    chance, trap = Random(seed), Trap()  # noqa: S311 - repeatable
    with ExitStack() as opened:
        service = opened.enter_context(events_service())
        proxies = proxied_services(opened, stack_settings, cosmos_emulator, embeddings_server, service)
        for proxy in proxies.values():
            proxy.rule = trap
        for name in EVENTS:
            events.put(service, name, f"The text of {name}.")
        own = settings_of(proxies, cosmos_emulator, embeddings_server) | {
            "AUDIT_TABLE": TABLE,
            "COSMOS_DATABASE": DATABASE,
        }
        own |= {"AUDIT_STORAGE": through(storage, proxies)}
        own |= {"AZURE_STORAGE_CONNECTION_STRING": through(storage, proxies)}
        jobs: list[str] = []
        for _ in range(KILLS):
            with start_host(tmp_path / "state.db", **own) as (api, host):
                trap.set(chance.randint(1, 25))
                jobs = jobs or submit_all(api, many_files, events)
                assert trap.sprung.wait(60)
                host.kill()
        with start_host(tmp_path / "state.db", **own) as (api, _):
            ended = [api.finished(job, seconds=180) for job in jobs]
            months = [month for env in (many_files.env, events.env) for month in api.usage(env)["months"]]
    audit, files, *of_events = ended
    charged = embeddings_server.counters()["tokens"]
    counted = sum(month["tokens"] for month in months)
    estimated = sum(month.get("estimated", 0) for month in months)
    table.append(f"{KILLS} kills: charged {charged} tokens, counted {counted}, of it estimated {estimated}")

    assert (audit["status"], audit["result"]) == ("Completed", people)
    assert (files["status"], files["result"]["embedded"], files["result"]["ledger"]) == ("Completed", 15, [])
    assert {status["status"] for status in of_events} == {"Completed"}
    assert [len(events.documents(name)) for name in EVENTS] == [1] * len(EVENTS)
    assert counted - estimated <= charged <= counted


def submit_all(api: ApiClient, corpus: Corpus, events: LiveEvents) -> list[str]:
    """The ids of one audit query, one job over files, and events."""
    submitted = [api.submit("2032-01-01", "2032-03-31"), corpus.submit(api)]
    submitted += [events.submit(api, name) for name in EVENTS]
    return [answer.json()["id"] for answer in submitted]
