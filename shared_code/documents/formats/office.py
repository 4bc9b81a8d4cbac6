"""What docx and pptx have in common: parts that name each other, and drawings with their words.

Tags go by their local names, as strict and transitional files have different namespaces.
"""

import posixpath
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from xml.etree.ElementTree import Element, ParseError, fromstring
from zipfile import BadZipFile, ZipFile

from shared_code.documents.document import DocumentLimits
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge
from shared_code.documents.formats.archive import open_archive
from shared_code.documents.formats.number_format import GENERAL, shown_serial

# What Word and PowerPoint add to descriptions that they make up themselves.
_MADE_UP = "Description automatically generated"
_MADE_UP_TITLES = ("microsoft word", "microsoft powerpoint", "powerpoint presentation", "untitled")


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part says of another one: its role, and where it is in the archive."""

    role: str
    target: str


@contextmanager
def opened(data: bytes, limits: DocumentLimits, what: str) -> Iterator[ZipFile]:
    """The archive of an Office file.

    Raises:
        BrokenDocument: it turns out, while it is read, that it cannot be.
        DocumentTooLarge: a part of it is nested too deep.
    """
    with open_archive(data, limits) as archive:
        try:
            yield archive
        except RecursionError as error:
            raise DocumentTooLarge.nested_past(limits.nesting) from error
        except (ParseError, BadZipFile, KeyError, EOFError, zlib.error, NotImplementedError) as error:
            raise BrokenDocument(f"The file cannot be read as a {what}.") from error


def relations(archive: ZipFile, part: str) -> dict[str, Relation]:
    """The parts that a part refers to, by their ids in it; for no part those of the file."""
    folder, _, name = part.rpartition("/")
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    if path not in archive.NameToInfo:
        return {}
    return {
        relation.get("Id", ""): Relation(
            relation.get("Type", "").rpartition("/")[2],
            posixpath.normpath(posixpath.join("/", folder, relation.get("Target", ""))).lstrip("/"),
        )
        for relation in fromstring(archive.read(path))  # noqa: S314 - expat bounds entities
        if relation.get("TargetMode") != "External"
    }


def main_part(archive: ZipFile) -> str:
    """The part that holds the document itself.

    Raises:
        BrokenDocument: the file names none.
    """
    for relation in relations(archive, "").values():
        if relation.role == "officeDocument":
            return relation.target
    raise BrokenDocument("The file cannot be read as an Office document: it names no main part.")


def document_title(archive: ZipFile) -> str:
    """The title among the file's properties, unless a program made it up."""
    for relation in relations(archive, "").values():
        if relation.role == "core-properties" and relation.target in archive.NameToInfo:
            properties = fromstring(archive.read(relation.target))  # noqa: S314 - expat bounds entities
            return told_title(next((each.text or "" for each in properties if tag(each) == "title"), ""))
    return ""


def told_title(title: str) -> str:
    """A title from a file's properties, if it is more than a name that a program gave."""
    title = " ".join(title.split())
    is_name = " " not in title and posixpath.splitext(title)[1] != ""
    return "" if is_name or title.lower().startswith(_MADE_UP_TITLES) else title


def alternative_text(properties: Element) -> str:
    """The description that an author gave to a picture or shape."""
    return properties.get("descr", "").replace(_MADE_UP, "").strip()


def drawing_text(archive: ZipFile, relation: Relation) -> str:
    """The words of a chart or diagram: a chart's values as a table."""
    if relation.target not in archive.NameToInfo:
        return ""
    root = fromstring(archive.read(relation.target))  # noqa: S314 - expat bounds entities
    if relation.role == "chart":
        return _chart_text(root)
    return "\n".join(filter(None, map(_paragraph_text, descendants(root, "p"))))


def _chart_text(root: Element) -> str:
    titles = [_paragraph_text(paragraph) for paragraph in descendants(root, "p")]
    series = list(descendants(root, "ser"))
    columns = [_points(each, "val") or _points(each, "yVal") for each in series]
    categories = next(filter(None, (_points(each, "cat") or _points(each, "xVal") for each in series)), [])
    names = ["", *(" ".join(_values(name)) for each in series for name in children(each, "tx"))]
    rows = [names, *zip_longest(categories, *columns, fillvalue="")]
    return "\n".join(
        [*filter(None, titles), *(line for row in rows if (line := " | ".join(row)).strip(" |"))]
    )


def _points(series: Element, role: str) -> list[str]:
    return [value for each in children(series, role) for value in _values(each)]


def _values(element: Element) -> list[str]:
    """The values of a series, numbers as the chart shows them."""
    code = next((each.text for each in descendants(element, "formatCode")), None) or GENERAL
    has_numbers = any(True for _ in descendants(element, "numCache"))
    texts = [(value.text or "").strip() for value in descendants(element, "v")]
    return [_number_shown(text, code) for text in texts] if has_numbers else texts


def _number_shown(text: str, code: str) -> str:
    try:
        return shown_serial(float(text), code)
    except (ValueError, OverflowError):
        return text  # what is not a number, such as an error


def _paragraph_text(paragraph: Element) -> str:
    return "".join(text.text or "" for text in descendants(paragraph, "t")).strip()


def tag(element: Element) -> str:
    """The local name of an element."""
    return element.tag.rpartition("}")[2]


def attribute(element: Element, name: str) -> str:
    """The attribute of a local name, or nothing."""
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")


def count_of(element: Element, name: str) -> int:
    """The number in the attribute of a local name; 1 where there is none."""
    value = attribute(element, name)
    return int(value) if value.isdecimal() else 1


def children(element: Element, name: str) -> Iterator[Element]:
    """Children of a local name."""
    return (child for child in element if tag(child) == name)


def descendants(element: Element, name: str) -> Iterator[Element]:
    """Descendants of a local name."""
    return (each for each in element.iter() if tag(each) == name)


def value_of(element: Element | None, name: str) -> str | None:
    """The `val` of a child, as Office writes nearly all properties; None where there is no such child."""
    found = None if element is None else next(children(element, name), None)
    return None if found is None else attribute(found, "val")
