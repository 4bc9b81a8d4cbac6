"""JSON with comments and trailing commas, and errors that name the right place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devhost.app.loader import index_app
from devhost.jsonc import parse_jsonc
from devhost.settings.host_json import read_host_settings
from devhost.settings.local_settings import apply_local_settings
from tests.devhost.sample_app import SampleApp

TEXT = st.text('ab"\\\\/*,]}: \\n', max_size=8)
JSON = st.recursive(TEXT | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner))


@given(JSON)
def test_plain_json_is_read_as_ever(value: Any):
    assert parse_jsonc(json.dumps(value, indent=1)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('// first\n{"a": 1} // last', {"a": 1}),
        ('{"a": 1, /* of\nours */ "b": 2 /* , */ , /**/ }', {"a": 1, "b": 2}),
        ('{"a": [1, [2,],], "b": {"c": "d" ,} , }', {"a": [1, [2]], "b": {"c": "d"}}),
        ('["//", "/*", ",]", "\\",]", "*/",]', ["//", "/*", ",]", '",]', "*/"]),
        ('{"a": true, "b": null,}', {"a": True, "b": None}),
    ],
)
def test_comments_and_last_commas_are_passed_over(text: str, value: Any):
    assert parse_jsonc(text) == value


@pytest.mark.parametrize("text", ["", "// all", "[,]", "{,}", "[1,,]", "/* open", '{"a": ,}', "[" * 100_000])
def test_what_is_still_not_json_is_refused(text: str):
    with pytest.raises(ValueError, match=r"."):
        parse_jsonc(text)


def test_error_names_line_and_column_of_the_file():
    with pytest.raises(ValueError, match=r"line 3 column 9"):
        parse_jsonc('{ // one\n /* two\n */ "a" 1}')


def test_every_file_that_azure_reads_so_may_be_written_so(app: SampleApp, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("COLOUR", raising=False)
    app.http("hello")
    function = (app.root / "hello/function.json").read_text()
    app.file("hello/function.json", f"// ours\n{function.removesuffix('}')}, /* nothing more */ }}")
    app.file("host.json", '{"version": "2.0", // classic\n"extensions": {"http": {"routePrefix": "v1",},},}')
    app.file("local.settings.json", '{"Values": {"COLOUR": "red", /* "COLOUR": "blue", */ },}')
    apply_local_settings(app.root)
    assert [found.name for found in index_app(app.root).functions] == ["hello"]
    assert read_host_settings(app.root).route_prefix == "v1"
