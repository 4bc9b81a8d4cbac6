"""Composition root: puts pool, SDKs and settings together; no other module opens or closes a client.

It imports the SDKs, so that only the package, in a thread, and the steps, which run after that, import it.
"""

import asyncio
import logging
from contextlib import AsyncExitStack
from functools import cached_property
from typing import Any

from azure.cosmos.aio import CosmosClient
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from shared_code.clients.app_configuration import load_audit_storage
from shared_code.clients.hub_listing import HostedInstances
from shared_code.clients.identity import AppIdentity
from shared_code.concurrency import Once
from shared_code.digests import digest
from shared_code.embeddings.batching import BatchedEmbeddings, Payer
from shared_code.embeddings.client import (
    EmbeddingsClient,
    QuestionsClient,
    embeddings_service,
    questions_service,
)
from shared_code.embeddings.endpoint import EmbeddingsEndpoint
from shared_code.errors import InvalidSetting
from shared_code.events.documents import EventDocuments
from shared_code.events.source import (
    LOOK_UPS_AT_ONCE,
    TABLE,
    EventsClient,
    EventSource,
    EventsTable,
    FetchedEvents,
    events_service,
)
from shared_code.http_pool import Facts, Hooks, Service, ServicePool, Token, TokenAuth
from shared_code.index.cosmos_container import CosmosContainer
from shared_code.index.cosmos_search import CosmosSearch
from shared_code.index.cosmos_version import CosmosVersion
from shared_code.index.cosmos_versions import CosmosVersions
from shared_code.index.cosmos_writer import CosmosIndex
from shared_code.jobs import LARGE_STEPS_AT_ONCE
from shared_code.jobs.source_containers import JOBS_CONTAINER
from shared_code.network import Network
from shared_code.search.hybrid import QuestionEmbeddings
from shared_code.settings import Settings
from shared_code.settings.setting import Setting
from shared_code.storage.blob_account import blob_service
from shared_code.storage.decisions import CancelWatches, Decisions, DecisionsOfRequests
from shared_code.storage.job_table import TIMEOUTS, StoredJobs
from shared_code.storage.ledgers import ReadableLedger, StoredLedger
from shared_code.storage.source_files import SourceFiles
from shared_code.storage.staging import StoredBlobs
from shared_code.storage.table_account import TableAccount
from shared_code.storage.tables import StorageTable
from shared_code.telemetry import log_event

# Throttled, the SDK would wait as long as the answer says, even a day, and stumble where it gives no number;
# the transport waits for moments only. No tries at all is a negative number: for zero it takes its default.
_COSMOS_OPTIONS: dict[str, Any] = {"retry_throttle_total": -1}
_JOB_ROWS_AT_ONCE = 32


