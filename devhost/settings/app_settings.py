"""App settings: variables of the environment, whose names may be written in any case."""

import os
import re

from devhost.errors import UnresolvedExpression

DEBUG_LOGGING = "PYTHON_ENABLE_DEBUG_LOGGING"
WORKER_EXTENSIONS = "PYTHON_ENABLE_WORKER_EXTENSIONS"
THREAD_COUNT = "PYTHON_THREADPOOL_THREAD_COUNT"
PROCESS_COUNT = "FUNCTIONS_WORKER_PROCESS_COUNT"
NO_HOMEPAGE = "AzureWebJobsDisableHomepage"
_EXPRESSION = re.compile("%([^%]+)%")
_TRUE = frozenset({"1", "true", "t", "yes", "y"})  # as the Python worker reads its settings


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
    """Whether a setting keeps a function from being started: `AzureWebJobs.<function>.Disabled`.

    Where names of variables have no dots, as on Linux, they are underscores.
    """
    names = (f"AzureWebJobs.{function}.Disabled", f"AzureWebJobs_{function}_Disabled")
    return any((app_setting(name) or "").lower() in ("true", "1") for name in names)


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
