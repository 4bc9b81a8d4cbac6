"""The pipelines build what was tested, deploy what was built, and their linters do find mistakes."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from deployment.dependencies import PYTHON
from local.settings import ROOT

BIN = Path(sys.executable).parent
WORKFLOWS = ROOT / ".github/workflows"
PIPELINE = ROOT / "azure-pipelines.yml"
SUPPORTED = ["3.11", "3.12", "3.13"]


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def jobs() -> dict[str, Any]:
    """The jobs of both workflows."""
    return {**read(WORKFLOWS / "ci.yml")["jobs"], **read(WORKFLOWS / "deploy.yml")["jobs"]}


def pipeline_jobs() -> dict[str, Any]:
    """The jobs of the pipeline's CI stage, by name."""
    return {job["job"]: job for job in read(PIPELINE)["stages"][0]["jobs"]}


def linted(tmp_path: Path, source: Path, old: str, new: str) -> subprocess.CompletedProcess[str]:
    """What `make check` says of a file with a mistake in it."""
    text = source.read_text()
    assert old in text
    copy = tmp_path / source.relative_to(ROOT)
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(text.replace(old, new, 1))
    recipe = (ROOT / "Makefile").read_text().replace("\\\n", "")
    schema = re.findall(r"^PIPELINE_SCHEMA := .venv/bin/(.*)$", recipe, re.MULTILINE)[0].split()
    command = schema if source == PIPELINE else ["jactionlint", "--shellcheck="]
    return subprocess.run(
        [BIN / command[0], *command[1:], copy], cwd=tmp_path, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("ci.yml", "runs-on:", "run-on:"),
        ("ci.yml", "matrix.python }}", "matrix.pithon }}"),
        ("ci.yml", "@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v7"),
        ("deploy.yml", "needs: ci", "needs: build"),
        ("deploy.yml", "app-name:", "app-nam:"),
        ("deploy.yml", "id-token: write", "id-token: always"),
    ],
)
def test_mistake_in_a_workflow_fails_the_check(tmp_path: Path, file: str, old: str, new: str) -> None:
    assert linted(tmp_path, WORKFLOWS / file, old, new).returncode == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("- job: check", "- jobb: check"),
        ("AzureFunctionApp@2", "AzureFunctionApp@7"),
        ("isFlexConsumption: true", "isFlexConsumption: perhaps"),
        ("lockBehavior: sequential", "lockBehavior: queue"),
    ],
)
def test_mistake_in_the_pipeline_fails_the_check(tmp_path: Path, old: str, new: str) -> None:
    assert linted(tmp_path, PIPELINE, old, new).returncode == 1


def test_both_pipelines_test_every_supported_python() -> None:
    matrix = pipeline_jobs()["test"]["strategy"]["matrix"]

    assert jobs()["test"]["strategy"]["matrix"]["python"] == SUPPORTED
    assert [leg["python"] for leg in matrix.values()] == SUPPORTED


def test_both_pipelines_run_the_same_commands_in_the_same_jobs() -> None:
    on_github = {
        name: [step["run"] for step in job["steps"] if "run" in step]
        for name, job in jobs().items()
        if name not in {"ci", "deploy"}
    }
    on_azure = {
        name: [step["script"] for step in job["steps"] if "script" in step]
        for name, job in pipeline_jobs().items()
    }

    assert on_github == on_azure


def test_every_job_packages_and_deploys_for_the_python_of_the_app() -> None:
    named = re.findall(
        r'python-version: "([\d.]+)"', "".join(path.read_text() for path in WORKFLOWS.iterdir())
    )

    assert {*named, read(PIPELINE)["variables"]["pythonVersion"]} == {PYTHON}


def test_only_the_deploying_job_gets_a_token_for_azure() -> None:
    granted = {name: job.get("permissions", {}) for name, job in jobs().items()}

    assert {name for name, rights in granted.items() if "id-token" in rights} == {"deploy"}
    assert read(WORKFLOWS / "ci.yml")["permissions"] == {"contents": "read"}
    assert read(WORKFLOWS / "deploy.yml")["permissions"] == {}


def test_no_pipeline_reads_a_stored_secret() -> None:
    texts = [path.read_text() for path in (*WORKFLOWS.iterdir(), PIPELINE)]

    assert not any("secrets." in text for text in texts)


def test_zip_is_deployed_as_it_was_built() -> None:
    steps = jobs()["deploy"]["steps"]
    deploying = next(
        step["with"] for step in steps if step.get("uses", "").startswith("Azure/functions-action@")
    )

    assert jobs()["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert (deploying["package"], deploying["remote-build"]) == ("app.zip", False)


def test_smoke_script_hands_the_key_on_in_the_environment_alone(tmp_path: Path) -> None:
    for name, text in {
        "az": 'case "$*" in *keys*) echo the-key;; *) echo app.example;; esac',
        "python3": 'echo "$@ with $FUNCTION_KEY"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    command = [str(ROOT / "deployment/smoke_test.sh"), "app", "group"]

    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert said == "-m deployment.smoke https://app.example with the-key\n"
