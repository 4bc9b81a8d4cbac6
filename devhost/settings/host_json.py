"""host.json: how the host runs an app.

Only what this host acts upon is read; everything else in the file belongs to Azure. As there, an app setting
such as `AzureFunctionsJobHost__extensions__http__routePrefix` wins over host.json, where `%NAME%` names one.
"""

import enum
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from devhost.engine.versions import VersionPolicy
from devhost.errors import BrokenSettings, NotAnApp
from devhost.settings.local_settings import apply_local_settings
from devhost.settings.sections import Section, read_object
from devhost.timespan import format_timespan, parse_timespan

_NO_TIMEOUT = "-1"
_MAX_COUNT = 1000
_OVERRIDES = "azurefunctionsjobhost__"  # begins the names of app settings that stand for values of host.json
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


def _queue_options(section: Section) -> QueueOptions:
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


def _refused_on_azure(provider: Section) -> Iterator[str]:
    """Sentences about durations that mean nothing here and keep a whole app from starting on Azure."""
    for key, (shortest, longest) in _TAKEN_ON_AZURE.items():
        duration = provider.timespan(key, shortest)
        if not shortest <= duration <= longest:
            yield (
                f"{provider.name}.{key} of host.json is {format_timespan(duration)}: the Durable extension "
                f"takes {format_timespan(shortest)} to {format_timespan(longest)}, and with another "
                "value no function of the app starts on Azure."
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
