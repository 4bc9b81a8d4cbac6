"""Documents of mixed kinds and sizes for the embedding benchmark: made up, the same texts each time.

No two paragraphs are alike, so that nobody saves work by finding the same text twice.
"""

import csv
import io
import json
import random
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import docx
from reportlab.pdfgen.canvas import Canvas

PARAGRAPH_CHARACTERS = 600
EDITED_SHARE = 0.01
_SMALLEST, _LARGEST = 0.1, 5.0  # times the mean size, before it is made to fit
_LINES_A_PAGE = 50
_WORDS = (  # noqa: SIM905 - a page of quotes and commas would be harder to read
    "a about above after again air all along also always and animal answer any are around as ask at away "
    "back be because been before began below between book both boy bridge build but by call came can car "
    "carry change children city close come could country crane cut day deep did different do down each "
    "earth east eat end enough even every eye family far father feet few find first follow food for form "
    "found four from get give go good great group grow had hand harbour hard has have he head hear help "
    "her here high him his home house how idea if important in into is it its just keep kind know land "
    "large last late learn leave left letter life light like line list little live long look made make "
    "man many may me mean men might mile more most mother mountain move much must name near need never "
    "new next night no north not now number of off often old on once one only open or other our out over "
    "own page paper part people picture pilot place plant play point quay read real right river room run "
    "said same saw say school sea second see seem sentence set she ship should show side small so some "
    "something song soon south spell start state still stop story study such take talk tariff tell than "
    "that the their them then there these they thing think this those thought three through time to "
    "together too took tree try turn two under until up us use very vessel walk want was watch water way "
    "we well went were west what when where which while white who why will wind with without word work "
    "world would write year you young your"
).split()


@dataclass(frozen=True)
class Draft:
    """A document before it is given its kind's form."""

    number: int
    kind: str
    paragraphs: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name in the container."""
        return f"{self.kind}/{self.number:05}.{self.kind}"

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        made = KINDS[self.kind](self.paragraphs)
        return made if isinstance(made, bytes) else made.encode()

    def edited(self, dice: random.Random, characters: int) -> Self:
        """The document with about this many characters in its middle replaced."""
        count = min(len(self.paragraphs), round(characters / PARAGRAPH_CHARACTERS))
        start = (len(self.paragraphs) - count) // 2
        new = (_paragraph(dice) for _ in range(count))
        before, after = self.paragraphs[:start], self.paragraphs[start + count :]
        return replace(self, paragraphs=(*before, *new, *after))


def drafts(count: int, characters: int) -> list[Draft]:
    """That many documents with that many characters of prose in all, most of them small and a few large."""
    dice = random.Random(count)  # noqa: S311 - repeatable documents, nothing secret
    shares = [_SMALLEST * (_LARGEST / _SMALLEST) ** dice.random() for _ in range(count)]
    paragraphs = characters / PARAGRAPH_CHARACTERS / sum(shares)
    kinds = list(KINDS)
    return [
        Draft(
            number,
            kinds[number % len(kinds)],
            tuple(_paragraph(dice) for _ in range(max(1, round(share * paragraphs)))),
        )
        for number, share in enumerate(shares)
    ]


def edited(documents: Sequence[Draft], share: float) -> list[Draft]:
    """The documents with that share of all text changed, in the middle of the largest hundredth."""
    dice = random.Random(len(documents) + 1)  # noqa: S311 - as above
    total = PARAGRAPH_CHARACTERS * sum(len(each.paragraphs) for each in documents)
    by_size = sorted(documents, key=lambda each: len(each.paragraphs))
    chosen = {each.number for each in by_size[-max(1, round(EDITED_SHARE * len(documents))) :]}
    characters = round(share * total / len(chosen))
    return [each.edited(dice, characters) if each.number in chosen else each for each in documents]


def _paragraph(dice: random.Random) -> str:
    words = PARAGRAPH_CHARACTERS // 5 + dice.randint(-30, 30)
    sentences = _groups(dice.choices(_WORDS, k=words), 14)
    return " ".join(f"{' '.join(sentence).capitalize()}." for sentence in sentences)


def _groups(items: Sequence[str], size: int) -> list[Sequence[str]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _text(paragraphs: Sequence[str]) -> str:
    return "\n\n".join(paragraphs)


def _markdown(paragraphs: Sequence[str]) -> str:
    sections = (f"## Section {number}\n\n{_text(part)}" for number, part in enumerate(_groups(paragraphs, 8)))
    return "\n\n".join(sections)


def _web_page(paragraphs: Sequence[str]) -> str:
    body = "".join(f"<p>{paragraph}</p>\n" for paragraph in paragraphs)
    return f"<!doctype html><html lang=en><head><title>A page</title></head><body>{body}</body></html>"


def _table(paragraphs: Sequence[str]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([("number", "remark"), *enumerate(paragraphs)])
    return file.getvalue()


def _records(paragraphs: Sequence[str]) -> str:
    return json.dumps([{"number": place, "remark": each} for place, each in enumerate(paragraphs)], indent=2)


def _word(paragraphs: Sequence[str]) -> bytes:
    document = docx.Document()
    document.add_heading("A report")
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _pages(paragraphs: Sequence[str]) -> bytes:
    lines = [line for paragraph in paragraphs for line in textwrap.wrap(paragraph, 90)]
    file = io.BytesIO()
    canvas = Canvas(file, pageCompression=1, invariant=1)
    for page in _groups(lines, _LINES_A_PAGE):
        text = canvas.beginText(56, 780)
        text.textLines(page)
        canvas.drawText(text)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


KINDS: dict[str, Callable[[Sequence[str]], bytes | str]] = {
    "txt": _text,
    "md": _markdown,
    "html": _web_page,
    "csv": _table,
    "json": _records,
    "docx": _word,
    "pdf": _pages,
}
