"""host.json and local.settings.json: what an app's folder tells its host.

Only what this host acts upon is read; everything else in the files belongs to Azure.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import os
from typing import TYPE_CHECKING, Any, TypeVar

from .engine.versions import VersionPolicy
from .errors import BrokenSettings, NotAnApp

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")
E = TypeVar("E", bound=enum.StrEnum)

THREAD_COUNT = "PYTHON_THREADPOOL_THREAD_COUNT"
NO_HOMEPAGE = "AzureWebJobsDisableHomepage"


@dataclasses.dataclass(frozen=True, slots=True)
class HostSettings:
    """What host.json says; the defaults are those of the Functions host."""

    route_prefix: str = "api"
    log_level: str = "Information"
    hub_name: str = "TestHubName"
    versions: VersionPolicy = dataclasses.field(default_factory=VersionPolicy)
    max_concurrent_activities: int = 10
    max_concurrent_orchestrators: int = 5


def read_host_settings(app_dir: Path) -> HostSettings:
    """Reads host.json.

    Raises:
        NotAnApp: there is none.
        BrokenSettings: it is not JSON, or a value has the wrong type.
    """
    path = app_dir / "host.json"
    if not path.is_file():
        raise NotAnApp(app_dir)
    root = _Section(path, _read_object(path))
    http = root.section("extensions").section("http")
    durable = root.section("extensions").section("durableTask")
    defaults = HostSettings()
    return HostSettings(
        route_prefix=http.value("routePrefix", defaults.route_prefix).strip("/"),
        log_level=root.section("logging").section("logLevel").value("default", defaults.log_level),
        hub_name=durable.value("hubName", defaults.hub_name),
        versions=VersionPolicy(
            default=durable.value("defaultVersion", "") or None,
            match=durable.choice("versionMatchStrategy", VersionPolicy().match),
            on_mismatch=durable.choice("versionFailureStrategy", VersionPolicy().on_mismatch),
        ),
        max_concurrent_activities=durable.value(
            "maxConcurrentActivityFunctions", defaults.max_concurrent_activities
        ),
        max_concurrent_orchestrators=durable.value(
            "maxConcurrentOrchestratorFunctions", defaults.max_concurrent_orchestrators
        ),
    )


def apply_local_settings(app_dir: Path) -> None:
    """Puts the values of local.settings.json into the environment; what is set there already wins.

    Raises:
        BrokenSettings: the file is not JSON, is encrypted, or a value is not a plain one.
    """
    path = app_dir / "local.settings.json"
    if not path.is_file():
        return
    content = _read_object(path)
    if content.get("IsEncrypted") is True:
        raise BrokenSettings(path, "it is encrypted; run `func settings decrypt` first.")
    for name, value in _Section(path, content).section("Values").content.items():
        os.environ.setdefault(name, _setting_text(path, name, value))


def worker_threads() -> int:
    """How many synchronous functions run at once, as the Python worker decides it."""
    default = min(32, (os.cpu_count() or 1) + 4)
    configured = os.environ.get(THREAD_COUNT, "")
    return int(configured) if configured.isdecimal() and int(configured) > 0 else default


@dataclasses.dataclass(frozen=True, slots=True)
class _Section:
    path: Path
    content: dict[str, Any]
    name: str = ""

    def section(self, key: str) -> _Section:
        return _Section(self.path, self.value(key, {}), self._full_name(key))

    def value(self, key: str, default: T) -> T:
        value = self.content.get(key)
        if value is None:
            return default
        # A JSON true would otherwise pass for the number 1.
        if isinstance(value, bool) is not isinstance(default, bool) or not isinstance(value, type(default)):
            wanted = {str: "a text", int: "a number", dict: "an object"}[type(default)]
            raise BrokenSettings(self.path, f"{self._full_name(key)} is {json.dumps(value)}, not {wanted}.")
        return value

    def choice(self, key: str, default: E) -> E:
        written = self.value(key, default.value)
        for member in type(default):
            if member.value.lower() == written.lower():
                return member
        members = ", ".join(type(default))
        raise BrokenSettings(self.path, f'{self._full_name(key)} is "{written}", not one of {members}.')

    def _full_name(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise BrokenSettings(path, f"it is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise BrokenSettings(path, "it is not a JSON object.")
    return content


def _setting_text(path: Path, name: str, value: Any) -> str:
    if isinstance(value, dict | list):
        raise BrokenSettings(path, f"the value {name} is not a text.")
    return value if isinstance(value, str) else json.dumps(value)
