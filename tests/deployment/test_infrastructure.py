"""The infrastructure fits the app: settings, roles, containers, tables, queues, the index; azd reads it."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from deployment.dependencies import PYTHON
from deployment.package import DIST
from local.settings import ROOT
from shared_code.clients.app_configuration import KEY, LABEL
from shared_code.index.cosmos_container import create_container
from shared_code.jobs.source_containers import JOBS_CONTAINER
from shared_code.settings import SETTINGS, Settings
from shared_code.settings.setting import Setting
from tests.deployment.bicep import FILES, INFRA, module, names_in, parsed, resource, resources

MAIN = parsed(INFRA / "main.bicep")
# What the Functions host and the SDKs read by themselves.
OF_THE_HOST = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AZURE_FUNCTIONS_DURABLE_STRICT_TYPING",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__queueServiceUri",
}
# Built-in roles of Azure, as its documentation lists them.
ROLES = {
    "appConfigurationDataReader": "516239f1-63e1-4d78-a4de-a74fb236a071",
    "cognitiveServicesOpenAiUser": "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd",
    "cosmosDataContributor": "00000000-0000-0000-0000-000000000002",
    "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "storageTableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}
# What app settings come to on Azure, where the Bicep file only names them.
ON_AZURE = {
    "AzureWebJobsStorage__clientId": "00000000-0000-0000-0000-000000000000",
    "AzureWebJobsStorage__blobServiceUri": "https://st.blob.core.windows.net/",
    "AzureWebJobsStorage__tableServiceUri": "https://st.table.core.windows.net/",
    "AppConfigEndpoint": "https://appcs.azconfig.io",
    "ALLOWED_CONTAINERS": ",".join(MAIN["parameters"]["sourceContainers"]["default"]),
    "COSMOS_ENDPOINT": "https://cosmos.documents.azure.com:443/",
    "EMBEDDINGS_ENDPOINT": "https://oai.openai.azure.com",
    "EMBEDDINGS_API_KEY": "",
    "EMBEDDINGS_DIMENSIONS": str(MAIN["parameters"]["embeddingsDimensions"]["default"]),
}


def app_settings() -> dict[str, Any]:
    settings: dict[str, Any] = resource("function-app", "Microsoft.Web/sites/config")["properties"]
    return settings


def storage_variable(name: str) -> list[str]:
    names: list[str] = module("storage")["variables"][name]["value"]
    return names


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_parameter_and_variable_of_a_file_is_used(file: Path) -> None:
    tree = parsed(file)
    used = set(names_in({part: tree.get(part) for part in ("variables", "resources", "modules", "outputs")}))

    assert {*tree.get("parameters", {}), *tree.get("variables", {})} <= used


@pytest.mark.parametrize("name", MAIN["modules"])
def test_every_module_gets_exactly_the_parameters_it_declares(name: str) -> None:
    called = MAIN["modules"][name]
    parameters = parsed(INFRA / called["detail"]["path"])["parameters"]
    config = called["config"].get("config", called["config"])
    optional = {name for name, parameter in parameters.items() if parameter["default"] is not None}

    assert set(config["params"]) - optional == set(parameters) - optional


def test_outputs_that_modules_are_asked_for_exist() -> None:
    text = (INFRA / "main.bicep").read_text()
    outputs = {
        name: set(parsed(INFRA / called["detail"]["path"]).get("outputs", {}))
        for name, called in MAIN["modules"].items()
    }

    asked = re.findall(r"(\w+)\.outputs\.(\w+)", text)
    assert [pair for pair in asked if pair[1] not in outputs[pair[0]]] == []


def test_app_settings_name_only_settings_that_exist() -> None:
    assert set(app_settings()) <= {setting.name for setting in SETTINGS} | OF_THE_HOST


def test_app_settings_are_enough_for_every_setting_of_the_app() -> None:
    environment = {name: ON_AZURE.get(name, str(value)) for name, value in app_settings().items()}
    settings = Settings(environment)

    for name, value in vars(Settings).items():
        if isinstance(value, property | Setting):
            getattr(settings, name)  # raises where something is missing or malformed
    assert settings.client_id


def test_durable_functions_get_all_three_addresses_and_the_client_id() -> None:
    storage = {name.split("__")[1] for name in app_settings() if name.startswith("AzureWebJobsStorage__")}

    assert storage == {"credential", "clientId", "blobServiceUri", "queueServiceUri", "tableServiceUri"}
    assert app_settings()["AZURE_FUNCTIONS_DURABLE_STRICT_TYPING"] == "true"


def test_role_ids_are_those_of_azures_built_in_roles() -> None:
    roles = module("roles")["variables"]
    named = dict(roles["roles"]["value"])
    for name, tree in (("cosmosDataContributor", roles), ("cognitiveServicesOpenAiUser", None)):
        named[name] = (tree or module("openai-role")["variables"])[name]["value"]

    assert named == ROLES


def test_every_role_is_assigned_and_each_to_the_principal_that_is_given() -> None:
    assigned = [
        *resources(module("roles"), "Microsoft.Authorization/roleAssignments"),
        *resources(module("roles"), "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments"),
    ]
    used = set(names_in(module("roles")["resources"]))

    assert {"cosmosDataContributor", *module("roles")["variables"]["roles"]["value"]} <= used
    assert {config["properties"]["principalId"] for config in assigned} == {"principalId"}


def test_accounts_take_no_keys_where_the_app_needs_none() -> None:
    storage = resource("storage", "Microsoft.Storage/storageAccounts")["properties"]
    cosmos = resource("cosmos", "Microsoft.DocumentDB/databaseAccounts")["properties"]
    insights = resource("monitoring", "Microsoft.Insights/components")["properties"]

    assert (storage["allowSharedKeyAccess"], storage["allowBlobPublicAccess"]) == (False, False)
    assert (cosmos["disableLocalAuth"], insights["DisableLocalAuth"]) == (True, True)


def test_tables_queues_and_containers_of_the_app_are_created() -> None:
    bindings = [
        binding
        for path in ROOT.glob("*/function.json")
        for binding in json.loads(path.read_text())["bindings"]
    ]
    queues = {binding["queueName"] for binding in bindings if binding["type"] in {"queue", "queueTrigger"}}
    tables = {setting.default for setting in SETTINGS if setting.name.endswith("_TABLE")}

    assert queues <= set(storage_variable("queues"))
    assert {*tables, Settings({}).job_table} <= set(storage_variable("tables"))
    assert JOBS_CONTAINER in storage_variable("appContainers")


def test_app_configuration_holds_the_key_that_the_app_reads() -> None:
    name = resource("app-configuration", "Microsoft.AppConfiguration/configurationStores/keyValues")["name"]

    assert name == f"{KEY}${LABEL}"


class RecordingDatabase:
    """Takes down how the app would create its container."""

    async def create_container(self, name: str, partition_key: dict[str, Any], **policies: Any) -> None:
        self.created = {"name": name, "partition_key": dict(partition_key), **policies}


def test_index_of_the_infrastructure_is_the_one_that_the_app_would_create() -> None:
    container = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers"
    described = resource("cosmos", container)["properties"]["resource"]
    defaults = {name: one["default"] for name, one in module("cosmos")["parameters"].items()}
    database: Any = RecordingDatabase()

    asyncio.run(create_container(database, defaults["containerName"], 1536))
    created = database.created

    vectors = described["vectorEmbeddingPolicy"]["vectorEmbeddings"]
    assert [{**vector, "dimensions": 1536} for vector in vectors] == created["vector_embedding_policy"][
        "vectorEmbeddings"
    ]
    assert described["indexingPolicy"] == created["indexing_policy"]
    assert described["fullTextPolicy"] == created["full_text_policy"]
    assert described["partitionKey"] == created["partition_key"]
    assert (defaults["databaseName"], defaults["containerName"]) == (
        Settings({}).cosmos_database,
        Settings({}).cosmos_container,
    )


def test_flex_consumption_app_runs_the_python_of_the_package() -> None:
    app = resource("function-app", "Microsoft.Web/sites")["properties"]["functionAppConfig"]
    python = MAIN["parameters"]["pythonVersion"]

    assert python["default"] == PYTHON
    assert app["runtime"] == {"name": "python", "version": "pythonVersion"}
    assert app["deployment"]["storage"]["value"].endswith("}app-package")
    assert "app-package" in storage_variable("appContainers")


def test_azd_deploys_the_built_package_as_it_is() -> None:
    service = YAML(typ="safe").load(ROOT / "azure.yaml")["services"]["api"]

    assert ROOT / service["project"] / service["dist"] == DIST / "app"
    assert (service["host"], service["language"], service["remoteBuild"]) == ("function", "python", False)
    assert service["hooks"]["prepackage"]["run"] == "make package"
    app = next(resources(module("function-app"), "Microsoft.Web/sites"))
    assert "api" in set(names_in(app["tags"]))


def test_parameters_of_azd_are_parameters_of_the_infrastructure() -> None:
    given = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    required = {name for name, parameter in MAIN["parameters"].items() if parameter["default"] is None}

    assert set(given) <= set(MAIN["parameters"])
    assert required <= set(given)


def test_abbreviations_are_all_used_and_all_there() -> None:
    used = re.findall(r"abbreviations\.(\w+)\}", (INFRA / "main.bicep").read_text())

    assert set(json.loads((INFRA / "abbreviations.json").read_text())) == set(used)
