"""The settings of the app, read from the environment at first use; nothing else reads the environment.

A setting is checked when it is asked for, so that a missing one stops only what needs it.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

from shared_code.errors import InvalidSetting, MissingSetting


@dataclass(frozen=True)
class Setting:
    """One row of the settings table; an empty default means that there is none."""

    name: str
    default: str
    meaning: str


WEBJOBS_STORAGE = Setting("AzureWebJobsStorage", "", "connection string of the host's own storage")
AUDIT_STORAGE = Setting(
    "AUDIT_STORAGE", WEBJOBS_STORAGE.name, "audit table: connection string or table account URL"
)
AUDIT_TABLE = Setting("AUDIT_TABLE", "audit", "name of the audit table")
AUDIT_CONCURRENCY = Setting("AUDIT_CONCURRENCY", "32", "days of the audit table read at once by one process")
FILES_STORAGE = Setting(
    "AZURE_STORAGE_CONNECTION_STRING",
    WEBJOBS_STORAGE.name,
    "files and staged results: connection string or blob account URL",
)
MAX_RANGE_DAYS = Setting("MAX_RANGE_DAYS", "3660", "longest date range of an audit query, in days")
PUBLIC_ORIGIN = Setting("PUBLIC_ORIGIN", "", "scheme and host in status URIs; empty: those of the request")
TRUST_FORWARDED_HEADERS = Setting(
    "TRUST_FORWARDED_HEADERS", "false", "whether X-Forwarded-Host and -Proto name the public origin"
)
JOB_RETENTION_DAYS = Setting("JOB_RETENTION_DAYS", "30", "days an ended job can be read")

SETTINGS = (
    WEBJOBS_STORAGE,
    AUDIT_STORAGE,
    AUDIT_TABLE,
    AUDIT_CONCURRENCY,
    FILES_STORAGE,
    MAX_RANGE_DAYS,
    PUBLIC_ORIGIN,
    TRUST_FORWARDED_HEADERS,
    JOB_RETENTION_DAYS,
)

_TABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}")


@dataclass(frozen=True)
class Settings:
    """The typed settings over one snapshot of the environment; its values never show in a repr."""

    environment: Mapping[str, str] = field(repr=False)

    @property
    def audit_storage(self) -> str:
        """Connection string, or account URL, of the table service."""
        return self._storage(AUDIT_STORAGE)

    @property
    def audit_table(self) -> str:
        """The table that an audit query reads."""
        name = self._text(AUDIT_TABLE)
        if not _TABLE_NAME.fullmatch(name):
            raise InvalidSetting(AUDIT_TABLE.name, "use 3 to 63 letters and digits, a letter first")
        return name

    @property
    def audit_concurrency(self) -> int:
        """How many days one process reads at once."""
        return self._positive(AUDIT_CONCURRENCY)

    @property
    def files_storage(self) -> str:
        """Connection string, or account URL, of the blob service."""
        return self._storage(FILES_STORAGE)

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

    def _text(self, setting: Setting) -> str:
        return self.environment.get(setting.name, "").strip() or setting.default

    def _storage(self, setting: Setting) -> str:
        for name in (setting.name, WEBJOBS_STORAGE.name):
            if value := self.environment.get(name, "").strip():
                return value
        raise MissingSetting(
            setting.name,
            f"set it, or {WEBJOBS_STORAGE.name}, to a connection string, or it to an account URL",
        )

    def _positive(self, setting: Setting) -> int:
        value = self._text(setting)
        if not re.fullmatch(r"[1-9][0-9]{0,5}", value):
            raise InvalidSetting(
                setting.name, f"use a whole number from 1 to 999999, such as {setting.default}"
            )
        return int(value)


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
