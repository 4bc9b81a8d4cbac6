"""Formulas of docx in a line, as people type them: what stands above each other keeps its meaning."""

from collections.abc import Callable, Mapping
from xml.etree.ElementTree import Element

from shared_code.documents.formats.office import attribute, children, descendants, tag, value_of


def formula(element: Element) -> str:
    """A formula, or a part of one, as a line of text."""
    shown = _SHAPES.get(tag(element))
    if shown is not None:
        return shown(element)
    if tag(element) == "t":
        return element.text or ""
    return "".join(map(formula, element))


def _part(element: Element, name: str) -> str:
    return "".join(map(formula, children(element, name))).strip()


def _grouped(text: str) -> str:
    """A text that is taken as one, in brackets where it is more than a name or number."""
    return text if text.isalnum() or not text else f"({text})"


def _fraction(element: Element) -> str:
    return f"{_grouped(_part(element, 'num'))}/{_grouped(_part(element, 'den'))}"


def _with_scripts(element: Element) -> str:
    return _part(element, "e") + _scripts(element)


def _scripts(element: Element) -> str:
    sub, sup = _part(element, "sub"), _part(element, "sup")
    return (f"_{_grouped(sub)}" if sub else "") + (f"^{_grouped(sup)}" if sup else "")


def _root(element: Element) -> str:
    return f"{_part(element, 'deg')}√{_grouped(_part(element, 'e'))}"


def _sum_or_integral(element: Element) -> str:
    sign = value_of(next(children(element, "naryPr"), None), "chr") or "∫"
    return f"{sign}{_scripts(element)} {_part(element, 'e')}"


def _in_brackets(element: Element) -> str:
    properties = next(children(element, "dPr"), None)
    signs = {"begChr": "(", "sepChr": "|", "endChr": ")"}
    begin, between, end = (_told(properties, name, usual) for name, usual in signs.items())
    return begin + between.join(map(formula, children(element, "e"))) + end


def _told(properties: Element | None, name: str, usual: str) -> str:
    """A sign, which may be none."""
    told = None if properties is None else next(children(properties, name), None)
    return usual if told is None else attribute(told, "val")


def _with_limit(element: Element) -> str:
    return f"{_part(element, 'e')}_{_grouped(_part(element, 'lim'))} "


def _lines(element: Element) -> str:
    return "\n".join(map(formula, children(element, "e")))


def _matrix(element: Element) -> str:
    rows = (", ".join(map(formula, children(row, "e"))) for row in descendants(element, "mr"))
    return f"[{'; '.join(rows)}]"


def _function(element: Element) -> str:
    return f"{_part(element, 'fName')} {_part(element, 'e')}"


_SHAPES: Mapping[str, Callable[[Element], str]] = {
    "f": _fraction,
    **dict.fromkeys(("sSup", "sSub", "sSubSup", "sPre"), _with_scripts),
    "rad": _root,
    **dict.fromkeys(("limLow", "limUpp"), _with_limit),
    "eqArr": _lines,
    "nary": _sum_or_integral,
    "d": _in_brackets,
    "m": _matrix,
    "func": _function,
}
