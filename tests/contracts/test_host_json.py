"""host.json says what Durable Functions for Python wants said, and leaves the rest to its defaults."""

import json
import re
from datetime import date
from pathlib import Path

import pytest

from shared_code.jobs import LARGE_STEPS_AT_ONCE, AuditQueryJob, EmbedFilesJob
from shared_code.jobs.compatibility import VERSION
from shared_code.jobs.date_range import DateRange

HOST = json.loads((Path(__file__).parents[2] / "host.json").read_text())
DURABLE = HOST["extensions"]["durableTask"]


def test_bundle_is_any_of_the_one_supported_major_version():
    bundle = HOST["extensionBundle"]
    assert bundle["id"] == "Microsoft.Azure.Functions.ExtensionBundle"
    assert re.fullmatch(r"\[4\.(\*|0\.0), 5\.0\.0\)", bundle["version"])


def test_name_of_the_task_hub_is_one_that_storage_takes():
    assert re.fullmatch("[A-Za-z][A-Za-z0-9]{2,44}", DURABLE["hubName"])


def test_new_jobs_get_a_version_that_rises_with_their_input_so_that_old_code_leaves_them_alone():
    assert DURABLE["defaultVersion"] == f"1.{VERSION}"
    assert DURABLE["versionMatchStrategy"] == "CurrentOrOlder"


def test_activities_are_traced_without_what_they_are_given():
    assert DURABLE["tracing"] == {
        "distributedTracingEnabled": True,
        "version": "V2",
        "traceInputsAndOutputs": False,
    }


def test_job_has_as_many_large_steps_under_way_as_a_process_works_on():
    whole_year = AuditQueryJob.plan(DateRange(date(2021, 1, 1), date(2021, 12, 31)))
    assert whole_year.lanes * whole_year.wave_size == LARGE_STEPS_AT_ONCE
    assert EmbedFilesJob.lanes * EmbedFilesJob.wave_size == LARGE_STEPS_AT_ONCE


def test_host_has_room_for_live_events_beside_the_large_steps_of_jobs():
    assert DURABLE["maxConcurrentActivityFunctions"] >= 4 * LARGE_STEPS_AT_ONCE


def test_messages_are_taken_as_they_are_since_the_app_reads_both_forms():
    assert HOST["extensions"]["queues"]["messageEncoding"] == "none"


def test_lanes_of_a_job_run_beside_each_other():
    assert DURABLE["maxConcurrentOrchestratorFunctions"] >= EmbedFilesJob.lanes


def seconds_of(timespan: str) -> int:
    hours, minutes, seconds = map(int, timespan.split(":"))
    return 3_600 * hours + 60 * minutes + seconds


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        # What the extension takes: a value outside stops the whole host. After this time another host gets
        # what one that ended had at hand: five minutes, where nothing is said.
        ("controlQueueVisibilityTimeout", 60, 3_600),
        ("workItemQueueVisibilityTimeout", 1, 604_800),
    ],
)
def test_work_of_a_host_that_ended_is_taken_over_within_a_minute(name: str, least: int, most: int):
    seconds = seconds_of(DURABLE["storageProvider"][name])
    assert least <= seconds <= most
    assert seconds <= 60


def test_time_of_a_function_is_one_that_every_plan_takes():
    assert seconds_of(HOST["functionTimeout"]) == 600  # the most of the Consumption plan


@pytest.mark.parametrize(
    ("category", "level"),
    [
        ("default", "Information"),  # the app's own lines
        ("Host.Triggers.DurableTask", "Information"),
        ("DurableTask.Core", "Warning"),
        ("DurableTask.AzureStorage", "Warning"),
    ],
)
def test_logs_show_jobs_and_not_the_engine_at_work(category, level):
    assert HOST["logging"]["logLevel"][category] == level


def test_sampling_never_drops_an_execution():
    sampling = HOST["logging"]["applicationInsights"]["samplingSettings"]
    assert (sampling["isEnabled"], sampling["excludedTypes"]) == (True, "Request")
