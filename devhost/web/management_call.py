"""A request to the management API as its handlers read it, and the answers they give."""

import base64
import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from devhost.engine.dotnet_json import parse, to_json
from devhost.engine.errors import InstanceAlreadyExists, InstanceNotFound, InvalidTransition
from devhost.web.http_request import origin_of

CONTINUATION_HEADER = "x-ms-continuation-token"

_PAGE_SIZE = 100
_INT32 = re.compile(r"[+-]?[0-9]{1,10}")
_DOTNET_ERRORS: dict[type[Exception], str] = {
    InstanceAlreadyExists: "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException",
    InstanceNotFound: "System.ArgumentException",
    InvalidTransition: "System.InvalidOperationException",
    json.JSONDecodeError: "Newtonsoft.Json.JsonReaderException",
}


class BadQuery(ValueError):
    """A parameter of the query asks for what there cannot be."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request: its route parameters, and its query by lower-case name."""

    request: web.Request
    route: dict[str, str]
    query: dict[str, str]

    @property
    def instance_id(self) -> str:
        """The instance that the path names."""
        return self.route["id"]

    @property
    def origin(self) -> str:
        """Scheme and host as the client wrote them."""
        return origin_of(self.request)

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON."""
        return self.request.content_type.lower() == "application/json"

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean of the query; anything but `true` and `false` counts as absent."""
        return {"true": True, "false": False}.get(self.query.get(name.lower(), "").lower(), default)

    def seconds(self, name: str) -> float | None:
        """A number of seconds of the query; what is not one counts as absent."""
        try:
            number = float(self.query[name.lower()])
        except (KeyError, ValueError):
            return None
        return number if math.isfinite(number) else None

    def time(self, name: str) -> datetime | None:
        """A time of the query, UTC if it names no offset; what is not one counts as absent."""
        try:
            value = datetime.fromisoformat(self.query[name.lower()])
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        except (KeyError, ValueError, OverflowError):  # the last for the first and the last day of all
            return None

    @property
    def page_size(self) -> int:
        """How many instances the client wants at once; what is not a number counts as absent.

        Raises:
            BadQuery: fewer than none.
        """
        text = self.query.get("top", "").strip()
        if not _INT32.fullmatch(text) or not -(2**31) <= int(text) < 2**31:
            return _PAGE_SIZE
        if int(text) < 0:
            raise BadQuery(f"top is {text}: use 0 or more.")
        return int(text)

    @property
    def after(self) -> str | None:
        """The instance id after which the client's page begins."""
        token = self.request.headers.get(CONTINUATION_HEADER, "")
        try:
            return base64.urlsafe_b64decode(token).decode() or None
        except ValueError:
            return None

    async def text(self) -> str:
        """The body as text."""
        return (await self.request.read()).decode("utf-8", "replace")


def continuation(last_id: str | None) -> dict[str, str]:
    """The header that leads to the page after an instance, or says that there is none."""
    token = "" if last_id is None else base64.urlsafe_b64encode(last_id.encode()).decode("ascii")
    return {CONTINUATION_HEADER: token}


def json_answer(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A value as the extension's compact JSON."""
    return text_answer(to_json(body), status=status, headers=headers)


def text_answer(text: str, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """JSON that is written already."""
    return web.Response(text=text, status=status, headers=headers, content_type="application/json")


def error_answer(status: int, message: str, error: Exception, *, text: str = "") -> web.Response:
    """The four members in which the extension tells of an exception, with another text if need be."""
    body = {
        "Message": message,
        "ExceptionMessage": text or str(error),
        "ExceptionType": _DOTNET_ERRORS.get(type(error), type(error).__name__),
        "StackTrace": "",
    }
    return json_answer(body, status=status)


def json_error(text: str) -> ValueError | None:
    """Why a text is not JSON; `None` if it is."""
    try:
        parse(text)
    except ValueError as error:
        return error
    return None
