import json
from dataclasses import replace
from typing import Any

import pytest

from shared_code.errors import InvalidField
from shared_code.jobs import (
    LEDGER_LIMIT,
    AuditQueryJob,
    Budget,
    EmbeddingPlan,
    EmbedFilesJob,
    JobFailed,
    parse_job,
)
from shared_code.jobs.steps import DeleteStale, DiscardStaged, EmbedPage, ListFiles
from shared_code.workflows.watch import embed_path
from tests.unit.workflow_driver import Driver, UsageHost

LIST_FILES, EMBED_FILE = ListFiles.activity, EmbedPage.activity
DELETE_STALE, DISCARD = DeleteStale.activity, DiscardStaged.activity
PLAN = EmbeddingPlan(
    model="text-embedding-3-small",
    dimensions=256,
    chunk_tokens=512,
    overlap_tokens=64,
    price_per_million=0.02,
    shrink_limit=0.5,
)
REQUEST = {"env": "prod", "version": "v1", "filesPath": "docs/uploads"}
PART = {
    "ok": True,
    "files": 120,
    "unchanged": 20,
    "size": 4_000_000,
    "tokens": 1_000_000,
    "pages": 2,
    "known": 40,
    "vanished": 0,
    "stale_pages": 0,
    "marker": None,
}
UNSUPPORTED = {"code": "UnsupportedKind", "message": "It is not read."}
DENIED = {"code": "AccessDenied", "message": "Cosmos DB refused access."}


def job_of(**fields: Any) -> EmbedFilesJob:
    return EmbedFilesJob.parse({**REQUEST, **fields}, PLAN, {})


class Activities:
    """Answers the activities of a job; a test changes what it is about."""

    def __init__(self, *parts: dict[str, Any]) -> None:
        self.parts = list(parts or [PART])
        self.page = {
            "ok": True,
            "counts": {"completed": 50, "failed": 0, "chunks": 200, "tokens": 90_000, "requests": 2},
        }

    def __call__(self, name: str, payload: dict[str, Any]) -> Any:
        if name == LIST_FILES:
            return self.parts.pop(0)
        if name == EMBED_FILE:
            return self.page
        return {"ok": True, "counts": {"deleted": 7}}


def run(activities: Activities, **fields: Any) -> tuple[Driver, Any]:
    driver = Driver(activities)
    return driver, driver.run(embed_path(driver, job_of(**fields)))


def calls_of(driver: Driver, name: str) -> list[dict[str, Any]]:
    lanes = [call for lane in driver.lanes.values() for call in lane.calls]
    return [call.payload for call in (*driver.calls, *lanes) if call.name == name]


def test_every_staged_page_is_embedded_once():
    driver, _ = run(Activities())
    assert sorted(payload["page"] for payload in calls_of(driver, EMBED_FILE)) == [0, 1]
    assert all(payload["jobId"] == "job" for payload in calls_of(driver, EMBED_FILE))


def test_result_accounts_for_every_file():
    _, result = run(Activities())
    assert result == {
        "files": 120,
        "embedded": 100,
        "unchanged": 20,
        "failed": 0,
        "deleted": 0,
        "chunks": 400,
        "tokens": 180_000,
        "requests": 4,
        "cost": 0.0036,
        "ledger": [],
    }


def test_dry_run_ends_after_the_estimate():
    driver, result = run(Activities(), dryRun=True)
    assert calls_of(driver, EMBED_FILE) == []
    assert (result["files"], result["embedded"], result["tokens"]) == (120, 0, 0)
    assert driver.statuses[-1]["phase"] == "estimated"
    assert driver.statuses[-1]["estimate"] == {
        "files": 100,
        "bytes": 4_000_000,
        "tokens": 1_000_000,
        "cost": 0.02,
    }


def test_estimate_shows_what_is_left_of_the_budget_of_a_dry_run_too():
    body = {**REQUEST, "dryRun": True}
    job = EmbedFilesJob.parse(body, PLAN, {"prod": Budget(amount=5, recheck_seconds=60)})
    driver = Driver(Activities(), usage=UsageHost(environment={"MONTHLY_BUDGETS": "prod=5"}))
    driver.run(embed_path(driver, job))
    assert driver.statuses[-1]["estimate"]["budgetLeft"] == 5


def test_only_pages_of_files_are_metered():
    driver, result = run(Activities({**PART, "vanished": 10, "stale_pages": 1}))
    (usage,) = driver.usage.months.values()
    assert (usage.tokens, usage.requests) == (result["tokens"], result["requests"])
    assert driver.usage.asked == 1  # one lane embeds; the one that deletes has no meter


def test_job_that_was_submitted_before_there_were_budgets_has_none():
    old = {name: value for name, value in job_of().to_json().items() if name != "budget"}
    assert parse_job(old) == job_of()


