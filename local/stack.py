"""The local stack as the commands use it: storage, sample data and the host, all state in one folder."""

import os
import shutil

from azure.data.tables import TableClient

from local.azurite import Azurite, azurite
from local.errors import ForeignTable, StateInUse
from local.host import SAMPLE_SETTINGS, host, origin, require_free
from local.ports import is_free
from local.sample_data import END, START, seed
from local.services import watch
from local.settings import ROOT, StackSettings


def run_services(settings: StackSettings) -> None:
    """The emulators alone, until the user ends them."""
    clear_if_fresh(settings)
    with azurite(settings) as storage:
        print("Azurite serves. For `func start` beside it, set in local.settings.json:")
        print(f'  "AzureWebJobsStorage": "{storage.connection_string}"')
        if storage.service is None:
            print("It was running before, so there is nothing to stop here.")
            return
        print("Ctrl-C stops it.", flush=True)
        watch([storage.service])


def run_host(settings: StackSettings) -> None:
    """The emulators, the sample data and the host, until the user ends them."""
    require_free(settings.host)
    clear_if_fresh(settings)
    own_settings = ROOT / "local.settings.json"
    if not own_settings.exists():
        shutil.copyfile(SAMPLE_SETTINGS, own_settings)
    with azurite(settings) as storage:
        _seed_unless_foreign(storage)
        environment = {**os.environ, "AzureWebJobsStorage": storage.connection_string}
        state_file = settings.state / "host" / "state.db"
        with host(settings.host, state_file=state_file, environment=environment) as serving:
            print(f"\nTry: curl '{origin(settings.host)}/api/submit/query?s={START}&e={END}'")
            print("Ctrl-C stops the host and what was started with it.", flush=True)
            watch([serving, *([storage.service] if storage.service else [])])


def clear_if_fresh(settings: StackSettings) -> None:
    """Remove the stack's state where a fresh start is asked for. Raises StateInUse."""
    if not settings.fresh:
        return
    busy = [port for port in (settings.blob, settings.queue, settings.table) if not is_free(port.number)]
    if busy:
        raise StateInUse(
            f"FRESH=1 cannot empty what runs on port {busy[0].number}: stop it, or set {busy[0].variable}."
        )
    for folder in ("azurite", "host", "demo"):
        if (settings.state / folder).exists():
            shutil.rmtree(settings.state / folder)


def _seed_unless_foreign(storage: Azurite) -> None:
    name = os.environ.get("AUDIT_TABLE") or "audit"
    with TableClient.from_connection_string(storage.connection_string, name) as table:
        try:
            seed(table)
        except ForeignTable as error:
            print(error)
