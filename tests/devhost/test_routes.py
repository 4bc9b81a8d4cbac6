"""Route templates match as ASP.NET's do."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devhost.app.routes import BrokenRoute, RouteTemplate, split_path


def match(template: str, path: str) -> dict[str, str] | None:
    return RouteTemplate.parse(template).match(split_path(path))


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("jobs", "/Jobs/", {}),
        ("jobs", "/jobs/1", None),
        ("jobs", "//jobs", None),
        ("jobs", "/./jobs/.", {}),
        ("jobs", "/else/%2e%2E/jobs", {}),
        ("jobs", "/../jobs", {}),
        ("jobs/{id}", "/jobs/...", {"id": "..."}),
        ("jobs/{id}", "/jobs", None),
        ("jobs/{id?}", "/jobs", {}),
        ("jobs/{id?}", "/jobs/1", {"id": "1"}),
        ("jobs/{id:int?}", "/jobs/x", None),
        ("files/{*path}", "/files/a/b%20c/d", {"path": "a/b c/d"}),
        ("files/{**path}", "/files", {}),
        ("{name}.{ext}", "/report.tar.gz", {"name": "report", "ext": "tar.gz"}),
        ("v{version:int}/x", "/v2/x", {"version": "2"}),
        ("{from}-{to}", "/1-2", {"from": "1", "to": "2"}),
        ("", "/", {}),
        ("jobs/{id=5}", "/jobs", {"id": "5"}),
        ("jobs/{id=5}", "/jobs/7", {"id": "7"}),
        ("{kind=jobs}/{action=list}/{id?}", "/", {"kind": "jobs", "action": "list"}),
        ("{kind=jobs}/{action=list}/{id?}", "/files", {"kind": "files", "action": "list"}),
        ("{kind=jobs}/x", "/x", None),
        ("{name}.{ext?}", "/report", {"name": "report"}),
        ("{name}.{ext?}", "/report.pdf", {"name": "report", "ext": "pdf"}),
        ("x/{*path=all}", "/x", {"path": "all"}),
    ],
)
def test_template_matches_path(template: str, path: str, expected: dict[str, str] | None):
    assert match(template, path) == expected


@pytest.mark.parametrize(
    ("constraint", "fits", "differs"),
    [
        ("int", "-5", "5.0"),
        ("int", "2147483647", "2147483648"),
        ("long", "2147483648", "9223372036854775808"),
        ("alpha", "abc", "ab1"),
        ("bool", "True", "yes"),
        ("guid", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "3f2504e0"),
        ("datetime", "2021-02-03", "soon"),
        ("decimal", "1.5", "x"),
        ("length(3)", "abc", "ab"),
        ("length(2,3)", "ab", "abcd"),
        ("minlength(2)", "ab", "a"),
        ("maxlength(2)", "ab", "abc"),
        ("min(10)", "10", "9"),
        ("max(10)", "10", "11"),
        ("range(1,5)", "5", "6"),
        ("int:min(3)", "3", "2"),
        (r"regex(^\d{{3}}-[a-z]+$)", "123-AB", "12-ab"),
        ("regex(^(a|b)$)", "b", "c"),
    ],
)
def test_constraint_admits_only_what_fits(constraint: str, fits: str, differs: str):
    template = f"x/{{value:{constraint}}}"
    assert match(template, f"/x/{fits}") == {"value": fits}
    assert match(template, f"/x/{differs}") is None


@pytest.mark.parametrize(
    ("earlier", "later", "hides"),
    [
        ("jobs/{id}", "jobs/latest", True),
        ("jobs/{id}", "jobs/{id:int}", True),
        ("{*rest}", "jobs/latest/x", True),
        ("jobs/{id?}", "jobs", True),
        ("{kind}/latest", "jobs/{id}", True),
        ("jobs/latest", "jobs/{id}", False),
        ("jobs/{id:int}", "jobs/latest", False),
        ("jobs/{id}", "files/latest", False),
        ("jobs/{id}", "jobs/latest/x", False),
        ("jobs/{id}", "jobs/{name}", False),
    ],
)
def test_earlier_route_hides_what_a_more_exact_one_is_for(earlier: str, later: str, hides: object):
    assert RouteTemplate.parse(earlier).hides(RouteTemplate.parse(later)) is hides


@pytest.mark.parametrize("template", ["{id?}/x", "{*rest}/x", "{}", "{id:length(x)}", "{id:regex([)}", "a}b"])
def test_template_that_is_not_understood_is_refused(template: str):
    with pytest.raises(BrokenRoute):
        RouteTemplate.parse(template)


@given(st.lists(st.text(min_size=1).filter(lambda value: "%" not in value), min_size=1, max_size=4))
def test_every_value_arrives_as_it_was_encoded(values: list[str]):
    template = "/".join(f"{{p{position}}}" for position in range(len(values)))
    path = "/" + "/".join(quote(value, safe="") for value in values)
    expected = {f"p{position}": value.replace("/", "%2F") for position, value in enumerate(values)}
    assert match(template, path) == expected
