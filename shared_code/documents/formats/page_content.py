"""What of a web page is content: navigation, footers and hidden parts go, where no content goes with them.

A part goes by what it says of itself (its element, role, class or id), never by that alone where it holds
much running text; if hardly anything would be left, the page is kept whole.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

from shared_code.documents.formats.white_space import count_words

_UNSEEN = "script, style, template, svg, iframe, object, embed, canvas, audio, video, head"
_SIDE = (
    "nav, aside, footer, header, dialog, menu, [role=navigation], [role=contentinfo], [role=complementary], "
    "[role=search], [role=dialog], [role=alertdialog], [role=menu], [role=menubar], [role=banner]"
)
_HIDDEN = (
    "[hidden], [aria-hidden=true], dialog:not([open]), "
    "[style*='display:none' i], [style*='display: none' i], "
    "[style*='visibility:hidden' i], [style*='visibility: hidden' i]"
)
_NAMED = (
    "div[class], div[id], section[class], section[id], ul[class], ul[id], ol[class], ol[id], p[class], "
    "span[class]"
)
_CONTROLS = "button, select, datalist, input, textarea"
_WHOLE = "main, [role=main]"
_MAIN = "main, article, [role=main], [itemprop=articleBody]"
_HEADINGS = "h1, h2, h3, h4, h5, h6"
_LINK_ELSEWHERE = "a[href]:not([href^='#'])"
_BLOCKS = "div, section, table, ul, ol, dl, article"
# Words of classes and ids by which the authors of pages call what surrounds their content.
_SIDE_WORDS = frozenset(
    """
    ad ads advert advertisement advertising banner bottombar breadcrumb breadcrumbs byline consent cookie
    cookies copyright crumbs disqus dropdown footer gdpr lightbox login masthead menu menus modal mostread nav
    navbar navi navigation newsletter outbrain overlay pager pagination paging popular popup promo promoted
    rail related relatedposts recommended recommendations respond share sharing shareaddthis sharedaddy
    sidebar signup sitemap skip skiplink social sponsor sponsored subscribe subscription taboola tagcloud
    taglist toolbar tooltip topbar trending
    """.split()  # noqa: SIM905 - a word a line would fill a page
)
# Words that say so where a class or id begins with them: builders of pages call all their parts widgets.
_FIRST_SIDE_WORDS = frozenset({"widget", "widgets"})
_COMMENT_WORDS = frozenset({"comments", "comment", "commentlist", "disqus", "respond"})
_ARTICLE = "article, [itemprop=articleBody]"
_ARTICLE_META = 'meta[property="og:type"][content=article]'
_WORDS_OF_NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_NOSCRIPT_ADVICE = re.compile(r"java\s?script|cookies|browser", re.IGNORECASE)
_ADVICE_WORDS = 60
_TAGS = re.compile(r"<[^<>]*>")
# A part with this many words outside of links is content, whatever it is called.
_PROSE_WORDS = 80
# The content of a page has so many times the running text of a part beside it that is called otherwise.
_TIMES_BESIDE = 3
# Within the main part a paragraph of as many words outside of links is content.
_PARAGRAPH_WORDS = 10
# What is left of a page must be as much as this, in words or as a share of all.
_FEWEST_WORDS = 40
_FEWEST_SHARE = 0.2
# From what share of linked words on a part is one of links; within the main part it may be an index.
_LINKED_SHARE = 0.35
_LINKED_SHARE_WITHIN = 0.6
_FEWEST_LINKS = 2
# A part with this many headings, all of which lead to other pages, holds teasers.
_FEWEST_TEASERS = 2
# How far above a heading the link may stand that it lies in.
_LINK_ABOVE = 4
# Pages that are nested deeper than this are not made by people.
_DEEPEST = 256


def keep_content(body: LexborNode, *, is_all_content: bool = False) -> None:
    """Removes from a page what is not seen, and what surrounds its content where anything does."""
    _remove([node for node in body.css("noscript") if _is_advice(node)])
    for node in body.css("noscript"):
        _unwrap(node)
    _remove(body.css(_UNSEEN))
    if is_all_content:
        return
    page = _Page(body)
    around = _outermost(page.around())
    words = page.words(body)
    left = words - sum(map(page.words, around))
    if left >= _FEWEST_WORDS or left >= _FEWEST_SHARE * words:
        _remove(around)


def _is_advice(node: LexborNode) -> bool:
    """Whether a text for readers without scripts only says that they should have some."""
    text = _TAGS.sub("", node.text())
    return not text.strip() or (
        _NOSCRIPT_ADVICE.search(text) is not None and len(text.split()) < _ADVICE_WORDS
    )


def _unwrap(node: LexborNode) -> None:
    """Puts what is for readers without scripts into the page; a page that a browser saved has it as text."""
    source = node.text()
    if "<" in source and next(node.iter(), None) is None:
        content = LexborHTMLParser(source).body
        for child in list(content.iter(include_text=True)) if content is not None else ():
            node.insert_before(child)
        node.decompose()
    else:
        _remove(node.css("img"))
        node.unwrap()


class _Page:
    """A page that is only looked at, so that its words are counted once."""

    def __init__(self, body: LexborNode) -> None:
        self._body = body
        self._is_article = body.css_first(_ARTICLE) is not None or (
            body.parent is not None and body.parent.css_first(_ARTICLE_META) is not None
        )
        self._words: dict[int, int] = {}
        self._linked = Counter[int]()
        for link in body.css("a"):
            words = self.words(link)
            for node in (link, *islice(_ancestors(link), _DEEPEST)):
                self._linked[node.mem_id] += words
        parts = [node for node in body.css(_MAIN) if self._prose(node) >= _PROSE_WORDS]
        self._most_prose = max(map(self._prose, parts), default=0)
        # Headlines, the parts that say that they are content and hold some, and all that these lie in.
        self._content = {
            each.mem_id for node in [*parts, *body.css(f"{_WHOLE}, h1")] for each in (node, *_ancestors(node))
        }

        self._headings = Counter[int]()
        self._linked_headings = Counter[int]()
        if self._is_article and self._most_prose:
            self._count_headings()

    def _count_headings(self) -> None:
        for heading in self._body.css(_HEADINGS):
            is_linked = _leads_elsewhere(heading)
            for node in islice(_ancestors(heading), _DEEPEST):
                self._headings[node.mem_id] += 1
                self._linked_headings[node.mem_id] += is_linked

    def around(self) -> Iterator[LexborNode]:
        """What is not content; parts may lie in each other."""
        yield from self._body.css(_CONTROLS)
        for selector, is_around in (
            (_HIDDEN, self._is_short),
            (_SIDE, self._is_side),
            (_NAMED, self._is_named_side),
            (_BLOCKS, self._is_list_of_links),
            (_BLOCKS, self._is_of_teasers),
        ):
            for node in self._body.css(selector):
                if node.mem_id not in self._content and is_around(node):
                    yield node

    def words(self, node: LexborNode) -> int:
        """How many words a part has."""
        if node.mem_id not in self._words:
            self._words[node.mem_id] = count_words(node.text(separator=" "))
        return self._words[node.mem_id]

    def _prose(self, node: LexborNode) -> int:
        """Words outside of links."""
        return self.words(node) - self._linked[node.mem_id]

    def _is_short(self, node: LexborNode) -> bool:
        return self._prose(node) < _PROSE_WORDS

    def _is_side(self, node: LexborNode) -> bool:
        if node.tag in {"header", "footer", "aside"} and _is_within_main(node):
            return self._linked[node.mem_id] >= _LINKED_SHARE_WITHIN * self.words(node)
        return node.tag in {"nav", "footer", "dialog", "menu"} or self._prose(node) < _PROSE_WORDS

    def _is_named_side(self, node: LexborNode) -> bool:
        names = f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}".split()
        words = [[word.lower() for word in _WORDS_OF_NAME.findall(name)] for name in names]
        first_words = {each[0] for each in words if each}
        if self._is_article and first_words & _COMMENT_WORDS:
            return True
        if not first_words & _FIRST_SIDE_WORDS and _SIDE_WORDS.isdisjoint(chain.from_iterable(words)):
            return False
        return self._prose(node) < _PROSE_WORDS or self._is_beside_much_more(node)

    def _is_beside_much_more(self, node: LexborNode) -> bool:
        """Whether the page says which part is its content, and that has by far more running text."""
        return not _is_within_main(node) and _TIMES_BESIDE * self._prose(node) <= self._most_prose

    def _is_list_of_links(self, node: LexborNode) -> bool:
        if not self._linked[node.mem_id] or self._prose(node) >= _PROSE_WORDS:
            return False
        if len(node.css("a")) < _FEWEST_LINKS:
            return False
        share = _LINKED_SHARE
        if _is_within_main(node):
            if node.tag in {"ul", "ol", "dl"}:
                return False
            if any(self._prose(paragraph) >= _PARAGRAPH_WORDS for paragraph in node.css("p")):
                return False
            share = _LINKED_SHARE_WITHIN
        return self._linked[node.mem_id] > share * self.words(node)

    def _is_of_teasers(self, node: LexborNode) -> bool:
        """Whether this lies beside an article, and each of its headings leads to another page."""
        count = self._headings[node.mem_id]
        if count < _FEWEST_TEASERS or self._linked_headings[node.mem_id] < count:
            return False
        return self._prose(node) < _PROSE_WORDS * count and not _is_within_main(node)


def _leads_elsewhere(heading: LexborNode) -> bool:
    if heading.css_first(_LINK_ELSEWHERE) is not None:
        return True
    return any(node.tag == "a" for node in islice(_ancestors(heading), _LINK_ABOVE))


def _outermost(nodes: Iterable[LexborNode]) -> list[LexborNode]:
    """The nodes that lie in no other of them."""
    known = {node.mem_id: node for node in nodes}
    is_within: dict[int, bool] = {}
    found = []
    for node in known.values():
        path = []
        lies_within = False
        for each in _ancestors(node):
            if each.mem_id in known or each.mem_id in is_within:
                lies_within = each.mem_id in known or is_within[each.mem_id]
                break
            path.append(each.mem_id)
        is_within.update(dict.fromkeys(path, lies_within))
        if not lies_within:
            found.append(node)
    return found


def _remove(nodes: Iterable[LexborNode]) -> None:
    """Removes each node once: one that lies in another is gone when that is removed."""
    for node in _outermost(nodes):
        node.decompose()


def _is_within_main(node: LexborNode) -> bool:
    around = islice(_ancestors(node), _DEEPEST)
    return any(each.tag in {"main", "article"} or each.attributes.get("role") == "main" for each in around)


def _ancestors(node: LexborNode) -> Iterator[LexborNode]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent
