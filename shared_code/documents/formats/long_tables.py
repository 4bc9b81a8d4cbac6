"""Long tables of web pages, whose rows are parsed a few at a time: a tree takes thirty times its source."""

import re
from collections.abc import Iterator
from itertools import pairwise

from selectolax.lexbor import LexborHTMLParser, LexborNode

_LONG_PAGE = 4_000_000
_LONG_TABLE = 100_000
# Characters of rows that are parsed at once, and as many of the first stay in the page.
_AT_ONCE = 50_000
# A table without another in it, and where its rows begin.
_TABLE = re.compile(r"<table\b(?:(?!</?table\b)[^<]|<(?!/?table\b))*+</table\s*>", re.IGNORECASE)
_ROW = re.compile(r"<tr\b", re.IGNORECASE)
_NUMBER = "data-long-table"
# What a page's tree is needed for, or where a row may seem to begin and does not.
_DELICATE = re.compile(
    r"""<!-- | <(?:script|style|template|button|input|select|h[1-6])\b | hidden | display
    | =["'][^"'<>]*<tr\b""",
    re.IGNORECASE | re.VERBOSE,
)


class LongTables:
    """The rows of a page's long tables that are not in its tree."""

    def __init__(self) -> None:
        self._rows: dict[str, list[str]] = {}

    def taken_from(self, html: str) -> str:
        """The source of a page without those rows."""
        return html if len(html) < _LONG_PAGE or _NUMBER in html else _TABLE.sub(self._begun, html)

    def following(self, table: LexborNode) -> Iterator[LexborNode]:
        """What follows of a table that begins in the page, in tables of some rows each."""
        for rows in self._rows.get(table.attributes.get(_NUMBER) or "", ()):
            body = LexborHTMLParser(f"<table>{rows}</table>").body
            if body is not None:
                yield body

    def _begun(self, found: re.Match[str]) -> str:
        table = found[0]
        if len(table) < _LONG_TABLE or _DELICATE.search(table):
            return table
        cuts = list(_cuts(table))
        if not cuts:
            return table
        number = str(len(self._rows))
        self._rows[number] = [table[start:end] for start, end in pairwise([*cuts, len(table)])]
        return f'<table {_NUMBER}="{number}"{table[len("<table") : cuts[0]]}</table>'


def _cuts(table: str) -> Iterator[int]:
    """Where rows begin that are to be parsed apart from those before."""
    last = 0
    for found in _ROW.finditer(table):
        if found.start() - last > _AT_ONCE:
            last = found.start()
            yield last
