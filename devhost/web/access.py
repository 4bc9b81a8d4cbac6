"""Who may call this host: programs of this machine, its own pages, and the pages that Host.CORS names.

No key is ever asked for, and a browser lets every web page send requests to loopback. It says for which host
name it does so, and from which page: here those words are believed, since a page cannot change them.

ADR 31 has the reasons.
"""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass

from aiohttp import web

from devhost.settings.local_settings import CorsSettings

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::(?P<port>[0-9]*))?")
_ORIGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/?#@\s]+)", re.IGNORECASE)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_OWN_SITE = frozenset({"same-origin", "none"})  # a page of this host; an address that a person has entered


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered, in a sentence that says what to do."""

    status: int
    detail: str


class AccessRules:
    """Decides for each request whether it may come in, and what its answer says about that to a browser."""

    def __init__(self, *, host_names: Collection[str], cors: CorsSettings) -> None:
        """Answers to the names of loopback and to `host_names`, from `host_name`."""
        self._host_names = host_names
        self._cors = cors

    def refusal(self, request: web.BaseRequest, *, is_for_app: bool) -> Refusal | None:
        """Why the request may not come in; `is_for_app` where it is for a route of the app's own."""
        return (
            _target_problem(request)
            or self._host_problem(request)
            or self._origin_problem(request, is_for_app=is_for_app)
        )

    def is_preflight(self, request: web.BaseRequest) -> bool:
        """Whether a browser asks what a page that may call the app may send."""
        asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return asks and bool(self.cors_headers(request))

    def preflight_headers(self, request: web.BaseRequest) -> dict[str, str]:
        """What answers a preflight: as with Core Tools, any method and any header."""
        asked = {
            "Access-Control-Allow-Methods": request.headers.get("Access-Control-Request-Method"),
            "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers"),
        }
        return self.cors_headers(request) | {name: value for name, value in asked.items() if value}

    def cors_headers(self, request: web.BaseRequest) -> dict[str, str]:
        """What lets the calling page read the answer of the app; nothing where Host.CORS does not name it."""
        origin = request.headers.get("Origin", "")
        if not origin or not self._cors.allows(origin):
            return {}
        headers = {"Access-Control-Allow-Origin": "*" if self._cors.any_origin else origin}
        if self._cors.credentials:
            headers["Access-Control-Allow-Credentials"] = "true"
        if len(self._cors.origins) > 1:
            headers["Vary"] = "Origin"
        return headers

    def _host_problem(self, request: web.BaseRequest) -> Refusal | None:
        written = request.headers.getall("Host", [])
        if len(written) != 1:
            return Refusal(
                400, "The request has to name its host, once: send a header such as Host: localhost."
            )
        name = host_name(written[0])
        if name is not None and (_is_loopback(name) or name in self._host_names):
            return None
        detail = f"The request is for the host '{written[0]}', and this host answers for loopback alone"
        return Refusal(403, f"{detail}: call localhost, or start it with --allow-host {name or 'NAME'}.")

    def _origin_problem(self, request: web.BaseRequest, *, is_for_app: bool) -> Refusal | None:
        origins = request.headers.getall("Origin", [])
        sites = request.headers.getall("Sec-Fetch-Site", [])
        is_own_page = all(_is_same_origin(origin, request.headers["Host"]) for origin in origins)
        if is_own_page and _OWN_SITE.issuperset(sites):
            return None
        if is_for_app and (self._cors.any_origin or (len(origins) == 1 and self._cors.allows(origins[0]))):
            return None
        if is_for_app and not origins and _is_followed_link(request):
            return None
        return Refusal(403, _explanation(", ".join(origins), is_for_app=is_for_app))


def host_name(written: str) -> str | None:
    """The name in a `Host` header, in lower case and without port and final dot; `None` if it is not one."""
    found = _HOST.fullmatch(written)
    return found["name"].lower().removesuffix(".") if found else None


def _is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _target_problem(request: web.BaseRequest) -> Refusal | None:
    if request.raw_path.startswith("/") and request.raw_path.isascii():
        return None
    return Refusal(400, "The request's target has to be a path: begin it with a slash, in ASCII characters.")


def _is_same_origin(origin: str, host: str) -> bool:
    """Whether a page is of the host that its request is for, whichever of http and https leads there."""
    found = _ORIGIN.fullmatch(origin)
    if found is None:
        return False
    port = _DEFAULT_PORTS.get(found["scheme"].lower(), "")
    return found["authority"].lower().removesuffix(port) == host.lower().removesuffix(port)


def _is_followed_link(request: web.BaseRequest) -> bool:
    """Whether a person goes to another page; frames, and pages that are only loaded ahead, do not count."""
    headers = request.headers
    is_ahead = "Sec-Purpose" in headers or "Purpose" in headers
    is_page = headers.get("Sec-Fetch-Dest", "document") == "document"
    return (
        request.method == "GET" and headers.get("Sec-Fetch-Mode") == "navigate" and is_page and not is_ahead
    )


def _explanation(origin: str, *, is_for_app: bool) -> str:
    page = f"A page of {origin or 'another site'}"
    if not is_for_app:
        return (
            f"{page} may not call this: only programs and this host's own pages may. "
            "Host.CORS of local.settings.json opens the app's own routes, and nothing else."
        )
    if _ORIGIN.fullmatch(origin) is None:
        return (
            f"{page} may not call this app: serve it from an address such as http://localhost:3000, set "
            '"Host": {"CORS": "http://localhost:3000"} in local.settings.json, and let it call with CORS.'
        )
    return f'{page} may not call this app: set "Host": {{"CORS": "{origin}"}} in local.settings.json.'
