"""The settings of the app, read from the environment at first use; nothing else reads the environment.

A setting is declared once, here: its row of docs/settings.md and its typed value both follow from that. It is
checked when it is asked for, so that a missing one stops only what needs it. Nothing is opened here: the
store that a setting names is read by whoever uses it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

from shared_code.errors import MissingSetting
from shared_code.jobs import Budget, EmbeddingPlan, EventDefaults
from shared_code.jobs.approval import ApprovalRule
from shared_code.jobs.source_containers import SourceContainers
from shared_code.settings.durable_task import durable_option
from shared_code.settings.parsers import (
    account_name,
    amount,
    amount_or_none,
    amounts_by_label,
    as_it_is,
    https_or_empty,
    key_or_empty,
    label,
    origin_or_empty,
    positive,
    positive_or_none,
    share,
    size_of_chunk,
    table_name,
    true_or_false,
    url,
    url_or_empty,
    whole,
)
from shared_code.settings.setting import Environment, Setting


def _storage_of_host(service: str, service_url: Setting[str]) -> Callable[[Environment], str]:
    """The host's storage: by connection string, service URL or account name."""

    def find(environment: Environment) -> str:
        if given := Settings.host_storage.text(environment) or service_url.text(environment):
            return given
        account = Settings(environment).host_account
        return account and f"https://{account}.{service}.core.windows.net"

    return find


def _storage(setting: Setting[str], text: str) -> str:
    if not text:
        host = Settings.host_storage.name
        raise setting.missing(f"set it or {host} to a connection string, or set it to an account URL")
    return text