def test_long_listing_goes_on_at_its_marker_with_the_next_page_number():
    driver, result = run(Activities({**PART, "marker": "m1"}, {**PART, "stale_pages": 0}))
    assert [(p["marker"], p["firstPage"]) for p in calls_of(driver, LIST_FILES)] == [(None, 0), ("m1", 2)]
    assert result["files"] == 240
    assert len(calls_of(driver, EMBED_FILE)) == 4


def test_vanished_sources_are_deleted_after_all_files_are_embedded():
    driver, result = run(Activities({**PART, "vanished": 10, "stale_pages": 1}))
    assert [p["page"] for p in calls_of(driver, DELETE_STALE)] == [0]
    assert result["deleted"] == 7
    phases = [status["phase"] for status in driver.statuses]
    assert phases == ["listing", "embedding", "deleting", "done"]


def test_nothing_is_deleted_when_the_listing_has_shrunk_suspiciously():
    driver, result = run(Activities({**PART, "vanished": 21, "stale_pages": 1}))
    assert calls_of(driver, DELETE_STALE) == []
    assert result["deleted"] == 0
    assert result["ledger"] == [
        {
            "source": "docs/uploads",
            "code": "ListingShrank",
            "message": "21 of 40 sources below docs/uploads are gone, more than a share of 0.5: "
            "nothing was deleted. If they are meant to be gone, submit the job again with "
            '"allowShrink": true, or raise SHRINK_LIMIT.',
        }
    ]


def test_listing_that_is_allowed_to_shrink_deletes_whatever_is_gone():
    driver, result = run(Activities({**PART, "vanished": 40, "stale_pages": 1}), allowShrink=True)
    assert [p["page"] for p in calls_of(driver, DELETE_STALE)] == [0]
    assert (result["deleted"], result["ledger"]) == (7, [])


def test_path_that_names_one_file_may_lose_it():
    part = {**PART, "files": 0, "unchanged": 0, "pages": 0, "known": 1, "vanished": 1, "vanished_itself": 1}
    _, result = run(Activities({**part, "stale_pages": 1}))
    assert (result["deleted"], result["ledger"]) == (7, [])


def test_listing_that_has_shrunk_comes_before_files_that_failed_and_behind_is_where_all_of_them_are():
    activities = Activities({**PART, "vanished": 21, "stale_pages": 1})
    entries = [
        {"source": f"docs/{n}.bin", "code": "UnsupportedKind", "message": ""} for n in range(LEDGER_LIMIT)
    ]
    activities.page = {"ok": True, "counts": {"failed": LEDGER_LIMIT}, "ledger": entries}
    _, result = run(activities)

    first, *others = result["ledger"]
    assert (first["code"], len(others), result["failed"]) == ("ListingShrank", LEDGER_LIMIT, 2 * LEDGER_LIMIT)
    assert result["wholeLedger"] == {"container": "jobs", "prefix": "ledger/job/"}


@pytest.mark.parametrize(("notes", "is_cut"), [(LEDGER_LIMIT, False), (LEDGER_LIMIT + 1, True)])
def test_ledger_of_notes_alone_says_where_more_of_them_are(notes, is_cut):
    activities = Activities({**PART, "pages": 1})
    entries = [{"source": "docs/a.pdf", "code": "PagesWithoutText", "message": ""}] * LEDGER_LIMIT
    activities.page = {"ok": True, "counts": {"completed": 1, "notes": notes}, "ledger": entries}
    _, result = run(activities)

    assert (result["failed"], len(result["ledger"])) == (0, LEDGER_LIMIT)
    assert ("wholeLedger" in result) == is_cut


def test_ledger_that_is_whole_names_no_other_place():
    activities = Activities({**PART, "vanished": 21, "pages": 1})
    entries = [
        {"source": f"docs/{n}.bin", "code": "UnsupportedKind", "message": ""} for n in range(LEDGER_LIMIT)
    ]
    activities.page = {"ok": True, "counts": {"failed": LEDGER_LIMIT}, "ledger": entries}
    _, result = run(activities)

    assert len(result["ledger"]) == 1 + LEDGER_LIMIT
    assert "wholeLedger" not in result


def test_path_of_nothing_fails_the_job_with_a_sentence_what_to_check():
    driver = Driver(Activities({**PART, "files": 0, "unchanged": 0, "known": 0, "pages": 0}))
    with pytest.raises(JobFailed, match=r"no file at docs/uploads or below it.*check filesPath") as failed:
        driver.run(embed_path(driver, job_of(dryRun=True)))
    assert (failed.value.code, driver.statuses[-1]["phase"]) == ("NothingFound", "failed")


def test_path_whose_files_are_all_gone_is_told_as_shrunk():
    _, result = run(Activities({**PART, "files": 0, "unchanged": 0, "pages": 0, "vanished": 40}))
    assert [entry["code"] for entry in result["ledger"]] == ["ListingShrank"]


