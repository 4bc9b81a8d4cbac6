import re
from base64 import b64encode
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from shared_code.http_pool import bearer
from shared_code.storage.table_account import SharedKey, TableAccount

KEY = b64encode(b"secret-key").decode()
SIGNED = "sv=2024-01-01&tn=audit&sig=a%2Bb%2Fc%3D"
SIGNATURE = {"sv": "2024-01-01", "tn": "audit", "sig": "a+b/c="}


def parse(storage: str) -> TableAccount:
    return TableAccount.parse(storage, no_identity)


def no_identity(scope: str) -> Any:
    raise AssertionError("Nothing but an account URL needs the identity.")


@pytest.mark.parametrize(
    ("storage", "endpoint"),
    [
        (f"AccountName=a;AccountKey={KEY}", "https://a.table.core.windows.net"),
        (f"accountname=a;ACCOUNTKEY={KEY};", "https://a.table.core.windows.net"),
        (
            f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey={KEY};EndpointSuffix=core.chinacloudapi.cn",
            "http://a.table.core.chinacloudapi.cn",
        ),
        (f"AccountName=a;AccountKey={KEY};TableEndpoint=http://localhost:1/a", "http://localhost:1/a"),
        ("UseDevelopmentStorage=true", "http://127.0.0.1:10002/devstoreaccount1"),
        ("UseDevelopmentStorage=true;", "http://127.0.0.1:10002/devstoreaccount1"),
    ],
)
def test_connection_string_with_a_key_signs_with_it(storage, endpoint):
    account = parse(storage)
    assert (account.endpoint, account.query) == (endpoint, {})
    assert isinstance(account.auth, SharedKey)


@pytest.mark.parametrize(
    "storage",
    [
        f"TableEndpoint=https://a.table.core.windows.net;SharedAccessSignature={SIGNED}",
        f"AccountName=a;SharedAccessSignature=?{SIGNED}",
        f"https://a.table.core.windows.net?{SIGNED}",
    ],
)
def test_shared_access_signature_goes_along_with_each_request(storage):
    assert parse(storage) == TableAccount("https://a.table.core.windows.net", None, SIGNATURE)


def test_account_url_signs_in_with_tokens_for_storage():
    tokens: dict[str, Any] = {"https://storage.azure.com/.default": bearer("t0ken")}
    account = TableAccount.parse("https://a.table.core.windows.net", tokens.__getitem__)
    assert account.auth is tokens["https://storage.azure.com/.default"]


async def test_key_signs_date_and_path_as_the_service_documents_it():
    signed = await SharedKey("a", KEY).headers("GET", "http://localhost:1/a/audit()")
    assert parsedate_to_datetime(signed["x-ms-date"]).utcoffset() is not None
    assert re.fullmatch(r"SharedKeyLite a:[\w+/]{43}=", signed["Authorization"])


@pytest.mark.parametrize(
    "storage",
    [
        "",
        "nonsense",
        "AccountName=a",
        f"AccountKey={KEY}",
        "AccountName=a;AccountKey=no base64",
        f"AccountName=a;AccountName=b;AccountKey={KEY}",
        f"AccountName=a;AccountKey={KEY};nonsense",
        "https://a.table.core.windows.net?sv=2024",
        "TableEndpoint=http://localhost:1/a",
    ],
)
def test_storage_that_nobody_can_sign_in_to_is_refused_without_a_secret(storage):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - what matters is what it does not say
        parse(storage)
    assert KEY not in str(caught.value)


def test_secrets_are_in_no_repr():
    assert "a+b/c=" not in repr(parse(f"https://a.table.core.windows.net?{SIGNED}"))
    assert KEY not in repr(parse(f"AccountName=a;AccountKey={KEY}"))
