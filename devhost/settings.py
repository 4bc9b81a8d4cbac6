"""host.json and local.settings.json: what an app's folder tells its host.

Only what this host acts upon is read; everything else in the files belongs to Azure. As there, an app setting
such as `AzureFunctionsJobHost__extensions__http__routePrefix` wins over host.json, where `%NAME%` names one.
"""

import enum
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from devhost.engine.versions import VersionPolicy
from devhost.errors import BrokenSettings, NotAnApp, UnresolvedExpression
from devhost.jsonc import read_jsonc
from devhost.timespan import format_timespan, parse_timespan

T = TypeVar("T")
E = TypeVar("E", bound=enum.StrEnum)

DEBUG_LOGGING = "PYTHON_ENABLE_DEBUG_LOGGING"
WORKER_EXTENSIONS = "PYTHON_ENABLE_WORKER_EXTENSIONS"
THREAD_COUNT = "PYTHON_THREADPOOL_THREAD_COUNT"
NO_HOMEPAGE = "AzureWebJobsDisableHomepage"
_EXPRESSION = re.compile("%([^%]+)%")
_NO_TIMEOUT = "-1"
_MAX_COUNT = 1000
_PORTS = 2**16
_OVERRIDES = "azurefunctionsjobhost__"  # begins the names of app settings that stand for values of host.json
_TRUE = frozenset({"1", "true", "t", "yes", "y"})  # as the Python worker reads its settings
_TAKEN_ON_AZURE = {  # by setting: shortest and longest; beyond them the Durable extension stops the host
    "controlQueueVisibilityTimeout": (timedelta(minutes=1), timedelta(minutes=60)),
    "workItemQueueVisibilityTimeout": (timedelta(seconds=1), timedelta(days=7)),
}
_MAX_BATCH = 32  # what queue storage hands out at once


