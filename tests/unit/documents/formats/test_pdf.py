"""What is read of a PDF beyond its plain text, and what is said of what is not."""

import pytest

from shared_code.documents import BrokenDocument, DocumentTooLarge, EmptyDocument
from shared_code.documents.formats import pdf_fields
from tests.unit.documents.reading import chunks, codes, contexts, read, text, texts
from tests.unit.documents_corpus import drawn_pdf, pdf


def form(*fields: str, drawing: str = "") -> bytes:
    """A form whose fields are given by what they say of themselves."""
    numbers = " ".join(f"{6 + index} 0 R" for index in range(len(fields)))
    widgets = [f"<< /Type /Annot /Subtype /Widget /F 4 {field} >>" for field in fields]
    acro_form = f"/AcroForm << /Fields [{numbers}] /DA (/F1 12 Tf 0 g) >>"
    return drawn_pdf(*widgets, drawing=drawing, page=f"/Annots [{numbers}]", catalog=acro_form)


def written(*lines: tuple[float, float, str]) -> str:
    """How lines are drawn, each at its place."""
    return " ".join(f"BT /F1 12 Tf 1 0 0 1 {x} {y} Tm ({line}) Tj ET" for x, y, line in lines)


NAME = "/FT /Tx /T (name) /V (Rita Example) /Rect [100 100 300 120]"
HIDDEN = "/FT /Tx /T (n) /V (secret) /Ff 8192 /Rect [9 9 99 99]"
CITY = "/FT /Tx /T (city) /V (Bern) /Rect [400 100 500 120]"


def test_what_was_filled_in_stands_behind_its_label():
    drawing = written((20, 104, "Applicant:"), (350, 104, "City:"), (20, 60, "Signed."))
    assert texts("a.pdf", form(NAME, CITY, drawing=drawing)) == [
        "Applicant: Rita Example  City: Bern \nSigned."
    ]


def test_form_of_nothing_but_fields_is_read_with_their_names():
    assert text("a.pdf", form(f"{NAME} /TU (Full name)")) == "Full name: Rita Example"


@pytest.mark.parametrize(("state", "shown"), [("/Yes", "☒ I agree"), ("/Off", "I agree")])
def test_box_that_is_ticked_is_shown_before_its_label(state, shown):
    looks = "/AP << /N << /Yes 8 0 R /Off 8 0 R >> >>"
    box = f"/FT /Btn /T (agree) /V {state} /AS {state} {looks} /Rect [20 100 32 112]"
    assert text("a.pdf", form(box, drawing=written((40, 102, "I agree")))).strip() == shown


def test_chosen_entry_of_a_list_is_read():
    choice = "/FT /Ch /Ff 131072 /T (cover) /Opt [(basic) (extended)] /V (extended) /Rect [100 100 300 120]"
    assert text("a.pdf", form(choice, drawing=written((20, 104, "Cover:")))) == "Cover: extended "


def form_of_adobe() -> bytes:
    form = "<form><name>Rita Example</name></form>"
    answers = f"<xfa:datasets xmlns:xfa='urn:x'><xfa:data>{form}</xfa:data></xfa:datasets>"
    stream = f"<< /Length {len(answers)} >>\nstream\n{answers}\nendstream"
    catalog = "/NeedsRendering true /AcroForm << /Fields [] /XFA [(datasets) 6 0 R] >>"
    return drawn_pdf(stream, drawing=written((20, 104, "Please wait.")), catalog=catalog)


def test_answers_of_a_form_that_only_adobe_lays_out_are_read():
    assert "name: Rita Example" in text("a.pdf", form_of_adobe())


def test_form_that_only_adobe_lays_out_with_endless_answers_is_too_large(monkeypatch):
    monkeypatch.setattr(pdf_fields, "_MOST_BYTES_OF_ANSWERS", 100)
    with pytest.raises(DocumentTooLarge, match="100 bytes of answers"):
        text("a.pdf", form_of_adobe())


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/Ff 131072 /V (b2)", "Extended"),
        ("/V [(b1) (b2)] /Ff 2097152", "Basic, Extended"),
        ("/V (none)", "none"),
    ],
)
def test_chosen_entry_is_read_as_it_is_shown_and_not_as_its_code(value, shown):
    choice = f"/FT /Ch {value} /T (cover) /Opt [[(b1) (Basic)] [(b2) (Extended)]] /Rect [100 100 300 120]"
    assert text("a.pdf", form(choice, drawing=written((20, 104, "Cover:")))) == f"Cover: {shown} "


