"""`make ask`: what it prints, and what it says where there is no answer."""

import json
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from local.ask import run_ask
from local.errors import QuestionRefused
from local.ports import free_port
from local.settings import Port, StackSettings
from tests.support.web_servers import serving

FOUND = {
    "index": "demo|v1",
    "mode": "text",
    "tokens": 0,
    "notice": {"code": "CircuitOpen", "message": "Searched by words alone."},
    "results": [
        {
            "source": "samples/mooring.md",
            "position": {"line": 4},
            "context": "Harbour > Mooring",
            "text": "Two lines. " * 99,
        },
        {"trackingId": "abc", "position": {}, "context": "", "text": "A ship has left."},
    ],
}


class Host(BaseHTTPRequestHandler):
    """Answers a search as it is told to, and notes what was asked."""

    answer: ClassVar[tuple[int, Any]] = (200, FOUND)
    asked: ClassVar[list[Any]] = []

    def do_GET(self) -> None:
        self.asked.append(parse_qs(urlsplit(self.path).query))
        status, body = self.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def ask(port: int, **variables: str) -> None:
    settings = StackSettings.read({"PORT": str(port)})
    assert settings.host == Port("PORT", port, chosen=True)
    run_ask(settings, {"Q": 'What does "spring" mean?', **variables})


def test_answer_names_source_place_and_context_and_shows_the_text_in_short(capsys):
    with serving(Host) as port:
        ask(port, VERSION="v2")
    printed = capsys.readouterr().out.splitlines()

    assert Host.asked[-1] == {
        "q": ['What does "spring" mean?'],
        "env": ["demo"],
        "version": ["v2"],
        "top": ["5"],
    }
    assert printed[:2] == ["demo|v1, by text, 0 tokens", "CircuitOpen: Searched by words alone."]
    assert printed[3] == "1. samples/mooring.md · line 4 · Harbour > Mooring"
    assert printed[-2:] == ["2. event abc", "   A ship has left."]
    assert len(printed) == 11


def test_refused_question_is_told_with_its_reason(monkeypatch):
    monkeypatch.setattr(Host, "answer", (404, {"error": "No version of the index of demo is live."}))
    with serving(Host) as port, pytest.raises(QuestionRefused, match="404: No version of the index"):
        ask(port)


def test_host_that_does_not_run_and_an_empty_question_are_told_in_one_sentence():
    with pytest.raises(QuestionRefused, match="run make start first"):
        ask(free_port())
    with pytest.raises(QuestionRefused, match="Nothing was asked"):
        ask(free_port(), Q=" ")