class MessageEncoding(enum.StrEnum):
    """How the texts of queue messages are written."""

    BASE64 = "base64"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """How queue triggers work; the defaults are those of the Functions host on a developer's machine.

    Attributes:
        batch_size: how many messages are asked for at once.
        new_batch_threshold: how many may still run when more are asked for.
        visibility_timeout: how long a message rests that a function failed at.
        max_polling_interval: how long an empty queue is left alone at most.
        max_dequeue_count: how often a message is tried before it goes to the poison queue.
        encoding: how messages are written, also by `queue` output bindings.
    """

    batch_size: int = 16
    new_batch_threshold: int = 8
    visibility_timeout: timedelta = timedelta()
    max_polling_interval: timedelta = timedelta(seconds=2)
    max_dequeue_count: int = 5
    encoding: MessageEncoding = MessageEncoding.BASE64


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What host.json says; the defaults are those of the Functions host.

    Attributes:
        log_levels: names of levels by category, `default` among them.
        function_timeout: how long a call may take; `None` for any time.
        warnings: sentences about values that this host passes over and that Azure does not take.
    """

    route_prefix: str = "api"
    log_levels: Mapping[str, str] = field(default_factory=lambda: {"default": "Information"})
    function_timeout: timedelta | None = timedelta(minutes=30)
    hub_name: str = "TestHubName"
    versions: VersionPolicy = field(default_factory=VersionPolicy)
    max_concurrent_activities: int = 10
    max_concurrent_orchestrators: int = 5
    queues: QueueOptions = field(default_factory=QueueOptions)
    warnings: tuple[str, ...] = ()


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


def read_host_settings(app_dir: Path) -> HostSettings:
    """Reads host.json.

    Raises:
        NotAnApp: there is none.
        BrokenSettings: it is not JSON, or a value has the wrong type.
    """
    path = app_dir / "host.json"
    if not path.is_file():
        raise NotAnApp(app_dir)
    root = _Section(path, with_overrides(_read_object(path), os.environ))
    http = root.section("extensions").section("http")
    durable = root.section("extensions").section("durableTask")
    defaults = HostSettings()
    return HostSettings(
        route_prefix=http.value("routePrefix", defaults.route_prefix).strip("/"),
        log_levels={**defaults.log_levels, **root.section("logging").section("logLevel").texts()},
        function_timeout=_function_timeout(root, defaults.function_timeout),
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
        queues=_queue_options(root.section("extensions").section("queues")),
        warnings=tuple(_refused_on_azure(durable.section("storageProvider"))),
    )


def load_settings(app_dir: Path) -> HostSettings:
    """Puts the values of local.settings.json into the environment, then reads host.json, which may use them.

    Raises:
        NotAnApp: there is no host.json.
        BrokenSettings: one of the two cannot be used.
    """
    if (app_dir / "host.json").is_file():
        apply_local_settings(app_dir)
    return read_host_settings(app_dir)


def local_http_port(app_dir: Path) -> int | None:
    """The port that `Host.LocalHttpPort` of local.settings.json names, which Core Tools serve.

    Raises:
        BrokenSettings: the file is not JSON, or the port is none.
    """
    path = app_dir / "local.settings.json"
    if not path.is_file():
        return None
    host = _Section(path, _read_object(path)).section("Host")
    return host.number("LocalHttpPort", 0, range(_PORTS)) or None


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


def read_cors_settings(app_dir: Path) -> CorsSettings:
    """Reads `Host.CORS` and `Host.CORSCredentials` of local.settings.json, which Core Tools obey.

    Raises:
        BrokenSettings: the file is not JSON, or the two do not go together.
    """
    path = app_dir / "local.settings.json"
    if not path.is_file():
        return CorsSettings()
    host = _Section(path, _read_object(path)).section("Host")
    origins = (origin.strip().rstrip("/").lower() for origin in host.value("CORS", "").split(","))
    settings = CorsSettings(frozenset(filter(None, origins)), credentials=host.flag("CORSCredentials"))
    if settings.any_origin and settings.credentials:
        raise BrokenSettings(path, "Host.CORS may not be * with Host.CORSCredentials: name the origins.")
    return settings


def app_setting(name: str) -> str | None:
    """The value of an app setting, whose name may be written in any case."""
    return next((value for key, value in os.environ.items() if key.lower() == name.lower()), None)


def expand_settings(text: str) -> str:
    """The text with each `%SETTING%` replaced.

    Raises:
        UnresolvedExpression: such a setting is not set.
    """

    def value(found: re.Match[str]) -> str:
        setting = app_setting(found[1])
        if setting is None:
            raise UnresolvedExpression(found[0], f"set the app setting {found[1]}")
        return setting

    return _EXPRESSION.sub(value, text)


def is_disabled(function: str) -> bool:
    """Whether a setting keeps a function from being started: `AzureWebJobs.<function>.Disabled`."""
    return (app_setting(f"AzureWebJobs.{function}.Disabled") or "").lower() in ("true", "1")


def worker_threads() -> int:
    """How many synchronous functions run at once, as the Python worker decides it."""
    default = min(32, (os.cpu_count() or 1) + 4)
    configured = os.environ.get(THREAD_COUNT, "")
    return int(configured) if configured.isdecimal() and int(configured) > 0 else default


def enables_debug_logging() -> bool:
    """Whether a setting lets the app's own debug records be shown; the worker drops them otherwise."""
    return _is_on(DEBUG_LOGGING)


def enables_worker_extensions() -> bool:
    """Whether a setting lets the worker call the app's extensions."""
    return _is_on(WORKER_EXTENSIONS)


def _is_on(setting: str) -> bool:
    return (app_setting(setting) or "").strip().lower() in _TRUE


def with_overrides(content: dict[str, Any], settings: Mapping[str, str]) -> dict[str, Any]:
    """What host.json says, with the values that app settings put in place of its own."""
    for name, value in settings.items():
        if name.lower().startswith(_OVERRIDES):
            _override(content, name[len(_OVERRIDES) :].split("__"), value)
    return content


def _override(content: dict[str, Any], path: list[str], value: str) -> None:
    key = next((key for key in content if key.lower() == path[0].lower()), path[0])
    if len(path) == 1:
        content[key] = value
        return
    if not isinstance(content.get(key), dict):
        content[key] = {}
    _override(content[key], path[1:], value)