def test_progress_of_a_listing_grows_with_each_part():
    driver, _ = run(Activities({**PART, "marker": "m1"}, PART))
    seen = [(one["phase"], one["total"], one["skipped"]) for one in driver.statuses[:3]]
    assert seen == [("listing", 0, 0), ("listing", 120, 20), ("embedding", 240, 40)]


def test_nothing_is_deleted_when_a_page_could_not_be_embedded():
    activities = Activities({**PART, "vanished": 1, "stale_pages": 1})
    activities.page = {"ok": False, "error": DENIED}
    driver = Driver(activities)
    with pytest.raises(JobFailed, match="Cosmos DB refused access"):
        driver.run(embed_path(driver, job_of()))
    assert calls_of(driver, DELETE_STALE) == []


def test_failed_listing_fails_the_job_with_its_sentence():
    missing = {"code": "ContainerNotFound", "message": "Container docs does not exist."}
    driver = Driver(Activities({"ok": False, "error": missing}))
    with pytest.raises(JobFailed, match="Container docs does not exist"):
        driver.run(embed_path(driver, job_of()))
    assert driver.statuses[-1]["phase"] == "failed"
    assert driver.statuses[-1]["error"] == missing


def test_staged_pages_are_discarded_however_the_job_ends():
    driver, _ = run(Activities())
    assert calls_of(driver, DISCARD) == [
        {"jobId": "job", "kind": "embed-files", "discard": True, "closes": True}
    ]


def test_failed_files_are_listed_and_do_not_fail_the_job():
    entry = {"source": "docs/uploads/a.pdf", "code": "EncryptedDocument", "message": "It is encrypted."}
    activities = Activities()
    activities.page = {"ok": True, "counts": {"completed": 49, "failed": 1}, "ledger": [entry]}
    _, result = run(activities)
    assert result["failed"] == 2
    assert result["ledger"] == [entry, entry]


def test_path_without_changed_files_starts_no_lane():
    driver, result = run(Activities({**PART, "pages": 0, "unchanged": 120}))
    assert driver.lanes == {}
    assert (result["embedded"], result["unchanged"]) == (0, 120)


def test_job_survives_its_way_through_json():
    job = replace(job_of(dryRun=True), budget=Budget(amount=2.5, recheck_seconds=60))
    assert parse_job(json.loads(json.dumps(job.to_json()))) == job


def test_job_asks_the_same_whatever_the_settings_were():
    other = EmbedFilesJob.parse(REQUEST, EmbeddingPlan(**{**PLAN.__dict__, "chunk_tokens": 100}), {})
    assert job_of().asks_the_same_as(other)
    assert not job_of(version="v2").asks_the_same_as(other)
    assert not job_of(dryRun=True).asks_the_same_as(other)
    assert AuditQueryJob.KIND != EmbedFilesJob.KIND


@pytest.mark.parametrize(
    ("path", "container", "prefix"),
    [
        ("docs", "docs", ""),
        ("docs/", "docs", ""),
        ("/docs/uploads/", "docs", "uploads/"),
        ("docs/a/b c/ü", "docs", "a/b c/ü/"),
        ("docs/\u2028/😀", "docs", "\u2028/😀/"),
        ("x" * 63, "x" * 63, ""),
    ],
)
def test_path_is_a_container_and_perhaps_a_folder(path: str, container: str, prefix: str):
    job = job_of(filesPath=path)
    assert (job.container, job.prefix) == (container, prefix)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"env": ""}, "env"),
        ({"env": 5}, "env"),
        ({"env": "a/b"}, "env"),
        ({"version": "x" * 33}, "version"),
        ({"filesPath": ""}, "filesPath"),
        ({"filesPath": "UPPER/x"}, "filesPath"),
        ({"filesPath": "docs/../secret"}, "filesPath"),
        ({"filesPath": "docs\\x"}, "filesPath"),
        ({"filesPath": "docs/" + "x" * 901}, "filesPath"),
        ({"filesPath": "x" * 64}, "filesPath"),
        ({"filesPath": "a-" * 31 + "bc"}, "filesPath"),
        ({"filesPath": "docs/a\x00b"}, "filesPath"),
        ({"filesPath": "docs/a\nb"}, "filesPath"),
        ({"filesPath": "docs/\ud800"}, "filesPath"),
        ({"filesPath": "docs/\uffff"}, "filesPath"),
        ({"filesPath": None}, "filesPath"),
        ({"dryRun": "yes"}, "dryRun"),
        ({"files": "docs"}, "files"),
    ],
)
def test_unusable_field_is_named_with_its_fix(fields: dict[str, Any], field: str):
    with pytest.raises(InvalidField, match=f"Field {field} cannot be used: ") as refused:
        job_of(**fields)
    assert refused.value.field == field


@pytest.mark.parametrize("body", [None, [], "text", 5])
def test_body_that_is_no_object_is_refused(body: Any):
    with pytest.raises(InvalidField, match="Field body cannot be used: send a JSON object"):
        EmbedFilesJob.parse(body, PLAN, {})
