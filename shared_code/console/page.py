"""The operator's page as one answer: its style and its script are put into it, and nothing else may run.

The three are kept apart as people read them, and put together when a process first needs them. The policy
names the digests of the style and of the script, so that what is not of this folder is never carried out,
wherever it came from. ADR 64 has the reasons.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
_STYLE, _SCRIPT = "/* style.css */", "/* script */"


@dataclass(frozen=True)
class Page:
    """A page and the headers that it is sent with.

    Attributes:
        content: HTML.
        etag: as the header has it, with its quotes.
    """

    content: str
    etag: str
    headers: Mapping[str, str]


@cache
def console_page() -> Page:
    """The page, which is the same for everybody until another release is deployed."""
    style = (FOLDER / "style.css").read_text("utf-8")
    script = script_of(FOLDER)
    content = (FOLDER / "page.html").read_text("utf-8").replace(_STYLE, style).replace(_SCRIPT, script)
    etag = f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'
    return Page(content, etag, _headers(etag, policy(style, script)))


def script_of(folder: Path) -> str:
    """One script of all files of it, in the order of their names; they share one scope."""
    parts = (path.read_text("utf-8") for path in sorted((folder / "script").glob("*.js")))
    return "\n".join(parts)


def policy(style: str, script: str) -> str:
    """The content security policy of a page with this style and this script."""
    rules = (
        "default-src 'none'",
        f"script-src '{_digest(script)}'",
        f"style-src '{_digest(style)}'",
        "connect-src 'self'",
        "img-src data:",  # an empty icon, so that no browser asks for one
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return "; ".join(rules)


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _headers(etag: str, csp: str) -> Mapping[str, str]:
    return {
        "Cache-Control": "no-cache",  # kept, and asked for again: a new release is seen at once
        "ETag": etag,
        "Content-Security-Policy": csp,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
