"""The zip runs: unpacked, on a host that finds nothing but the package, it does an audit query's job."""

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.data.tables import TableClient

from local.emulators.azurite import Azurite
from local.host import serves
from local.ports import free_port
from local.services import Service, running
from local.settings import ROOT, Port

pytestmark = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the package is for Linux on x86-64"
)
TABLE = "packaged"


@dataclass(frozen=True)
class PackagedHost:
    """A host that ran the package, what the smoke test said of it, and where its modules came from."""

    smoke: subprocess.CompletedProcess[str]
    modules: dict[str, Path]


def folder_of_the_host(folder: Path) -> Path:
    """What the host has and the app does not: itself, and the queue client of its triggers."""
    queue = importlib.util.find_spec("azure.storage.queue")
    assert queue is not None
    assert queue.origin is not None
    shutil.copytree(Path(queue.origin).parent, folder / "site-packages/azure/storage/queue")
    shutil.copytree(ROOT / "devhost", folder / "devhost")
    return folder


def smoke_test(port: Port) -> subprocess.CompletedProcess[str]:
    """The smoke test as a pipeline runs it: on a Python without any package."""
    command = [
        sys.executable,
        "-S",
        "-m",
        "deployment.smoke",
        f"http://localhost:{port.number}",
        "--seconds=20",
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def packaged_host(unpacked: Path, storage: Azurite, tmp_path_factory: pytest.TempPathFactory) -> PackagedHost:
    with TableClient.from_connection_string(storage.connection_string, TABLE) as table:
        table.create_table()
        for person in ("ada", "ada", "grace"):
            row = {"PartitionKey": "2021-02-10", "RowKey": os.urandom(8).hex(), "CertNumber": "c"}
            table.upsert_entity(row | {"identificationNumber": person})
    folder, port = tmp_path_factory.mktemp("host"), Port("PORT", free_port())
    modules = folder / "modules.json"
    host = folder_of_the_host(folder / "host")
    launcher = Path(__file__).with_name("packaged_host.py")
    options = ["--port", str(port.number), "--state", str(folder / "state.db"), "--no-reload"]
    service = Service(
        name="The packaged app",
        command=[sys.executable, "-I", "-S", *map(str, (launcher, unpacked, host, modules)), *options],
        ready=lambda: serves(port),
        environment={"AzureWebJobsStorage": storage.connection_string, "AUDIT_TABLE": TABLE},
        log=folder / "log",
    )
    with running(service):
        smoke = smoke_test(port)
    origins = {name: Path(path) for name, path in json.loads(modules.read_text()).items()}
    return PackagedHost(smoke, origins)


def test_packaged_app_counts_the_people_of_the_audit_table(packaged_host: PackagedHost) -> None:
    assert packaged_host.smoke.stdout.endswith(": Completed, result 2.\n"), packaged_host.smoke.stderr


def test_packaged_app_finds_no_module_outside_its_package(
    packaged_host: PackagedHost, unpacked: Path
) -> None:
    python = Path(sysconfig.get_path("stdlib")).resolve()
    foreign = [
        (name, path)
        for name, path in packaged_host.modules.items()
        if not path.is_relative_to(unpacked)
        and not (path.resolve().is_relative_to(python) and "site-packages" not in path.parts)
        and not name.startswith(("devhost", "azure.storage.queue", "__main__", "__mp_main__"))
    ]
    assert foreign == []
    assert packaged_host.modules["azure.durable_functions"].is_relative_to(unpacked)
