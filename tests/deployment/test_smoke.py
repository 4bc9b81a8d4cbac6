"""What the smoke test makes of an app that refuses, starts slowly or fails; a real one: test_packaged_app."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from deployment.errors import SmokeFailed
from deployment.smoke import check
from tests.support.web_servers import serving

ACCEPTED = (202, {"id": "7", "statusUri": "https://elsewhere.example/api/status/7", "status": "Pending"})
RUNNING, COMPLETED = (200, {"id": "7", "status": "Running"}), (200, {"id": "7", "status": "Completed"})


@dataclass
class App:
    """An app that gives these answers, one after the other, and remembers what it was asked."""

    answers: list[tuple[int, dict[str, Any]]]
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def run(self, *, key: str = "") -> dict[str, Any]:
        with self._serving() as origin:
            return check(origin, key, seconds=0.2, interval=0.01)

    @contextmanager
    def _serving(self) -> Iterator[str]:
        app = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                app.asked.append((self.path, self.headers["x-functions-key"]))
                status, body = app.answers.pop(0) if len(app.answers) > 1 else app.answers[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_arguments: object) -> None:
                """Says nothing."""

        with serving(Handler) as port:
            yield f"http://127.0.0.1:{port}"


def test_completed_job_passes_with_its_last_status() -> None:
    assert App([ACCEPTED, RUNNING, COMPLETED]).run() == COMPLETED[1]


def test_app_that_starts_slowly_is_waited_for() -> None:
    assert App([(503, {}), (404, {}), ACCEPTED, COMPLETED]).run() == COMPLETED[1]


def test_key_goes_to_the_app_and_to_no_other_origin() -> None:
    app = App([ACCEPTED, COMPLETED])
    app.run(key="secret")

    assert [key for _, key in app.asked] == ["secret", "secret"]
    assert app.asked[1][0] == "/api/status/7"


def test_refused_key_ends_the_smoke_test_at_once() -> None:
    app = App([(401, {})])

    with pytest.raises(SmokeFailed, match=r"accepts no job: 401 .*is FUNCTION_KEY a function key\?"):
        app.run(key="wrong")
    assert len(app.asked) == 1


def test_app_that_never_starts_fails_with_its_last_answer() -> None:
    with pytest.raises(SmokeFailed, match="accepts no job: 503"):
        App([(503, {})]).run()


def test_failed_job_fails_the_smoke_test_with_its_error() -> None:
    failed = {"id": "7", "status": "Failed", "error": {"code": "missing_setting"}}

    with pytest.raises(SmokeFailed, match=r"ended as Failed: .*missing_setting"):
        App([ACCEPTED, (200, failed)]).run()


def test_unreadable_status_fails_the_smoke_test_with_one_sentence() -> None:
    with pytest.raises(SmokeFailed, match="accepted and cannot be read"):
        App([ACCEPTED, (200, {})]).run()


def test_origin_where_nobody_listens_fails_with_one_sentence() -> None:
    with pytest.raises(SmokeFailed, match="accepts no job: ConnectionRefusedError"):
        check("http://127.0.0.1:9", "", seconds=0, interval=0.01)
