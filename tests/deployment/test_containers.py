"""The alternative to Azure's own hosting: the image holds the package, the cluster scales with the queues."""

import json
import re
from typing import Any

import pytest
from ruamel.yaml import YAML

from deployment.dependencies import PYTHON
from deployment.package import DIST, SITE_PACKAGES
from local.settings import ROOT
from shared_code.settings import SETTINGS, Settings
from shared_code.settings.setting import Setting
from tests.deployment.test_infrastructure import OF_THE_HOST, ON_AZURE, storage_variable

DOCKERFILE = (ROOT / "Dockerfile").read_text()
HOST = json.loads((ROOT / "host.json").read_text())["extensions"]["durableTask"]
OF_A_CONTAINER = {"FUNCTIONS_WORKER_RUNTIME", "AzureFunctionsWebHost__hostid", "WEBSITE_HOSTNAME"}
PARTITIONS = 4  # of a task hub, unless host.json says otherwise


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    """The objects of the manifest, by kind; there is one of each."""
    documents = YAML(typ="safe").load_all((ROOT / "infra/kubernetes/app.yaml").read_text())
    return {document["kind"]: document for document in documents}


def queues_of_the_task_hub() -> set[str]:
    """The queues of the Azure Storage backend: one for activities, one for each partition."""
    hub, partitions = HOST["hubName"], HOST.get("storageProvider", {}).get("partitionCount", PARTITIONS)
    return {f"{hub}-workitems", *(f"{hub}-control-{number:02}" for number in range(partitions))}


def test_image_is_the_official_one_for_the_python_of_the_package() -> None:
    assert f"FROM mcr.microsoft.com/azure-functions/python:4-python{PYTHON}\n" in DOCKERFILE


def test_image_holds_the_built_package_and_finds_its_dependencies() -> None:
    root = "/home/site/wwwroot"

    assert f"COPY {(DIST / 'app').relative_to(ROOT)} {root}\n" in DOCKERFILE
    assert f"PYTHONPATH={root}/{SITE_PACKAGES.as_posix()}" in DOCKERFILE
    assert (ROOT / ".dockerignore").read_text().splitlines()[-2:] == ["*", "!dist/app"]


def test_every_object_refers_to_objects_that_exist(manifest: dict[str, Any]) -> None:
    template = manifest["Deployment"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    scaling = manifest["ScaledObject"]["spec"]
    name = {kind: one["metadata"]["name"] for kind, one in manifest.items()}

    assert (
        manifest["Deployment"]["spec"]["selector"]["matchLabels"].items()
        <= template["metadata"]["labels"].items()
    )
    assert manifest["Service"]["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    assert template["spec"]["serviceAccountName"] == name["ServiceAccount"]
    assert container["envFrom"][0]["configMapRef"]["name"] == name["ConfigMap"]
    assert scaling["scaleTargetRef"]["name"] == name["Deployment"]
    assert {trigger["authenticationRef"]["name"] for trigger in scaling["triggers"]} == {
        name["TriggerAuthentication"]
    }


def test_replicas_follow_the_queues_that_the_app_reads_and_no_others(manifest: dict[str, Any]) -> None:
    triggers = manifest["ScaledObject"]["spec"]["triggers"]
    bindings = [
        binding
        for path in ROOT.glob("*/function.json")
        for binding in json.loads(path.read_text())["bindings"]
    ]
    own = {binding["queueName"] for binding in bindings if binding["type"] == "queueTrigger"}
    watched = {trigger["metadata"]["queueName"] for trigger in triggers}

    assert watched == queues_of_the_task_hub() | own
    assert own <= set(storage_variable("queues"))


def test_replica_takes_as_many_activities_as_it_runs_at_once(manifest: dict[str, Any]) -> None:
    lengths = {
        trigger["metadata"]["queueName"]: int(trigger["metadata"]["queueLength"])
        for trigger in manifest["ScaledObject"]["spec"]["triggers"]
    }

    assert lengths[f"{HOST['hubName']}-workitems"] == HOST["maxConcurrentActivityFunctions"]


def test_one_replica_stays_for_http_requests_that_no_queue_announces(manifest: dict[str, Any]) -> None:
    assert manifest["ScaledObject"]["spec"]["minReplicaCount"] == 1


def test_settings_of_the_cluster_exist_and_are_enough_for_the_app(manifest: dict[str, Any]) -> None:
    values = manifest["ConfigMap"]["data"]
    known = {setting.name for setting in SETTINGS} | OF_THE_HOST | OF_A_CONTAINER
    settings = Settings({name: ON_AZURE.get(name, value) for name, value in values.items()})

    assert set(values) <= known
    for name, value in vars(Settings).items():
        if isinstance(value, property | Setting):
            getattr(settings, name)  # raises where something is missing or malformed
    assert values["AZURE_FUNCTIONS_DURABLE_STRICT_TYPING"] == "true"


def test_placeholders_of_the_manifest_are_those_of_the_document() -> None:
    used = set(re.findall(r"\$\{(\w+)\}", (ROOT / "infra/kubernetes/app.yaml").read_text()))
    document = (ROOT / "docs/deployment.md").read_text()

    assert {name for name in used if f"export {name}=" not in document} == set()