@pytest.mark.parametrize(
    "field",
    [
        HIDDEN,
        "/FT /Tx /T (n) /V (gone) /F 2 /Rect [9 9 99 99]",
        "/FT /Tx /T (n) /Rect [9 9 99 99]",
    ],
    ids=["password", "hidden", "empty"],
)
def test_passwords_hidden_and_empty_fields_are_not_read(field):
    data = drawn_pdf(
        f"<< /Type /Annot /Subtype /Widget {field} >>",
        drawing="",
        page="/Annots [6 0 R]",
        catalog="/AcroForm << /Fields [6 0 R] >>",
    )
    with pytest.raises(EmptyDocument):
        read("a.pdf", data)


def test_text_that_was_typed_onto_a_page_is_read():
    note = "<< /Type /Annot /Subtype /FreeText /F 4 /Contents (Approved, R. E.) /Rect [100 100 300 120] >>"
    data = drawn_pdf(note, drawing=written((20, 400, "Offer")), page="/Annots [6 0 R]")
    assert text("a.pdf", data) == "Offer\nApproved, R. E."


@pytest.mark.parametrize("kind", ["Text", "Highlight", "StrikeOut", "Square"])
def test_comments_on_a_page_stand_below_it(kind):
    comment = f"<< /Type /Annot /Subtype /{kind} /F 4 /Contents (Too dear.) /Rect [100 100 300 120] >>"
    marked = f"<< /Type /Annot /Subtype /{kind} /F 4 /Contents (Offer of  May) /Rect [20 400 300 420] >>"
    drawing = written((20, 400, "Offer of May"))
    data = drawn_pdf(comment, marked, drawing=drawing, page="/Annots [6 0 R 7 0 R]")
    assert text("a.pdf", data) == "Offer of May\nComment: Too dear."


def test_fields_of_a_page_that_was_taken_out_of_a_form_are_read():
    fields = [f"<< /Type /Annot /Subtype /Widget /F 4 {field} >>" for field in (NAME, HIDDEN)]
    drawing = written((20, 104, "Applicant:"))
    found = text("a.pdf", drawn_pdf(*fields, drawing=drawing, page="/Annots [6 0 R 7 0 R]"))
    assert found.strip() == "Applicant: Rita Example"


def test_damaged_page_is_named_and_the_others_are_read():
    data = pdf(["One.", "Two.", "Three."]).replace(b"5 0 obj\n<< /Type /Page", b"5 0 obj\n[[ /Type /Page")
    (note,) = read("a.pdf", data).notes
    assert (text("a.pdf", data), note.code) == ("One.\nThree.", "PartNotRead")
    assert note.message == "Page 2 is damaged and not read."


def test_file_of_nothing_but_damaged_pages_is_broken():
    data = pdf(["One."]).replace(b"3 0 obj\n<< /Type /Page", b"3 0 obj\n[[ /Type /Page")
    with pytest.raises(BrokenDocument, match="Page 1 is damaged"):
        read("a.pdf", data)


def test_pages_without_text_are_named_where_others_have_some():
    (note,) = read("a.pdf", pdf(["One.", "", "Three.", "", ""])).notes
    assert note.code == "PagesWithoutText"
    assert "Pages 2, 4-5 are without text" in note.message


def test_page_that_is_a_picture_with_a_stamp_is_named():
    size = "/Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray /Length 1"
    picture = f"<< /Type /XObject /Subtype /Image {size} >>\nstream\nA\nendstream"
    drawing = f"q 612 0 0 792 0 0 cm /Im Do Q {written((20, 20, 'Page 7'))}"
    data = drawn_pdf(picture, drawing=drawing).replace(b"/Font <<", b"/XObject << /Im 6 0 R >> /Font <<")
    assert codes("a.pdf", data) == ["PagesWithoutText"]
    assert text("a.pdf", data) == "Page 7"


def test_file_whose_pages_all_have_text_has_no_notes():
    assert codes("a.pdf", pdf(["One.", "Two."])) == []


