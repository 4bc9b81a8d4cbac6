"""The embeddings server as a client of the OpenAI or Azure OpenAI API meets it."""

import base64
import http.client
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from local.emulators.embeddings.app import API_KEY
from local.emulators.embeddings.service import Embeddings
from local.http_client import Answer, request

Ask = Callable[..., Answer]


@pytest.fixture
def ask(embeddings_server: Embeddings) -> Ask:
    """Posts an embeddings request in the OpenAI form; options are members of its body."""

    def post(given: Any, *, path: str = "/v1/embeddings", seconds: float = 30, **options: Any) -> Answer:
        url, body = embeddings_server.origin + path, {"model": "any", "input": given, **options}
        return request("POST", url, headers={"api-key": API_KEY}, body=body, seconds=seconds)

    return post


def vectors(answer: Answer) -> list[list[float]]:
    return [item["embedding"] for item in answer.json()["data"]]


def test_one_string_gives_one_vector_of_length_one(ask: Ask) -> None:
    answer = ask("A pilot boards west of the light.").json()

    (item,) = answer["data"]
    assert (answer["object"], item["object"], item["index"]) == ("list", "embedding", 0)
    assert len(item["embedding"]) == 1536
    assert np.linalg.norm(item["embedding"]) == pytest.approx(1)


def test_vectors_stand_in_the_order_of_the_inputs(ask: Ask) -> None:
    texts = ["crane", "mooring", "pilot"]

    together = ask(texts)

    assert [item["index"] for item in together.json()["data"]] == [0, 1, 2]
    assert vectors(together) == [vectors(ask(text))[0] for text in texts]


def test_base64_carries_the_same_numbers_as_floats(ask: Ask) -> None:
    (text,) = vectors(ask("crane", encoding_format="base64"))

    decoded = np.frombuffer(base64.b64decode(str(text)), dtype="<f4")
    assert decoded.tolist() == numbers(vectors(ask("crane"))[0]).tolist()


def test_fewer_dimensions_are_given_on_request(ask: Ask) -> None:
    (vector,) = vectors(ask("crane", dimensions=64))

    assert len(vector) == 64
    assert np.linalg.norm(vector) == pytest.approx(1)


def test_answer_names_the_servers_own_model_and_not_the_one_asked_for(ask: Ask) -> None:
    assert ask("crane", model="text-embedding-3-small").json()["model"] == "hashing-1536"


def test_usage_counts_the_tokens_of_all_inputs(ask: Ask) -> None:
    assert ask(["the crane lifts", "a pilot"]).json()["usage"] == {"prompt_tokens": 5, "total_tokens": 5}


def test_azure_form_answers_as_the_openai_form_does(ask: Ask) -> None:
    azure = ask("crane", path="/openai/deployments/mine/embeddings?api-version=2024-10-21")

    assert azure.status == http.client.OK
    assert azure.json() == ask("crane").json()


def test_azure_form_without_its_version_is_not_found(ask: Ask) -> None:
    assert ask("crane", path="/openai/deployments/mine/embeddings").status == http.client.NOT_FOUND


def test_bearer_token_is_as_good_as_the_key_header(embeddings_server: Embeddings) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}"}

    answer = request("POST", f"{embeddings_server.endpoint}/embeddings", headers=headers, body={"input": "a"})

    assert answer.status == http.client.OK


@pytest.mark.parametrize("headers", [{}, {"api-key": "x-wrong-x"}, {"Authorization": "Bearer x-wrong-x"}])
def test_request_without_the_right_key_is_refused(
    headers: dict[str, str], embeddings_server: Embeddings
) -> None:
    answer = request("POST", f"{embeddings_server.endpoint}/embeddings", headers=headers, body={"input": "a"})

    assert answer.status == http.client.UNAUTHORIZED
    assert answer.json()["error"]["code"] == "invalid_api_key"
    assert "x-wrong-x" not in answer.text


@pytest.mark.parametrize(
    ("options", "param", "words"),
    [
        ({"given": []}, "input", "not empty"),
        ({"given": None}, "input", "a string or a list of strings"),
        ({"given": ["a", ""]}, "input", r"input\[1\]"),
        ({"given": ["a", 5]}, "input", r"input\[1\]"),
        ({"given": [1, 2, 3]}, "input", "takes strings only"),
        ({"given": [[1, 2], [3]]}, "input", "takes strings only"),
        ({"given": ["a"] * 2049}, "input", "2049 items, maximum 2048"),
        ({"given": ["a", "b " * 8193]}, "input", r"input\[1\].*maximum context length is 8192 tokens"),
        ({"given": ["b " * 8000] * 38}, "input", "max 300000 tokens per request"),
        ({"given": "a", "dimensions": 1537}, "dimensions", "from 1 to 1536"),
        ({"given": "a", "dimensions": 0}, "dimensions", "from 1 to 1536"),
        ({"given": "a", "encoding_format": "hex"}, "encoding_format", "'float' or 'base64'"),
    ],
)
def test_request_outside_the_limits_of_the_real_api_is_refused(
    options: dict[str, Any], param: str, words: str, ask: Ask
) -> None:
    answer = ask(**options)

    assert answer.status == http.client.BAD_REQUEST
    error = answer.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert re.search(words, error["message"])


