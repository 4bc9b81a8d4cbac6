"""Commands for a running host, which they ask over HTTP; no part of the host itself."""

COMMANDS = (
    "instances",
    "history",
    "show",
    "start",
    "raise",
    "terminate",
    "suspend",
    "resume",
    "rewind",
    "restart",
    "purge",
)
