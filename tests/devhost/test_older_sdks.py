"""Apps that pin an older SDK, whose absent parts are taken out of the one that is installed here."""

import azure.functions
import pytest
from azure.functions.decorators.function_app import Function
from azure.functions.durable_functions import DurableClientConverter
from azure.functions.http import HttpResponseConverter
from azure.functions.meta import Datum

from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import RETURN, SampleApp, http_trigger
from tests.devhost.test_v2_model import ROUTE, script

CLIENT = {"name": "starter", "type": "durableClient", "direction": "in"}


async def test_client_annotated_with_a_text_is_given_as_one(
    app: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(DurableClientConverter, "check_input_type_annotation")
    monkeypatch.delattr(DurableClientConverter, "decode")
    code = "import json\ndef main(req, starter: str) -> str: return ','.join(sorted(json.loads(starter)))\n"
    app.function("a", http_trigger(), RETURN, CLIENT, code=code)
    assert "taskHubName" in (await (await start()).get("/api/a")).text


async def test_v2_function_of_an_sdk_without_retry_settings_is_served(
    app: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(Function, "get_settings_dict")
    script(app, ROUTE)
    assert (await (await start()).get("/api/hello")).text == "hello"


async def test_script_over_an_sdk_without_the_v2_model_has_no_app_object(
    app: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(azure.functions, "FunctionRegister")
    app.file("function_app.py", "import azure.functions\n")
    client = await start()
    assert ["Could not find top level function app instances" in e for e in client.host.errors] == [True]


async def test_answer_of_an_sdk_without_cookies_is_sent(
    app: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch
):
    encode = HttpResponseConverter.encode

    def without_cookies(value: object, *, expected_type: type | None) -> Datum:
        datum = encode(value, expected_type=expected_type)
        del datum.value["cookies"]
        return datum

    monkeypatch.setattr(HttpResponseConverter, "encode", without_cookies)
    app.http("a", "import azure.functions as func\ndef main(req): return func.HttpResponse('fine')\n")
    assert (await (await start()).get("/api/a")).text == "fine"
