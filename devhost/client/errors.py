"""Why a command for a running host did not do what it was asked.

CommandFailed          the message is the one sentence that the terminal shows
├── NoHost             nothing answers, or not as a host does
├── UnknownInstance    no instance has the id
├── Refused            the host does not do that, for instance because of the instance's status
├── NotCompleted       an instance was waited for and has not completed
└── InvalidInput       an argument that should be JSON or a time is none
"""


class CommandFailed(Exception):
    """A command was not carried out; `exit_code` tells scripts why."""

    exit_code = 1


class NoHost(CommandFailed):
    """Nothing answers at the address, or something that is not a host."""

    exit_code = 3

    def __init__(self, origin: str, reason: object) -> None:
        super().__init__(
            f"No host answers at {origin} ({reason}): "
            "start one with `python -m devhost APP_DIR`, or name another with --host."
        )


class UnknownInstance(CommandFailed):
    """No instance has the id."""

    exit_code = 4

    def __init__(self, instance_id: str) -> None:
        super().__init__(
            f"No instance has the id {instance_id!r}: `python -m devhost instances` lists those there are."
        )


class Refused(CommandFailed):
    """The host does not do what it was asked."""


class NotCompleted(CommandFailed):
    """An instance that was waited for has not completed."""

    exit_code = 5

    def __init__(self, instance_id: str, status: str, reason: str) -> None:
        text = f"Instance {instance_id!r} has not completed: its status is {status}."
        super().__init__(f"{text} {reason}" if reason else text)


class InvalidInput(CommandFailed):
    """An argument cannot be read."""

    exit_code = 2
