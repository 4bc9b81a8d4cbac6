import pytest

from shared_code.errors import InvalidSetting, MissingSetting, UnresolvedReference
from shared_code.settings import SETTINGS, Settings, settings

ACCOUNT = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0"


def test_storages_default_to_the_storage_of_the_host():
    found = Settings({"AzureWebJobsStorage": ACCOUNT})
    assert found.audit_storage == found.files_storage == ACCOUNT


def test_storage_of_its_own_wins_over_the_storage_of_the_host():
    found = Settings({"AzureWebJobsStorage": "host", "AUDIT_STORAGE": ACCOUNT})
    assert (found.audit_storage, found.files_storage) == (ACCOUNT, "host")


def test_account_name_of_the_host_gives_both_account_urls():
    found = Settings({"AzureWebJobsStorage__accountName": "own"})
    assert found.audit_storage == "https://own.table.core.windows.net"
    assert found.files_storage == "https://own.blob.core.windows.net"


def test_service_urls_of_the_host_win_over_its_account_name():
    found = Settings(
        {
            "AzureWebJobsStorage__accountName": "own",
            "AzureWebJobsStorage__blobServiceUri": "https://own.blob.core.chinacloudapi.cn",
            "AzureWebJobsStorage__tableServiceUri": "https://own.table.core.chinacloudapi.cn",
        }
    )
    assert found.audit_storage == "https://own.table.core.chinacloudapi.cn"
    assert found.files_storage == "https://own.blob.core.chinacloudapi.cn"


def test_storage_of_its_own_wins_over_the_account_of_the_host():
    found = Settings({"AzureWebJobsStorage__accountName": "own", "AUDIT_STORAGE": ACCOUNT})
    assert found.audit_storage == ACCOUNT


@pytest.mark.parametrize(
    ("environment", "client_id"),
    [
        ({}, ""),
        ({"AzureWebJobsStorage__clientId": "of-the-host"}, "of-the-host"),
        ({"AzureWebJobsStorage__clientId": "of-the-host", "AZURE_CLIENT_ID": "of-the-app"}, "of-the-app"),
    ],
)
def test_identity_is_the_one_of_the_app_or_else_of_the_host(environment, client_id):
    assert Settings(environment).client_id == client_id


REFERENCES = {
    "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/s)": "Key Vault.*Secrets User",
    "@microsoft.keyvault(VaultName=v;SecretName=s)": "Key Vault.*keyVaultReferenceIdentity",
    "@Microsoft.AppConfiguration(Endpoint=https://s.azconfig.io; Key=k)": "App Configuration Data Reader",
}


@pytest.mark.parametrize(("reference", "fix"), REFERENCES.items())
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_unresolved_reference_is_never_used_but_named(setting, reference, fix):
    with pytest.raises(UnresolvedReference, match=f"{setting.name} is a reference to .*{fix}") as unresolved:
        setting.text({setting.name: reference})
    assert "vault.azure.net" not in str(unresolved.value)


@pytest.mark.parametrize("environment", [{}, {"AUDIT_STORAGE": " "}])
def test_missing_storage_is_named_with_its_fix(environment):
    with pytest.raises(
        MissingSetting, match=r"AUDIT_STORAGE.*AzureWebJobsStorage.*connection string"
    ) as missing:
        _ = Settings(environment).audit_storage
    assert missing.value.setting == "AUDIT_STORAGE"


def test_empty_environment_has_every_default():
    found = Settings({})
    assert found.audit_table == "audit"
    assert found.audit_concurrency == 32
    assert found.max_range_days == 3660
    assert found.public_origin == ""
    assert found.trust_forwarded_headers is False
    assert found.job_retention_days == 30
    assert found.max_file_bytes == 50_000_000


def test_empty_environment_has_a_plan_for_embedding():
    plan = Settings({}).embedding_plan
    assert (plan.model, plan.dimensions) == ("text-embedding-3-small", None)
    assert (plan.chunk_tokens, plan.overlap_tokens) == (512, 64)
    assert plan.cost(1_000_000) == 0.02
    assert plan.shrink_limit == 0.5


