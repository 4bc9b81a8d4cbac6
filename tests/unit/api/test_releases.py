import json

import pytest

from shared_code.api.job_status import read_status
from shared_code.api.releases import is_newer, newer_release, with_release
from tests.support.durable_host_fake import FakeHost, instance

ID = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("release", "other", "newer"),
    [
        ("2.0", "1.0", True),
        ("1.10", "1.9", True),
        ("1.0", "1.0", False),
        ("1.0", "2.0", False),
        ("1.0.1", "1.0", True),
        ("1.0", "", True),
        ("B", "a", True),
    ],
)
def test_releases_compare_as_the_host_compares_them(release, other, newer):
    assert is_newer(release, other) is newer


@pytest.mark.parametrize("job", [None, "text", [], {}, {"release": 2}, {"release": None}, {"release": "1.0"}])
def test_job_whose_release_is_unknown_or_no_newer_waits_for_none(job):
    assert newer_release(job, "1.0") is None


def test_job_names_the_release_that_it_waits_for():
    failure = newer_release(with_release({"kind": "audit-query"}, "2.0"), "1.0")
    assert failure is not None
    assert failure.message == (
        "Release 2.0 started the job, and release 1.0 runs: deploy 2.0 or a later one, and the job goes on."
    )


def test_host_that_gives_jobs_no_version_adds_none_to_their_input():
    assert with_release({"kind": "audit-query"}, "") == {"kind": "audit-query"}


async def progress_of(status: str) -> dict[str, object]:
    job = instance(status=status, input=json.dumps({"release": "99.0"}), customStatus={"phase": "reading"})
    shown = await read_status(FakeHost({ID: job}), ID, retention_days=30)
    progress: dict[str, object] = shown.to_json()["progress"]
    return progress


@pytest.mark.parametrize("status", ["Pending", "Running", "Suspended"])
async def test_job_of_a_newer_release_shows_that_it_waits(status):
    progress = await progress_of(status)
    waiting = progress["waiting"]
    assert isinstance(waiting, dict)
    assert (progress["phase"], waiting["service"], waiting["code"]) == ("waiting", "release", "NewerRelease")
    assert (waiting["since"], waiting["nextTry"]) == ("2021-02-03T10:05:00Z", None)


@pytest.mark.parametrize("status", ["Completed", "Failed", "Terminated"])
async def test_ended_job_of_a_newer_release_waits_for_nothing(status):
    assert (await progress_of(status))["phase"] == "reading"
