"""Worker extensions: code of the app that the worker calls around every function, or around one.

As with the worker, they are called only with `PYTHON_ENABLE_WORKER_EXTENSIONS`, and what one raises is logged
and costs nothing else.
"""

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from azure.functions.extension import ExtensionMeta

from devhost.app.functions import Function
from devhost.settings.app_settings import enables_worker_extensions
from devhost.worker.invocation import Context


def after_load(function: Function) -> None:
    """Tells the extensions that a function has been loaded."""
    _call(function.name, "post_function_load", function.name, str(function.folder), with_logger=False)


def before_call(context: Context, arguments: Mapping[str, Any]) -> None:
    """Tells the extensions of a call that is about to begin."""
    _call(context.function_name, "pre_invocation", context, arguments)


def after_call(context: Context, arguments: Mapping[str, Any], value: Any) -> None:
    """Tells the extensions of a call that has returned `value`."""
    _call(context.function_name, "post_invocation", context, arguments, value)


def forget() -> None:
    """Forgets the extensions of an app that ends; the SDK keeps them for the life of a process."""
    ExtensionMeta._func_exts.clear()  # noqa: SLF001 - there is no public way
    ExtensionMeta._info.clear()  # noqa: SLF001
    ExtensionMeta._app_exts = None  # noqa: SLF001
    _are_enabled.cache_clear()


@cache
def _are_enabled() -> bool:
    """Settings do not change while an app runs, and each is looked for among all variables."""
    return enables_worker_extensions()


def _call(function: str, hook: str, *arguments: Any, with_logger: bool = True) -> None:
    if not _are_enabled():
        return
    own = getattr(ExtensionMeta.get_function_hooks(function), hook, ())
    of_all = getattr(ExtensionMeta.get_application_hooks(), f"{hook}_app_level", ())
    for extension in (*own, *of_all):
        logger = logging.getLogger(extension.ext_name)
        try:
            extension.ext_impl(*((logger,) if with_logger else ()), *arguments)
        except Exception:
            logger.exception("The extension failed at %s of '%s'", hook, function)
