"""In which encoding from before Unicode a text is written, by its bytes alone.

A detector tells how common the sequences of letters are that each encoding makes of the bytes. That alone
takes one code page for another that has the same letters in other places. So how often encodings are met
counts as well, and what no writer writes: capitals within words, symbols between letters, unused places.
"""

import re
from unicodedata import category

import chardet

_WESTERN = "cp1252"
# What the Web, and so most of what is stored, was written in before Unicode; a name is the detector's.
_USUAL_LATIN = (_WESTERN, "cp1250", "cp1254", "cp1257")
_USUAL_ALPHABETS = ("cp1251", "cp1253", "cp1255", "cp1256", "cp874", "koi8-r")
_USUAL_DOUBLE_BYTE = ("cp932", "euc_jis_2004", "gb18030", "big5hkscs", "cp949")
# What DOS, Excel's "CSV (MS-DOS)" and old Macs write, and national standards.
_OTHER_LATIN = ("cp850", "cp437", "cp852", "mac-roman", "iso8859-2", "iso8859-9", "iso8859-15")
_OTHER_ALPHABETS = ("cp855", "cp866", "mac-cyrillic", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8")
_OTHER_DOUBLE_BYTE = ("johab",)
# What hardly anybody has ever used.
_SELDOM_LATIN = ("cp1258", "iso8859-3", "iso8859-4", "iso8859-10", "iso8859-13", "iso8859-14", "iso8859-16")
_SELDOM_ALPHABETS = ("koi8-u",)
_USUAL = frozenset({*_USUAL_LATIN, *_USUAL_ALPHABETS, *_USUAL_DOUBLE_BYTE})
_SELDOM = frozenset({*_SELDOM_LATIN, *_SELDOM_ALPHABETS})
# Western is by far the most common, so that it is taken where it is nearly as likely as the best.
_WESTERN_WEIGHT = 1 / 0.85
# An encoding that is not usual has to be likelier by this much, and less where many bytes speak for it.
_LEAST_DOUBT, _MOST_DOUBT = 0.01, 0.1
_SELDOM_WEIGHT = 0.9
# So few bytes do not speak against the likeliest of the usual encodings if nothing is odd in it.
_FEW_BYTES = 12
# Likelihoods below this share of the best are not looked at.
_COMPARABLE = 0.5
_ODDITY_WEIGHT = 2.0

_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_LETTERS = [char for char in map(chr, range(0x80, 0x530)) if category(char)[0] == "L"]
_CAPITALS = "".join(char for char in _LETTERS if category(char) == "Lu")
_SMALL = "a-z" + "".join(char for char in _LETTERS if category(char) == "Ll")
_ANY = f"A-Z{_SMALL}{_CAPITALS}"
# Of these some stand between letters without spaces: apostrophes, dashes, dots.
_BETWEEN_LETTERS = "\u2019\u2013\u2014\u2026\xb7\xad\u200c\u200d"
_SYMBOLS = "".join(
    re.escape(char)
    for char in map(chr, [*range(0x80, 0x300), *range(0x2000, 0x2600), 0xFFFD])
    if category(char)[0] in "SPCN" and char not in _BETWEEN_LETTERS
)
_OPENING = "\u201a\u201e\xa1\xbf"
# What old Macs' Cyrillic capitals are in the code page of Windows.
_BEFORE_CYRILLIC = "[\u201a\u2019\u201d\u2020\u2021\u2030\u2122](?=[\u0430-\u044f])"
_EAST_ASIAN = "\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff"
_BOXES = "\u2500-\u25ff"
_ODD = re.compile(
    f"[\x80-\x9f]|(?<=[{_SMALL}])[{_CAPITALS}]|(?<=[{_ANY}])[{_SYMBOLS}](?=[{_ANY}])"
    f"|[{_BOXES}](?=[{_ANY}])|(?<=[{_ANY}])[{_BOXES}{_OPENING}]|(?<=[A-Za-z])[{_EAST_ASIAN}](?=[A-Za-z])"
    f"|{_BEFORE_CYRILLIC}"
)
_ANY_BEYOND_ASCII = re.compile("[^\x00-\x7f]")


def likeliest_encoding(sample: bytes) -> str:
    """The encoding of a text, by lines of it that go beyond ASCII."""
    matches = chardet.detect_all(
        sample, ignore_threshold=True, include_encodings=_candidates(sample), compat_names=False
    )
    likelihoods = {match["encoding"] or _WESTERN: match["confidence"] for match in matches}
    beyond = sum(map(len, _BEYOND_ASCII.findall(sample)))
    if beyond < _FEW_BYTES:
        usual = {name: likelihood for name, likelihood in likelihoods.items() if name in _USUAL}
        best = max(usual, key=lambda name: usual[name] * _weight(name, beyond), default="")
        if best and not _oddity(sample, best):
            return best
    least = _COMPARABLE * max(likelihoods.values())
    scores = {
        name: likelihood * _weight(name, beyond) * (1 - _ODDITY_WEIGHT * _oddity(sample, name))
        for name, likelihood in likelihoods.items()
        if likelihood >= least
    }
    return max(scores, key=lambda name: scores[name])


def _weight(name: str, beyond: int) -> float:
    """How common an encoding is; the more bytes go beyond ASCII, the less this counts."""
    if name in _USUAL:
        return _WESTERN_WEIGHT if name == _WESTERN else 1.0
    doubt = max(_LEAST_DOUBT, min(_MOST_DOUBT, 1 / beyond)) if beyond else _MOST_DOUBT
    return (1 - doubt) * (_SELDOM_WEIGHT if name in _SELDOM else 1.0)


def _oddity(sample: bytes, name: str) -> float:
    """Of the characters beyond ASCII, the share that stand where nobody writes them."""
    text = sample.decode(name, "replace")
    return len(_ODD.findall(text)) / max(1, len(_ANY_BEYOND_ASCII.findall(text)))


def _candidates(sample: bytes) -> tuple[str, ...]:
    """Accented letters stand alone among those of ASCII, as no other letters but those of double bytes do."""
    latin = (*_USUAL_LATIN, *_OTHER_LATIN, *_SELDOM_LATIN)
    double_byte = (*_USUAL_DOUBLE_BYTE, *_OTHER_DOUBLE_BYTE)
    runs = _BEYOND_ASCII.findall(sample)
    if 2 * sum(len(run) == 1 for run in runs) < len(runs):
        return (*latin, *_USUAL_ALPHABETS, *_OTHER_ALPHABETS, *_SELDOM_ALPHABETS, *double_byte)
    is_dense = 10 * sum(map(len, runs)) > len(sample)
    return (*latin, *double_byte) if is_dense else latin
