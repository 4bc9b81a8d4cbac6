"""A document's text in chunks of bounded tokens, cut where the text itself says so.

Each break has its cost: less for a better kind, and the rest by a hash of what follows. Of all ways to cut a
text the cheapest is taken. Cheap breaks attract the cuts from wherever the text before was cut, so an edit
changes the chunks around it and no others.

ADR 12 has the reasons.
"""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from heapq import heapify, heappop, heappush
from itertools import accumulate, chain, groupby, pairwise
from math import sqrt
from unicodedata import category
from zlib import crc32

from splintr import AnyTokenizer, Tokenizer

from shared_code.documents import Document, Position, Segment

# Part of every chunk's fingerprint: to be raised with any change of the chunks that come out.
CHUNKER_VERSION = "3"

# What text-embedding-3-small, text-embedding-3-large and text-embedding-ada-002 count in.
_VOCABULARY = "cl100k_base"
_FEWEST_TOKENS = 32
# A stretch with more than this is too long without counting.
_CHARACTERS_PER_TOKEN = 16
# A row of no more than this is worth counting as a whole.
_FEWEST_CHARACTERS_PER_TOKEN = 3

# Kinds of breaks from the worst to the best, and what a cut at one of them costs at most. A paragraph's and a
# sentence's are so far apart that rows and paragraphs are cut only where they are too long for a chunk.
_GLUED, _INSIDE, _LINE, _SENTENCE, _PARAGRAPH, _HEADING = range(6)
_COSTS = (2_000.0, 400.0, 40.0, 20.0, 1.0, 0.5)
# What a cut within a row costs more, where the row fits into a chunk.
_TORN = 1_000.0
# How many characters of segments are joined, and for how many pieces cuts are decided, at a time.
_CHARACTERS_AT_ONCE = 250_000
_PIECES_AT_ONCE = 5_000
# Of a table's header as much as helps to tell its chunks from those of other tables.
_CONTEXT_CHARACTERS = 1_000
# The ends of lines, and of sentences: first those before a space, in Latin, Arabic, Urdu and Hindi among
# others, then those of Chinese and Japanese, which need none; closing quotes and brackets belong to them.
# All of them begin with one set of characters, since Python's regular expressions skip to those at once.
_BREAK = re.compile(
    r"""
    [\n.!?\u2026\u061f\u06d4\u0964\u3002\uff01\uff1f]
    (?: (?<=\n) (?P<blank> [^\S\n]* \n )? \s*+ (?P<heading> \#{1,6}[ ] )?
    | (?<=[.!?\u2026\u061f\u06d4\u0964]) ["'\u201d\u2019\xbb)\]]*+ (?=\s)
    | (?<=[\u3002\uff01\uff1f]) [\u3002\uff01\uff1f]*+ [\u300d\u300f\u201d\u2019\uff09]*+
    )
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
_ENDED = re.compile(
    r"""[.!?\u2026\u061f\u06d4\u0964\u3002\uff01\uff1f:;]["'\u201d\u2019\xbb)\]\u300d\u300f\uff09]*$"""
)
# A heading as lightweight markup has it: after marks, or with lines of marks around it.
_HEADING_LINES = re.compile(
    r"""
    \s*+ (?: [^\w\s]{3,} [^\S\n]* \n )?
    (?P<number_signs> \#{1,6}[ ] )? (?P<title> [^\n]*+ )
    (?: \n [^\w\s]{3,} [^\S\n]* (?=\n|$) )?
    """,
    re.VERBOSE,
)
_HEADING_MARKS = "#=*+ \t"
# Titles of sections are cut when they are longer.
_LONG_TITLE = 200


_Patterns = Sequence[re.Pattern[str]]
# Start, end, kind of the break before it, and what it may be cut at.
_Part = tuple[int, int, int, _Patterns]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of the document's text, below the header that it needs where that is not in it.

    Attributes:
        text: what is shown.
        tokens: how many the text has.
        position: of the first character after the overlap and the header.
        context: what that character stands under, from the widest to the closest; the header comes last.
    """

    text: str
    tokens: int
    position: Position
    context: tuple[str, ...] = ()


def chunk(document: Document, *, max_tokens: int, overlap_tokens: int) -> list[Chunk]:
    """Cuts a document into chunks, as `chunks` does."""
    return list(chunks(document.segments, max_tokens=max_tokens, overlap_tokens=overlap_tokens))


def chunks(segments: Iterable[Segment], *, max_tokens: int, overlap_tokens: int) -> Iterator[Chunk]:
    """Cuts segments into chunks, and holds no more of them than the chunks that are not sure yet.

    Segments are joined by newlines, except that no chunk spans two sheets. Each chunk is a stretch of that
    text without the white space around it, and begins with some `overlap_tokens` of what came before. One
    that begins below a segment's header begins with that header, unless this takes half a chunk.

    Raises:
        ValueError: the sizes leave a chunk no room.
    """
    if max_tokens < _FEWEST_TOKENS or not 0 <= overlap_tokens <= max_tokens // 2:
        raise ValueError(
            f"Chunks of {max_tokens} tokens with {overlap_tokens} of overlap cannot be made: use at least "
            f"{_FEWEST_TOKENS} tokens and at most half of them as overlap."
        )
    sizes = _Sizes(max_tokens, overlap_tokens)
    for _, sheet in groupby(segments, key=lambda segment: segment.position.sheet):
        yield from _Passage(sizes).chunks(sheet)


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
        # A header leaves room for the largest piece and its overlap.
        self.header = self.core // 2 - 2


class _Passage:
    """The segments of one sheet as one text, in pieces that begin at its breaks.

    It slides along that text: what lies before the cuts that are sure, and their overlap, is forgotten.
    Places in the text, and indexes of segments and pieces, count from what is kept.
    """

    def __init__(self, sizes: _Sizes) -> None:
        self._sizes = sizes
        self._encode = _tokenizer().encode_ordinary  # looked up once, since every piece is counted
        self._text = ""
        self._segments: list[Segment] = []
        self._segment_starts = array("q")
        # Where the last visible character ended; white space belongs to what follows.
        self._end = 0
        self._before: Segment | None = None
        self._last_line = (0, 0)
        self._header_tokens = {"": 0}
        # Up to where no chunk ends: what stands there is a heading, whose text follows.
        self._glued_until = -1
        # Arrays, since a text without breaks has a piece for each few characters.
        self._starts = array("q")
        self._costs = array("d")
        self._totals = array("q", [0])
        # Of each piece its segment, the tokens of that one's header, and the first piece of its row.
        self._owners = array("q")
        self._headers = array("q")
        self._rows = array("q")
        self._overlap_starts = array("q")
        # The cheapest way to cut before each piece: the cut before that one, and the cost of all.
        self._cuts_before = array("q", [0])
        self._cheapest = array("d", [0.0])
        # Where a chunk that ends at the next piece may begin, the cheapest first; what a later one undercuts
        # is out.
        self._begins = deque([0])
        self._last_cut = 0

    def chunks(self, segments: Iterable[Segment]) -> Iterator[Chunk]:
        """The chunks in order; together they hold every visible character."""
        for batch in _batches(_with_headers(segments)):
            self._extend_text(batch)
            for index in range(len(self._segments) - len(batch), len(self._segments)):
                yield from self._add_segment(index)
            yield from self._sure_chunks()
            self._forget_text()
        if self._costs:
            self._starts.append(self._end)
            self._find_cuts(len(self._costs), [0.0])
            yield from self._chunks_up_to(len(self._costs))

    def _extend_text(self, batch: Sequence[Segment]) -> None:
        texts = [segment.text for segment in batch]
        if self._segments:
            texts.insert(0, self._text)
        start = len(self._text) + 1 if self._segments else 0
        lengths = (len(segment.text) + 1 for segment in batch[:-1])
        self._segment_starts.extend(accumulate(lengths, initial=start))
        self._segments += batch
        self._text = "\n".join(texts)

    def _add_segment(self, index: int) -> Iterator[Chunk]:
        """Adds the pieces of a segment, and cuts where that is sure meanwhile."""
        segment = self._segments[index]
        text = segment.text.rstrip()
        if not text:
            return
        start, end = self._end, self._segment_starts[index] + len(text)
        kind = _kind_between(self._before, segment)
        is_row = _is_row(segment)
        if not self._added_short_row(segment, start, end, kind):
            most = self._sizes.most + _PIECES_AT_ONCE
            parts = self._stretches(start, end, segment, kind)
            for part in self._parts(parts) if end - start > _CHARACTERS_AT_ONCE else parts:
                self._add(*part)
                if len(self._costs) > len(self._rows) + most:
                    is_row = False  # a row of so many pieces does not fit into a chunk
                    self._settle(index, is_row=False)
                    yield from self._sure_chunks()
        self._settle(index, is_row=is_row)
        self._end, self._before = end, segment

    def _added_short_row(self, segment: Segment, start: int, end: int, kind: int) -> bool:
        """Adds a row that is no longer than a piece as one, whatever breaks it has."""
        if end - start > self._sizes.piece * _FEWEST_CHARACTERS_PER_TOKEN or not _is_row(segment):
            return False
        return self._added_whole(start, end, _GLUED if start <= self._glued_until else kind, _FINER)

    def _settle(self, index: int, *, is_row: bool) -> None:
        """Tells what the pieces that a segment has added belong to."""
        first, end = len(self._rows), len(self._costs)
        self._owners.extend([index] * (end - first))
        self._headers.extend([self._tokens_of(self._segments[index].header)] * (end - first))
        self._mark_row(first, end, is_row=is_row)

    def _sure_chunks(self) -> Iterator[Chunk]:
        """The chunks that no piece to come can change."""
        first, end = len(self._overlap_starts), len(self._costs)
        self._overlap_starts.extend(map(self._overlap_start, range(first, end)))
        self._find_cuts(max(first, 1), self._costs[max(first, 1) :])
        yield from self._chunks_up_to(self._sure_cut())

    def _mark_row(self, first: int, end: int, *, is_row: bool) -> None:
        """Makes the pieces of a row belong together, where a chunk can hold them."""
        if not is_row or first == end or self._size_with_header(first, end) > self._sizes.most:
            self._rows.extend(range(first, end))
            return
        self._rows.extend([first] * (end - first))
        for piece in range(first + 1, end):
            self._costs[piece] += _TORN

    def _tokens_of(self, header: str) -> int:
        """What a header adds to a chunk: nothing where it is too long to be repeated."""
        if header not in self._header_tokens:
            tokens = count_tokens(f"{header}\n")
            self._header_tokens[header] = tokens if tokens <= self._sizes.header else 0
        return self._header_tokens[header]

    def _parts(self, stretches: Iterable[_Part]) -> Iterator[_Part]:
        """The stretches, long ones in parts that are not too long to be added at once."""
        for stretch in stretches:
            start, end, kind, finer = stretch
            if end - start <= _CHARACTERS_AT_ONCE or not finer:
                yield stretch
                continue
            yield from self._parts(
                (part_start, part_end, kind if part_start == start else _INSIDE, finer[1:])
                for part_start, part_end in self._between(start, end, finer[0])
            )

    def _between(self, start: int, end: int, places: re.Pattern[str]) -> Iterator[tuple[int, int]]:
        found = (each.start() for each in places.finditer(self._text, start, end))
        return pairwise(chain([start], (place for place in found if place > start), [end]))

    def _stretches(self, start: int, end: int, segment: Segment, kind: int) -> Iterator[_Part]:
        """What lies between two breaks of a segment."""
        if start <= self._glued_until:
            kind = _GLUED
        if heading := _heading_length(segment):
            kind = max(kind, _HEADING) if kind != _GLUED else kind
            self._glued_until = end - len(segment.text.rstrip()) + heading
        for found in _BREAK.finditer(self._text, start, end):
            place, found_kind = _place_and_kind(found)
            if place > start:
                yield start, place, kind, _FINER
                start, kind = place, _GLUED if place <= self._glued_until else found_kind
            elif kind != _GLUED:
                kind = max(kind, found_kind)
            if found["heading"]:
                self._glued_until = _line_end(self._text, found.end())
        yield start, end, kind, _FINER

    def _add(self, start: int, end: int, kind: int, finer: _Patterns) -> None:
        """Adds a stretch as one piece or, where it is too long for that, as several."""
        if self._added_whole(start, end, kind, finer):
            return
        for part_start, part_end in self._between(start, end, finer[0]):
            self._add(part_start, part_end, kind if part_start == start else _INSIDE, finer[1:])

    def _added_whole(self, start: int, end: int, kind: int, finer: _Patterns) -> bool:
        # What makes one character is torn only where it would take half a chunk.
        most = self._sizes.piece if len(finer) > 1 else self._sizes.core // 2
        if end - start > most * _CHARACTERS_PER_TOKEN and finer:
            return False
        text = self._text[start:end]
        tokens = len(self._encode(text))
        if tokens > most and finer:
            return False
        self._starts.append(start)
        self._costs.append(_cost(kind, text))
        self._totals.append(self._totals[-1] + tokens)
        return True

    def _find_cuts(self, first: int, costs: Iterable[float]) -> None:
        """Finds the cheapest ways to cut before pieces, by what such a cut costs."""
        begins, cheapest, rows, most = self._begins, self._cheapest, self._rows, self._sizes.most
        totals, headers, overlap_starts = self._totals, self._headers, self._overlap_starts
        for end, cost in enumerate(costs, start=first):
            # As `_size_with_header` counts it, but this is asked most often of all.
            while totals[end] - totals[start := overlap_starts[begins[0]]] + headers[start] > most:
                begins.popleft()
            # A row that leaves no room for overlap goes without.
            before = min(begins[0], rows[end - 1], key=cheapest.__getitem__)
            self._cuts_before.append(before)
            cheapest.append(cheapest[before] + cost)
            while begins and cheapest[begins[-1]] >= cheapest[end]:
                begins.pop()
            begins.append(end)

    def _sure_cut(self) -> int:
        """The last cut that all ways have in common which may turn out the cheapest."""
        if not self._rows:
            return 0
        known = {*self._begins, self._rows[-1]}
        latest_first = [-cut for cut in known]
        heapify(latest_first)
        while len(latest_first) > 1:
            before = self._cuts_before[-heappop(latest_first)]
            if before not in known:
                known.add(before)
                heappush(latest_first, -before)
        return -latest_first[0]

    def _chunks_up_to(self, cut: int) -> Iterator[Chunk]:
        """The chunks between the last cut and this one, whose pieces are forgotten but for the overlap."""
        cuts = [cut]
        while cuts[-1] > self._last_cut:
            cuts.append(self._cuts_before[cuts[-1]])
        for first, end in pairwise(reversed(cuts)):
            yield from self._chunks_of(first, end)
        self._last_cut = cut
        self._forget_pieces(self._overlap_starts[cut] if cut < len(self._overlap_starts) else cut)

    def _size_with_header(self, first: int, end: int) -> int:
        return self._totals[end] - self._totals[first] + self._headers[first]

    def _forget_pieces(self, count: int) -> None:
        if not count:
            return
        for kept in (self._starts, self._costs, self._totals, self._owners, self._headers, self._cheapest):
            del kept[:count]
        self._rows = _rebased(self._rows, count)
        self._overlap_starts = _rebased(self._overlap_starts, count)
        self._cuts_before = _rebased(self._cuts_before, count)
        self._begins = deque(begin - count for begin in self._begins)
        self._last_cut -= count

    def _forget_text(self) -> None:
        """Forgets the text before the first piece that is kept, and its segments."""
        start = self._starts[0] if self._starts else self._end
        first = max(0, bisect_right(self._segment_starts, start) - 1)
        self._last_line = self._line_at(first, start)
        self._text = self._text[start:]
        del self._segments[:first]
        self._segment_starts = array("q", (place - start for place in self._segment_starts[first:]))
        self._starts = array("q", (place - start for place in self._starts))
        self._owners = array("q", (max(0, owner - first) for owner in self._owners))
        self._last_line = (self._last_line[0] - start, self._last_line[1])
        self._end -= start
        self._glued_until = max(-1, self._glued_until - start)

    def _chunks_of(self, first: int, end: int) -> Iterator[Chunk]:
        visible = _VISIBLE.search(self._text, self._starts[first], self._starts[end])
        if visible is None:
            return
        for start in self._beginnings(first):
            text = self._chunk_text(start, end)
            tokens = count_tokens(text)
            if tokens <= self._sizes.most:
                yield self._chunk(text, tokens, visible.start())
                return
        # Pieces counted one by one may, rarely, be fewer tokens than counted together.
        middle = (first + end) // 2
        yield from self._chunks_of(first, middle)
        yield from self._chunks_of(middle, end)

    def _chunk_text(self, first: int, end: int) -> str:
        text = self._text[self._starts[first] : self._starts[end]].strip()
        return f"{self._segments[self._owners[first]].header}\n{text}" if self._headers[first] else text

    def _beginnings(self, first: int) -> Iterator[int]:
        """With which pieces a chunk may begin, from the longest overlap to none."""
        start = self._overlap_starts[first]
        while True:
            yield start
            if start == first:
                return
            start = self._whole_from(start + 1, first)

    def _overlap_start(self, first: int) -> int:
        longest = bisect_left(self._totals, self._totals[first] - self._sizes.overlap, hi=first)
        return self._whole_from(longest, first)

    def _whole_from(self, piece: int, first: int) -> int:
        """The next piece that is not within a row, except the row in which a chunk's text begins."""
        rows = self._rows
        own_row = rows[first]
        while rows[piece] not in (piece, own_row):
            piece += 1
        return piece

    def _chunk(self, text: str, tokens: int, offset: int) -> Chunk:
        segment = self._segments[bisect_right(self._segment_starts, offset) - 1]
        header = (segment.header[:_CONTEXT_CHARACTERS],) if segment.header else ()
        return Chunk(text, tokens, self._position(offset), segment.context + header)

    def _position(self, offset: int) -> Position:
        """Where a chunk stands; chunks come in order, so lines are counted from the last one on."""
        index = bisect_right(self._segment_starts, offset) - 1
        position = self._segments[index].position
        if position.line is None:
            return position
        self._last_line = self._line_at(index, offset)
        return replace(position, line=self._last_line[1])

    def _line_at(self, index: int, offset: int) -> tuple[int, int]:
        """A place in a segment and its line."""
        line_of_segment = self._segments[index].position.line or 0
        known, line = max(self._last_line, (self._segment_starts[index], line_of_segment))
        return max(known, offset), line + self._text.count("\n", known, offset)


def _batches(segments: Iterable[Segment]) -> Iterator[list[Segment]]:
    """The segments, as many of them at a time as are worth joining."""
    batch: list[Segment] = []
    size = 0
    for segment in segments:
        batch.append(segment)
        size += len(segment.text)
        if size > _CHARACTERS_AT_ONCE or len(batch) > _PIECES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _rebased(indexes: "array[int]", count: int) -> "array[int]":
    """Indexes of pieces without the first of these, which are forgotten."""
    return array("q", (index - count for index in indexes[count:]))


def _is_row(segment: Segment) -> bool:
    return segment.header != "" or segment.position.row is not None


def _with_headers(segments: Iterable[Segment]) -> Iterator[Segment]:
    """The segments, and before the first one below a header that header, unless it stands there."""
    before = None
    for segment in segments:
        if segment.header and (before is None or segment.header not in {before.header, before.text}):
            yield replace(segment, text=segment.header, header="")
        yield segment
        before = segment


def _kind_between(before: Segment | None, segment: Segment) -> int:
    """The kind of the break between two segments."""
    if before is None or segment.position.page is None or segment.position.section is not None:
        is_first_below_header = before is not None and "" != segment.header == before.text
        return _GLUED if is_first_below_header else _PARAGRAPH
    # The text of a page goes on in the next one where no sentence has ended.
    return _SENTENCE if _ENDED.search(before.text.rstrip()[-10:]) else _INSIDE


def _heading_length(segment: Segment) -> int:
    """How many characters of a segment, from its beginning, are a heading."""
    section = segment.position.section
    if segment.position.row is not None or (section is None and not segment.text.lstrip().startswith("#")):
        return 0
    found = _HEADING_LINES.match(segment.text)
    if found is None or not (found["number_signs"] or _is_title(found["title"], section or "")):
        return 0
    return found.end()


def _is_title(line: str, section: str) -> bool:
    """Whether a line is the title of a section, which may have been cut."""
    title = " ".join(line[: 2 * _LONG_TITLE].split()).strip(_HEADING_MARKS)
    return title != "" and title[:_LONG_TITLE].strip() == section[:_LONG_TITLE].strip(_HEADING_MARKS)


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _place_and_kind(found: re.Match[str]) -> tuple[int, int]:
    if not found[0].startswith("\n"):
        return found.end(), _SENTENCE
    if found["heading"]:
        return found.start(), _HEADING
    return found.start(), _PARAGRAPH if found["blank"] else _LINE


def _cost(kind: int, text: str) -> float:
    """What it costs to cut before a text; the root keeps the cheapest apart, among which cuts choose."""
    return _COSTS[kind] * sqrt(crc32(text.encode()) / 2**32)
