"""The host's page as an answer and as a file; what it shows: tests/browser."""

import base64
import hashlib
import re
from importlib import resources
from pathlib import Path

import pytest

from devhost.banner import banner
from devhost.cli import run
from devhost.page.page import host_page, script_of
from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import SampleApp

PAGE = host_page()
RULES = dict(rule.split(" ", 1) for rule in PAGE.headers["Content-Security-Policy"].split("; "))
SCRIPT = script_of(resources.files("devhost.page"))
NO_PREFIX = {"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}


def inline(tag: str) -> str:
    """The text of the one element of that name."""
    [found] = re.findall(rf"<{tag}(?: [^>]*)?>(.*?)</{tag}>", PAGE.content, re.DOTALL)
    return str(found)


@pytest.mark.parametrize("tag", ["script", "style"])
def test_policy_lets_nothing_run_but_what_the_page_holds(tag: str):
    digest = base64.b64encode(hashlib.sha256(inline(tag).encode()).digest()).decode()
    assert RULES[f"{tag}-src"] == f"'sha256-{digest}'"


def test_policy_is_closed_and_part_of_the_file_too():
    closed = ("default-src", "base-uri", "form-action", "frame-ancestors", "trusted-types")
    assert {name: RULES[name] for name in closed} == dict.fromkeys(closed, "'none'")
    assert (RULES["connect-src"], RULES["require-trusted-types-for"]) == ("'self'", "'script'")
    [meta] = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', PAGE.content)
    assert f"{meta}; frame-ancestors 'none'" == PAGE.headers["Content-Security-Policy"]


def test_script_makes_no_markup_and_keeps_nothing():
    markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"
    assert re.findall(rf"{markup}|localStorage|sessionStorage|cookie", SCRIPT) == []
    assert "</script" not in SCRIPT
    assert re.findall(r"https?://[^\"'\s]+", PAGE.content) == []


async def test_page_is_html_that_no_other_page_may_frame(start: StartHost):
    client = await start()
    answer = await client.get("/devhost")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text == PAGE.content
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    again = await client.get("/devhost", headers={"If-None-Match": PAGE.etag})
    assert (again.status, again.body) == (304, b"")


async def test_page_is_only_looked_at(start: StartHost):
    client = await start()
    assert (await client.call("HEAD", "/devhost")).status == 200
    assert (await client.post("/devhost")).status == 405
    assert (await client.get("/devhost/more")).status == 404


async def test_home_and_the_banner_lead_to_the_page(start: StartHost):
    client = await start()
    assert '<a href="/devhost">' in (await client.get("/")).text
    assert f"Page     {client.host.origin}/devhost\n" in banner(client.host, seconds=1, reloads=False)


async def test_route_of_the_app_that_catches_all_leaves_the_page_alone(app: SampleApp, start: StartHost):
    app.file("host.json", NO_PREFIX)
    app.http("all", route="{*path}")
    client = await start()
    assert (await client.get("/devhost")).text == PAGE.content
    assert (await client.get("/devhost/more")).text == "hello"


@pytest.mark.parametrize("route", ["devhost", "/DevHost/"])
async def test_route_of_the_app_by_that_very_name_is_the_apps(app: SampleApp, start: StartHost, route: str):
    app.file("host.json", NO_PREFIX)
    app.http("own", route=route.strip("/"))
    client = await start()
    assert (await client.get("/devhost", headers={"Sec-Fetch-Site": "none"})).text == "hello"
    assert client.host.page is None
    assert "/devhost" not in (await client.get("/")).text
    assert "Page " not in banner(client.host, seconds=1, reloads=False)


def test_command_writes_the_page_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["page", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_text("utf-8") == PAGE.content
    assert "drop a history on it" in capsys.readouterr().out
    assert run(["page", str(tmp_path)]) == 2
    assert "cannot be written" in capsys.readouterr().err