@dataclass(frozen=True)
class Settings:
    """The typed settings over one snapshot of the environment; its values never show in a repr."""

    environment: Environment = field(repr=False)

    host_storage = Setting("AzureWebJobsStorage", "", "connection string of the host's own storage", as_it_is)
    host_account = Setting(
        "AzureWebJobsStorage__accountName",
        "",
        "instead of it: the account, for the app's managed identity",
        account_name,
    )
    host_blobs = Setting("AzureWebJobsStorage__blobServiceUri", "", "blob URL of such an account", as_it_is)
    host_tables = Setting(
        "AzureWebJobsStorage__tableServiceUri", "", "table URL of such an account", as_it_is
    )
    host_client_id = Setting(
        "AzureWebJobsStorage__clientId",
        "",
        "client id of the user-assigned identity that the host uses there",
        as_it_is,
    )
    host_hub_name = Setting(
        "AzureFunctionsJobHost__extensions__durableTask__hubName",
        "",
        "name of the task hub; empty: that of `host.json`",
        as_it_is,
    )
    host_default_version = Setting(
        "AzureFunctionsJobHost__extensions__durableTask__defaultVersion",
        "",
        "version that new jobs get, and up to which running ones go on; empty: that of `host.json`",
        as_it_is,
    )
    client_id = Setting(
        "AZURE_CLIENT_ID",
        host_client_id.name,
        "client id of the app's user-assigned identity; empty: its system-assigned one",
        as_it_is,
        fallback=host_client_id.text,
    )
    app_config_endpoint = Setting(
        "AppConfigEndpoint",
        "",
        "URL of an App Configuration store; its `storage-account-connection-string` with label "
        "`async-http-api` then takes the place of `AUDIT_STORAGE`",
        https_or_empty,
        example="https://name.azconfig.io",
    )
    audit_storage = Setting(
        "AUDIT_STORAGE",
        host_storage.name,
        "audit table: connection string or table account URL",
        _storage,
        fallback=_storage_of_host("table", host_tables),
    )
    audit_table = Setting("AUDIT_TABLE", "audit", "name of the audit table", table_name)
    audit_concurrency = Setting(
        "AUDIT_CONCURRENCY", "32", "pages of the audit table read at once by one process", positive
    )
    files_storage = Setting(
        "AZURE_STORAGE_CONNECTION_STRING",
        host_storage.name,
        "files and staged results: connection string or blob account URL",
        _storage,
        fallback=_storage_of_host("blob", host_blobs),
    )
    allowed_containers = Setting(
        "ALLOWED_CONTAINERS",
        "",
        "containers that embedding jobs may read, comma separated; "
        "empty: all but the app's and the host's own",
        as_it_is,
    )
    cosmos_endpoint = Setting(
        "COSMOS_ENDPOINT",
        "",
        "URL of the Cosmos DB account that keeps the vectors",
        url,
        example="https://account.documents.azure.com",
    )
    cosmos_key = Setting("COSMOS_KEY", "", "its key; empty: the app's managed identity", key_or_empty)
    cosmos_database = Setting("COSMOS_DATABASE", "embeddings", "database of the vectors", as_it_is)
    cosmos_container = Setting(
        "COSMOS_CONTAINER", "chunks", "container of the vectors; created if need be", as_it_is
    )
    cosmos_previous_container = Setting(
        "COSMOS_PREVIOUS_CONTAINER",
        "",
        "container that `COSMOS_CONTAINER` takes the place of: its vectors are copied, not paid for again",
        as_it_is,
    )
    cosmos_concurrency = Setting(
        "COSMOS_CONCURRENCY", "8", "requests to Cosmos DB at once by one process", positive
    )
    embeddings_endpoint = Setting(
        "EMBEDDINGS_ENDPOINT",
        "",
        "OpenAI base URL such as `https://api.openai.com/v1`, or an Azure OpenAI resource or deployment",
        url,
        example="https://api.openai.com/v1",
    )
    embeddings_api_key = Setting(
        "EMBEDDINGS_API_KEY", "", "its key; empty: the app's managed identity on Azure, else none", as_it_is
    )
    embeddings_model = Setting(
        "EMBEDDINGS_MODEL", "text-embedding-3-small", "model, or deployment on Azure", as_it_is
    )
    embeddings_dimensions = Setting(
        "EMBEDDINGS_DIMENSIONS",
        "",
        "numbers of a vector, asked for if set; empty: the model's own",
        positive_or_none,
        example="1536",
    )
    embeddings_price_per_million = Setting(
        "EMBEDDINGS_PRICE_PER_MILLION", "0.02", "price of a million tokens, in any currency", amount
    )
    embeddings_tokens_per_request = Setting(
        "EMBEDDINGS_TOKENS_PER_REQUEST", "300000", "most tokens of one request for embeddings", positive
    )
    embeddings_concurrency = Setting(
        "EMBEDDINGS_CONCURRENCY", "8", "requests for embeddings at once by one process", positive
    )
    embeddings_timeout = Setting(
        "EMBEDDINGS_TIMEOUT_SECONDS",
        "60",
        "how long a request for embeddings may take before it is sent again",
        lambda setting, text: timedelta(seconds=positive(setting, text)),
    )
    events_endpoint = Setting(
        "EVENTS_ENDPOINT",
        "",
        "URL of the service that knows live events; empty: the table `events`",
        url_or_empty,
        example="https://events.example.com",
    )
    events_storage = Setting(
        "EVENTS_STORAGE",
        host_storage.name,
        "that table: connection string or table account URL",
        _storage,
        fallback=_storage_of_host("table", host_tables),
    )
    events_env = Setting("EVENTS_ENV", "prod", "environment of a live event that names none", label)
    events_version = Setting(
        "EVENTS_VERSION", "v1", "version of the index for a live event that names none", label
    )
    events_wait = Setting(
        "EVENTS_WAIT_SECONDS",
        "120",
        "how long a live event may stay unknown before its job fails",
        lambda setting, text: timedelta(seconds=whole(setting, text)),
    )
    events_batch_wait = Setting(
        "EVENTS_BATCH_MILLISECONDS",
        "50",
        "how long the text of a live event waits for others to share its request for embeddings",
        lambda setting, text: timedelta(milliseconds=whole(setting, text)),
    )
    chunk_tokens = Setting("CHUNK_TOKENS", "512", "most tokens of a chunk, from 32 to 8191", size_of_chunk)
    chunk_overlap_tokens = Setting(
        "CHUNK_OVERLAP_TOKENS",
        "64",
        "tokens that a chunk repeats of the one before, at most half of a chunk",
        whole,
    )
    max_file_bytes = Setting(
        "MAX_FILE_MB",
        "50",
        "largest file that is embedded, in megabytes",
        lambda setting, text: positive(setting, text) * 1_000_000,
    )
    files_concurrency = Setting("FILES_CONCURRENCY", "8", "files read at once by one process", positive)
    shrink_limit = Setting(
        "SHRINK_LIMIT",
        "0.5",
        "share of the known files of a path that may be gone; beyond it nothing is deleted",
        share,
    )
    monthly_budgets = Setting(
        "MONTHLY_BUDGETS",
        "",
        "what environments may spend in a calendar month (UTC), such as `prod=50,dev=2.5`; "
        "others have no limit",
        amounts_by_label,
    )
    budget_recheck_seconds = Setting(
        "BUDGET_RECHECK_SECONDS",
        "60",
        "seconds after which a job that is held at its budget asks again",
        positive,
    )
    approval_above = Setting(
        "APPROVAL_ABOVE",
        "",
        "estimated cost above which an embedding job waits for an approval; empty: none does",
        amount_or_none,
        example="25",
    )
    approval_days = Setting("APPROVAL_DAYS", "7", "days that a job waits for an approval", positive)
    max_range_days = Setting(
        "MAX_RANGE_DAYS", "3660", "longest date range of an audit query, in days", positive
    )
    public_origin = Setting(
        "PUBLIC_ORIGIN", "", "scheme and host in status URIs; empty: those of the request", origin_or_empty
    )
    trust_forwarded_headers = Setting(
        "TRUST_FORWARDED_HEADERS",
        "false",
        "whether X-Forwarded-Host and -Proto name the public origin",
        true_or_false,
    )
    patience = Setting(
        "PATIENCE_HOURS",
        "24",
        "hours that a job waits for a service that is away before it fails with that cause",
        lambda setting, text: timedelta(hours=amount(setting, text)),
    )
    job_retention_days = Setting("JOB_RETENTION_DAYS", "30", "days an ended job can be read", positive)

    @property
    def host_tables_storage(self) -> str:
        """The tables of the host's own storage: a connection string or a table account URL."""
        storage = _storage_of_host("table", Settings.host_tables)(self.environment)
        if not storage:
            account = Settings.host_account.name
            raise Settings.host_storage.missing(f"set it to a connection string, or {account} to a name")
        return storage

    @property
    def job_table(self) -> str:
        """The name of the table of jobs: like the task hub's own tables, which begin with its name."""
        return f"{self.task_hub}Jobs"

    @property
    def task_hub(self) -> str:
        """The name of the task hub, as the host goes by it."""
        setting = Settings.host_hub_name
        name = self._durable_option("hubName", setting, "the name of the task hub")
        if not name:
            raise setting.missing("set it, or extensions.durableTask.hubName in host.json, to a name")
        return name

    @property
    def release(self) -> str:
        """The version that the host gives to new jobs; empty if it gives none."""
        return self._durable_option("defaultVersion", Settings.host_default_version, "the version of jobs")

    def _durable_option(self, name: str, override: Setting[str], what: str) -> str:
        try:
            return durable_option(self.environment, name=name, override=override.name)
        except LookupError as unset:
            raise MissingSetting(unset.args[0], f"set it, as {what} refers to it") from None

    @property
    def source_containers(self) -> SourceContainers:
        """The containers that embedding jobs may read."""
        try:
            return SourceContainers.parse(self.allowed_containers, task_hub=self.task_hub)
        except ValueError as error:
            raise Settings.allowed_containers.invalid(str(error)) from None

    @property
    def embedding_plan(self) -> EmbeddingPlan:
        """How a job that starts now turns texts into vectors."""
        if 2 * self.chunk_overlap_tokens > self.chunk_tokens:
            raise Settings.chunk_overlap_tokens.invalid(f"use at most half of {Settings.chunk_tokens.name}")
        return EmbeddingPlan(
            model=self.embeddings_model,
            dimensions=self.embeddings_dimensions,
            chunk_tokens=self.chunk_tokens,
            overlap_tokens=self.chunk_overlap_tokens,
            price_per_million=self.embeddings_price_per_million,
            shrink_limit=self.shrink_limit,
        )

    @property
    def budgets(self) -> dict[str, Budget]:
        """What environments may spend in a month, by their labels."""
        recheck_seconds = self.budget_recheck_seconds
        return {
            env: Budget(amount=amount, recheck_seconds=recheck_seconds)
            for env, amount in self.monthly_budgets.items()
        }

    @property
    def event_defaults(self) -> EventDefaults:
        """What the job of a live event that comes now is given beside its own ids."""
        return EventDefaults(
            env=self.events_env,
            index_version=self.events_version,
            wait=self.events_wait,
            plan=self.embedding_plan,
            budgets=self.budgets,
            patience=self.patience,
            approval=ApprovalRule(above=self.approval_above, days=self.approval_days),
        )


SETTINGS = tuple(value for value in vars(Settings).values() if isinstance(value, Setting))
"""Every setting, in the order of the table in docs/settings.md."""


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings(dict(os.environ))
