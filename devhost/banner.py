"""What the terminal shows when a host has started: functions by trigger, URLs, state and slots."""

from devhost.app.functions import Function
from devhost.host import Host

_TITLES = {
    "httpTrigger": "HTTP",
    "orchestrationTrigger": "Orchestrators",
    "activityTrigger": "Activities",
    "entityTrigger": "Entities",
    "queueTrigger": "Queues",
    "blobTrigger": "Blobs",
    "timerTrigger": "Timers",
    "warmupTrigger": "Warm-up",
}
_SOURCES = {  # the member that says what starts the function, or by which name it is called
    "queueTrigger": "queueName",
    "blobTrigger": "path",
    "timerTrigger": "schedule",
    "orchestrationTrigger": "orchestration",
    "activityTrigger": "activity",
    "entityTrigger": "entityName",
}


def banner(host: Host, *, seconds: float, reloads: bool) -> str:
    """The text for a host that took this many seconds to start; `reloads` when the app's files change."""
    lines: list[str] = []
    for trigger, title in _TITLES.items():
        functions = [function for function in host.index.functions if function.trigger.type == trigger]
        if functions:
            lines += ["", title, *(f"  {_describe(host, function)}" for function in functions)]
    settings = host.settings
    slots = (
        f"{settings.max_concurrent_activities} activities, "
        f"{settings.max_concurrent_orchestrators} orchestrators, {host.threads} threads"
    )
    lines += [
        "",
        f"State    {host.options.state}",
        f"Slots    {slots}",
        *(["Time     SKIPPED: durable timers are due at once"] if host.options.time_skip else []),
        *([f"Errors   {', '.join(host.in_error)}: see above"] if host.in_error else []),
        f"Reload   {'when a file of the app changes' if reloads else 'off'}",
        *([f"Page     {host.page}"] if host.page else []),
        f"Ready    {host.origin} after {seconds:.2f} s; Ctrl-C stops",
        "",
    ]
    return "\n".join(lines)


def _describe(host: Host, function: Function) -> str:
    if function.http is None:
        source = function.trigger.properties.get(_SOURCES.get(function.trigger.type, ""))
        return f"{function.name}: {source}" if source else function.name
    methods = ",".join(sorted(function.http.methods)) or "ALL"
    url = "/".join(
        part
        for part in (host.origin, host.settings.route_prefix, function.http.route.text.strip("/"))
        if part
    )
    return f"{function.name}: [{methods}] {url}"