@dataclass(frozen=True, slots=True)
class _Section:
    path: Path
    content: dict[str, Any]
    name: str = ""

    def section(self, key: str) -> "_Section":
        return _Section(self.path, self.value(key, {}), self._full_name(key))

    def value(self, key: str, default: T) -> T:
        value = self._written(key)
        if value is None:
            return default
        if isinstance(value, str):
            value = self._read_text(key, value, default)
        # A JSON true would otherwise pass for the number 1.
        if isinstance(value, bool) is not isinstance(default, bool) or not isinstance(value, type(default)):
            wanted = {str: "a text", int: "a number", dict: "an object"}[type(default)]
            raise BrokenSettings(self.path, f"{self._full_name(key)} is {json.dumps(value)}, not {wanted}.")
        return value

    def _written(self, key: str) -> Any:
        """The value of a key, which may be in any case."""
        return next((value for name, value in self.content.items() if name.lower() == key.lower()), None)

    def _read_text(self, key: str, text: str, default: object) -> Any:
        """A text with app settings in place of their names; a number, where one is wanted."""
        try:
            expanded = expand_settings(text)
        except UnresolvedExpression as error:
            reason = f"{self._full_name(key)} names {error.expression}: set that app setting."
            raise BrokenSettings(self.path, reason) from error
        is_number = isinstance(default, int) and re.fullmatch(r"\s*-?[0-9]+\s*", expanded)
        return int(expanded) if is_number else expanded

    def flag(self, key: str) -> bool:
        """A boolean, which Core Tools take as a text too."""
        written = self._written(key) or False
        text = written.lower() if isinstance(written, str) else json.dumps(written)
        if text not in ("true", "false"):
            raise BrokenSettings(
                self.path, f"{self._full_name(key)} is {json.dumps(written)}, not true or false."
            )
        return text == "true"

    def texts(self) -> dict[str, str]:
        return {key: self.value(key, "") for key in self.content}

    def timespan(self, key: str, default: timedelta) -> timedelta:
        text = self.value(key, "")
        try:
            return parse_timespan(text) if text else default
        except ValueError as error:
            raise BrokenSettings(self.path, f"{self._full_name(key)}: {error}") from error

    def number(self, key: str, default: int, allowed: range) -> int:
        number = self.value(key, default)
        if number not in allowed:
            limits = f"{allowed.start} to {allowed.stop - 1}"
            raise BrokenSettings(self.path, f"{self._full_name(key)} is {number}: use {limits}.")
        return number

    def choice(self, key: str, default: E) -> E:
        written = self.value(key, default.value)
        for member in type(default):
            if member.value.lower() == written.lower():
                return member
        members = ", ".join(type(default))
        raise BrokenSettings(self.path, f'{self._full_name(key)} is "{written}", not one of {members}.')

    def _full_name(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key


def _queue_options(section: _Section) -> QueueOptions:
    defaults = QueueOptions()
    batch_size = section.number("batchSize", defaults.batch_size, range(1, _MAX_BATCH + 1))
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=section.number("newBatchThreshold", batch_size // 2, range(_MAX_COUNT)),
        visibility_timeout=section.timespan("visibilityTimeout", defaults.visibility_timeout),
        max_polling_interval=section.timespan("maxPollingInterval", defaults.max_polling_interval),
        max_dequeue_count=section.number("maxDequeueCount", defaults.max_dequeue_count, range(1, _MAX_COUNT)),
        encoding=section.choice("messageEncoding", defaults.encoding),
    )


def _refused_on_azure(provider: _Section) -> Iterator[str]:
    """Sentences about durations that mean nothing here and keep a whole app from starting on Azure."""
    for key, (shortest, longest) in _TAKEN_ON_AZURE.items():
        duration = provider.timespan(key, shortest)
        if not shortest <= duration <= longest:
            yield (
                f"{provider.name}.{key} of host.json is {format_timespan(duration)}: the Durable extension "
                f"takes {format_timespan(shortest)} to {format_timespan(longest)}, and with another "
                "value no function of the app starts on Azure."
            )


def _function_timeout(root: _Section, default: timedelta | None) -> timedelta | None:
    text = root.value("functionTimeout", "")
    if not text or text == _NO_TIMEOUT:
        return None if text else default
    try:
        return parse_timespan(text)
    except ValueError as error:
        reason = f'functionTimeout is "{text}", neither a time such as 00:05:00 nor {_NO_TIMEOUT} for none.'
        raise BrokenSettings(root.path, reason) from error


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = read_jsonc(path)
    except ValueError as error:
        raise BrokenSettings(path, f"it is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise BrokenSettings(path, "it is not a JSON object.")
    return content


def _setting_text(path: Path, name: str, value: Any) -> str:
    if isinstance(value, dict | list):
        raise BrokenSettings(path, f"the value {name} is not a text.")
    return value if isinstance(value, str) else json.dumps(value)
