"""Bytes to text, whatever wrote them: BOM, UTF-16 without one, UTF-8, the likeliest charset, cp1252.

Text comes out clean: line ends are newlines, and there are no control characters and no lone surrogates.
"""

import codecs
import re

from charset_normalizer import CharsetMatches, from_bytes

from shared_code.documents.errors import BrokenDocument

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins with the BOM of UTF-16, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WESTERN = "cp1252"
_SAMPLE = 64 * 1024
# Of how many characters of a text one at least is a space or a newline, even in Chinese.
_FEWEST_SPACES = 400
# A handful of stray control bytes is noise in a text; this share of them is no text at all.
_BINARY_SHARE = 0.1
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ufffe\uffff]")
_UNCLEAN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_CONTROL_BYTES = bytes({*range(32), 127} - {*b"\t\n\f\r\x1b"})
_SURROGATES = re.compile("[\ud800-\udfff]")
_STRAY_BYTES = re.compile("[\udc80-\udcff]+")
_LINE_ENDS = re.compile("\r\n?|\x0c")


def decode(data: bytes) -> str:
    """The clean text of a text file.

    Raises:
        BrokenDocument: the bytes are no text in any encoding.
    """
    return clean(_decoded(data))


def clean(text: str) -> str:
    """The text with newlines for all line ends, and without what no reader sees and no JSON likes."""
    if not _UNCLEAN.search(text):
        return text
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", _CONTROLS.sub("", _LINE_ENDS.sub("\n", text)))


def _decoded(data: bytes) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, "replace")
    if (text := _as_utf16(data)) is not None:
        return text
    if len(data) - len(data.translate(None, _CONTROL_BYTES)) > _BINARY_SHARE * len(data):
        raise BrokenDocument("The file holds binary data, not text, in spite of its name.")
    return _as_utf8(data) or _as_detected(data)


def _as_utf16(data: bytes) -> str | None:
    """UTF-16 without a BOM: only in the right order of bytes do its units give spaces and newlines."""
    if b"\x00" not in data:
        return None
    readings = [text for order in ("utf-16-le", "utf-16-be") if (text := _strictly(data, order)) is not None]
    text = max(readings, key=_spaces, default="")
    return text if _spaces(text) * _FEWEST_SPACES > len(text) else None


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _spaces(text: str) -> int:
    return text.count(" ") + text.count("\n")


def _as_utf8(data: bytes) -> str | None:
    """UTF-8, and also a mixture in which it prevails: its sequences hardly ever arise by chance."""
    text = data.decode("utf-8", "surrogateescape")
    stray = sum(map(len, _STRAY_BYTES.findall(text)))
    if not stray:
        return text
    characters = sum(map(len, re.findall(r"[^\x00-\x7f\udc80-\udcff]+", text)))
    if characters <= stray:
        return None
    return _STRAY_BYTES.sub(
        lambda found: found[0].encode("utf-8", "surrogateescape").decode(_WESTERN, "replace"), text
    )


def _as_detected(data: bytes) -> str:
    """The first bytes beyond ASCII tell the encoding: detecting on all of a large file takes minutes."""
    first = re.search(rb"[\x80-\xff]", data)
    start = max(0, first.start() - _SAMPLE // 2) if first else 0
    text = _strictly(data, _likeliest(from_bytes(data[start : start + _SAMPLE])))
    return data.decode(_WESTERN, "replace") if text is None else text


def _likeliest(matches: CharsetMatches) -> str:
    """The best match, but Western where it makes as much sense: it is by far the most common."""
    best = matches.best()
    western = next((match for match in matches if match.encoding == _WESTERN), None)
    if best is None or (western and western.coherence >= best.coherence):
        return _WESTERN
    return best.encoding
