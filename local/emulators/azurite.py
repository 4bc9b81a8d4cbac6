"""Azurite, the emulator of Azure Storage: used where it runs already, else started.

It listens on loopback only and sends no usage data.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.emulators import node
from local.emulators.state_folder import locked
from local.errors import PortTaken
from local.ports import LOOPBACK, server_name
from local.services import RunningService, Service, already_runs, running
from local.settings import Port, StackSettings

ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""No secret: every storage emulator has this account and key, and Microsoft documents them."""


@dataclass(frozen=True)
class Azurite:
    """A serving Azurite; `service` is None where it was running before us."""

    connection_string: str
    service: RunningService | None = None


@contextmanager
def azurite(settings: StackSettings, *, in_memory: bool = False) -> Iterator[Azurite]:
    """Azurite on the ports of `settings`.

    Raises:
        LocalStackError: it cannot be started; the class says why.
    """
    where = connection_string(settings)
    if _already_serves(settings):
        yield Azurite(where)
        return
    node_found = node.find_node()
    node.install_packages(node_found)
    folder = settings.state / "azurite"
    service = Service(
        name="Azurite",
        command=[node_found.node, *_arguments(settings, folder, in_memory=in_memory)],
        ready=lambda: all(_serves(kind, port) for kind, port in _ports(settings).items()),
        environment=node_found.environment(),
        log=settings.state / "azurite.log",
    )
    with locked(folder, "Azurite"), running(service) as started:
        yield Azurite(where, started)


def connection_string(settings: StackSettings) -> str:
    """The connection string of the emulator on the ports of `settings`."""
    endpoints = "".join(
        f"{kind}Endpoint=http://{LOOPBACK}:{port.number}/{ACCOUNT};"
        for kind, port in _ports(settings).items()
    )
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};{endpoints}"


def _already_serves(settings: StackSettings) -> bool:
    ports = _ports(settings)
    taken = {kind: port for kind, port in ports.items() if _runs(kind, port)}
    if taken and len(taken) < len(ports):
        kinds = " and ".join(kind.lower() for kind in taken)
        raise PortTaken(
            f"An Azurite serves only {kinds} on {', '.join(str(port.number) for port in taken.values())}: "
            f"start all of its services, or set {', '.join(port.variable for port in taken.values())}."
        )
    return bool(taken)


def _runs(kind: str, port: Port) -> bool:
    return already_runs(f"Azurite's {kind.lower()} service", port, lambda: _serves(kind, port))


def _serves(kind: str, port: Port) -> bool:
    return (server_name(port.number) or "").startswith(f"Azurite-{kind}/")


def _ports(settings: StackSettings) -> dict[str, Port]:
    return {"Blob": settings.blob, "Queue": settings.queue, "Table": settings.table}


def _arguments(settings: StackSettings, folder: Path, *, in_memory: bool) -> list[str]:
    program = str(node.MODULES / "azurite" / "dist" / "src" / "azurite.js")
    arguments = [program, "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    for kind, port in _ports(settings).items():
        name = kind.lower()
        arguments += [f"--{name}Host", LOOPBACK, f"--{name}Port", str(port.number)]
    return [*arguments, "--inMemoryPersistence"] if in_memory else [*arguments, "--location", str(folder)]
