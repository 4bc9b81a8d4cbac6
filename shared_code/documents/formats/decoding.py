"""Bytes to text, whatever wrote them: as Unicode in any form, as declared, or in the likeliest old encoding.

Text comes out clean: line ends are newlines, and there are no control characters and no lone surrogates.

ADR 29 has the reasons.
"""

import codecs
import io
import re
from collections.abc import Iterator

from shared_code.documents.errors import BrokenDocument
from shared_code.documents.formats.likely_encoding import likeliest_encoding

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins with the BOM of UTF-16, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
# Of how many characters of a text one at least is a separator, even in Chinese.
_FEWEST_SEPARATORS = 400
# In the wrong order of bytes these are characters that hardly any text holds, such as U+2000.
_SEPARATORS = re.compile('[ \n,"]')
# Encodings of seven bits, which begin what is Japanese or Korean with an escape sequence.
_SEVEN_BITS = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$", "iso2022_jp_ext"))
_WESTERN = "cp1252"
_SAMPLE = 64 * 1024
# Bytes of a text that are decoded at a time.
_BLOCK = 1_000_000
_LINE_BEFORE = 200
# A handful of stray control bytes is noise in a text; this share of them is not text at all.
_BINARY_SHARE = 0.1
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ufffe\uffff]")
_UNCLEAN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
# Escapes and shifts begin what is not Latin in encodings of seven bits.
_CONTROL_BYTES = bytes({*range(32), 127} - {*b"\t\n\f\r\x0e\x0f\x1b"})
_SURROGATES = re.compile("[\ud800-\udfff]")
_STRAY_BYTES = re.compile("[\udc80-\udcff]+")
_TO_LINE_END = re.compile(rb"[\x80-\xff][^\r\n]*")
_LINE_END = re.compile(rb"[\r\n]")
_LINE_ENDS = re.compile("\r\n?|\x0c")


def decode(data: bytes, declared: str | None = None) -> str:
    """The clean text of a text file.

    An encoding that the file declares counts where the bytes are not Unicode and do not contradict it.

    Raises:
        BrokenDocument: the bytes are not text in any encoding.
    """
    return clean(_decoded(data, declared))


def text_blocks(data: bytes) -> Iterator[str]:
    """The clean text of a text file in blocks, those of a large one as they are asked for.

    Raises:
        BrokenDocument: the bytes are not text in any encoding.
    """
    if len(data) > _BLOCK and _is_utf8(data):
        yield from _decoded_blocks(data)
        return
    text = decode(data)
    del data
    for start in range(0, len(text), _BLOCK):
        yield text[start : start + _BLOCK]


def blocks_of_lines(data: bytes) -> Iterator[str]:
    """The same, cut where lines end."""
    blocks = text_blocks(data)
    del data
    rest: list[str] = []
    for text in blocks:
        block, rest = _whole_lines(rest)
        if block:
            yield block
        rest.append(text)
    yield "".join(rest)


def _is_utf8(data: bytes) -> bool:
    """Whether all of the bytes are, found out without holding them as text."""
    if b"\x00" in data or _is_binary(data) or any(escape in data for escape, _ in _SEVEN_BITS):
        return False
    try:
        for _ in _decoded_blocks(data):
            pass
    except UnicodeError:
        return False
    return True


def _decoded_blocks(data: bytes) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    line_ends = io.IncrementalNewlineDecoder(decoder, translate=True)
    for start in range(0, len(data), _BLOCK):
        end = start + _BLOCK
        yield clean(line_ends.decode(data[start:end], final=end >= len(data)))


def _whole_lines(texts: list[str]) -> tuple[str, list[str]]:
    """What several texts hold up to the last blank line, or else the last line; and what is left."""
    last = texts[-1] if texts else ""
    # A blank line near the beginning may stand between a title and its table.
    end = last.rfind("\n\n", len(last) // 2) + 1 or last.rfind("\n") + 1
    if not end:
        return "", texts
    return "".join([*texts[:-1], last[:end]]), [last[end:]]


def clean(text: str) -> str:
    """The text with newlines for all line ends, and without what no reader sees and no JSON likes."""
    if text.isprintable() or not _UNCLEAN.search(text):  # the former is the faster one to find out
        return text
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", _CONTROLS.sub("", _LINE_ENDS.sub("\n", text)))


def _decoded(data: bytes, declared: str | None) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, "replace")
    is_binary = _is_binary(data)
    # Before UTF-16, since a few NULs in a text are noise.
    if not is_binary and (text := _as_seven_bits(data) or _strictly(data, "utf-8")) is not None:
        return text
    if (text := _as_wide(data)) is not None:
        return text
    if is_binary:
        raise BrokenDocument("The file holds binary data, not text, despite its name.")
    if declared and (text := _strictly(data, declared)) is not None:
        return text
    return _as_mostly_utf8(data) or _as_detected(data)


def _is_binary(data: bytes) -> bool:
    blocks = (data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK))
    controls = sum(len(block) - len(block.translate(None, _CONTROL_BYTES)) for block in blocks)
    return controls > _BINARY_SHARE * len(data)


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None


def _as_seven_bits(data: bytes) -> str | None:
    texts = (_strictly(data, encoding) for escape, encoding in _SEVEN_BITS if escape in data)
    return next(filter(None, texts), None)


def _as_wide(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a BOM: only read as what they are they give separators and no controls."""
    if b"\x00" not in data:
        return None
    readings = (text for encoding in _WIDE if (text := _strictly(data, encoding)) is not None)
    texts = [text for text in readings if len(_CONTROLS.findall(text)) <= _BINARY_SHARE * len(text)]
    best = max(texts, key=_separators, default="")
    return best if _separators(best) * _FEWEST_SEPARATORS > len(best) else None


def _separators(text: str) -> int:
    return len(_SEPARATORS.findall(text))


def _as_mostly_utf8(data: bytes) -> str | None:
    """A mixture in which UTF-8 prevails: its sequences hardly ever arise by chance."""
    text = data.decode("utf-8", "surrogateescape")
    stray = sum(map(len, _STRAY_BYTES.findall(text)))
    characters = sum(map(len, re.findall(r"[^\x00-\x7f\udc80-\udcff]+", text)))
    if characters <= stray:
        return None
    return _STRAY_BYTES.sub(
        lambda found: found[0].encode("utf-8", "surrogateescape").decode(_WESTERN, "replace"), text
    )


def _as_detected(data: bytes) -> str:
    """Lines of nothing but ASCII say nothing of the encoding, so the detector does not get them."""
    sample = b""
    for line in _lines_beyond_ascii(data):
        sample += line + b"\n"
        if len(sample) > _SAMPLE:
            break
    return data.decode(likeliest_encoding(sample[:_SAMPLE]), "replace")


def _lines_beyond_ascii(data: bytes) -> Iterator[bytes]:
    for found in _TO_LINE_END.finditer(data):
        before = data[max(0, found.start() - _LINE_BEFORE) : found.start()]
        yield _LINE_END.split(before)[-1] + found[0]
