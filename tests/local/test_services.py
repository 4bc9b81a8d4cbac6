import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from local.errors import ServiceDied, ServiceSilent
from local.ports import free_port, is_free, server_name
from local.services import RunningService, Service, running, watch

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(600)"

POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("goodbye")))
print("up")
time.sleep(600)
"""


def python(program: str, log: Path, **options: object) -> Service:
    command = [sys.executable, "-u", "-c", program]
    ready = options.get("ready", lambda: "up" in log.read_text())
    return Service("The example", command, ready=ready, environment=os.environ, log=log)  # type: ignore[arg-type]


def web_server(port: int, log: Path) -> Service:
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    return Service(
        "The web server",
        command,
        ready=lambda: server_name(port) is not None,
        environment=os.environ,
        log=log,
    )


def is_alive(service: RunningService) -> bool:
    return service.process.poll() is None


def test_service_serves_inside_the_block_and_is_gone_after_it(tmp_path: Path) -> None:
    port = free_port()

    with running(web_server(port, tmp_path / "log")) as service:
        assert not is_free(port)

    assert is_free(port)
    assert not is_alive(service)


def test_service_is_stopped_when_the_block_fails(tmp_path: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        running(python("print('up'); import time; time.sleep(600)", tmp_path / "log")) as service,
    ):
        raise ZeroDivisionError

    assert not is_alive(service)


def test_service_is_asked_to_stop_before_it_is_killed(tmp_path: Path) -> None:
    with running(python(POLITE, tmp_path / "log")) as service:
        pass

    assert service.process.poll() == 0
    assert "goodbye" in (tmp_path / "log").read_text()


def test_service_that_ignores_the_request_to_stop_is_killed(
    tmp_path: Path,
) -> None:
    with running(python(STUBBORN, tmp_path / "log"), grace=0.2) as service:
        pass

    assert service.process.poll() == -signal.SIGKILL


def test_service_that_dies_at_start_is_reported_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"

    with (
        pytest.raises(ServiceDied, match=f'exit code 3; it said last: "no luck" .*{log}'),
        running(python("print('no luck'); raise SystemExit(3)", log)),
    ):
        pass


def test_service_that_never_answers_is_reported_and_stopped(tmp_path: Path) -> None:
    service = python("import time; time.sleep(600)", tmp_path / "log", ready=lambda: False)

    with pytest.raises(ServiceSilent, match="does not answer after 0 seconds"), running(service, seconds=0.2):
        pass


def test_death_of_a_watched_service_ends_the_watch(tmp_path: Path) -> None:
    with running(python("print('up'); import time; time.sleep(600)", tmp_path / "log")) as service:
        threading.Thread(target=service.kill).start()

        with pytest.raises(ServiceDied, match="The example ended"):
            watch([service])
