"""What an HTTP function put out, as the answer to the request.

The oddities are the Functions host's, measured on it: a text is read as JSON and written again, it may
describe a whole answer, and an answer that the host would refuse to send is an empty 500.
"""

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import HttpVersion11, web
from azure.functions.meta import Datum

from devhost.app import shown_json
from devhost.app.bindings import Direction
from devhost.app.functions import Function
from devhost.web.set_cookie import UnreadableCookie, set_cookie
from devhost.worker.call import Outcome

_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SENDABLE_HEADER = re.compile(r"[\t\x20-\x7e]*")
_SERVER_OWNED = frozenset({"transfer-encoding", "connection"})
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,9}\s*")

# Names that Kestrel knows and writes in its own spelling; it leaves others as the function wrote them.
_KNOWN_NAMES: Mapping[str, str] = {
    name.lower(): name
    for name in (
        "Accept-Ranges",
        "Access-Control-Allow-Credentials",
        "Access-Control-Allow-Headers",
        "Access-Control-Allow-Methods",
        "Access-Control-Allow-Origin",
        "Access-Control-Expose-Headers",
        "Access-Control-Max-Age",
        "Age",
        "Allow",
        "Alt-Svc",
        "Cache-Control",
        "Content-Disposition",
        "Content-Encoding",
        "Content-Language",
        "Content-Length",
        "Content-Location",
        "Content-MD5",
        "Content-Range",
        "Content-Type",
        "Date",
        "ETag",
        "Expires",
        "Last-Modified",
        "Location",
        "Pragma",
        "Retry-After",
        "Server",
        "Vary",
        "Via",
        "Warning",
        "WWW-Authenticate",
    )
}


class UnsendableAnswer(ValueError):
    """The function's answer is none that the host can send."""


def to_response(function: Function, outcome: Outcome, request: web.BaseRequest) -> web.Response:
    """The answer to the request.

    Raises:
        UnsendableAnswer: its status, a header, a cookie or its length is not valid.
    """
    binding, datum = _answer_of(function, outcome)
    if datum is None or datum.type is None:
        return web.Response(status=204)
    if datum.type == "http":
        response = _described(datum.value)
    elif datum.type == "bytes":
        response = web.Response(body=datum.value)
    elif binding == "http":
        response = _read_as_json(datum.value)
    else:  # a text that went to a queue or a blob is the answer as it is
        response = _text_response(datum.value)
    return _chunked(response, request)


def _answer_of(function: Function, outcome: Outcome) -> tuple[str, Datum | None]:
    """What the function answers and the type of binding that it answers through.

    Without an `http` binding that was set it is what the function returned, wherever else that went.
    """
    for binding in function.bindings:
        if binding.type == "http" and binding.direction is Direction.OUT:
            if binding.is_return:
                return "http", outcome.result
            if binding.name in outcome.outputs:
                return "http", outcome.outputs[binding.name]
    return "", outcome.result


def _described(parts: Mapping[str, Any]) -> web.Response:
    """The answer that an `HttpResponse` describes."""
    body: bytes = parts["body"].value
    response = web.Response(status=_status(parts["status_code"].value), body=body)
    _set_headers(response, {name: header.value for name, header in parts["headers"].items()})
    for cookie in parts.get("cookies") or ():  # which the SDK has since 1.11
        for morsel in cookie.values():
            try:
                response.headers.add("Set-Cookie", _sendable("Set-Cookie", set_cookie(morsel)))
            except UnreadableCookie as error:
                raise UnsendableAnswer(str(error)) from error
    _require_right_length(response, len(body))
    return response


def _read_as_json(text: str) -> web.Response:
    """A text that is JSON as .NET shows its value; an object with a body may name status and headers, too."""
    try:
        value = shown_json.read(text) if text.strip() else None
    except ValueError:
        return _text_response(text)
    members = {name.lower(): member for name, member in value.items()} if isinstance(value, dict) else {}
    if "body" not in members:
        return _text_response(shown_json.shown(value))
    response = _text_response(shown_json.compact(members["body"]))
    status = members.get("statuscode", members.get("status"))
    if not isinstance(status, bool) and _INTEGER.fullmatch(str(status)):
        response.set_status(_status(str(int(str(status)))))
    headers = members.get("headers")
    if isinstance(headers, dict):
        _set_headers(response, {name: shown_json.shown(member) for name, member in headers.items()})
        _require_right_length(response, len(response.body or b""))  # type: ignore[arg-type]  # it is bytes
    return response


def _set_headers(response: web.Response, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if name.lower() not in _SERVER_OWNED:
            response.headers.popall(name, None)
            response.headers[_KNOWN_NAMES.get(name.lower(), _sendable_name(name))] = _sendable(name, value)


def _status(text: str) -> int:
    if not text.isdecimal() or not 200 <= int(text) <= 999:  # noqa: PLR2004 - the range of final statuses
        raise UnsendableAnswer(f"The status code {text} is not valid.")
    return int(text)


def _text_response(text: str) -> web.Response:
    try:
        return web.Response(text=text)
    except UnicodeEncodeError as error:
        raise UnsendableAnswer(f"The text holds half a surrogate pair: {error}.") from error


def _sendable_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise UnsendableAnswer(f"'{name}' cannot be the name of a header.")
    return name


def _sendable(name: str, value: str) -> str:
    if not _SENDABLE_HEADER.fullmatch(value):
        raise UnsendableAnswer(f"The header {name} holds a control or non-ASCII character.")
    return value


def _require_right_length(response: web.Response, length: int) -> None:
    declared = response.headers.get("Content-Length")
    if declared is not None and declared != str(length):
        raise UnsendableAnswer(f"Content-Length is {declared}, the body has {length} bytes.")


def _chunked(response: web.Response, request: web.BaseRequest) -> web.Response:
    if not response.body or "Content-Length" in response.headers:
        return response
    if request.version >= HttpVersion11 and request.method != "HEAD":
        response.enable_chunked_encoding()
    return response
