"""What can go wrong around the engine.

HostError
├── StartError          the host cannot start; the message is the one sentence that the terminal shows
│   ├── NotAnApp            the folder holds no host.json
│   ├── BrokenSettings      host.json or local.settings.json cannot be used
│   ├── PortUnusable        another program listens on the port, or it is none
│   └── StateUnusable       the state file cannot be opened
├── IndexingError       a function.json cannot be used; the other functions keep working
└── FunctionLoadError   a function's code cannot be used; every call of it fails
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class HostError(Exception):
    """Base of all errors of the host around the engine."""


class StartError(HostError):
    """The host cannot start."""


class NotAnApp(StartError):
    """The folder holds no host.json."""

    def __init__(self, app_dir: Path) -> None:
        super().__init__(f"{app_dir} holds no host.json: name the folder of a Functions app.")
        self.app_dir = app_dir


class BrokenSettings(StartError):
    """A settings file cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be used: {reason}")
        self.path = path


class PortUnusable(StartError):
    """Another program listens on the port, or it is none."""

    def __init__(self, port: int, reason: object) -> None:
        super().__init__(
            f"Port {port} cannot be used ({reason}): "
            "stop the program that uses it or name another with --port."
        )
        self.port = port


class StateUnusable(StartError):
    """The state file cannot be opened."""

    def __init__(self, path: str, reason: object) -> None:
        super().__init__(f"The state file {path} cannot be used ({reason}): name another file with --state.")
        self.path = path


class IndexingError(HostError):
    """A function.json cannot be used."""

    def __init__(self, function: str, reason: str) -> None:
        super().__init__(f"The '{function}' function is in error: {reason}")
        self.function = function
        self.reason = reason


class FunctionLoadError(HostError):
    """A function's code cannot be imported or does not fit its function.json."""

    def __init__(self, function: str, reason: str) -> None:
        super().__init__(f"cannot load the {function} function: {reason}")
        self.function = function
        self.reason = reason
