"""local.settings.json: app settings of a developer's machine, and what Core Tools obey beside them."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devhost.errors import BrokenSettings
from devhost.settings.sections import Section, read_object

_FILE = "local.settings.json"
_PORTS = 2**16

CONNECTION_STRINGS = "ConnectionStrings:"
"""Begins the names of variables that hold connection strings."""


@dataclass(frozen=True, slots=True)
class CorsSettings:
    """Which pages may call the app's own routes.

    Attributes:
        origins: such as `http://localhost:3000`; `*` for every page.
        credentials: whether their requests may carry cookies.
    """

    origins: frozenset[str] = frozenset()
    credentials: bool = False

    @property
    def any_origin(self) -> bool:
        """Whether every page may call."""
        return "*" in self.origins

    def allows(self, origin: str) -> bool:
        """Whether a page of this origin may call."""
        return self.any_origin or origin.lower() in self.origins


def apply_local_settings(app_dir: Path) -> None:
    """Puts the values of local.settings.json into the environment; what is set there already wins.

    Its `ConnectionStrings` get the names that Core Tools give them, such as `ConnectionStrings:Name`.

    Raises:
        BrokenSettings: the file is not JSON, is encrypted, or a value is not a plain one.
    """
    path = app_dir / _FILE
    if not path.is_file():
        return
    content = read_object(path)
    if content.get("IsEncrypted") is True:
        raise BrokenSettings(path, "it is encrypted; run `func settings decrypt` first.")
    for section, prefix in (("Values", ""), ("ConnectionStrings", CONNECTION_STRINGS)):
        for name, value in Section(path, content).section(section).content.items():
            if value is not None:
                os.environ.setdefault(f"{prefix}{name}", _setting_text(path, name, value))


def local_http_port(app_dir: Path) -> int | None:
    """The port that `Host.LocalHttpPort` of local.settings.json names, which Core Tools serve.

    Raises:
        BrokenSettings: the file is not JSON, or the port is none.
    """
    path = app_dir / _FILE
    if not path.is_file():
        return None
    host = Section(path, read_object(path)).section("Host")
    return host.number("LocalHttpPort", 0, range(_PORTS)) or None


def read_cors_settings(app_dir: Path) -> CorsSettings:
    """Reads `Host.CORS` and `Host.CORSCredentials` of local.settings.json, which Core Tools obey.

    Raises:
        BrokenSettings: the file is not JSON, or the two do not go together.
    """
    path = app_dir / _FILE
    if not path.is_file():
        return CorsSettings()
    host = Section(path, read_object(path)).section("Host")
    origins = (origin.strip().rstrip("/").lower() for origin in host.value("CORS", "").split(","))
    settings = CorsSettings(frozenset(filter(None, origins)), credentials=host.flag("CORSCredentials"))
    if settings.any_origin and settings.credentials:
        raise BrokenSettings(path, "Host.CORS may not be * with Host.CORSCredentials: name the origins.")
    return settings


def _setting_text(path: Path, name: str, value: Any) -> str:
    if isinstance(value, dict) and isinstance(value.get("ConnectionString"), str):
        value = value["ConnectionString"]  # beside the name of its provider
    if isinstance(value, dict | list):
        raise BrokenSettings(path, f"the value {name} is not a text.")
    return value if isinstance(value, str) else json.dumps(value)
