"""Mails and saved pages: who wrote what, and no attachment that goes without a word."""

import base64
from email.message import EmailMessage
from typing import cast

import pytest
from oxmsg import Message as OutlookMessage

from shared_code.documents import BrokenDocument, DocumentTooLarge, Segment
from shared_code.documents.formats.compressed_rtf import decompressed
from shared_code.documents.formats.mail import _outlook_message, _parse_header
from tests.unit.documents.reading import codes, contexts, read, text, texts


def mail(body: str = "The boat leaves at nine.", subject: str = "Times") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Anna <a@example.com>", "bo@example.com", subject
    message.set_content(body)
    return message


def test_mail_is_read_with_its_sender_recipients_and_subject():
    assert texts("a.eml", mail().as_bytes()) == [
        "From: Anna <a@example.com>\nTo: bo@example.com\nSubject: Times",
        "The boat leaves at nine.\n",
    ]
    assert set(contexts("a.eml", mail().as_bytes())) == {("Times",)}


def test_mail_in_two_forms_is_read_once():
    message = mail()
    message.add_alternative("<p>The boat leaves at <b>nine</b>.</p>", subtype="html")
    assert text("a.eml", message.as_bytes()).count("nine") == 1


def test_mail_in_html_alone_is_read_whole():
    message = mail()
    message.set_content("<div class='footer'><p>The boat leaves.</p></div>", subtype="html")
    assert "The boat leaves." in text("a.eml", message.as_bytes())


def test_each_attachment_is_named():
    message = mail()
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="plan.pdf")
    message.add_attachment("a;b", subtype="csv", filename="list.csv")
    notes = read("a.eml", message.as_bytes()).notes
    assert {note.code for note in notes} == {"AttachmentNotRead"}
    assert [name in note.message for name, note in zip(("plan.pdf", "list.csv"), notes, strict=True)] == [
        True,
        True,
    ]


def test_mail_within_a_mail_is_read_below_it():
    message = mail()
    message.add_attachment(mail("It was late.", "Re: Times"))
    assert "It was late." in text("a.eml", message.as_bytes())
    assert contexts("a.eml", message.as_bytes())[-1] == ("Times", "Re: Times")


@pytest.mark.parametrize(
    "header",
    [
        "Subject: " + "word " * 100_000,
        "To: " + "a@b.example, " * 10_000,
        "Subject: " + "=?utf-8?q?a?= " * 10_000,
    ],
    ids=["words", "recipients", "encoded words"],
)
def test_header_without_end_is_read_as_far_as_anyone_reads(header):
    found = text("a.eml", f"{header}\n\nThe boat leaves.")
    assert found.endswith("The boat leaves.")
    assert len(found) < 20_000


def test_header_that_many_parts_have_is_parsed_once():
    parts = "--b\nContent-Type: text/plain\n\ntext\n" * 300
    before = _parse_header.cache_info().misses
    found = text("a.eml", f"Content-Type: multipart/mixed; boundary=b\n\n{parts}--b--\n")
    assert found.count("text") == 300
    assert _parse_header.cache_info().misses - before < 20


def test_letters_of_mails_are_those_that_were_sent():
    data = b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nContent-Type: text/plain; charset=iso-8859-2\n\n"
    assert text("a.eml", data + "Žižkov".encode("iso-8859-2")) == "Subject: Grüße\nŽižkov"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_mail_that_an_editor_has_stored_in_utf16_is_read(encoding):
    assert "nine" in text("a.eml", mail().as_string().encode(encoding))


@pytest.mark.parametrize(
    ("name", "data"), [("a.eml", b"\n\nnothing"), ("a.msg", b"text"), ("a.mht", b"A: b\n\ntext")]
)
def test_what_is_no_mail_is_broken(name, data):
    with pytest.raises(BrokenDocument):
        read(name, data)


def test_saved_page_is_read_without_its_pictures():
    picture = base64.b64encode(bytes(3_000)).decode()
    data = (
        "From: <Saved>\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n"
        "--x\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
        "<nav>Home</nav><main><p>Gr=C3=BC=C3=9Fe</main>\n"
        f"--x\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\n{picture}\n--x--\n"
    )
    assert text("a.mhtml", data) == text("a.mht", data) == "Grüße"
    assert codes("a.mhtml", data) == []


@pytest.mark.parametrize("depth", [150, 5_000])
def test_mails_within_mails_end(depth):
    with pytest.raises(DocumentTooLarge, match="nesting"):
        read("a.eml", "Subject: x\nContent-Type: message/rfc822\n\n" * depth + "Subject: last\n\ntext")


# As the specification of the format has them.
COMPRESSED = {
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0": (
        rb"{\rtf1\ansi\ansicpg1252\pard hello world}" + b"\r\n"
    ),
    "1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0": rb"{\rtf1 WXYZWXYZWXYZWXYZWXYZ}",
}


@pytest.mark.parametrize(("data", "rtf"), COMPRESSED.items(), ids=["text", "run"])
def test_compressed_rtf_is_what_it_was(data, rtf):
    assert decompressed(bytes.fromhex(data)) == rtf


@pytest.mark.parametrize("data", [b"", b"short", bytes(40)])
def test_what_is_no_compressed_rtf_is_nothing(data):
    assert decompressed(data) == b""


class Outlook:
    """A message of Outlook, and its properties."""

    subject, sent_date, sender, attachments, body_encoding = "Times", None, "Anna", (), "utf-8"
    html_body = None

    def __init__(self, *, body=b"", html=b"", rtf=b"") -> None:
        self._body, self._binary = body, {0x1013: html, 0x1009: rtf}
        self.properties = self

    @property
    def body(self):
        return self._body.decode("utf-8")

    def str_prop_value(self, _pid):
        return None

    def binary_prop_value(self, pid):
        return self._binary[pid]


@pytest.mark.parametrize(
    ("bodies", "shown"),
    [
        ({"body": b"Nine.", "html": b"<p>Ten."}, "Nine."),
        ({"body": "Grüße".encode("cp1252")}, "Grüße"),
        ({"html": "<p>Grüße".encode()}, "Grüße"),
        ({"html": "<meta charset=windows-1252><p>Grüße".encode("cp1252")}, "Grüße"),
        ({"body": b" \r\n", "rtf": bytes.fromhex(next(iter(COMPRESSED)))}, "hello world"),
    ],
)
def test_body_of_an_outlook_message_is_read_in_any_form(bodies, shown):
    parts = list(_outlook_message(cast("OutlookMessage", Outlook(**bodies))))
    assert [part.text.strip() for part in parts if isinstance(part, Segment)][1:] == [shown]


def test_outlook_message_whose_body_is_in_no_form_that_is_known_keeps_its_headers():
    (headers,) = _outlook_message(cast("OutlookMessage", Outlook(rtf=bytes(40))))
    assert isinstance(headers, Segment)
    assert headers.text == "From: Anna\nSubject: Times"


def test_recipients_beyond_those_that_are_read_are_told():
    everybody = ",\n ".join(f"Person {number} <person.{number}@ulm.example>" for number in range(400))
    data = f"From: a@ulm.example\nTo: {everybody}\nSubject: To all\n\nText.\n"
    (note,) = read("a.eml", data).notes
    assert note.code == "PartNotRead"
    assert note.message == "Of the header To the first 10,000 characters are read."
