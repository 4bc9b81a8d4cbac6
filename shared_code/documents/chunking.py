"""A document's text in chunks of bounded tokens, cut where the text itself says so.

Each break has its cost: less for a better kind, and the rest by a hash of what follows. Of all ways to cut a
text the cheapest is taken. Cheap breaks attract the cuts from wherever the text before was cut, so an edit
changes the chunks around it and no others.

ADR 12 has the reasons.
"""

import math
import re
from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate, chain, groupby, pairwise
from unicodedata import category
from zlib import crc32

from splintr import AnyTokenizer, Tokenizer

from shared_code.documents import Document, Position, Segment

# Part of every chunk's fingerprint: to be raised with any change of the chunks that come out.
CHUNKER_VERSION = "2"

# What text-embedding-3-small, text-embedding-3-large and text-embedding-ada-002 count in.
_VOCABULARY = "cl100k_base"
_FEWEST_TOKENS = 32
# A stretch with more than this is too long without counting.
_CHARACTERS_PER_TOKEN = 16

# Kinds of breaks from the worst to the best, and what a cut at one of them costs at most. A paragraph's and a
# sentence's are so far apart that rows and paragraphs are cut only where they are too long for a chunk.
_INSIDE, _LINE, _SENTENCE, _PARAGRAPH, _HEADING = range(5)
_COSTS = (400.0, 40.0, 20.0, 1.0, 0.5)
# The ends of lines, and of sentences: first those before a space, in Latin, Arabic, Urdu and Hindi among
# others, then those of Chinese and Japanese, which need none; closing quotes and brackets belong to them.
_BREAK = re.compile(
    r"""
    \n (?P<blank> [^\S\n]* \n )? \s*+ (?P<heading> \#{1,6}[ ] )?
    | [.!?\u2026\u061f\u06d4\u0964] ["'\u201d\u2019\xbb)\]]*+ (?=\s)
    | [\u3002\uff01\uff1f]++ [\u300d\u300f\u201d\u2019\uff09]*+
    """,
    re.VERBOSE,
)
# One character in eight, and none that belongs to the one before it: cutting at these only, where a text has
# no breaks of its own, makes few cuts that do not all move when something is inserted before them.
_SOME = "".join(re.escape(chr(code)) for code in range(3, 0x10000, 8) if category(chr(code))[0] in "LNPS")
# A character with what belongs to it: marks, variants and skin tones, and emoji that are joined to it.
_CLUSTER = "(?:.(?:\u200d.|[\u0300-\u036f\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]){0,8})"
# Ever finer ways to cut what has too few breaks: some words, any word, some characters, a few, any.
_FINER = (
    re.compile(rf"(?<!\s)\s++(?=[{_SOME}])"),
    re.compile(r"(?<!\s)\s++"),
    re.compile(rf"(?<!\u200d)[{_SOME}]"),
    re.compile(f"{_CLUSTER}{{1,8}}", re.DOTALL),
    re.compile(_CLUSTER, re.DOTALL),
    re.compile(r".", re.DOTALL),
)
_VISIBLE = re.compile(r"\S")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of the document's text; the position is that of its first character behind the overlap."""

    text: str
    tokens: int
    position: Position


def chunk(document: Document, *, max_tokens: int, overlap_tokens: int) -> list[Chunk]:
    """Cuts a document into chunks.

    Segments are joined by newlines, except that no chunk spans two sheets. Each chunk is a stretch of that
    text without the white space around it, and begins with some `overlap_tokens` of what came before.

    Raises:
        ValueError: the sizes leave a chunk no room.
    """
    if max_tokens < _FEWEST_TOKENS or not 0 <= overlap_tokens <= max_tokens // 2:
        raise ValueError(
            f"Chunks of {max_tokens} tokens with {overlap_tokens} of overlap cannot be made: use at least "
            f"{_FEWEST_TOKENS} tokens and at most half of them as overlap."
        )
    sizes = _Sizes(max_tokens, overlap_tokens)
    sheets = groupby(document.segments, key=lambda segment: segment.position.sheet)
    return [chunk for _, segments in sheets for chunk in _Passage(list(segments), sizes).chunks()]


def count_tokens(text: str) -> int:
    """How many tokens an embedding model is charged for a text."""
    return len(_tokenizer().encode_ordinary(text))


@cache
def _tokenizer() -> AnyTokenizer:
    return Tokenizer.from_pretrained(_VOCABULARY)


