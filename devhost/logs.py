"""Log lines for a terminal: time, level, function and call, message; coloured where a terminal reads them."""

from __future__ import annotations

import logging
import os
import sys
from datetime import datetime
from typing import TextIO

from . import invocation

_COLOURS = {
    logging.DEBUG: "\x1b[2m",
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[31m",
    logging.CRITICAL: "\x1b[31;1m",
}
_RESET = "\x1b[0m"
_DIM = "\x1b[2m"

_LEVELS = {  # names of host.json
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}


class LineFormatter(logging.Formatter):
    """One line per record, a traceback below it."""

    def __init__(self, *, colours: bool) -> None:
        super().__init__()
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S.%f")[:-3]
        origin = invocation.describe_current()
        line = f"{record.levelname:7} {f'[{origin}] ' if origin else ''}{record.getMessage()}"
        if record.exc_info:
            line += f"\n{self.formatException(record.exc_info)}"
        if not self._colours:
            return f"{time} {line}"
        return f"{_DIM}{time}{_RESET} {_COLOURS.get(record.levelno, '')}{line}{_RESET}"


def set_up_logging(level: str, stream: TextIO = sys.stderr) -> None:
    """Sends every logger of the process, the app's included, to the stream from host.json's level on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(colours=stream.isatty() and "NO_COLOR" not in os.environ))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    logging.captureWarnings(capture=True)
    root.setLevel(_LEVELS.get(level.lower(), logging.INFO))
    # The SDKs tell every request and its headers at INFO: a dozen lines a call.
    logging.getLogger("azure").setLevel(logging.WARNING)
