"""Where an error came up: the file and line of the app's own code in a traceback's text."""

import json
import re
import sysconfig
from pathlib import Path
from typing import Final

from devhost.app.import_path import INSTALLED
from devhost.engine.history import HistoryEvent

_FRAME: Final = re.compile(r'File "([^"<]+)", line (\d+)')
_HOST: Final = Path(__file__).parents[1]
_LIBRARY: Final = Path(sysconfig.get_paths()["stdlib"])
_FAILED: Final = re.compile(r"^\w+ function '.*?' failed: +", re.DOTALL)


def told_with_place(error: str, stack: str) -> str:
    """What an error says, and where it came up if that is in the app's own code."""
    own = [(file, line) for file, line in _FRAME.findall(stack) if _is_of_the_app(Path(file))]
    return f"{error} ({own[-1][0]}, line {own[-1][1]})" if own else error


def told_by_failure(event: HistoryEvent) -> str:
    """What the failure of an activity or a sub-orchestration says, with its place if that is recorded."""
    error = _FAILED.sub("", str(event.get("Reason") or ""))
    return told_with_place(error, _stack_of(event.get("Details")))


def _is_of_the_app(file: Path) -> bool:
    is_library = not INSTALLED.isdisjoint(file.parts) or file.is_relative_to(_LIBRARY)
    return not is_library and not file.is_relative_to(_HOST)


def _stack_of(details: str | None) -> str:
    """The traceback in the .NET exception that describes a failed activity."""
    try:
        return str(json.loads(details or "")["InnerException"]["RemoteStackTrace"])
    except (ValueError, LookupError, TypeError):  # as a sub-orchestration tells it
        return ""
