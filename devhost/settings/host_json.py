"""host.json: how the host runs an app.

Only what this host acts upon is read; everything else in the file belongs to Azure. As there, an app setting
such as `AzureFunctionsJobHost__extensions__http__routePrefix` wins over host.json, where `%NAME%` names one.
"""

import enum
import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from devhost.engine.versions import VersionPolicy
from devhost.errors import BrokenSettings, NotAnApp
from devhost.settings.app_settings import PROCESS_COUNT, app_setting
from devhost.settings.extension_options import BlobOptions, HttpOptions, QueueOptions
from devhost.settings.local_settings import apply_local_settings
from devhost.settings.sections import Section, read_object
from devhost.timespan import format_timespan, parse_timespan

LOG_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}

_NO_TIMEOUT = "-1"
_AZURE_STORAGE = "AzureStorage"
_SHORTEST_TIMEOUT = timedelta(seconds=1)
_HUB_NAME = re.compile("[A-Za-z][A-Za-z0-9]{2,44}")
_ANY_COUNT = range(1, 2**31)
_OVERRIDES = "azurefunctionsjobhost__"  # begins the names of app settings that stand for values of host.json
_TAKEN_ON_AZURE = {  # by setting: shortest and longest; beyond them the Durable extension stops the host
    "controlQueueVisibilityTimeout": (timedelta(minutes=1), timedelta(minutes=60)),
    "workItemQueueVisibilityTimeout": (timedelta(seconds=1), timedelta(days=7)),
}


class OverridableStates(enum.StrEnum):
    """Which instances give way to a new one of the same id."""

    NON_RUNNING = "NonRunningStates"
    ANY = "AnyState"


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What host.json says; the defaults are those of the Functions host.

    Attributes:
        log_levels: names of levels by category, `default` among them.
        function_timeout: how long a call may take; `None` for any time.
        functions: names of the functions to run, in lower case; all of them if there are none.
        replaces_running: whether a start replaces an instance of the same id that has not ended.
        warnings: sentences about values that this host passes over, or that Azure does not take.
    """

    route_prefix: str = "api"
    log_levels: Mapping[str, str] = field(default_factory=lambda: {"default": "Information"})
    function_timeout: timedelta | None = timedelta(minutes=30)
    hub_name: str = "TestHubName"
    versions: VersionPolicy = field(default_factory=VersionPolicy)
    max_concurrent_activities: int = 10
    max_concurrent_orchestrators: int = 5
    functions: frozenset[str] = frozenset()
    replaces_running: bool = False
    http: HttpOptions = field(default_factory=HttpOptions)
    queues: QueueOptions = field(default_factory=QueueOptions)
    blobs: BlobOptions = field(default_factory=BlobOptions)
    warnings: tuple[str, ...] = ()


def read_host_settings(app_dir: Path) -> HostSettings:
    """Reads host.json.

    Raises:
        NotAnApp: there is none.
        BrokenSettings: it is not JSON, or a value has the wrong type.
    """
    path = app_dir / "host.json"
    if not path.is_file():
        raise NotAnApp(app_dir)
    root = Section(path, with_overrides(read_object(path), os.environ))
    extensions = root.section("extensions")
    http, durable = extensions.section("http"), extensions.section("durableTask")
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
        max_concurrent_activities=durable.number(
            "maxConcurrentActivityFunctions", defaults.max_concurrent_activities, _ANY_COUNT
        ),
        max_concurrent_orchestrators=durable.number(
            "maxConcurrentOrchestratorFunctions", defaults.max_concurrent_orchestrators, _ANY_COUNT
        ),
        functions=frozenset(map(str.lower, map(str, root.value("functions", list[object]())))),
        replaces_running=durable.choice("overridableExistingInstanceStates", OverridableStates.NON_RUNNING)
        is OverridableStates.ANY,
        http=HttpOptions.read(http),
        queues=QueueOptions.read(extensions.section("queues")),
        blobs=BlobOptions.read(extensions.section("blobs")),
        warnings=(*_refused_on_azure(root, durable), *_without_effect(root), *_idle_parts(app_dir)),
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


def _refused_on_azure(root: Section, durable: Section) -> Iterator[str]:
    """Sentences about values that mean little here and keep a whole app from starting on Azure."""
    timeout = _function_timeout(root, None)
    if timeout is not None and timeout < _SHORTEST_TIMEOUT:
        yield (
            f"functionTimeout of host.json is {format_timespan(timeout)}: with less than "
            f"{format_timespan(_SHORTEST_TIMEOUT)} no function of the app starts on Azure."
        )
    hub_name = durable.value("hubName", HostSettings().hub_name)
    if not _HUB_NAME.fullmatch(hub_name):
        yield (
            f"{durable.name}.hubName of host.json is {hub_name}: use a letter and 2 to 44 letters or digits, "
            "or else no function of the app starts on Azure."
        )
    provider = durable.section("storageProvider")
    for key, (shortest, longest) in _TAKEN_ON_AZURE.items():
        duration = provider.timespan(key, shortest)
        if not shortest <= duration <= longest:
            yield (
                f"{provider.name}.{key} of host.json is {format_timespan(duration)}: the Durable extension "
                f"takes {format_timespan(shortest)} to {format_timespan(longest)}, and with another "
                "value no function of the app starts on Azure."
            )


def _without_effect(root: Section) -> Iterator[str]:
    """Sentences about what is switched on and does nothing on this host."""
    extensions = root.section("extensions")
    for section, key, reason in (
        (extensions.section("http"), "dynamicThrottlesEnabled", "it refuses no request for its own load"),
        (extensions.section("http").section("hsts"), "isEnabled", "it is not served over HTTPS"),
        (root.section("concurrency"), "dynamicConcurrencyEnabled", "the limits in the file stay as they are"),
        (extensions.section("durableTask"), "extendedSessionsEnabled", "no Python app has such sessions"),
    ):
        if section.flag(key):
            yield f"{section.name}.{key} of host.json has no effect on this host: {reason}."
    for category, level in root.section("logging").section("logLevel").texts().items():
        if level.lower() not in LOG_LEVELS:
            yield (
                f"logging.logLevel.{category} of host.json is {level}, which is none of "
                f"{', '.join(map(str.title, LOG_LEVELS))}: it is taken for Information."
            )
    backend = extensions.section("durableTask").section("storageProvider").value("type", _AZURE_STORAGE)
    if backend.lower() != _AZURE_STORAGE.lower():
        yield (
            f"extensions.durableTask.storageProvider.type of host.json is {backend}: this host keeps "
            f"instances in its own file all the same, and behaves as {_AZURE_STORAGE} does."
        )


def _idle_parts(app_dir: Path) -> Iterator[str]:
    """Sentences about app settings and files that do nothing on this host."""
    if (app_dir / "proxies.json").is_file():
        yield "proxies.json has no effect, as with version 4 of the Functions host: write functions instead."
    count = app_setting(PROCESS_COUNT) or "1"
    if count != "1":
        yield (
            f"{PROCESS_COUNT} is {count} and has no effect: this host runs all functions in one process. "
            f"Azure starts {count} of them, each with variables and threads of its own."
        )


def _function_timeout(root: Section, default: timedelta | None) -> timedelta | None:
    text = root.value("functionTimeout", "")
    if not text or text == _NO_TIMEOUT:
        return None if text else default
    try:
        return parse_timespan(text)
    except ValueError as error:
        reason = f'functionTimeout is "{text}", neither a time such as 00:05:00 nor {_NO_TIMEOUT} for none.'
        raise BrokenSettings(root.path, reason) from error
