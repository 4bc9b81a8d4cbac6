import json

import pytest

from tests.support.api_client import ApiClient

INVALID_DATES = [
    "1", "10:30", "May", "2021", "31/02/2021", "2021-13-01", "9999-12-31", "0001-01-01",
    "7" * 5000, "\u0662\u0660\u0662\u0661-\u0660\u0662-\u0660\u0663", "yesterday", "2021-02-03\x00",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_accepted_job_answers_where_to_read_its_status(api: ApiClient, method: str) -> None:
    answer = api.submit("2021-02-03", "2021-02-05", method=method)
    body = answer.json()

    assert answer.status == 202
    assert body == {
        "id": body["id"],
        "statusUri": f"{api.origin}/api/status/{body['id']}",
        "status": "Pending",
    }
    assert answer.headers["location"] == body["statusUri"]
    assert answer.headers["operation-location"] == body["statusUri"]
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        ("", "2021-02-05", "Empty start date."),
        ("", "", "Empty start date."),
        ("nonsense", "", "Invalid start date format."),
        ("2021-02-03", "", "Empty end date."),
        ("2021-02-03", "nonsense", "Invalid end date format."),
        ("2021-02-05", "2021-02-03", "Invalid date range."),
        ("2021-02-03", "2021-02-03", "Invalid date range."),
        ("2000-01-01", "2021-01-01", "Invalid date range."),
    ],
)
def test_unusable_dates_are_refused_with_the_known_sentence(
    api: ApiClient, start: str, end: str, sentence: str
) -> None:
    answer = api.submit(start, end)
    problem = answer.json()

    assert answer.status == 400
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert problem["error"] == problem["detail"] == sentence
    assert problem["status"] == 400
    assert problem["code"]


@pytest.mark.parametrize("date", INVALID_DATES, ids=lambda date: ascii(date)[:12])
def test_text_that_is_no_whole_date_is_refused_at_either_end(api: ApiClient, date: str) -> None:
    assert api.submit(date, "2021-02-05").json()["error"] == "Invalid start date format."
    assert api.submit("2021-02-03", date).json()["error"] == "Invalid end date format."


def test_request_without_a_query_has_an_empty_start_date(api: ApiClient) -> None:
    answer = api.send("GET", "/api/submit/query")

    assert (answer.status, answer.json()["error"]) == (400, "Empty start date.")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2021-02-03", "2021-02-04"),
        ("3/2/2021", "4/2/2021"),
        ("3 Feb 2021", "4 February 2021"),
        ("2021-02-03T23:00:00-05:00", "2021-02-04"),
        ("2021-02-03T10:00:00 02:00", "2021-02-04T00:00:00Z"),
    ],
)
def test_every_form_of_the_same_dates_is_the_same_request(api: ApiClient, start: str, end: str) -> None:
    key = {"Idempotency-Key": "every form of the third and the fourth of February"}

    answer = api.submit(start, end, headers=key)

    assert answer.status == 202
    assert answer.json()["id"] == api.submit("2021-02-03", "2021-02-04", headers=key).json()["id"]


def test_same_key_and_request_give_the_same_job_while_it_runs_and_after(api: ApiClient) -> None:
    key = {"Idempotency-Key": "one job"}
    first = api.submit("2021-02-03", "2021-02-05", headers=key).json()["id"]
    again = api.submit("2021-02-03", "2021-02-05", headers=key).json()["id"]
    created = api.finished(first)["createdAt"]

    after = api.submit("2021-02-03", "2021-02-05", headers=key)

    assert first == again == after.json()["id"]
    assert after.status == 202
    assert api.status(first).json()["createdAt"] == created


def test_same_key_with_another_request_is_refused(api: ApiClient) -> None:
    key = {"Idempotency-Key": "one key for two"}
    api.submit("2021-02-03", "2021-02-05", headers=key)

    answer = api.submit("2021-02-03", "2021-02-06", headers=key)

    assert answer.status == 422
    assert answer.json()["code"] == "IdempotencyKeyReused"


def test_requests_without_a_key_are_jobs_of_their_own(api: ApiClient) -> None:
    ids = {api.submit("2021-02-03", "2021-02-05").json()["id"] for _ in range(3)}

    assert len(ids) == 3


def test_submit_answer_holds_no_management_links_or_keys(api: ApiClient) -> None:
    answer = api.submit("2021-02-03", "2021-02-05")

    shown = json.dumps(dict(answer.headers)) + answer.text
    assert "webhooks" not in shown
    assert "code=" not in shown
