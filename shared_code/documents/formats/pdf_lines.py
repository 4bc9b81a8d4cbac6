"""Lines of a PDF page: those that end only because the page does are put together again."""

import re
from itertools import pairwise

_ENDED = re.compile(r"""[.!?:;\u2026\u3002\uff01\uff1f]["'\u201d\u2019\xbb)\]]*\s*$""")
# How an item of a list or a numbered paragraph begins.
_ITEM = re.compile(
    r"\s*(?:[\u2022\u25aa\u25cf\u2023\xb7*\u2013\u2014-]\s|\(?(?:\d{1,3}(?:\.\d+)*|[a-zA-Z])[.)]\s)"
)
_NUMBER = re.compile(r"[\d.,%$\u20ac\xa3()/-]*\d[\d.,%$\u20ac\xa3()/-]*")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uff00-\uffef\u3000-\u303f]")
# A wrapped line is about as long as the longest around it, or half as long before a small letter.
_NEIGHBOURS = 4
_FULL = 0.8
_HALF = 0.5
_FEWEST_CHARACTERS = 20
_FEWEST_BEFORE_A_CAPITAL = 45
_NUMBERS_OF_A_TABLE = 0.25


def unwrapped(text: str) -> str:
    """The text of a page with a space (in Chinese nothing) in place of line ends that are not breaks."""
    lines = text.split("\n")
    lengths = [len(line) for line in lines]
    joined = [lines[0]]
    for index, (line, following) in enumerate(pairwise(lines)):
        width = max(lengths[max(0, index - _NEIGHBOURS) : index + _NEIGHBOURS + 1])
        if _is_wrapped(line, following, width):
            joined.append("" if _CJK.match(following) and _CJK.match(line[-1:]) else " ")
        else:
            joined.append("\n")
        joined.append(following)
    return "".join(joined)


def _is_wrapped(line: str, following: str, width: int) -> bool:
    line, following = line.rstrip(), following.lstrip()
    if len(line) < max(_FEWEST_CHARACTERS, _HALF * width) or not following or _ENDED.search(line[-4:]):
        return False
    if following[0].islower() and len(following.split(maxsplit=1)[0]) > 1 and not _ITEM.match(following):
        return True
    if len(line) < max(_FEWEST_BEFORE_A_CAPITAL, _FULL * width) or _ITEM.match(following):
        return False
    return not _is_row(line) and not _is_row(following)


def _is_row(line: str) -> bool:
    """Whether many of a line's words are numbers, as in a table."""
    words = line.split()
    return sum(map(bool, map(_NUMBER.fullmatch, words))) > _NUMBERS_OF_A_TABLE * len(words)