def test_request_at_the_limits_of_the_real_api_is_answered(ask: Ask) -> None:
    assert ask(["a"] * 2048, dimensions=1).status == http.client.OK
    assert ask(" b" * 8192).status == http.client.OK
    assert ask([*[" b" * 8000] * 37, " b" * 4000], dimensions=1).status == http.client.OK


def test_unknown_address_is_refused_in_the_form_of_the_api(ask: Ask) -> None:
    answer = ask("a", path="/v1/completions")

    assert answer.status == http.client.NOT_FOUND
    assert answer.json()["error"]["code"] == "unknown_url"


def test_ordered_refusals_meet_that_many_requests_and_name_the_wait(
    ask: Ask, embeddings_server: Embeddings
) -> None:
    embeddings_server.configure({"kind": "status", "status": 429, "retry_after": 0.5, "times": 2})

    first, second, third = (ask("a") for _ in range(3))

    assert [first.status, second.status, third.status] == [429, 429, 200]
    assert (first.headers["retry-after"], first.headers["retry-after-ms"]) == ("1", "500")
    assert first.json()["error"]["code"] == "rate_limit_exceeded"


def test_ordered_faults_come_one_after_another(ask: Ask, embeddings_server: Embeddings) -> None:
    embeddings_server.configure({"kind": "status", "status": 500}, {"kind": "status", "status": 503})

    assert [ask("a").status for _ in range(3)] == [500, 503, 200]


def test_hanging_request_is_never_answered_nor_counted_as_answered(
    ask: Ask, embeddings_server: Embeddings
) -> None:
    embeddings_server.configure({"kind": "hang"})

    with pytest.raises(TimeoutError):
        ask("a", seconds=0.2)

    assert ask("a").status == http.client.OK
    assert embeddings_server.counters()["answered"] == 1


def test_disconnected_request_gets_no_answer(ask: Ask, embeddings_server: Embeddings) -> None:
    embeddings_server.configure({"kind": "disconnect"})

    with pytest.raises((ConnectionError, http.client.BadStatusLine)):
        ask("a")


def test_missing_vector_is_the_last_one(ask: Ask, embeddings_server: Embeddings) -> None:
    embeddings_server.configure({"kind": "missing"})

    assert [item["index"] for item in ask(["a", "b", "c"]).json()["data"]] == [0, 1]


@pytest.mark.parametrize("encoding_format", ["float", "base64"])
def test_nan_is_in_the_first_vector(encoding_format: str, ask: Ask, embeddings_server: Embeddings) -> None:
    embeddings_server.configure({"kind": "nan"})

    first, second = vectors(ask(["a", "b"], encoding_format=encoding_format))

    assert np.isnan(numbers(first)).any()
    assert not np.isnan(numbers(second)).any()


def numbers(given: Any) -> Any:
    if isinstance(given, str):
        return np.frombuffer(base64.b64decode(given), dtype="<f4")
    return np.array(given, dtype="<f4")  # of a null it makes a NaN


def test_reversed_answer_holds_every_vector_under_its_index(ask: Ask, embeddings_server: Embeddings) -> None:
    ordered = ask(["a", "b"]).json()["data"]
    embeddings_server.configure({"kind": "reversed"})

    assert ask(["a", "b"]).json()["data"] == ordered[::-1]


def test_limit_of_requests_refuses_what_is_above_it(ask: Ask, embeddings_server: Embeddings) -> None:
    embeddings_server.configure(requests_per_minute=6)

    first, second = ask("a"), ask("a")

    assert (first.status, second.status) == (200, 429)
    assert 0 < int(second.headers["retry-after-ms"]) <= 10_000


def test_latency_is_added_to_every_request(ask: Ask, embeddings_server: Embeddings) -> None:
    embeddings_server.configure(latency=5)

    with pytest.raises(TimeoutError):
        ask("a", seconds=0.2)


def test_counters_tell_requests_from_answers(ask: Ask, embeddings_server: Embeddings) -> None:
    embeddings_server.configure({"kind": "status", "status": 500})
    ask("a")
    ask(["the crane", "lifts"])

    counted = embeddings_server.counters()

    assert counted == {"requests": 2, "answered": 1, "inputs": 2, "tokens": 4, "most_at_once": 1}


def test_reset_takes_back_every_order_and_count(ask: Ask, embeddings_server: Embeddings) -> None:
    embeddings_server.configure({"kind": "status", "times": 9}, latency=5, requests_per_minute=1)

    embeddings_server.reset()

    assert set(embeddings_server.counters().values()) == {0}
    assert [ask("a", seconds=4).status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(
    "order",
    [
        {"latncy": 1},
        {"requests_per_minute": 0},
        {"faults": [{"kind": "x"}]},
        {"faults": [{"kind": "nan", "colour": "red"}]},
        [],
    ],
)
def test_order_that_is_not_understood_is_refused(order: Any, embeddings_server: Embeddings) -> None:
    answer = request("PATCH", f"{embeddings_server.origin}/control", body=order)

    assert answer.status == http.client.BAD_REQUEST
    assert answer.json()["error"]["message"].startswith("The order cannot be understood")


def test_health_names_model_and_dimensions(embeddings_server: Embeddings) -> None:
    answer = request("GET", f"{embeddings_server.origin}/healthz")

    assert json.loads(answer.text) == {"model": "hashing-1536", "dimensions": 1536}