class _Sizes:
    """What follows from the two sizes, in tokens."""

    def __init__(self, most: int, overlap: int) -> None:
        self.most = most
        self.overlap = overlap
        # Text that is new in a chunk; the rest of it is overlap.
        self.core = most - overlap
        # Pieces between breaks fit into the overlap, and many of them into a chunk.
        self.piece = max(8, min(self.core // 6, overlap or self.core))


class _Passage:
    """The segments of one sheet as one text, in pieces that begin at its breaks."""

    def __init__(self, segments: Sequence[Segment], sizes: _Sizes) -> None:
        self._sizes = sizes
        self._segments = segments
        self._text = "\n".join(segment.text for segment in segments)
        lengths = (len(segment.text) + 1 for segment in segments)
        self._segment_starts = list(accumulate(lengths, initial=0))[:-1]
        self._last_line = (0, 0)
        # Arrays, since a text without breaks has a piece for each few characters.
        self._starts = array("q")
        self._costs = array("d")
        self._totals = array("q", [0])
        for start, end, kind in self._stretches():
            self._add(start, end, kind, _FINER)
        self._starts.append(len(self._text))

    def chunks(self) -> Iterator[Chunk]:
        """The chunks in order; together they hold every visible character."""
        for first, end in pairwise(self._cuts()):
            yield from self._chunks_of(first, end)

    def _stretches(self) -> Iterator[tuple[int, int, int]]:
        """Start, end and kind of what lies between two breaks; white space belongs to what follows it."""
        records = {
            start - 1
            for start, segment in zip(self._segment_starts, self._segments, strict=True)
            if segment.position.page is None
        }
        start, kind = 0, _PARAGRAPH
        for found in _BREAK.finditer(self._text):
            place, found_kind = _place_and_kind(found)
            if place in records:
                found_kind = _PARAGRAPH
            if place > start:
                yield start, place, kind
                start, kind = place, found_kind
            kind = max(kind, found_kind)
        yield start, len(self._text), kind

    def _add(self, start: int, end: int, kind: int, finer: Sequence[re.Pattern[str]]) -> None:
        """Adds a stretch as one piece or, where it is too long for that, as several."""
        if self._added_whole(start, end, kind, finer):
            return
        places = (found.start() for found in finer[0].finditer(self._text, start, end))
        for part_start, part_end in pairwise([start, *(place for place in places if place > start), end]):
            self._add(part_start, part_end, kind if part_start == start else _INSIDE, finer[1:])

    def _added_whole(self, start: int, end: int, kind: int, finer: Sequence[re.Pattern[str]]) -> bool:
        # What makes one character is torn only where it would take half a chunk.
        most = self._sizes.piece if len(finer) > 1 else self._sizes.core // 2
        if end - start > most * _CHARACTERS_PER_TOKEN and finer:
            return False
        text = self._text[start:end]
        tokens = count_tokens(text)
        if tokens > most and finer:
            return False
        self._starts.append(start)
        self._costs.append(_cost(kind, text))
        self._totals.append(self._totals[-1] + tokens)
        return True

    def _cuts(self) -> list[int]:
        """The indexes of the pieces with which chunks begin, and the end, by the cheapest way to cut."""
        before, cheapest = array("q", [0]), array("d", [0.0])
        # Where a chunk that ends here may begin, the cheapest first; what a later one undercuts is out.
        begins = deque([0])
        for end, cost in enumerate(chain(self._costs[1:], [0.0]), start=1):
            while self._size(self._overlap_start(begins[0]), end) > self._sizes.most:
                begins.popleft()
            before.append(begins[0])
            cheapest.append(cheapest[begins[0]] + cost)
            while begins and cheapest[begins[-1]] >= cheapest[end]:
                begins.pop()
            begins.append(end)
        cuts = [len(self._costs)]
        while cuts[-1]:
            cuts.append(before[cuts[-1]])
        return cuts[::-1]

    def _size(self, first: int, end: int) -> int:
        return self._totals[end] - self._totals[first]

    def _chunks_of(self, first: int, end: int) -> Iterator[Chunk]:
        visible = _VISIBLE.search(self._text, self._starts[first], self._starts[end])
        if visible is None:
            return
        for start in range(self._overlap_start(first), first + 1):
            text = self._text[self._starts[start] : self._starts[end]].strip()
            tokens = count_tokens(text)
            if tokens <= self._sizes.most:
                yield Chunk(text, tokens, self._position(visible.start()))
                return
        # Pieces counted one by one may, rarely, be fewer tokens than counted together.
        middle = (first + end) // 2
        yield from self._chunks_of(first, middle)
        yield from self._chunks_of(middle, end)

    def _overlap_start(self, first: int) -> int:
        return bisect_left(self._totals, self._totals[first] - self._sizes.overlap, hi=first)

    def _position(self, offset: int) -> Position:
        """Where a chunk stands; chunks come in order, so lines are counted from the last one on."""
        index = bisect_right(self._segment_starts, offset) - 1
        position = self._segments[index].position
        if position.line is None:
            return position
        start, line = max(self._last_line, (self._segment_starts[index], position.line))
        self._last_line = offset, line + self._text.count("\n", start, offset)
        return replace(position, line=self._last_line[1])


def _place_and_kind(found: re.Match[str]) -> tuple[int, int]:
    if not found[0].startswith("\n"):
        return found.end(), _SENTENCE
    if found["heading"]:
        return found.start(), _HEADING
    return found.start(), _PARAGRAPH if found["blank"] else _LINE


def _cost(kind: int, text: str) -> float:
    """What it costs to cut before a text; the root keeps the cheapest apart, among which cuts choose."""
    return _COSTS[kind] * math.sqrt(crc32(text.encode()) / 2**32)
