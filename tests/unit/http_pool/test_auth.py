import asyncio

import pytest

from shared_code.http_pool import StatusError, Token, TokenAuth, TokenUnavailable, basic, bearer, header
from tests.unit.http_pool.scripted_service import ScriptedService, answer, calling

REFUSED = answer(401)


class Tokens:
    """A provider of tokens that counts how often it is asked."""

    def __init__(self, *values: str, lifetime: float = 3_600) -> None:
        self.values = list(values)
        self.asked = 0
        self.time = 0.0
        self.lifetime = lifetime

    async def __call__(self) -> Token:
        self.asked += 1
        await asyncio.sleep(0)
        return Token(self.values[min(self.asked, len(self.values)) - 1], self.time + self.lifetime)

    def auth(self) -> TokenAuth:
        return TokenAuth(self, renew_before=60, wall=lambda: self.time)


def sent_tokens(service: ScriptedService) -> list[str | None]:
    return [request.headers.get("authorization") for request in service.received]


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        (header("api-key", "k1"), "api-key", "k1"),
        (bearer("t1"), "authorization", "Bearer t1"),
        (basic("ann", "p:w"), "authorization", "Basic YW5uOnA6dw=="),
    ],
)
async def test_fixed_sign_in_is_on_every_request_and_in_no_repr(auth, name, value):
    async with calling(auth=auth) as (service, caller):
        await caller.get("/")
    assert service.received[0].headers[name] == value
    assert value not in repr(caller.service)


async def test_token_is_asked_for_once_by_many_requests():
    tokens = Tokens("a")
    async with calling(auth=tokens.auth()) as (service, caller):
        await asyncio.gather(*(caller.get("/") for _ in range(20)))
    assert (tokens.asked, set(sent_tokens(service))) == (1, {"Bearer a"})


async def test_token_is_renewed_before_it_expires():
    tokens = Tokens("a", "b", lifetime=100)
    async with calling(auth=tokens.auth()) as (service, caller):
        for tokens.time in (0, 39, 40):
            await caller.get("/")
    assert sent_tokens(service) == ["Bearer a", "Bearer a", "Bearer b"]


@pytest.mark.parametrize("method", ["get", "post"])
async def test_refused_token_is_refreshed_once_and_the_request_sent_again(method):
    tokens = Tokens("old", "new")
    async with calling(REFUSED, answer(body=b"in"), auth=tokens.auth()) as (service, caller):
        assert (await getattr(caller, method)("/")).body == b"in"
    assert sent_tokens(service) == ["Bearer old", "Bearer new"]


async def test_second_refusal_is_the_answer():
    async with calling(REFUSED, auth=Tokens("a", "b", "c").auth()) as (service, caller):
        with pytest.raises(StatusError) as caught:
            await caller.get("/")
    assert (caught.value.status, caught.value.attempts, len(service.received)) == (401, 2, 2)


async def test_provider_with_no_other_token_is_no_reason_to_ask_again():
    async with calling(REFUSED, auth=Tokens("same").auth()) as (service, caller):
        with pytest.raises(StatusError):
            await caller.get("/")
    assert len(service.received) == 1


async def test_requests_refused_together_share_one_new_token():
    tokens = Tokens("old", "new")
    async with calling(*[REFUSED] * 5, answer(), auth=tokens.auth()) as (_, caller):
        await asyncio.gather(*(caller.get("/") for _ in range(5)))
    assert tokens.asked == 2


async def test_failing_provider_is_named_without_its_secrets():
    async def provider():
        raise RuntimeError("client secret s3cret was refused")

    async with calling(auth=TokenAuth(provider)) as (service, caller):
        with pytest.raises(TokenUnavailable, match="there is no token") as caught:
            await caller.get("/")
    assert "s3cret" not in str(caught.value)
    assert not service.received


async def test_token_that_comes_slowly_is_there_for_who_asks_after_the_first_has_given_up():
    issued, asked = asyncio.Event(), 0

    async def provider() -> Token:
        nonlocal asked
        asked += 1
        await issued.wait()
        return Token("slow", 4_102_444_800)

    auth = TokenAuth(provider)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(auth.headers("GET", "/"), 0.01)
    issued.set()

    assert await auth.headers("GET", "/") == {"Authorization": "Bearer slow"}
    assert asked == 1
