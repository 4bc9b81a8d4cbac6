"""Commands for a running host, which they ask over HTTP; no part of the host itself."""

COMMANDS = (
    "instances",
    "history",
    "show",
    "why",
    "watch",
    "logs",
    "export",
    "page",
    "start",
    "run",
    "raise",
    "terminate",
    "suspend",
    "resume",
    "rewind",
    "restart",
    "purge",
    "signal",
    "read",
)
