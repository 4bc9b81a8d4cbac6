"""What can go wrong around the engine.

HostError
├── StartError          the host cannot start; the message is the one sentence that the terminal shows
│   ├── NotAnApp            the folder holds no host.json
│   ├── BrokenSettings      host.json or local.settings.json cannot be used
│   ├── PortUnusable        another program listens on the port, or it is none
│   ├── UnknownFunctions    --functions names functions that the app does not have
│   └── StateUnusable       the state file cannot be opened
├── IndexingError       a function's description cannot be used; the other functions keep working
├── AppIndexingError    function_app.py cannot be used; the app has no functions
├── FunctionLoadError   a function's code cannot be used; every call of it fails
├── FunctionTimedOut    a call took longer than host.json's functionTimeout
├── ConnectionUnusable  no setting tells, or not in a usable way, which storage account a binding means
├── UnresolvedExpression  a binding's %SETTING% or {name} has no value
└── BindingFailed       a binding's storage could not be read or written
"""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from devhost.timespan import format_timespan


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


class UnknownFunctions(StartError):
    """Functions that were to be run are not there."""

    def __init__(self, unknown: Iterable[str], known: Iterable[str]) -> None:
        super().__init__(
            f"--functions names {', '.join(sorted(unknown))}, which the app does not have: "
            f"name some of {', '.join(sorted(known))}."
        )


class IndexingError(HostError):
    """A function's description, in its function.json or by its decorators, cannot be used."""

    def __init__(self, function: str, reason: str) -> None:
        super().__init__(f"The '{function}' function is in error: {reason}")
        self.function = function
        self.reason = reason
        self.trigger: str | None = None
        """The type of its trigger, where that much could be read."""
        self.durable_name = function
        """The name by which orchestrations call it."""


class AppIndexingError(HostError):
    """The script of a v2 app cannot be used, so that the app has no functions at all."""

    def __init__(self, script: Path, reason: str) -> None:
        super().__init__(
            f"0 functions loaded: {script.name} cannot be indexed: {reason}. No job functions found, nor "
            "would there be on Azure, whose log tells few such reasons. Correct it there; jobs wait for that."
        )
        self.script = script
        self.reason = reason


class FunctionLoadError(HostError):
    """A function's code cannot be imported or does not fit its function.json."""

    def __init__(self, function: str, reason: str) -> None:
        super().__init__(f"cannot load the {function} function: {reason}")
        self.function = function
        self.reason = reason


class FunctionTimedOut(HostError):
    """A call took longer than host.json's functionTimeout."""

    def __init__(self, function: str, timeout: timedelta) -> None:
        super().__init__(f"Timeout value of {format_timespan(timeout)} was exceeded by function: {function}")
        self.function = function
        self.timeout = timeout


class ConnectionUnusable(HostError):
    """No setting tells, or not in a usable way, which storage account a binding means."""

    def __init__(self, connection: str, reason: str) -> None:
        super().__init__(
            f"The setting '{connection}' {reason}: set it to the storage account's connection string or URL, "
            f"or to UseDevelopmentStorage=true for the emulator; or set {connection}__accountName."
        )
        self.connection = connection


class UnresolvedExpression(HostError):
    """A binding's %SETTING% or {name} has no value."""

    def __init__(self, expression: str, reason: str) -> None:
        super().__init__(f"{expression} of a binding cannot be filled in: {reason}.")
        self.expression = expression


class BindingFailed(HostError):
    """A binding's storage could not be read or written."""

    def __init__(self, binding: str, where: str, reason: object) -> None:
        super().__init__(f"The binding '{binding}' could not use {where}: {reason}")
        self.binding = binding
