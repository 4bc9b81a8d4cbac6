"""The settings of the app, read from the environment at first use; nothing else reads the environment.

A setting is checked when it is asked for, so that a missing one stops only what needs it. It opens nothing:
the store that a setting names is read by who uses it.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from urllib.parse import urlsplit

from shared_code.errors import InvalidSetting, MissingSetting, UnresolvedReference
from shared_code.jobs import LABEL, LABEL_FORM, Budget, EmbeddingPlan, EventDefaults
from shared_code.jobs.source_containers import SourceContainers


@dataclass(frozen=True)
class Setting:
    """One row of the settings table; an empty default means that there is none."""

    name: str
    default: str
    meaning: str


WEBJOBS_STORAGE = Setting("AzureWebJobsStorage", "", "connection string of the host's own storage")
WEBJOBS_ACCOUNT = Setting(
    "AzureWebJobsStorage__accountName", "", "instead of it: the account, for the app's managed identity"
)
WEBJOBS_BLOBS = Setting("AzureWebJobsStorage__blobServiceUri", "", "blob URL of such an account")
WEBJOBS_TABLES = Setting("AzureWebJobsStorage__tableServiceUri", "", "table URL of such an account")
WEBJOBS_CLIENT_ID = Setting(
    "AzureWebJobsStorage__clientId", "", "client id of the user-assigned identity that the host uses there"
)
CLIENT_ID = Setting(
    "AZURE_CLIENT_ID",
    WEBJOBS_CLIENT_ID.name,
    "client id of the app's user-assigned identity; empty: its system-assigned one",
)
APP_CONFIG = Setting(
    "AppConfigEndpoint",
    "",
    "URL of an App Configuration store; its `storage-account-connection-string` with label `async-http-api` "
    "then takes the place of `AUDIT_STORAGE`",
)
AUDIT_STORAGE = Setting(
    "AUDIT_STORAGE", WEBJOBS_STORAGE.name, "audit table: connection string or table account URL"
)
AUDIT_TABLE = Setting("AUDIT_TABLE", "audit", "name of the audit table")
AUDIT_CONCURRENCY = Setting("AUDIT_CONCURRENCY", "32", "pages of the audit table read at once by one process")
FILES_STORAGE = Setting(
    "AZURE_STORAGE_CONNECTION_STRING",
    WEBJOBS_STORAGE.name,
    "files and staged results: connection string or blob account URL",
)
ALLOWED_CONTAINERS = Setting(
    "ALLOWED_CONTAINERS",
    "",
    "containers that embedding jobs may read, comma separated; empty: all but the app's and the host's own",
)
COSMOS_ENDPOINT = Setting("COSMOS_ENDPOINT", "", "URL of the Cosmos DB account that keeps the vectors")
COSMOS_KEY = Setting("COSMOS_KEY", "", "its key; empty: the app's managed identity")
COSMOS_DATABASE = Setting("COSMOS_DATABASE", "embeddings", "database of the vectors")
COSMOS_CONTAINER = Setting("COSMOS_CONTAINER", "chunks", "container of the vectors; created if need be")
COSMOS_CONCURRENCY = Setting("COSMOS_CONCURRENCY", "8", "requests to Cosmos DB at once by one process")
EMBEDDINGS_ENDPOINT = Setting(
    "EMBEDDINGS_ENDPOINT",
    "",
    "OpenAI base URL such as `https://api.openai.com/v1`, or an Azure OpenAI resource or deployment",
)
EMBEDDINGS_API_KEY = Setting(
    "EMBEDDINGS_API_KEY", "", "its key; empty: the app's managed identity on Azure, else none"
)
EMBEDDINGS_MODEL = Setting("EMBEDDINGS_MODEL", "text-embedding-3-small", "model, or deployment on Azure")
EMBEDDINGS_DIMENSIONS = Setting("EMBEDDINGS_DIMENSIONS", "", "numbers of a vector; empty: the model's own")
EMBEDDINGS_PRICE_PER_MILLION = Setting(
    "EMBEDDINGS_PRICE_PER_MILLION", "0.02", "price of a million tokens, in any currency"
)
EMBEDDINGS_TOKENS_PER_REQUEST = Setting(
    "EMBEDDINGS_TOKENS_PER_REQUEST", "300000", "most tokens of one request for embeddings"
)
EMBEDDINGS_CONCURRENCY = Setting(
    "EMBEDDINGS_CONCURRENCY", "8", "requests for embeddings at once by one process"
)
EMBEDDINGS_TIMEOUT_SECONDS = Setting(
    "EMBEDDINGS_TIMEOUT_SECONDS", "60", "how long a request for embeddings may take before it is sent again"
)
EVENTS_ENDPOINT = Setting(
    "EVENTS_ENDPOINT", "", "URL of the service that knows live events; empty: the table `events`"
)
EVENTS_STORAGE = Setting(
    "EVENTS_STORAGE", WEBJOBS_STORAGE.name, "that table: connection string or table account URL"
)
EVENTS_ENV = Setting("EVENTS_ENV", "prod", "environment of a live event that names none")
EVENTS_VERSION = Setting("EVENTS_VERSION", "v1", "version of the index for a live event that names none")
EVENTS_WAIT_SECONDS = Setting(
    "EVENTS_WAIT_SECONDS", "120", "how long a live event may stay unknown before its job fails"
)
EVENTS_BATCH_MILLISECONDS = Setting(
    "EVENTS_BATCH_MILLISECONDS",
    "50",
    "how long the text of a live event waits for others to share its request for embeddings",
)
CHUNK_TOKENS = Setting("CHUNK_TOKENS", "512", "most tokens of a chunk, from 32 to 8191")
CHUNK_OVERLAP_TOKENS = Setting(
    "CHUNK_OVERLAP_TOKENS", "64", "tokens that a chunk repeats of the one before, at most half of a chunk"
)
MAX_FILE_MB = Setting("MAX_FILE_MB", "50", "largest file that is embedded, in megabytes")
FILES_CONCURRENCY = Setting("FILES_CONCURRENCY", "8", "files read at once by one process")
SHRINK_LIMIT = Setting(
    "SHRINK_LIMIT", "0.5", "share of the known files of a path that may be gone; beyond it nothing is deleted"
)
MONTHLY_BUDGETS = Setting(
    "MONTHLY_BUDGETS",
    "",
    "what environments may spend in a calendar month (UTC), such as `prod=50,dev=2.5`; others have no limit",
)
BUDGET_RECHECK_SECONDS = Setting(
    "BUDGET_RECHECK_SECONDS", "60", "seconds after which a job that is held at its budget asks again"
)
MAX_RANGE_DAYS = Setting("MAX_RANGE_DAYS", "3660", "longest date range of an audit query, in days")
PUBLIC_ORIGIN = Setting("PUBLIC_ORIGIN", "", "scheme and host in status URIs; empty: those of the request")
TRUST_FORWARDED_HEADERS = Setting(
    "TRUST_FORWARDED_HEADERS", "false", "whether X-Forwarded-Host and -Proto name the public origin"
)
JOB_RETENTION_DAYS = Setting("JOB_RETENTION_DAYS", "30", "days an ended job can be read")

SETTINGS = (
    WEBJOBS_STORAGE,
    WEBJOBS_ACCOUNT,
    WEBJOBS_BLOBS,
    WEBJOBS_TABLES,
    WEBJOBS_CLIENT_ID,
    CLIENT_ID,
    APP_CONFIG,
    AUDIT_STORAGE,
    AUDIT_TABLE,
    AUDIT_CONCURRENCY,
    FILES_STORAGE,
    ALLOWED_CONTAINERS,
    COSMOS_ENDPOINT,
    COSMOS_KEY,
    COSMOS_DATABASE,
    COSMOS_CONTAINER,
    COSMOS_CONCURRENCY,
    EMBEDDINGS_ENDPOINT,
    EMBEDDINGS_API_KEY,
    EMBEDDINGS_MODEL,
    EMBEDDINGS_DIMENSIONS,
    EMBEDDINGS_PRICE_PER_MILLION,
    EMBEDDINGS_TOKENS_PER_REQUEST,
    EMBEDDINGS_CONCURRENCY,
    EMBEDDINGS_TIMEOUT_SECONDS,
    EVENTS_ENDPOINT,
    EVENTS_STORAGE,
    EVENTS_ENV,
    EVENTS_VERSION,
    EVENTS_WAIT_SECONDS,
    EVENTS_BATCH_MILLISECONDS,
    CHUNK_TOKENS,
    CHUNK_OVERLAP_TOKENS,
    MAX_FILE_MB,
    FILES_CONCURRENCY,
    SHRINK_LIMIT,
    MONTHLY_BUDGETS,
    BUDGET_RECHECK_SECONDS,
    MAX_RANGE_DAYS,
    PUBLIC_ORIGIN,
    TRUST_FORWARDED_HEADERS,
    JOB_RETENTION_DAYS,
)

# The chunker's least, and what the embedding models take.
_CHUNK_TOKENS = range(32, 8_192)
_TABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}")
_ACCOUNT_NAME = re.compile(r"[a-z0-9]{3,24}")
# What Azure hands to an app as it is where it could not put the value in its place.
_REFERENCE = re.compile(r"@Microsoft\.(KeyVault|AppConfiguration)\(", re.IGNORECASE)
_AMOUNT = r"[0-9]{1,6}(\.[0-9]{1,6})?"
_BUDGET = re.compile(rf"(?P<env>{LABEL.pattern})\s*=\s*(?P<amount>{_AMOUNT})")


@dataclass(frozen=True)
class Settings:
    """The typed settings over one snapshot of the environment; its values never show in a repr."""

    environment: Mapping[str, str] = field(repr=False)

    @property
    def client_id(self) -> str:
        """Client id of the user-assigned identity, or an empty string for the system-assigned one."""
        return self._value(CLIENT_ID) or self._value(WEBJOBS_CLIENT_ID)

    @property
    def app_config_endpoint(self) -> str:
        """URL of the App Configuration store, or an empty string."""
        if not self._value(APP_CONFIG):
            return ""
        endpoint = self._url(APP_CONFIG, "https://name.azconfig.io")
        if not endpoint.startswith("https://"):
            raise InvalidSetting(APP_CONFIG.name, "use a URL that begins with https, as identities need it")
        return endpoint

    @property
    def audit_storage(self) -> str:
        """Connection string, or account URL, of the table service."""
        return self._storage(AUDIT_STORAGE, WEBJOBS_TABLES, "table")

    @property
    def audit_table(self) -> str:
        """The table that an audit query reads."""
        name = self._text(AUDIT_TABLE)
        if not _TABLE_NAME.fullmatch(name):
            raise InvalidSetting(AUDIT_TABLE.name, "use 3 to 63 letters and digits, a letter first")
        return name

    @property
    def audit_concurrency(self) -> int:
        """How many pages one process reads at once."""
        return self._positive(AUDIT_CONCURRENCY)

    @property
    def files_storage(self) -> str:
        """Connection string, or account URL, of the blob service."""
        return self._storage(FILES_STORAGE, WEBJOBS_BLOBS, "blob")

    @property
    def source_containers(self) -> SourceContainers:
        """The containers that embedding jobs may read."""
        names = self._value(ALLOWED_CONTAINERS)
        try:
            return SourceContainers.parse(names)
        except ValueError as error:
            raise InvalidSetting(ALLOWED_CONTAINERS.name, str(error)) from None

    @property
    def cosmos_endpoint(self) -> str:
        """URL of the Cosmos DB account."""
        return self._url(COSMOS_ENDPOINT, "https://account.documents.azure.com")

    @property
    def cosmos_key(self) -> str:
        """Key of the Cosmos DB account, or an empty string."""
        return self._text(COSMOS_KEY)

    @property
    def cosmos_database(self) -> str:
        """Database of the vectors."""
        return self._text(COSMOS_DATABASE)

    @property
    def cosmos_container(self) -> str:
        """Container of the vectors."""
        return self._text(COSMOS_CONTAINER)

    @property
    def cosmos_concurrency(self) -> int:
        """How many requests one process has under way to Cosmos DB."""
        return self._positive(COSMOS_CONCURRENCY)

    @property
    def embeddings_endpoint(self) -> str:
        """URL of the embeddings service, in one of its forms."""
        return self._url(EMBEDDINGS_ENDPOINT, "https://api.openai.com/v1")

    @property
    def embeddings_api_key(self) -> str:
        """Key of the embeddings service, or an empty string."""
        return self._text(EMBEDDINGS_API_KEY)

    @property
    def embeddings_tokens_per_request(self) -> int:
        """The most tokens of one request."""
        return self._positive(EMBEDDINGS_TOKENS_PER_REQUEST)

    @property
    def embeddings_concurrency(self) -> int:
        """How many requests for embeddings one process has under way."""
        return self._positive(EMBEDDINGS_CONCURRENCY)

    @property
    def embeddings_timeout(self) -> timedelta:
        """How long one attempt at a request may take."""
        return timedelta(seconds=self._positive(EMBEDDINGS_TIMEOUT_SECONDS))

    @property
    def embedding_plan(self) -> EmbeddingPlan:
        """How a job that starts now turns texts into vectors."""
        chunk_tokens, overlap = self._positive(CHUNK_TOKENS), self._whole(CHUNK_OVERLAP_TOKENS)
        if chunk_tokens not in _CHUNK_TOKENS:
            raise InvalidSetting(CHUNK_TOKENS.name, "use a whole number from 32 to 8191")
        if 2 * overlap > chunk_tokens:
            raise InvalidSetting(CHUNK_OVERLAP_TOKENS.name, f"use at most half of {CHUNK_TOKENS.name}")
        shrink_limit = self._amount(SHRINK_LIMIT)
        if shrink_limit > 1:
            raise InvalidSetting(SHRINK_LIMIT.name, "use a share from 0 to 1")
        return EmbeddingPlan(
            model=self._text(EMBEDDINGS_MODEL),
            dimensions=self._positive(EMBEDDINGS_DIMENSIONS) if self._text(EMBEDDINGS_DIMENSIONS) else None,
            chunk_tokens=chunk_tokens,
            overlap_tokens=overlap,
            price_per_million=self._amount(EMBEDDINGS_PRICE_PER_MILLION),
            shrink_limit=shrink_limit,
        )

    @property
    def budgets(self) -> dict[str, Budget]:
        """What environments may spend in a month, by their labels."""
        text, recheck_seconds = self._text(MONTHLY_BUDGETS), self._positive(BUDGET_RECHECK_SECONDS)
        pairs = [_BUDGET.fullmatch(part.strip()) for part in text.split(",")] if text else []
        amounts = {pair["env"]: float(pair["amount"]) for pair in pairs if pair}
        if len(amounts) < len(pairs):
            raise InvalidSetting(
                MONTHLY_BUDGETS.name, "use one amount for each label, such as prod=50,dev=2.5"
            )
        return {
            env: Budget(amount=amount, recheck_seconds=recheck_seconds) for env, amount in amounts.items()
        }

    @property
    def events_endpoint(self) -> str:
        """URL of the events service, or an empty string."""
        return self._text(EVENTS_ENDPOINT) and self._url(EVENTS_ENDPOINT, "https://events.example.com")

    @property
    def events_storage(self) -> str:
        """Connection string, or account URL, of the table of live events."""
        return self._storage(EVENTS_STORAGE, WEBJOBS_TABLES, "table")

    @property
    def events_batch_wait(self) -> timedelta:
        """How long a text waits for others to be embedded with."""
        return timedelta(milliseconds=self._whole(EVENTS_BATCH_MILLISECONDS))

    @property
    def event_defaults(self) -> EventDefaults:
        """What the job of a live event that comes now is given beside its own ids."""
        return EventDefaults(
            env=self._label(EVENTS_ENV),
            index_version=self._label(EVENTS_VERSION),
            wait=timedelta(seconds=self._whole(EVENTS_WAIT_SECONDS)),
            plan=self.embedding_plan,
            budgets=self.budgets,
        )

    @property
    def max_file_bytes(self) -> int:
        """Size of the largest file that is embedded."""
        return self._positive(MAX_FILE_MB) * 1_000_000

    @property
    def files_concurrency(self) -> int:
        """How many files one process reads at once."""
        return self._positive(FILES_CONCURRENCY)

    @property
    def max_range_days(self) -> int:
        """The longest date range that a job may cover."""
        return self._positive(MAX_RANGE_DAYS)

    @property
    def public_origin(self) -> str:
        """Scheme and authority without a trailing slash, or an empty string."""
        origin = self._text(PUBLIC_ORIGIN).rstrip("/")
        if origin and not _is_origin(origin):
            raise InvalidSetting(
                PUBLIC_ORIGIN.name, "use scheme and host only, such as https://jobs.example.com"
            )
        return origin

    @property
    def trust_forwarded_headers(self) -> bool:
        """Whether a proxy in front of the app sets the X-Forwarded headers."""
        value = self._text(TRUST_FORWARDED_HEADERS).lower()
        if value not in {"true", "false"}:
            raise InvalidSetting(TRUST_FORWARDED_HEADERS.name, "use true or false")
        return value == "true"

    @property
    def job_retention_days(self) -> int:
        """How long an ended job can be read."""
        return self._positive(JOB_RETENTION_DAYS)

    def _value(self, setting: Setting) -> str:
        """What the environment says; every setting is read here."""
        value = self.environment.get(setting.name, "").strip()
        if reference := _REFERENCE.match(value):
            raise UnresolvedReference(setting.name, reference[1])
        return value

    def _text(self, setting: Setting) -> str:
        return self._value(setting) or setting.default

    def _storage(self, setting: Setting, service_url: Setting, service: str) -> str:
        """Its own value, or the host's storage: by connection string, service URL or account name."""
        for given in (setting, WEBJOBS_STORAGE, service_url):
            if value := self._value(given):
                return value
        account = self._value(WEBJOBS_ACCOUNT)
        if not account:
            fix = f"set it, or {WEBJOBS_STORAGE.name}, to a connection string, or it to an account URL"
            raise MissingSetting(setting.name, fix)
        if not _ACCOUNT_NAME.fullmatch(account):
            raise InvalidSetting(WEBJOBS_ACCOUNT.name, "use 3 to 24 lower-case letters and digits")
        return f"https://{account}.{service}.core.windows.net"

    def _label(self, setting: Setting) -> str:
        text = self._text(setting)
        if not LABEL.fullmatch(text):
            raise InvalidSetting(setting.name, f"use {LABEL_FORM}")
        return text

    def _positive(self, setting: Setting) -> int:
        value = self._text(setting)
        if not re.fullmatch(r"[1-9][0-9]{0,5}", value):
            raise InvalidSetting(
                setting.name, f"use a whole number from 1 to 999999, such as {setting.default or 1536}"
            )
        return int(value)

    def _whole(self, setting: Setting) -> int:
        return 0 if self._text(setting) == "0" else self._positive(setting)

    def _amount(self, setting: Setting) -> float:
        value = self._text(setting)
        if not re.fullmatch(_AMOUNT, value):
            raise InvalidSetting(setting.name, f"use a number such as {setting.default}")
        return float(value)

    def _url(self, setting: Setting, example: str) -> str:
        value = self._text(setting)
        if not value:
            raise MissingSetting(setting.name, f"set it to a URL such as {example}")
        if not re.fullmatch(r"https?://[^\s@/?#]+(/[^\s@#]*)?", value):
            raise InvalidSetting(setting.name, f"use a URL such as {example}")
        return value


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    return (
        parts.scheme in {"http", "https"}
        and text == f"{parts.scheme}://{parts.netloc}"
        and bool(parts.netloc)
    )


@cache
def settings() -> Settings:
    """Returns the settings of this process."""
    return Settings(dict(os.environ))