class Clients:
    """What the activities of one event loop share; each client is built when it is first asked for.

    A storage setting is a connection string or an account URL. A URL that carries a shared access
    signature is used as it is, any other with the identity of the app.
    """

    def __init__(self, settings: Settings, network: Network | None = None) -> None:
        self.settings = settings
        self.network = network or Network()
        self._closing = AsyncExitStack()
        self._audit_table = Once(self._open_audit_table)
        self._opened_audit_table: tuple[bytes, StorageTable] | None = None
        self._instances: HostedInstances | None = None

    @cached_property
    def pool(self) -> ServicePool:
        """The one pool of outgoing HTTP."""
        hooks = Hooks(on_retry=_log_retry, on_result=_log_failure)
        pool = self.network.pool(hooks=hooks, clock=self.network.clock)
        self._closing.push_async_callback(pool.close)
        return pool

    @cached_property
    def identity(self) -> AppIdentity:
        """The identity of the app, for whatever is given without a key."""
        credential = AppIdentity(self.settings.client_id)
        self._closing.push_async_callback(credential.close)
        return credential

    async def audit_table(self) -> StorageTable:
        """The table that audit queries read; its limit holds for all activities of this loop together.

        Raises:
            ConfigurationUnavailable: the store that holds its address does not answer now.
            Permanent: a setting or a role is wrong.
        """
        return await self._audit_table.get()

    def forget_audit_table(self) -> None:
        """Has the next step look up where that table is: its key was refused, and may have been renewed."""
        self._audit_table = Once(self._open_audit_table)

    @cached_property
    def events(self) -> EventSource:
        """Where live events are looked up: their service, or their table where there is none."""
        endpoint = self.settings.events_endpoint
        if not endpoint:
            storage = self.settings.events_storage
            return EventsTable(
                self._table(storage, TABLE, at_once=LOOK_UPS_AT_ONCE, setting=Settings.events_storage)
            )
        self.pool.register(events_service(endpoint))
        return EventsClient(self.pool)

    @cached_property
    def fetched_events(self) -> FetchedEvents:
        """Events that have been fetched, and are to be embedded."""
        return FetchedEvents()

    @cached_property
    def job_table(self) -> StoredJobs:
        """The table of jobs of this task hub."""
        return StoredJobs(
            self._table(
                self.settings.host_tables_storage,
                self.settings.job_table,
                at_once=_JOB_ROWS_AT_ONCE,
                setting=Settings.host_storage,
                timeouts=TIMEOUTS,
            )
        )

    def instances(self, address: str) -> HostedInstances:
        """The instances of the Durable host at its own address, which stays while the process lives."""
        if self._instances is None:
            self._instances = HostedInstances(self.pool.register(Service(name="host", base_url=address)))
        return self._instances

    @cached_property
    def jobs_container(self) -> ContainerClient:
        """The container of what jobs stage."""
        return self._blobs.get_container_client(JOBS_CONTAINER)

    @cached_property
    def decisions(self) -> Decisions:
        """What people decided about jobs."""
        return Decisions(self.jobs_container)

    @cached_property
    def cancel_watches(self) -> CancelWatches:
        """What steps learn by that their jobs are to end."""
        return CancelWatches(lambda: self.decisions)

    @cached_property
    def decisions_of_requests(self) -> DecisionsOfRequests:
        """The same, for requests, which decide."""
        return DecisionsOfRequests(self.decisions)

    @cached_property
    def job_blobs(self) -> StoredBlobs:
        """Everything that jobs have staged and kept."""
        return StoredBlobs(self.jobs_container)

    def ledger(self, job_id: str) -> ReadableLedger:
        """The ledger of a job, for a request that reads it."""
        return ReadableLedger(StoredLedger(self.jobs_container, job_id))

    def source_files(self, container: str) -> SourceFiles:
        """The files of a container.

        Raises:
            ContainerNotAllowed: jobs may not read it.
        """
        self.settings.source_containers.require(container)
        return SourceFiles(self._blobs.get_container_client(container))

    @cached_property
    def files_at_once(self) -> asyncio.Semaphore:
        """Bounds the files that all activities of this loop hold in memory together."""
        return asyncio.Semaphore(self.settings.files_concurrency)

    @cached_property
    def large_steps(self) -> asyncio.Semaphore:
        """Bounds the windows and pages of files that all activities of this loop work on together."""
        return asyncio.Semaphore(LARGE_STEPS_AT_ONCE)

    @cached_property
    def embeddings(self) -> EmbeddingsClient:
        """The service that turns texts into vectors."""
        endpoint = EmbeddingsEndpoint.parse(self.settings.embeddings_endpoint)
        self.pool.register(
            embeddings_service(
                endpoint,
                auth=endpoint.auth(self.settings.embeddings_api_key, self._tokens_for),
                attempt=self.settings.embeddings_timeout,
                at_once=self.settings.embeddings_concurrency,
            )
        )
        return EmbeddingsClient(self.pool, endpoint)

    @cached_property
    def file_embeddings(self) -> BatchedEmbeddings:
        """The same service for the texts of files, whose pages share requests."""
        return self._batched_embeddings(wait=0.0)

    @cached_property
    def event_embeddings(self) -> BatchedEmbeddings:
        """The same service for single texts, which wait a moment for others to share a request with."""
        return self._batched_embeddings(wait=self.settings.events_batch_wait.total_seconds())

    @cached_property
    def index_container(self) -> CosmosContainer:
        """The container of the index."""
        return self._container(self.settings.cosmos_container)

    @property
    def versions(self) -> CosmosVersions:
        """The versions of all environments' indexes."""
        return CosmosVersions(self.index_container)

    def index(self, env: str, version: str) -> CosmosIndex:
        """One version of an environment's index."""
        return CosmosIndex(self._version(env, version))

    def previous_index(self, env: str, version: str) -> CosmosIndex | None:
        """The same version in the container that this one takes the place of, if it does."""
        previous = self._previous_version(env, version)
        return CosmosIndex(previous) if previous else None

    def search(self, env: str, version: str) -> CosmosSearch:
        """Searches of that version."""
        return CosmosSearch(self._version(env, version), self._search_slots)

    def question_embeddings(self, payer: Payer) -> QuestionEmbeddings:
        """The vectors of questions, which that payer pays for."""
        plan = self.settings.embedding_plan
        return QuestionEmbeddings(self._questions, plan.model, plan.dimensions, payer)

    def event_documents(self, env: str, version: str) -> EventDocuments:
        """The documents of live events in that version."""
        return EventDocuments(self._version(env, version))

    def previous_documents(self, env: str, version: str) -> EventDocuments | None:
        """Those in the container that this one takes the place of, if it does."""
        previous = self._previous_version(env, version)
        return EventDocuments(previous) if previous else None

    async def close(self) -> None:
        """Closes every client that was built."""
        await self._closing.aclose()

    async def _open_audit_table(self) -> StorageTable:
        given_by, storage = await self._audit_storage()
        key = digest(storage)
        if self._opened_audit_table:
            before, table = self._opened_audit_table
            if before == key:
                return table
            self.pool.retire(table.service_name)
        name, at_once = self.settings.audit_table, self.settings.audit_concurrency
        table = self._table(storage, name, at_once=at_once, setting=given_by)
        self._opened_audit_table = key, table
        return table

    async def _audit_storage(self) -> tuple[Setting[str], str]:
        """Where the audit table is, and the setting that says so."""
        store = self.settings.app_config_endpoint
        if not store:
            return Settings.audit_storage, self.settings.audit_storage
        return Settings.app_config_endpoint, await load_audit_storage(
            store, client_id=self.settings.client_id
        )

    def _batched_embeddings(self, *, wait: float) -> BatchedEmbeddings:
        tokens = self.settings.embeddings_tokens_per_request
        at_once = self.settings.embeddings_concurrency
        return BatchedEmbeddings(self.embeddings, wait=wait, tokens_per_request=tokens, at_once=at_once)

    def _version(self, env: str, version: str) -> CosmosVersion:
        return CosmosVersion(self.index_container, f"{env}|{version}")

    def _previous_version(self, env: str, version: str) -> CosmosVersion | None:
        previous = self._previous_container
        return CosmosVersion(previous, f"{env}|{version}") if previous else None

    def _container(self, name: str) -> CosmosContainer:
        database = self.settings.cosmos_database
        return CosmosContainer(self._cosmos, database=database, name=name, slots=self._cosmos_slots)

    @cached_property
    def _previous_container(self) -> CosmosContainer | None:
        name = self.settings.cosmos_previous_container
        return self._container(name) if name and name != self.settings.cosmos_container else None

    def _table(
        self, storage: str, name: str, *, at_once: int, setting: Setting[str], **more: Any
    ) -> StorageTable:
        try:
            account = TableAccount.parse(storage, self._tokens_for)
            return StorageTable(self.pool, account, name, at_once=at_once, setting=setting, **more)
        except ValueError:
            raise _unusable(setting) from None

    @cached_property
    def _blobs(self) -> BlobServiceClient:
        storage = self.settings.files_storage
        try:
            blobs = blob_service(
                storage,
                lambda: self.identity,
                transport=self.network.transport(),
                clock=self.network.clock,
            )
        except ValueError:
            raise _unusable(Settings.files_storage) from None
        self._closing.push_async_callback(blobs.close)
        return blobs

    @cached_property
    def _cosmos(self) -> CosmosClient:
        key: Any = self.settings.cosmos_key or self.identity
        client = CosmosClient(
            self.settings.cosmos_endpoint, key, transport=self.network.transport(), **_COSMOS_OPTIONS
        )
        self._closing.push_async_callback(client.close)
        return client

    @cached_property
    def _questions(self) -> BatchedEmbeddings:
        """The embeddings service for searches: a question does not queue after the texts of jobs."""
        endpoint = EmbeddingsEndpoint.parse(self.settings.embeddings_endpoint)
        auth = endpoint.auth(self.settings.embeddings_api_key, self._tokens_for)
        at_once, tokens = self.settings.embeddings_concurrency, self.settings.embeddings_tokens_per_request
        self.pool.register(questions_service(endpoint, auth=auth, at_once=at_once))
        client = QuestionsClient(self.pool, endpoint)
        return BatchedEmbeddings(client, wait=0.0, tokens_per_request=tokens, at_once=at_once)

    @cached_property
    def _search_slots(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(self.settings.cosmos_concurrency)

    @cached_property
    def _cosmos_slots(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(self.settings.cosmos_concurrency)

    def _tokens_for(self, scope: str) -> TokenAuth:
        async def ask() -> Token:
            token = await self.identity.get_token(scope)
            return Token(token.token, token.expires_on)

        return TokenAuth(ask)


def _log_retry(facts: Facts) -> None:
    log_event("service.retried", level=logging.WARNING, **_shown(facts), waitSeconds=facts.wait)


def _log_failure(facts: Facts) -> None:
    if facts.error:
        log_event("service.failed", level=logging.WARNING, **_shown(facts))


def _shown(facts: Facts) -> dict[str, Any]:
    return {
        "service": facts.service,
        "status": facts.status,
        "error": facts.error,
        "attempts": facts.attempt,
    }


def _unusable(setting: Setting[str]) -> InvalidSetting:
    # The SDK's own error may quote the value, so it is not chained either.
    return setting.invalid("use a storage connection string or an account URL")
