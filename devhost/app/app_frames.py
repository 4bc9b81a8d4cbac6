"""Which lines of a traceback are the app's own code, and a traceback reduced to them."""

import traceback
from collections.abc import Iterator
from pathlib import Path

from devhost.app.import_path import INSTALLED

_PACKAGE_DIR = Path(__file__).parent.parent
_CALL = str(_PACKAGE_DIR / "worker" / "call.py")
_LONGEST_LINE = 300  # an activity's failure reaches the orchestrator with 4 kB of details


class AppFrames:
    """Tells the code of the app in a folder from that of libraries and of this host."""

    def __init__(self, app_dir: Path) -> None:
        self._app_dir = app_dir.resolve()

    def holds(self, file: str) -> bool:
        """Whether a file is the app's own code; a virtual environment or this host may lie in its folder."""
        path = Path(file)
        if not path.is_relative_to(self._app_dir) or not INSTALLED.isdisjoint(path.parts):
            return False
        return not path.is_relative_to(_PACKAGE_DIR)

    def place_of(self, error: BaseException) -> tuple[str, int] | None:
        """File and line of the app's code in which an error came up, if it did in there."""
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if self.holds(frame.filename)]
        return (own[-1].filename, own[-1].lineno or 0) if own else None

    def shortened(self, error: BaseException) -> str:
        """The traceback with the app's frames alone, where it has some, and with lines of bearable length.

        For an error that the app's code did not raise, such as one about the value that it returned, the
        frames of this host are left out, too.
        """
        text = traceback.TracebackException.from_exception(error)
        for part in _parts(text):
            own = [frame for frame in part.stack if self.holds(frame.filename)]
            part.stack = traceback.StackSummary.from_list(own or _outside_calls(part.stack))
        return "\n".join(map(_cut, "".join(text.format()).rstrip().splitlines()))


def _outside_calls(stack: traceback.StackSummary) -> list[traceback.FrameSummary]:
    """A traceback without this host's frames, if it is that of a call of the app's code."""
    if not any(frame.filename == _CALL for frame in stack):
        return stack
    return [frame for frame in stack if not Path(frame.filename).is_relative_to(_PACKAGE_DIR)]


def _parts(text: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """An error and those that it came from or consists of."""
    yield text
    for part in (text.__cause__, text.__context__, *(text.exceptions or ())):
        if part is not None:
            yield from _parts(part)


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} …"
