"""Characters of symbol fonts, which have places of their own instead of those of Unicode."""

# ruff: noqa: RUF001 - characters that look like others are what this is about

_SYMBOL = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖαβχδεφγηιϕκλμνοπθρστυϖωξψζ",
        strict=True,
    )
) | {
    "\x22": "∀", "\x24": "∃", "\x27": "∋", "\x2d": "−", "\x40": "≅", "\x5e": "⊥", "\x7e": "∼", "\xa2": "′",
    "\xa3": "≤", "\xa5": "∞", "\xab": "↔", "\xac": "←", "\xad": "↑", "\xae": "→", "\xaf": "↓", "\xb0": "°",
    "\xb1": "±", "\xb2": "″", "\xb3": "≥", "\xb4": "×", "\xb5": "∝", "\xb6": "∂", "\xb7": "•", "\xb8": "÷",
    "\xb9": "≠", "\xba": "≡", "\xbb": "≈", "\xbc": "…", "\xc5": "⊕", "\xc6": "∅", "\xc7": "∩", "\xc8": "∪",
    "\xc9": "⊃", "\xcc": "⊂", "\xcd": "⊆", "\xce": "∈", "\xcf": "∉", "\xd0": "∠", "\xd1": "∇", "\xd2": "®",
    "\xd3": "©", "\xd4": "™", "\xd5": "∏", "\xd6": "√", "\xd7": "⋅", "\xd8": "¬", "\xd9": "∧", "\xda": "∨",
    "\xdb": "⇔", "\xdc": "⇐", "\xdd": "⇑", "\xde": "⇒", "\xdf": "⇓", "\xe5": "∑", "\xf2": "∫",
}  # fmt: skip
_WINGDINGS = {
    "\x21": "✏", "\x22": "✂", "\x28": "☎", "\x29": "✆", "\x2a": "✉", "\x3a": "🖥", "\x41": "✌", "\x46": "☞",
    "\x45": "☜", "\x4a": "☺", "\x4b": "😐", "\x4c": "☹", "\x6c": "●", "\x6d": "❍", "\x6e": "■", "\x6f": "□",
    "\x71": "❑", "\x72": "❒", "\x76": "❖", "\x9f": "•", "\xa1": "○", "\xa7": "▪", "\xa8": "☐", "\xab": "★",
    "\xd8": "➢", "\xdf": "←", "\xe0": "→", "\xe1": "↑", "\xe2": "↓", "\xe8": "➔", "\xf0": "⇨", "\xfb": "✗",
    "\xfc": "✓", "\xfd": "☒", "\xfe": "☑",
}  # fmt: skip
_WINGDINGS_2 = {
    "\x4f": "✗", "\x50": "✓", "\x51": "☒", "\x52": "☑", "\x53": "☒", "\x54": "☒", "\x97": "●", "\xa3": "☐",
}  # fmt: skip
_WEBDINGS = {"\x61": "✔", "\x63": "□", "\x67": "■", "\x6e": "●", "\x72": "✖"}
_FONTS = {"symbol": _SYMBOL, "wingdings": _WINGDINGS, "wingdings 2": _WINGDINGS_2, "webdings": _WEBDINGS}
_PRIVATE = range(0xF000, 0xF100)
_LARGEST = 0x10FFFF


def symbol(font: str, code: str) -> str:
    """The character of Unicode that looks like that of a font; nothing where there is none."""
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    if number in _PRIVATE:
        number -= _PRIVATE.start
    elif number > _PRIVATE.start // 2 or font.lower() not in _FONTS:
        return chr(number) if number <= _LARGEST else ""
    character = chr(number)
    table = _FONTS.get(font.lower())
    if table is not None:
        return table.get(character, character if table is _SYMBOL and character.isascii() else "")
    return character if character.isprintable() else ""


def in_symbols(font: str, text: str) -> str:
    """A text whose characters a font of symbols shows as others; in any other font the text itself."""
    if font.lower() not in _FONTS:
        return text
    return "".join(char if char.isspace() else symbol(font, f"{ord(char):x}") for char in text)
