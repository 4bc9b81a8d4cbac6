"""Parsers of settings: each checks the text of one, and makes its value or raises an error that names it."""

import re
from base64 import b64decode
from typing import Any
from urllib.parse import urlsplit

from shared_code.jobs import LABEL, LABEL_FORM
from shared_code.settings.setting import Setting

_TABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}")
_ACCOUNT_NAME = re.compile(r"[a-z0-9]{3,24}")
# The chunker's least, and what the embedding models take.
_CHUNK_TOKENS = range(32, 8_192)
_AMOUNT = r"[0-9]{1,6}(\.[0-9]{1,6})?"
_BUDGET = re.compile(rf"(?P<env>{LABEL.pattern})\s*=\s*(?P<amount>{_AMOUNT})")


def as_it_is(_setting: Setting[Any], text: str) -> str:
    """The text itself."""
    return text


def positive(setting: Setting[Any], text: str) -> int:
    """A whole number from 1 on."""
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        raise setting.invalid(
            f"use a whole number from 1 to 999999, such as {setting.example or setting.default}"
        )
    return int(text)


def whole(setting: Setting[Any], text: str) -> int:
    """A whole number from 0 on."""
    return 0 if text == "0" else positive(setting, text)


def positive_or_none(setting: Setting[Any], text: str) -> int | None:
    """A whole number from 1 on, or None for an empty text."""
    return positive(setting, text) if text else None


def size_of_chunk(setting: Setting[Any], text: str) -> int:
    """A size of chunks that both chunker and models take."""
    tokens = positive(setting, text)
    if tokens not in _CHUNK_TOKENS:
        raise setting.invalid("use a whole number from 32 to 8191")
    return tokens


def amount(setting: Setting[Any], text: str) -> float:
    """A number from 0 on."""
    if not re.fullmatch(_AMOUNT, text):
        raise setting.invalid(f"use a number such as {setting.default}")
    return float(text)


def amount_or_none(setting: Setting[Any], text: str) -> float | None:
    """An amount of money, or none where there is no text."""
    return amount(setting, text) if text else None


def share(setting: Setting[Any], text: str) -> float:
    """A number from 0 to 1."""
    value = amount(setting, text)
    if value > 1:
        raise setting.invalid("use a share from 0 to 1")
    return value


def amounts_by_label(setting: Setting[Any], text: str) -> dict[str, float]:
    """Pairs such as `prod=50`, separated by commas."""
    pairs = [_BUDGET.fullmatch(part.strip()) for part in text.split(",")] if text else []
    amounts = {pair["env"]: float(pair["amount"]) for pair in pairs if pair}
    if len(amounts) < len(pairs):
        raise setting.invalid("use one amount for each label, such as prod=50,dev=2.5")
    return amounts


def true_or_false(setting: Setting[Any], text: str) -> bool:
    """Either word, in any case."""
    if text.lower() not in {"true", "false"}:
        raise setting.invalid("use true or false")
    return text.lower() == "true"


def label(setting: Setting[Any], text: str) -> str:
    """The label of an environment or of an index version."""
    if not LABEL.fullmatch(text):
        raise setting.invalid(f"use {LABEL_FORM}")
    return text


def table_name(setting: Setting[Any], text: str) -> str:
    """A name that the table service takes."""
    if not _TABLE_NAME.fullmatch(text):
        raise setting.invalid("use 3 to 63 letters and digits, a letter first")
    return text


def account_name(setting: Setting[Any], text: str) -> str:
    """The name of a storage account, or an empty text."""
    if text and not _ACCOUNT_NAME.fullmatch(text):
        raise setting.invalid("use 3 to 24 lower-case letters and digits")
    return text


def key_or_empty(setting: Setting[Any], text: str) -> str:
    """A key of a Cosmos DB account, which is base64, or an empty text."""
    try:
        b64decode(text, validate=True)
    except ValueError:
        raise setting.invalid("use the account's primary or secondary key") from None
    return text


def url(setting: Setting[Any], text: str) -> str:
    """A URL, which has to be there."""
    if not text:
        raise setting.missing(f"set it to a URL such as {setting.example}")
    if not re.fullmatch(r"https?://[^\s@/?#]+(/[^\s@#]*)?", text):
        raise setting.invalid(f"use a URL such as {setting.example}")
    return text


def url_or_empty(setting: Setting[Any], text: str) -> str:
    """A URL, or an empty text."""
    return text and url(setting, text)


def https_or_empty(setting: Setting[Any], text: str) -> str:
    """A URL of which only its owner can answer, or an empty text."""
    if url_or_empty(setting, text) and not text.startswith("https://"):
        raise setting.invalid("use a URL that begins with https, as identities need it")
    return text


def origin_or_empty(setting: Setting[Any], text: str) -> str:
    """Scheme and authority without a trailing slash, or an empty text."""
    origin = text.rstrip("/")
    parts = urlsplit(origin)
    is_origin = parts.scheme in {"http", "https"} and parts.netloc
    if origin and not (is_origin and origin == f"{parts.scheme}://{parts.netloc}"):
        raise setting.invalid("use scheme and host only, such as https://jobs.example.com")
    return origin
