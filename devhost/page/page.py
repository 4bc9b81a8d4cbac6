"""The host's page as one file: its style and its script are put into it, and nothing else may run.

The policy is part of the file, so that it also holds for a page that somebody has saved: ADR 68.
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

_FRAMES = "frame-ancestors 'none'"  # which browsers take from a header alone


@dataclass(frozen=True, slots=True)
class Page:
    """The page and what it is sent with.

    Attributes:
        content: HTML.
        etag: as the header has it, with its quotes.
    """

    content: str
    etag: str
    headers: dict[str, str]


@cache
def host_page() -> Page:
    """The page, which is the same as long as the host runs."""
    folder = resources.files(__package__)
    style, script = folder.joinpath("style.css").read_text("utf-8"), script_of(folder)
    rules = policy(style, script)
    content = folder.joinpath("page.html").read_text("utf-8")
    for place, text in (("policy", rules), ("style", style), ("script", script)):
        content = content.replace(f"/* {place} */", text)
    etag = f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'
    return Page(content, etag, _headers(etag, f"{rules}; {_FRAMES}"))


def script_of(folder: Traversable) -> str:
    """One script of all its files, in the order of their names; they share one scope."""
    files = sorted(folder.joinpath("script").iterdir(), key=lambda file: file.name)
    return "\n".join(file.read_text("utf-8") for file in files)


def policy(style: str, script: str) -> str:
    """What a page with this style and this script may do: run those, and ask its own host."""
    return (
        "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'; "
        f"style-src {_source(style)}; script-src {_source(script)}"
    )


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _headers(etag: str, csp: str) -> dict[str, str]:
    return {
        "ETag": etag,
        "Cache-Control": "no-cache",  # another version of the host may answer at the same address tomorrow
        "Content-Security-Policy": csp,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
