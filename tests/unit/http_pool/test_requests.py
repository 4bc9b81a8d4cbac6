import asyncio
from dataclasses import FrozenInstanceError, dataclass
from typing import Any

import pytest

from shared_code.http_pool import (
    ConnectionFailed,
    DuplicateService,
    Limits,
    PoolClosed,
    Request,
    ResponseNotJson,
    ResponseTooLarge,
    RetryPolicy,
    Service,
    ServiceClient,
    ServicePool,
    StatusError,
    UnknownService,
    WrongLoop,
)
from tests.unit.http_pool.scripted_service import (
    answer,
    answer_json,
    calling,
    eventually,
    reset,
    serving,
    silence,
    until,
)


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head"])
async def test_each_method_is_sent_by_its_name(method):
    async with calling(answer(body=b"")) as (service, caller):
        assert (await getattr(caller, method)("/users")).status == 200
    assert [(request.method, request.target) for request in service.received] == [(method.upper(), "/users")]


async def test_path_is_appended_to_the_base_url_with_its_parameters():
    async with serving() as service, ServicePool() as pool:
        caller = pool.register(Service(name="api", base_url=f"{service.url}/v1/"))
        await caller.get("/users", params={"name": "a b", "page": 2})
    assert service.received[0].target == "/v1/users?name=a+b&page=2"


async def test_headers_of_the_service_and_of_the_request_are_both_sent():
    async with calling(headers={"X-From": "service", "X-Kept": "yes"}) as (service, caller):
        await caller.get("/", headers={"X-From": "request"})
    headers = service.received[0].headers
    assert (headers["x-from"], headers["x-kept"]) == ("request", "yes")


async def test_json_is_sent_and_received_decoded():
    async with calling(answer_json({"id": 7})) as (service, caller):
        assert await caller.get_json("/users/7") == {"id": 7}
        assert await caller.post_json("/users", json={"name": "Zoë"}) == {"id": 7}
    assert service.received[1].body == b'{"name":"Zo\\u00eb"}'
    assert service.received[1].headers["content-type"] == "application/json"


async def test_answer_without_content_is_no_json_value():
    async with calling(answer(204, b"")) as (_, caller):
        assert await caller.post_json("/users", json=[]) is None


async def test_body_that_is_no_json_is_named_with_its_status():
    async with calling(answer(body=b"<html>")) as (_, caller):
        with pytest.raises(ResponseNotJson, match="answered 200 without JSON"):
            await caller.get_json("/")


async def test_body_over_a_megabyte_is_sent_whole():
    body = b"x" * 3_000_000
    async with calling() as (service, caller):
        await caller.put("/file", data=body)
    assert service.received[0].body == body


async def test_status_from_400_on_is_an_error_with_its_body():
    async with calling(answer(404, b"no such user")) as (_, caller):
        with pytest.raises(StatusError) as caught:
            await caller.get("/users/9")
    assert (caught.value.status, caught.value.body, caught.value.attempts) == (404, b"no such user", 1)


async def test_redirect_is_returned_and_not_followed():
    async with calling(answer(302, location="http://127.0.0.1:9/")) as (_, caller):
        assert (await caller.get("/")).headers["Location"] == "http://127.0.0.1:9/"


async def test_cookies_of_one_answer_are_not_sent_with_the_next_request():
    async with calling(answer(set_cookie="session=1")) as (service, caller):
        await caller.get("/")
        await caller.get("/")
    assert "cookie" not in service.received[1].headers


async def test_connection_is_kept_for_the_next_request():
    async with calling() as (service, caller):
        for _ in range(5):
            await caller.get("/")
        assert len(service.open_connections) == 1


async def test_body_beyond_the_limit_is_refused_and_its_connection_closed():
    async with calling(answer(body=b"x" * 9_000_000), limits=Limits(max_response_bytes=99_999)) as (
        service,
        caller,
    ):
        with pytest.raises(ResponseTooLarge, match="more than 99999 bytes"):
            await caller.get("/")
        await eventually(lambda: not service.open_connections)


@pytest.mark.parametrize("path", ["users", "@other.example/", ".other.example/"])
async def test_path_that_could_name_another_host_is_refused(path):
    async with calling() as (service, caller):
        with pytest.raises(ValueError, match="a path begins with /"):
            await caller.get(path)
    assert not service.received


@pytest.mark.parametrize("url", ["ftp://a", "example.com", "http://", "http://user:word@a", "http://a/?x=1"])
def test_base_url_that_nothing_can_be_appended_to_is_refused(url):
    with pytest.raises(ValueError, match="base_url is scheme, host and path"):
        Service(name="a", base_url=url)


