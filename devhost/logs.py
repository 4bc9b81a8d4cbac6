"""What the host and the app log: a line a record for a terminal, or a JSON object a record for programs.

Which records count is decided by category, with the levels of host.json, as on Azure. Nothing here may import
when it formats: records still come while the interpreter ends.
"""

import functools
import json
import logging
import os
import sys
import time
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from devhost.app.app_frames import AppFrames
from devhost.engine.errors import text_of_error
from devhost.escaping import escaped
from devhost.settings.app_settings import enables_debug_logging
from devhost.settings.host_json import LOG_LEVELS
from devhost.worker import invocation

_COLOURS = {
    logging.DEBUG: "\x1b[2m",
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[31m",
    logging.CRITICAL: "\x1b[31;1m",
}
_OWN = f"{__package__}."  # begins the names of this host's loggers
_PLATFORM = ("azure.functions", "azure_functions_worker")  # as the worker tells its records from the app's
_CONTINUED = "\n    "  # so that no text can pass for a record of its own
_RESET = "\x1b[0m"
_DIM = "\x1b[2m"


def set_up_logging(
    levels: Mapping[str, str],
    app_dir: Path,
    *,
    as_json: bool = False,
    verbose: bool = False,
    stream: TextIO = sys.stderr,
) -> None:
    """Sends every logger of the process, the app's included, to the stream.

    This host's own loggers do not depend on the root logger, whose handlers an app may replace, and cannot be
    disabled, as `logging.config.dictConfig` does with all that it does not name.

    Args:
        levels: names of levels by category, from host.json.
        app_dir: where the app's own code lies.
        as_json: whether to write JSON objects instead of lines.
        verbose: whether to show tracebacks whole instead of the app's part of them.
        stream: where to; it is coloured if it is a terminal and NO_COLOR is not set.
    """
    frames = AppFrames(app_dir)
    colours = stream.isatty() and "NO_COLOR" not in os.environ
    lines = LineFormatter(frames, colours=colours, verbose=verbose)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(frames, verbose=verbose) if as_json else lines)
    handler.addFilter(HiddenLoggers().tell)
    handler.addFilter(CategoryLevels(levels).accepts)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    logging.captureWarnings(capture=True)
    warnings.formatwarning = _one_line
    lowest = min(_number(level) for level in levels.values())
    root.setLevel(lowest if enables_debug_logging() else max(lowest, logging.INFO))
    own = logging.getLogger(__package__)
    own.setLevel(lowest)  # which does not depend on that setting
    own.handlers[:] = [handler]
    own.propagate = False
    for name in [name for name in logging.root.manager.loggerDict if name.startswith(_OWN)]:
        logging.getLogger(name).__class__ = _Unimpressed
    # The SDKs tell every request and its headers at INFO: a dozen lines a call.
    logging.getLogger("azure").setLevel(logging.WARNING)


def ends_of_log() -> tuple[logging.Logger, ...]:
    """The loggers at which every record comes by, and does so once."""
    own = logging.getLogger(__package__)
    return (logging.getLogger(),) if own.propagate else (logging.getLogger(), own)


class _Unimpressed(logging.Logger):
    """A logger that no code of the app can disable."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - as the class has it
        return level >= self.getEffectiveLevel()

    @property
    def disabled(self) -> bool:
        return False

    @disabled.setter
    def disabled(self, value: bool) -> None:
        pass


class HiddenLoggers:
    """Says once of each logger that its records are not shown, since Azure keeps them from the app's log."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, record: logging.LogRecord) -> bool:
        """Lets every record pass."""
        if record.name.startswith(_PLATFORM) and record.name not in self._told:
            self._told.add(record.name)
            logging.getLogger(__name__).warning(
                "Records of the logger '%s' are not shown, since on Azure they go to the platform's log: "
                "use a logger with another name. The first is: %s",
                record.name,
                record.getMessage(),
            )
        return True


class CategoryLevels:
    """The levels of host.json; of the categories that a record's begins with, the longest decides."""

    def __init__(self, levels: Mapping[str, str]) -> None:
        self._levels = {category.lower(): _number(level) for category, level in levels.items()}
        self._level = functools.cache(self._decide)  # an app has few categories and many records

    def accepts(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be shown."""
        return not record.name.startswith(_PLATFORM) and record.levelno >= self._level(category_of(record))

    def _decide(self, category: str) -> int:
        parts = category.lower().split(".")
        prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        named = (self._levels[prefix] for prefix in prefixes if prefix in self._levels)
        return next(named, self._levels.get("default", logging.INFO))


def category_of(record: logging.LogRecord) -> str:
    """The category that Azure would file the record under, seen from the code that logs it."""
    call = invocation.current.get()
    if record.name.startswith(f"{_OWN}engine."):
        return "Host.Triggers.DurableTask"
    if record.name.startswith(_OWN):
        return f"Function.{call.function_name}" if call else "Host"
    return f"Function.{call.function_name}.User" if call else "Worker"


class LineFormatter(logging.Formatter):
    """Time, level, function and call, message; further lines, as of a traceback, are indented below."""

    def __init__(self, frames: AppFrames, *, colours: bool = False, verbose: bool = False) -> None:
        super().__init__()
        self._frames = frames
        self._colours = colours
        self._verbose = verbose

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        clock = f"{time.strftime('%H:%M:%S', time.localtime(record.created))}.{int(record.msecs):03}"
        origin = invocation.describe_current()
        line = f"{record.levelname:7} {f'[{origin}] ' if origin else ''}{record.getMessage()}"
        if record.name.startswith(_OWN):  # the host has a line a record; what breaks it comes from outside
            line = line.replace("\n", "\\n")
        if record.exc_info and record.exc_info[1]:
            line += f"\n{self._traceback(record.exc_info[1])}"
        line = escaped(line).replace("\n", _CONTINUED)
        if not self._colours:
            return f"{clock} {line}"
        return f"{_DIM}{clock}{_RESET} {_COLOURS.get(record.levelno, '')}{line}{_RESET}"

    def _traceback(self, error: BaseException) -> str:
        return _whole(error) if self._verbose else self._frames.shortened(error)


class JsonFormatter(logging.Formatter):
    """One JSON object a record, always with the same members."""

    def __init__(self, frames: AppFrames, *, verbose: bool = False) -> None:
        super().__init__()
        self._frames = frames
        self._verbose = verbose

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON text without line breaks."""
        call = invocation.current.get()
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        return escaped(
            json.dumps(
                {
                    "time": f"{seconds}.{int(record.msecs):03}Z",
                    "level": record.levelname,
                    "logger": record.name,
                    "message": record.getMessage(),
                    "function": call.function_name if call else None,
                    "invocation": call.invocation_id if call else invocation.thread_call_id(),
                    "instance": call.instance_id if call else None,
                    "error": self._error(record.exc_info[1])
                    if record.exc_info and record.exc_info[1]
                    else None,
                },
                ensure_ascii=False,
            )
        )

    def _error(self, error: BaseException) -> dict[str, Any]:
        file, line = self._frames.place_of(error) or (None, None)
        text = _whole(error) if self._verbose else self._frames.shortened(error)
        return {
            "type": type(error).__name__,
            "message": text_of_error(error),
            "file": file,
            "line": line,
            "traceback": text,
        }


def _one_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning without the line of code that Python puts below it."""
    del line
    return f"{category.__name__}: {message} ({filename}, line {lineno})"


def _whole(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()


def _number(level: str) -> int:
    return LOG_LEVELS.get(level.lower(), logging.INFO)
