"""Notices when an app's files change, by looking at their times twice a second.

Looking costs 1 ms for a few hundred files, needs no dependency and works in every kind of folder. What has
been saved is checked first: as long as it cannot even be parsed, the running host is not disturbed.

ADR 7 has the reasons.
"""

import ast
import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from devhost.errors import StartError
from devhost.jsonc import read_jsonc
from devhost.settings.host_json import read_host_settings

INTERVAL = 0.5  # seconds between two looks

_SETTINGS = frozenset({"function.json", "host.json", "local.settings.json"})
_NOT_THE_APP = frozenset({"__pycache__", "node_modules", "site-packages", "test", "tests"})
_VIRTUAL_ENVIRONMENT = "pyvenv.cfg"

# Time and size of each file, by path: a copied file may be older than the one it replaces.
Look: TypeAlias = dict[str, tuple[int, int]]


class SourceWatcher:
    """Watches the files from which an app is loaded, from the moment it is made."""

    def __init__(self, app_dir: Path, *, interval: float = INTERVAL) -> None:
        self._app_dir = app_dir
        self._interval = interval
        self._seen = look_at(app_dir)

    async def loadable_change(self, tell: Callable[[str], None]) -> list[Path]:
        """Waits until files have changed and can be loaded; returns them.

        Args:
            tell: is called once with what keeps a change from being loaded.
        """
        changed: set[Path] = set()
        told: str | None = None
        while True:
            changed |= await self._next_changes()
            problem = next(filter(None, map(self._problem, sorted(changed))), None)
            if problem is None:
                return sorted(changed)
            if problem != told:
                tell(problem)
            told = problem

    async def _next_changes(self) -> set[Path]:
        """Waits for changes until they have come to rest: an editor or git may write many files."""
        changed: set[Path] = set()
        while True:
            await asyncio.sleep(self._interval)
            now = await asyncio.to_thread(look_at, self._app_dir)
            news = {Path(path) for path, _ in self._seen.items() ^ now.items()}
            self._seen = now
            if changed and not news:
                return changed
            changed |= news

    def _problem(self, path: Path) -> str | None:
        try:
            if path == self._app_dir / "host.json":
                read_host_settings(self._app_dir)
            elif path.is_file() and path.suffix == ".json":
                read_jsonc(path)
            elif path.is_file():
                ast.parse(path.read_bytes(), filename=str(path))
        except StartError as error:
            return str(error)
        except SyntaxError as error:
            return f"{path}, line {error.lineno}: {type(error).__name__}: {error.msg}"
        except (ValueError, OSError) as error:
            return f"{path}: {error}"
        return None


def look_at(app_dir: Path) -> Look:
    """The files from which the app is loaded, as they are now."""
    found: Look = {}
    folders = [str(app_dir)]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                inside = list(entries)
        except OSError:  # it vanished since its parent was read, or cannot be read: so it holds no source
            continue
        if any(entry.name == _VIRTUAL_ENVIRONMENT for entry in inside):
            continue
        folders += [entry.path for entry in inside if _is_folder_of_app(entry)]
        found |= {entry.path: _stamp(entry) for entry in inside if _is_source(entry)}
    return found


def _is_folder_of_app(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name in _NOT_THE_APP:
        return False
    return entry.is_dir(follow_symlinks=False)


def _is_source(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(".py") or entry.name in _SETTINGS


def _stamp(entry: os.DirEntry[str]) -> tuple[int, int]:
    try:
        status = entry.stat()
    except FileNotFoundError:  # a link to nowhere, or gone since the folder was read
        return 0, 0
    return status.st_mtime_ns, status.st_size
