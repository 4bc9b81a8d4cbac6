"""The state file as a file: locked by one host, of a known schema, not much larger than what is in it.

ADR 66 has the reasons.
"""

import logging
import sqlite3
from importlib import resources
from typing import Final

from devhost.engine.errors import StateFileInUse, StateFileOutdated

logger = logging.getLogger(__name__)

SCHEMA_VERSION: Final = 3
_OLDEST: Final = 2  # schema that can be brought to the present one, a step at a time

_INCREMENTAL: Final = 2  # as SQLite numbers the ways to vacuum: free pages are given back when asked for
_KEPT_PAGES: Final = 1_000  # of 4 kB, which stay free for what comes next
_KEPT_PART: Final = 4  # or so, a quarter of the file
_PORTION: Final = 256  # pages given back at once: some 10 ms
_LOG_BYTES: Final = 16 * 1024 * 1024  # of the write-ahead log, which may grow and shrinks again to this


def lock(connection: sqlite3.Connection, path: str) -> None:
    """Locks the file for as long as the connection is open.

    Raises:
        StateFileInUse: another host has it open.
    """
    try:
        # One host owns the file for as long as it runs; the lock ends with the process, however that ends.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")  # only holds for a file that is empty yet
        # A commit appends to the log and is on the disk when it returns.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise StateFileInUse(path) from error


def prepare(connection: sqlite3.Connection, path: str) -> None:
    """Locks the file, and makes or upgrades its schema.

    Raises:
        StateFileInUse: another host has it open.
        StateFileOutdated: it was made by a newer host, or a very old one.
    """
    lock(connection, path)
    version = _number(connection, "user_version")
    if version == 0:
        _change_schema(connection, "schema.sql", SCHEMA_VERSION)
    elif not _OLDEST <= version <= SCHEMA_VERSION:
        raise StateFileOutdated(path)
    else:
        for step in range(version, SCHEMA_VERSION):
            _change_schema(connection, f"upgrade_{step}.sql", step + 1)
    connection.executescript(_statements("indexes.sql"))
    _let_shrink(connection, path)


class Shrinking:
    """Gives free pages back to the disk, a portion at a time, so that nobody waits for it.

    New instances use what purged ones leave behind; only what is much more than that is given back.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._can_shrink = _number(connection, "auto_vacuum") == _INCREMENTAL
        self._has_shrunk = False

    def step(self) -> bool:
        """Gives back one portion; whether there may be another."""
        free, pages = (_number(self._connection, name) for name in ("freelist_count", "page_count"))
        if self._can_shrink and free > max(_KEPT_PAGES, pages // _KEPT_PART):
            # `execute` would end it at the first page, since it has no columns.
            self._connection.executescript(f"PRAGMA incremental_vacuum({_PORTION})")
            self._has_shrunk = True
        elif self._has_shrunk:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._has_shrunk = False
        return self._has_shrunk


def _change_schema(connection: sqlite3.Connection, script: str, version: int) -> None:
    connection.executescript(f"BEGIN; {_statements(script)} PRAGMA user_version = {version}; COMMIT;")


def _let_shrink(connection: sqlite3.Connection, path: str) -> None:
    """Rewrites, once, a file that was made before state files could shrink."""
    if _number(connection, "auto_vacuum") == _INCREMENTAL:
        return
    try:
        connection.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
        connection.execute("VACUUM")
    except sqlite3.OperationalError as error:  # such as a full disk; it works all the same
        logger.warning("The state file %s keeps its size: %s", path, error)


def _statements(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    (value,) = connection.execute(f"PRAGMA {pragma}").fetchone()
    return int(value)