@pytest.mark.parametrize("encoding", ["UniJIS-UTF16-V", "UniJIS-UTF16-H"])
def test_text_in_a_font_that_no_one_has_is_read_on_every_machine(encoding):
    named = "/Type /Font /BaseFont /Nobody"
    font = f"<< {named} /Subtype /Type0 /Encoding /{encoding} /DescendantFonts [7 0 R] >>"
    system = "/CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 6 >>"
    descendant = f"<< {named} /Subtype /CIDFontType0 {system} >>"
    drawing = f"BT /F2 20 Tf 300 700 Td <59517d0466f87b2c4e006761> Tj ET {written((20, 20, 'Page 1'))}"
    data = drawn_pdf(font, descendant, drawing=drawing).replace(b"/F1 4 0 R", b"/F1 4 0 R /F2 6 0 R")
    assert "契約書第一条" in text("a.pdf", data)
    assert codes("a.pdf", data) == []


# How far Helvetica goes on after a letter, in thousandths of its size.
WIDTHS = {"W": 944, "A": 667, "R": 722, "N": 722, "I": 278, "G": 778, "L": 556, "B": 667}


def bold(word: str, shift: float, pitch: float | None = None) -> str:
    """A word of which each letter is drawn twice."""
    x, letters = 20.0, []
    for each in word:
        letters += [(x, 100, each), (x + shift, 100, each)]
        x += pitch or 12 * WIDTHS[each] / 1000
    return written(*letters)


@pytest.mark.parametrize("word", ["WARNING", "BILLING", "ALL", "GRAIN"])
@pytest.mark.parametrize("shift", [0.3, 0.6, 1, 1.5])
def test_letters_that_are_drawn_twice_are_read_once(word, shift):
    assert text("a.pdf", drawn_pdf(drawing=bold(word, shift))) == word


@pytest.mark.parametrize("word", ["WARNING", "RAIN", "AGAIN"])
def test_letters_drawn_twice_with_space_between_them_are_one_word(word):
    assert text("a.pdf", drawn_pdf(drawing=bold(word, 2, 9))) == word


@pytest.mark.parametrize(
    "line", ["Office of Affairs, all well", "balloon  bookkeeper 1100 2200", "a a a had had"]
)
def test_double_letters_and_words_are_kept(line):
    assert text("a.pdf", drawn_pdf(drawing=written((20, 100, line)))).split() == line.split()


def test_line_that_is_drawn_twice_is_read_once():
    drawing = written((20, 100, "Total due"), (20, 100.6, "Total due"), (20, 60, "End"), (20, 40, "End"))
    assert text("a.pdf", drawn_pdf(drawing=drawing)) == "Total due\nEnd\nEnd"


def lines(*given: str) -> bytes:
    return drawn_pdf(drawing=written(*((20, 700 - 14 * n, line) for n, line in enumerate(given))))


def test_lines_that_were_wrapped_are_put_together():
    wrapped = lines(
        "Where a clause applies, the party that has given notice and",
        "any party which has received it shall, before the end of the",
        "month, inform the keeper of the register. Another sentence is",
        "Short.",
    )
    assert text("a.pdf", wrapped).count("\n") == 0


@pytest.mark.parametrize(
    "given",
    [
        ("Contents of this long manual", "1. Scope of the manual here", "2. Duties of all the people"),
        ("Bolt M8 galvanised 40 1.20", "Nut M8 galvanised 55 0.80", "Washer M8 steel 12 0.10"),
        ("- first thing to be done now", "- second thing to be done now"),
        ("Muster AG", "Bahnhofstrasse 1", "Bern"),
        ("It ends here with a full stop.", "Another one begins on this line."),
    ],
    ids=["numbered", "table", "bullets", "address", "sentences"],
)
def test_lines_that_are_lines_stay_lines(given):
    assert text("a.pdf", lines(*given)).split("\n") == list(given)


def test_chunks_end_with_sentences_and_not_with_wrapped_lines():
    sentence = [
        "The party that has given notice informs the keeper of the",
        "register, who enters it in the book that is open to all.",
    ]
    pieces = chunks("a.pdf", lines(*(sentence * 20)))
    assert len(pieces) > 5
    assert all(piece.text.endswith(".") for piece in pieces)


def test_context_of_a_page_is_the_title_and_the_bookmarks_above_it():
    outline = "/Outlines 6 0 R /PageMode /UseOutlines"
    data = drawn_pdf(
        "<< /Type /Outlines /First 7 0 R /Last 7 0 R /Count 1 >>",
        "<< /Title (Duties) /Parent 6 0 R /Dest [3 0 R /Fit] >>",
        "<< /Title (House rules of 2026) >>",
        drawing=written((20, 100, "Text")),
        catalog=outline,
    ).replace(b"/Root 1 0 R", b"/Root 1 0 R /Info 8 0 R")
    assert contexts("a.pdf", data) == [("House rules of 2026", "Duties")]
