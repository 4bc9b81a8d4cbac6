"""Jupyter notebooks: text as Markdown, code, and what it printed; a segment for each cell and heading."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared_code.documents.document import DocumentLimits, Segment
from shared_code.documents.errors import BrokenDocument, DocumentTooLarge
from shared_code.documents.formats.decoding import decode
from shared_code.documents.formats.headings import HeadingPath
from shared_code.documents.formats.json_text import broken_json
from shared_code.documents.formats.markup import markdown_sections

_Json = Mapping[str, Any]

# What makes a terminal change its colours.
_ESCAPE_SEQUENCE = re.compile(r"\x1b\[[\d;]*[A-Za-z]")


def read_notebook(data: bytes, limits: DocumentLimits) -> Iterator[Segment]:
    """The cells in their order.

    Raises:
        BrokenDocument: it is not valid JSON, or has no cells.
    """
    cells = _cells(decode(data), limits)
    if len(cells) > limits.rows:
        raise DocumentTooLarge.past("cells", limits.rows)
    path = HeadingPath()
    for cell in cells:
        text = _text(cell.get("source") or cell.get("input"))
        if cell.get("cell_type") in {"markdown", "heading"}:
            for segment in markdown_sections(_heading_mark(cell) + text, path):
                yield replace(segment, position=replace(segment.position, line=None))
        else:
            yield path.segment(text)
            for output in _mappings(cell.get("outputs")):
                yield path.segment(_printed(output))


def _cells(text: str, limits: DocumentLimits) -> list[_Json]:
    try:
        notebook = json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        raise broken_json(error) from error
    except RecursionError as error:
        raise DocumentTooLarge.nested_past(limits.nesting) from error
    # The notebooks of old have sheets of cells.
    sheets = _mappings(_member(notebook, "worksheets")) or _mappings([notebook])
    cells = [cell for sheet in sheets for cell in _mappings(sheet.get("cells"))]
    if not cells:
        raise BrokenDocument("The file is not a notebook, or has no cells.")
    return cells


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _mappings(values: Any) -> Sequence[_Json]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _text(source: Any) -> str:
    """A text, which is written as a list of its lines or in one."""
    lines = source if isinstance(source, list) else [source]
    return _ESCAPE_SEQUENCE.sub("", "".join(line for line in lines if isinstance(line, str)))


def _heading_mark(cell: _Json) -> str:
    """What makes a heading of a cell that is one as a whole, as in notebooks of old."""
    level = cell.get("level")
    if cell.get("cell_type") != "heading" or not isinstance(level, int):
        return ""
    return f"{'#' * max(1, min(level, 6))} "


def _printed(output: _Json) -> str:
    """What a reader sees of an output, other than pictures."""
    if output.get("output_type") in {"error", "pyerr"}:
        return f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}"
    data = _member(output, "data")
    shown = (_text(_member(data, kind)) for kind in ("text/markdown", "text/plain"))
    return next(filter(None, shown), "") or _text(output.get("text"))
