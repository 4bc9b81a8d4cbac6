import base64
import hashlib
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import azure.functions as func
import pytest

from shared_code.console.page import FOLDER, console_page, script_of

ROOT = Path(__file__).parents[3]
PAGE = console_page()
POLICY = dict(rule.split(" ", 1) for rule in PAGE.headers["Content-Security-Policy"].split("; "))


@pytest.fixture(scope="module")
def function() -> ModuleType:
    spec = importlib.util.spec_from_file_location("console_main", ROOT / "console-function" / "main.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def request(**headers: str) -> func.HttpRequest:
    return func.HttpRequest("GET", "http://localhost/api/console", headers=headers, body=b"")


def inline(tag: str) -> str:
    """The text of the one element of that name."""
    [found] = re.findall(rf"<{tag}(?: [^>]*)?>(.*?)</{tag}>", PAGE.content, re.DOTALL)
    return str(found)


@pytest.mark.parametrize("tag", ["script", "style"])
def test_policy_lets_nothing_run_but_what_the_page_holds(tag):
    digest = base64.b64encode(hashlib.sha256(inline(tag).encode()).digest()).decode()
    assert POLICY[f"{tag}-src"] == f"'sha256-{digest}'"


def test_policy_lets_the_page_ask_its_own_app_alone():
    closed = ("default-src", "base-uri", "form-action", "frame-ancestors", "trusted-types")
    assert {name: POLICY[name] for name in closed} == dict.fromkeys(closed, "'none'")
    assert POLICY["connect-src"] == "'self'"
    assert POLICY["require-trusted-types-for"] == "'script'"


def test_page_holds_no_address_but_those_of_its_own_screens_and_of_drawings():
    assert set(re.findall(r"https?://[^\"'\s]+", PAGE.content)) == {"http://www.w3.org/2000/svg"}
    assert set(re.findall(r'(?:src|href)="([^"#]*)', PAGE.content)) <= {"", "data:,"}


def test_script_never_makes_markup_of_text_and_keeps_nothing_beyond_the_tab():
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|localStorage|cookie"
    )
    assert re.findall(forbidden, script_of(FOLDER)) == []
    assert "</script" not in script_of(FOLDER)


async def test_page_is_answered_as_html_that_no_other_page_may_frame(function):
    answer = await function.main(request())
    assert (answer.status_code, answer.mimetype, answer.charset) == (200, "text/html", "utf-8")
    assert answer.get_body().decode() == PAGE.content
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_browser_that_has_the_page_is_not_sent_it_again(function):
    answer = await function.main(request(**{"if-none-match": PAGE.etag}))
    assert (answer.status_code, answer.get_body(), answer.headers["ETag"]) == (304, b"", PAGE.etag)
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_browser_that_has_another_release_is_sent_this_one(function):
    answer = await function.main(request(**{"if-none-match": '"older"'}))
    assert answer.status_code == 200