def test_service_cannot_be_changed_after_it_is_made():
    with pytest.raises(FrozenInstanceError):
        Service(name="a", base_url="http://a").name = "b"  # type: ignore[misc]


def test_services_are_found_by_name_and_registered_once():
    pool = ServicePool()
    caller = pool.register(Service(name="users", base_url="http://a"))
    assert pool.service("users") is caller
    with pytest.raises(UnknownService, match=r"'user' is not registered, only \['users'\]"):
        pool.service("user")
    with pytest.raises(DuplicateService, match="registered already"):
        pool.register(Service(name="users", base_url="http://b"))


async def test_name_of_a_service_that_is_retired_is_free_and_its_caller_goes_on_until_the_pool_ends():
    async with ServicePool() as pool:
        before = pool.register(
            Service(name="users", base_url="http://127.0.0.1:9", retries=RetryPolicy(attempts=1))
        )
        pool.retire("users")
        assert pool.register(Service(name="users", base_url="http://b")) is not before
        with pytest.raises(ConnectionFailed):
            await before.get("/")
    with pytest.raises(PoolClosed):
        await before.get("/")


@dataclass
class User:
    id: int
    name: str


class UserServiceClient(ServiceClient):
    service_name = "peer"

    async def user(self, user_id: int) -> User:
        return User(**await self.http.get_json(f"/users/{user_id}"))


async def test_typed_client_calls_its_service_through_the_pool():
    async with serving(answer_json({"id": 7, "name": "Ann"})) as service, ServicePool() as pool:
        pool.register(Service(name="peer", base_url=service.url))
        assert await UserServiceClient(pool).user(7) == User(7, "Ann")


async def test_batch_keeps_the_order_and_every_outcome():
    async with calling(answer(), answer(404), answer(200, b"[3]"), reset) as (_, caller):
        requests = [Request(path=f"/{number}", method="POST") for number in range(4)]
        outcomes = await caller.batch(requests, concurrency=1)
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "Response", "StatusError", "Response", "ConnectionLost",
    ]  # fmt: skip
    assert outcomes[2].json() == [3]


async def test_request_that_cannot_be_encoded_fails_alone_in_its_batch():
    async with calling() as (_, caller):
        outcomes = await caller.batch([Request(path="/", json=object()), Request(path="/")])
    assert isinstance(outcomes[0], TypeError)
    assert outcomes[1].status == 200


async def test_batch_sends_no_more_at_once_than_asked():
    release = asyncio.Event()
    async with calling(until(release, answer())) as (service, caller):
        requests = (Request(path="/") for _ in range(9))
        batch = asyncio.create_task(caller.batch(requests, concurrency=3))
        await eventually(lambda: len(service.received) == 3)
        assert caller.figures().in_flight == 3
        release.set()
        assert len(await batch) == 9


async def test_closed_pool_sends_nothing():
    async with calling() as (service, caller):
        await caller.close(0)
        with pytest.raises(PoolClosed, match="open a new one"):
            await caller.get("/")
    assert not service.received


async def test_close_waits_for_requests_under_way():
    release = asyncio.Event()
    async with calling(until(release, answer(body=b"late"))) as (service, caller):
        request = asyncio.create_task(caller.get("/"))
        await eventually(lambda: len(service.received) == 1)
        closing = asyncio.create_task(caller.close(10))
        await eventually(lambda: caller._closing)
        release.set()
        await closing
        assert (await request).body == b"late"


async def test_close_cuts_what_outlasts_the_drain():
    async with calling(silence) as (service, caller):
        request = asyncio.create_task(caller.get("/"))
        await eventually(lambda: len(service.received) == 1)
        await caller.close(0.01)
        with pytest.raises(PoolClosed):
            await request


async def test_cancelled_request_leaves_no_connection_and_no_slot_taken():
    async with calling(silence, answer(), limits=Limits(max_connections=1)) as (service, caller):
        request = asyncio.create_task(caller.get("/"))
        await eventually(lambda: len(service.received) == 1)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await eventually(lambda: not service.open_connections)
        assert (await caller.get("/")).status == 200
        assert caller.figures().in_flight == 0


def test_second_event_loop_gets_an_error_and_no_hang():
    pool = ServicePool()
    caller = pool.register(
        Service(name="peer", base_url="http://127.0.0.1:9", retries=RetryPolicy(attempts=1))
    )

    async def use(error: Any) -> None:
        with pytest.raises(error):
            await caller.get("/")

    with asyncio.Runner() as first:
        first.run(use(ConnectionFailed))
        with pytest.raises(WrongLoop, match="one pool for each loop"):
            asyncio.run(use(ConnectionFailed))
        first.run(pool.close())
