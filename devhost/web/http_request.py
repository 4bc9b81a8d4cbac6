"""What every part of the server reads of a request in the same way."""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from aiohttp import web


def origin_of(request: web.BaseRequest) -> str:
    """Scheme and host as the client wrote them; forwarding headers change nothing, as on Azure."""
    return f"http://{request.headers.get('Host', 'localhost')}"


def query_of(request: web.BaseRequest) -> dict[str, str]:
    """The query's parameters; ones repeated, in whatever case, are joined under the first spelling."""
    pairs = parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True)
    spellings = {name.lower(): name for name, _ in reversed(pairs)}
    return {spellings[name]: value for name, value in joined(pairs).items()}


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Values by lower-case name, those of the same name joined by a comma."""
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        groups.setdefault(name.lower(), []).append(value)
    return {name: ",".join(values) for name, values in groups.items()}
