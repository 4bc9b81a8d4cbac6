"""Tables of what the long proofs saw, printed when all of them have ended."""

import os
from typing import Any

import pytest

SEED = int(os.environ.get("SEED", "1"))
TABLE = pytest.StashKey[Any]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[TABLE]:
        terminalreporter.section(f"seed {SEED}")
        terminalreporter.write_line("\n".join(config.stash[TABLE]))


@pytest.fixture(scope="session")
def seed() -> int:
    """What all that is random follows from."""
    return SEED


@pytest.fixture(scope="session")
def table(pytestconfig: pytest.Config) -> list[str]:
    """Takes the lines of the table."""
    rows: list[str] = pytestconfig.stash[TABLE]
    return rows
