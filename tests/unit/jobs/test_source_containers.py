import pytest

from shared_code.errors import ContainerNotAllowed
from shared_code.jobs.source_containers import CONTAINER_NAME, SourceContainers

OWN = [
    "jobs",
    "azure-webjobs-hosts",
    "azure-webjobs-secrets",
    "myhub-leases",
    "myhub-applease",
    "myhub-largemessages",
    "otherhub-largemessages",
    "app-package-0f3a",
    "deploymentpackage",
    "scm-releases",
    "github-actions-deploy",
]


def containers(allowed: str) -> SourceContainers:
    return SourceContainers.parse(allowed, task_hub="MyHub")


@pytest.mark.parametrize("container", OWN)
@pytest.mark.parametrize("allowed", ["", "samples"])
def test_containers_of_the_app_and_its_host_are_never_read(container, allowed):
    with pytest.raises(ContainerNotAllowed, match=f"filesPath.*{container}.*the app or its host"):
        containers(allowed).require(container)


@pytest.mark.parametrize("container", ["samples", "jobs-of-others", "applepie", "azure", "myhubs", "leases"])
def test_without_a_list_every_other_container_is_read(container):
    containers(" ").require(container)


def test_with_a_list_only_its_containers_are_read():
    allowed = containers("samples, reports")
    allowed.require("samples")
    allowed.require("reports")
    with pytest.raises(ContainerNotAllowed, match=r"filesPath.*'letters' is not among those"):
        allowed.require("letters")


@pytest.mark.parametrize(
    "text", ["Samples", "a", "samples/folder", "*", "jobs", "samples,azure-webjobs-secrets"]
)
def test_list_that_cannot_be_meant_is_refused(text):
    with pytest.raises(ValueError, match=r"use the names|leave out"):
        containers(text)


@pytest.mark.parametrize("name", ["abc", "a-b", "a-1-b", "x" * 63])
def test_name_that_storage_takes_is_one_of_a_container(name):
    assert CONTAINER_NAME.fullmatch(name)


@pytest.mark.parametrize("name", ["ab", "x" * 64, "a-" * 31 + "bc", "a--b", "-ab", "ab-", "Abc", "abc\n", ""])
def test_name_that_storage_refuses_is_none_of_a_container(name):
    assert not CONTAINER_NAME.fullmatch(name)
