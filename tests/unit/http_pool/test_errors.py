import asyncio
import inspect
import ssl
from typing import Any

import pytest

from shared_code.http_pool import (
    ConnectionLost,
    Facts,
    Hooks,
    RetryPolicy,
    Service,
    ServicePool,
    StatusError,
    TlsFailed,
    errors,
)
from tests.support.certificates import self_signed
from tests.unit.http_pool.scripted_service import JumpingClock, answer, calling, garble, reset, serving

SECRETS = {
    "sig": "c2lnbmF0dXJl",
    "code": "f-key",
    "api_key": "k3y",
    "access_token": "t0ken",
    "PASSWORD": "pw",
}


def named_errors() -> list[type[errors.PoolError]]:
    return [
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.PoolError)
    ]


async def test_error_carries_the_facts_and_says_what_to_do():
    async with calling(answer(503, retry_after="2"), retries=RetryPolicy(attempts=2)) as (service, caller):
        with pytest.raises(StatusError) as caught:
            await caller.get("/users?page=2")
    error = caught.value
    assert (error.service, error.method, error.url) == ("peer", "GET", f"{service.url}/users?page=2")
    assert (error.attempts, error.status, error.retry_after) == (2, 503, 2)
    assert error.elapsed == pytest.approx(2.2)
    assert str(error) == (
        f"peer: GET {service.url}/users?page=2 was refused with status 503 (2 attempts, 2.20 s):"
        " see the answer in `body`."
    )


@pytest.mark.parametrize("in_path", [True, False])
async def test_secrets_of_the_query_are_masked_in_errors_logs_and_hooks(in_path, caplog):
    facts: list[Facts] = []
    hooks = Hooks(on_attempt=facts.append, on_retry=facts.append, on_result=facts.append)
    path = "/?" + "&".join(f"{name}={value}" for name, value in SECRETS.items()) if in_path else "/"
    async with calling(answer(503), hooks=hooks, retries=RetryPolicy(attempts=2)) as (_, caller):
        with pytest.raises(StatusError) as caught:
            await caller.get(path, params=None if in_path else SECRETS, headers={"X-Key": "k3y"})
    seen = f"{caught.value}{caught.value.url}{caplog.text}{facts}"
    assert "sig=***" in seen
    assert not [value for value in SECRETS.values() if value in seen]


async def test_bodies_are_in_no_message_and_no_log(caplog):
    async with calling(answer(400, b"the-answer")) as (_, caller):
        with pytest.raises(StatusError) as caught:
            await caller.post("/", data=b"the-question")
    assert "the-" not in f"{caught.value}{caplog.text}"


async def test_retries_and_failures_are_logged_with_attempt_status_and_wait(caplog):
    async with calling(answer(503), answer(), clock=JumpingClock(chance=0.5)) as (_, caller):
        await caller.get("/")
    assert caplog.messages == ["peer: attempt 1 failed (StatusError, status 503): next in 0.10 s"]


async def test_hooks_get_the_facts_of_attempts_retries_and_results():
    told: list[tuple[str, int, int | None, str | None, float | None]] = []

    def hook(name: str) -> Any:
        return lambda facts: told.append((name, facts.attempt, facts.status, facts.error, facts.wait))

    hooks = Hooks(on_attempt=hook("attempt"), on_retry=hook("retry"), on_result=hook("result"))
    async with calling(reset, answer(201), hooks=hooks) as (_, caller):
        await caller.get("/")
    assert told == [
        ("attempt", 1, None, "ConnectionLost", None),
        ("retry", 1, None, "ConnectionLost", 0.2),
        ("attempt", 2, 201, None, None),
        ("result", 2, 201, None, None),
    ]


async def test_facts_come_with_a_snapshot_of_the_figures():
    told: list[Facts] = []
    async with calling(reset, answer(), answer(404), hooks=Hooks(on_result=told.append)) as (_, caller):
        await caller.get("/")
        with pytest.raises(StatusError):
            await caller.get("/")
        assert caller.figures() == told[-1].figures
    figures = told[-1].figures
    assert (figures.requests, figures.attempts, figures.retries, figures.failures) == (2, 3, 1, 1)
    assert (figures.in_flight, figures.circuit, figures.budget, figures.paused_for) == (0, "closed", 99.1, 0)


async def test_retries_and_failures_that_a_hook_takes_are_not_logged_beside(caplog):
    taken: list[Facts] = []
    hooks = Hooks(on_retry=taken.append, on_result=taken.append)
    async with calling(answer(503), hooks=hooks, retries=RetryPolicy(attempts=2)) as (_, caller):
        with pytest.raises(StatusError):
            await caller.get("/")
    assert (len(taken), caplog.messages) == (2, [])


async def test_failing_hook_is_logged_and_fails_no_request(caplog):
    def hook(_):
        raise RuntimeError("observer broke")

    async with calling(hooks=Hooks(on_result=hook)) as (_, caller):
        assert (await caller.get("/")).status == 200
    assert "a hook failed" in caplog.text


async def test_service_without_tls_is_named_and_not_retried():
    clock = JumpingClock()
    server = await asyncio.start_server(garble, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, ServicePool(clock=clock) as pool:
        with pytest.raises(TlsFailed, match="check its certificate"):
            await pool.register(Service(name="plain", base_url=url)).get("/")
    assert clock.slept == []


async def test_untrusted_certificate_is_refused_unless_its_authority_is_given(tmp_path):
    certificate, context = self_signed(tmp_path)
    async with serving(ssl=context) as service, ServicePool(clock=JumpingClock()) as pool:
        url = service.url.replace("http://127.0.0.1", "https://localhost")
        trusting = ssl.create_default_context(cafile=str(certificate))
        trusted = pool.register(Service(name="trusted", base_url=url, tls=trusting))
        untrusted = pool.register(Service(name="untrusted", base_url=url))
        assert (await trusted.get("/")).status == 200
        with pytest.raises(TlsFailed):
            await untrusted.get("/")


@pytest.mark.parametrize("kind", named_errors(), ids=lambda kind: kind.__name__)
def test_tree_in_the_docstring_names_every_error(kind):
    assert kind.__name__ in (errors.__doc__ or "")


async def test_cause_of_a_connection_error_is_chained():
    async with calling(reset, retries=RetryPolicy(attempts=1)) as (_, caller):
        with pytest.raises(ConnectionLost) as caught:
            await caller.get("/")
    assert caught.value.__cause__ is not None
