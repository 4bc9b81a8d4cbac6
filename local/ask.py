"""`make ask Q="..."`: a question to the index of the host that `make start` runs, and what it found."""

import http.client
import os
import textwrap
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from local.errors import QuestionRefused
from local.host import origin
from local.http_client import request
from local.settings import StackSettings

_RESULTS = "5"
_LINES, _WIDTH = 4, 100


def run_ask(settings: StackSettings, environment: Mapping[str, str] = os.environ) -> None:
    """Asks, and prints the answer. Raises QuestionRefused."""
    asked = {
        "q": environment.get("Q", ""),
        "env": environment.get("ENV") or "demo",
        "version": environment.get("VERSION") or "",
        "top": _RESULTS,
    }
    if not asked["q"].strip():
        raise QuestionRefused('Nothing was asked: use make ask Q="How long does a ship wait?"')
    print("\n".join(told(answer_of(origin(settings.host), asked))))


def told(body: Mapping[str, Any]) -> list[str]:
    """The lines of an answer."""
    lines = [f"{body['index']}, by {body['mode']}, {body['tokens']} tokens"]
    if "notice" in body:
        lines.append(f"{body['notice']['code']}: {body['notice']['message']}")
    if not body["results"]:
        lines.append("Nothing was found.")
    for number, result in enumerate(body["results"], start=1):
        lines += ["", f"{number}. {_heading(result)}", *_shown(result["text"])]
    return lines


def answer_of(host: str, asked: Mapping[str, str]) -> dict[str, Any]:
    """What a search answers whose parameters have values. Raises QuestionRefused."""
    query = urlencode({name: value for name, value in asked.items() if value})
    try:
        answer = request("GET", f"{host}/api/search?{query}")
    except OSError:
        raise QuestionRefused(f"Nobody answers at {host}: run make start first.") from None
    if answer.status != http.client.OK:
        raise QuestionRefused(f"The host answered {answer.status}: {_reason(answer.text, answer.json)}")
    found: dict[str, Any] = answer.json()
    return found


def _reason(text: str, json: Any) -> str:
    try:
        return str(json()["error"])
    except (ValueError, KeyError, TypeError):
        return text[:200]


def _heading(result: Mapping[str, Any]) -> str:
    name = result.get("source") or f"event {result['trackingId']}"
    place = ", ".join(f"{what} {where}" for what, where in result["position"].items())
    return " · ".join(filter(None, (name, place, result["context"])))


def _shown(text: str) -> list[str]:
    lines = textwrap.wrap(text, _WIDTH, max_lines=_LINES, placeholder=" …")
    return [f"   {line}" for line in lines]