def test_budgets_are_amounts_by_label():
    found = Settings({"MONTHLY_BUDGETS": " prod = 50, dev=2.5 ,Test.1=0", "BUDGET_RECHECK_SECONDS": "5"})
    assert {env: budget.amount for env, budget in found.budgets.items()} == {
        "prod": 50,
        "dev": 2.5,
        "Test.1": 0,
    }
    assert {budget.recheck_seconds for budget in found.budgets.values()} == {5}
    assert Settings({}).budgets == {}


@pytest.mark.parametrize("name", ["COSMOS_ENDPOINT", "EMBEDDINGS_ENDPOINT"])
def test_missing_address_is_named_with_an_example(name):
    with pytest.raises(MissingSetting, match=f"{name} is missing: set it to a URL such as https://"):
        getattr(Settings({}), name.lower())


def test_chunks_may_have_no_overlap():
    assert Settings({"CHUNK_OVERLAP_TOKENS": "0"}).embedding_plan.overlap_tokens == 0


@pytest.mark.parametrize(
    ("name", "value", "member"),
    [
        ("AUDIT_TABLE", "no-table", "audit_table"),
        ("AUDIT_CONCURRENCY", "0", "audit_concurrency"),
        ("MAX_RANGE_DAYS", "ten", "max_range_days"),
        ("MAX_RANGE_DAYS", "-1", "max_range_days"),
        ("JOB_RETENTION_DAYS", "1.5", "job_retention_days"),
        ("PUBLIC_ORIGIN", "jobs.example.com", "public_origin"),
        ("PUBLIC_ORIGIN", "https://jobs.example.com/path", "public_origin"),
        ("TRUST_FORWARDED_HEADERS", "maybe", "trust_forwarded_headers"),
        ("COSMOS_ENDPOINT", "account", "cosmos_endpoint"),
        ("COSMOS_KEY", "no base64", "cosmos_key"),
        ("EMBEDDINGS_ENDPOINT", "https://user@host/v1", "embeddings_endpoint"),
        ("EMBEDDINGS_DIMENSIONS", "many", "embedding_plan"),
        ("EMBEDDINGS_PRICE_PER_MILLION", "-1", "embedding_plan"),
        ("EMBEDDINGS_TIMEOUT_SECONDS", "0", "embeddings_timeout"),
        ("EMBEDDINGS_TIMEOUT_SECONDS", "1.5", "embeddings_timeout"),
        ("CHUNK_TOKENS", "31", "embedding_plan"),
        ("CHUNK_TOKENS", "8192", "embedding_plan"),
        ("CHUNK_OVERLAP_TOKENS", "257", "embedding_plan"),
        ("SHRINK_LIMIT", "1.1", "embedding_plan"),
        ("AzureWebJobsStorage__accountName", "own.blob.core.windows.net", "files_storage"),
        ("AppConfigEndpoint", "http://store.azconfig.io", "app_config_endpoint"),
        ("AppConfigEndpoint", "store", "app_config_endpoint"),
        ("ALLOWED_CONTAINERS", "no/container", "source_containers"),
        ("MONTHLY_BUDGETS", "prod", "budgets"),
        ("MONTHLY_BUDGETS", "prod=", "budgets"),
        ("MONTHLY_BUDGETS", "prod=-1", "budgets"),
        ("MONTHLY_BUDGETS", "prod=1,prod=2", "budgets"),
        ("MONTHLY_BUDGETS", "prod=1;dev=2", "budgets"),
        ("MONTHLY_BUDGETS", "a b=1", "budgets"),
        ("MONTHLY_BUDGETS", "prod=1,", "budgets"),
        ("BUDGET_RECHECK_SECONDS", "0", "budgets"),
    ],
)
def test_invalid_setting_is_named_without_its_value(name, value, member):
    with pytest.raises(InvalidSetting, match=f"{name} has an invalid value: use ") as invalid:
        getattr(Settings({name: value}), member)
    assert f"'{value}'" not in str(invalid.value)


def test_values_never_show_in_a_repr():
    assert "AccountKey" not in repr(Settings({"AUDIT_STORAGE": ACCOUNT}))


def test_process_reads_its_environment_once():
    assert settings() is settings()


def test_every_setting_explains_itself():
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    assert all(setting.meaning for setting in SETTINGS)
