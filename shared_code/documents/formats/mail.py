"""Mails (eml, msg) and saved web pages (mhtml): who wrote what to whom; attachments are named."""

import codecs
import io
from collections.abc import Callable, Iterable, Iterator
from email.message import EmailMessage, Message
from email.parser import BytesFeedParser
from email.policy import EmailPolicy
from functools import lru_cache
from typing import cast

from oxmsg import Message as OutlookMessage

from shared_code.documents.document import DocumentLimits, Note, Position, Segment
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge
from shared_code.documents.formats.compressed_rtf import decompressed
from shared_code.documents.formats.decoding import decode
from shared_code.documents.formats.headings import HeadingPath
from shared_code.documents.formats.rich_text import text_of_rtf
from shared_code.documents.formats.web_page import html_text, page_segments

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_BEGINNING = 200
_HEADER_CHARACTERS = 10_000
_FED_BYTES = 256 * 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Properties of an Outlook message: its sender, the recipients that are shown, and forms of its body.
_SENDER, _SHOWN_TO, _SHOWN_CC = 0x0C1A, 0x0E04, 0x0E03
_HTML, _COMPRESSED_RTF = 0x1013, 0x1009


class _Policy(EmailPolicy):
    """As mails are read everywhere, with as much of each header as anyone reads: long ones take an age."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        """A header as what it means."""
        return cast("str", _parse_header(name, value[:_HEADER_CHARACTERS]))


_POLICY = _Policy()
# A part is asked for its type many times, and many parts have the same; a long header takes megabytes.
_parse_header = lru_cache(maxsize=16)(EmailPolicy().header_fetch_parse)


def _code_page(name: str) -> codecs.CodecInfo | None:
    """The encodings that Outlook calls by their numbers on Windows."""
    number = name.removeprefix("windows").strip("-_")
    return codecs.lookup(f"cp{number}") if number.isdecimal() and name.startswith("windows") else None


codecs.register(_code_page)


def read_eml(data: bytes, limits: DocumentLimits) -> Iterator[Segment | Note]:
    """The mail and those attached to it.

    Raises:
        BrokenDocument: there is nothing of a mail in it.
    """
    if b"\x00" in data[:_BEGINNING]:
        data = decode(data).encode()  # what editors have stored as UTF-16
    try:
        message = _parsed(data)
        if not message.keys():
            raise BrokenDocument("The file does not begin as a mail does.")
        yield from _mail(message, (), limits.nesting)
    except RecursionError as error:
        raise DocumentTooLarge.nested_past(limits.nesting) from error


def read_mhtml(data: bytes, limits: DocumentLimits) -> Iterator[Segment | Note]:
    """The page; the pictures that it was saved with are not its text."""
    message = _parsed(data)
    pages = [part for part in message.walk() if part.get_content_type() == "text/html"]
    if not pages:
        raise BrokenDocument("The file holds no saved web page.")
    yield from page_segments(_part_text(pages[0]))
    for frame in pages[1:]:
        yield from page_segments(_part_text(frame))
    del limits


def read_msg(data: bytes, _limits: DocumentLimits) -> Iterator[Segment | Note]:
    """A mail that Outlook has saved."""
    if not data.startswith(_OLE):
        raise BrokenDocument("The file is not an Outlook message, despite its name.")
    try:
        message = OutlookMessage.load(io.BytesIO(data))
        yield from _outlook_message(message)
    except (OSError, LookupError, ValueError, AttributeError) as error:
        raise BrokenDocument("The file cannot be read as an Outlook message.") from error


def _parsed(data: bytes) -> EmailMessage:
    """The parts of a mail; fed to the parser bit by bit, which takes many times the memory otherwise."""
    parser = BytesFeedParser(policy=_POLICY)
    start = len(data) - len(data.lstrip())
    for place in range(start, len(data), _FED_BYTES):
        parser.feed(data[place : place + _FED_BYTES])
    return cast("EmailMessage", parser.close())


def _mail(message: EmailMessage, context: tuple[str, ...], depth: int) -> Iterator[Segment | Note]:
    if depth == 0:
        raise RecursionError
    subject = _header(message, "Subject")
    context = (*context, subject) if subject else context
    lines = [f"{name}: {value}" for name in _HEADERS if (value := _header(message, name))]
    yield Segment("\n".join(lines), Position(section=subject or None), context)
    yield from _cut_off_headers(message)
    body = message.get_body(("plain", "html"))
    if body is not None:
        yield from _body(_part_text(body), body.get_content_type() == "text/html", context)
    for part in _attachments(message):
        if part is body:
            continue
        if part.get_content_type() == "message/rfc822":
            for inner in part.iter_parts():
                yield from _mail(cast("EmailMessage", inner), context, depth - 1)
        elif part.get_content_type() == "text/plain" and not part.get_filename():
            yield from _body(_part_text(part), False, context)
        else:
            yield _attachment_note(part.get_filename() or part.get_content_type())


def _attachments(message: EmailMessage) -> Iterable[EmailMessage]:
    """All parts that are not containers, and no other form of the body or picture in it."""
    if not message.is_multipart():
        return []
    if message.get_content_type() == "message/rfc822":
        return [message]
    found: list[EmailMessage] = []
    for part in message.iter_parts():
        inner = cast("EmailMessage", part)
        kind = message.get_content_subtype()
        if inner.get_content_maintype() == "multipart":
            found += _attachments(inner)
        elif kind not in {"alternative", "related"} or inner.is_attachment():
            found.append(inner)
    return found


def _header(message: Message, name: str) -> str:
    try:
        return " ".join(str(message[name] or "").split())
    except (
        ValueError,
        IndexError,
        AttributeError,
    ):  # some headers are too odd for their parser
        return ""


def _cut_off_headers(message: EmailMessage) -> Iterator[Note]:
    for name, value in message.raw_items():
        if name.title() in _HEADERS and len(str(value)) > _HEADER_CHARACTERS:
            read = f"Of the header {name.title()} the first {_HEADER_CHARACTERS:,} characters are read."
            yield Note("PartNotRead", read)


def _part_text(part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return str(part.get_payload())
    if part.get_content_type() == "text/html":
        return html_text(data, part.get_content_charset())
    return decode(data, part.get_content_charset())


def _body(text: str, is_html: bool, context: tuple[str, ...]) -> Iterator[Segment]:  # noqa: FBT001 - one of two
    path = HeadingPath()
    if not is_html:
        yield Segment(text, Position(), context)
        return
    for segment in page_segments(text, is_all_content=True):
        yield Segment(segment.text, segment.position, context + path.within(segment).context)


def _attachment_note(name: str) -> Note:
    return Note("AttachmentNotRead", f"The attachment {name} is not read: store it as a file of its own.")


def _outlook_message(message: OutlookMessage) -> Iterator[Segment | Note]:
    properties = message.properties
    subject = _outlook_text(lambda: message.subject)
    context = (subject,) if subject else ()
    shown = {
        "From": _outlook_text(lambda: message.sender)
        or _outlook_text(lambda: properties.str_prop_value(_SENDER)),
        "To": _outlook_text(lambda: properties.str_prop_value(_SHOWN_TO)),
        "Cc": _outlook_text(lambda: properties.str_prop_value(_SHOWN_CC)),
        "Date": str(message.sent_date or ""),
        "Subject": subject,
    }
    lines = [f"{name}: {value}" for name, value in shown.items() if value]
    yield Segment("\n".join(lines), Position(section=subject or None), context)
    yield from _outlook_body(message, context)
    for attachment in message.attachments:
        yield _attachment_note(attachment.file_name or "without a name")


def _outlook_body(message: OutlookMessage, context: tuple[str, ...]) -> Iterator[Segment]:
    """The body in the first of its forms that says anything."""
    text = _outlook_text(lambda: message.body)
    page = message.properties.binary_prop_value(_HTML)
    rich_text = message.properties.binary_prop_value(_COMPRESSED_RTF)
    if text.strip():
        yield from _body(text, False, context)
    elif page:
        yield from _body(html_text(page, message.properties.body_encoding), True, context)
    elif html := _outlook_text(lambda: message.html_body):
        yield from _body(html, True, context)
    elif rich_text and (rtf := decompressed(rich_text)):
        yield from _body(text_of_rtf(rtf), False, context)


def _outlook_text(get: Callable[[], str | None]) -> str:
    """A text of a message; one in another encoding than the message says is read like any other text."""
    try:
        return get() or ""
    except UnicodeDecodeError as error:
        return decode(error.object)
