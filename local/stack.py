"""The local stack as the commands use it: emulators, samples and the host, all state in one folder."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from azure.data.tables import TableClient
from azure.storage.blob import BlobServiceClient

from local.emulators.all import Emulators, emulators
from local.emulators.azurite import Azurite
from local.errors import ForeignTable, StateInUse
from local.host import SAMPLE_SETTINGS, host, origin, require_free
from local.ports import is_free
from local.put import embedding_request
from local.samples import events as sample_events
from local.samples import questions as sample_questions
from local.samples.audit_table import END, START, rows, seed
from local.samples.documents import CONTAINER, upload
from local.services import watch
from local.settings import ROOT, StackSettings


def run_services(settings: StackSettings) -> None:
    """The emulators alone, until the user ends them."""
    clear_if_fresh(settings)
    write_local_settings()
    with emulators(settings) as stack:
        print("The emulators serve. For `func start` beside them, set in local.settings.json:")
        for name, value in stack.app_settings().items():
            print(f'  "{name}": "{value}",')
        if not stack.started():
            print("All of them were running before, so there is nothing to stop here.")
            return
        print("Ctrl-C stops what was started here.", flush=True)
        watch(stack.started())


def run_host(settings: StackSettings) -> None:
    """The emulators, the sample data and the host, until the user ends them."""
    require_free(settings.host)
    clear_if_fresh(settings)
    write_local_settings()
    with emulators(settings) as stack:
        print("Writing the sample data ...", flush=True)
        _write_samples(stack)
        environment = {**os.environ, **stack.app_settings()}
        state_file = settings.state / "host" / "state.db"
        with host(settings.host, state_file=state_file, environment=environment, reload=True) as serving:
            print(f"\nTry: curl '{origin(settings.host)}/api/submit/query?s={START}&e={END}'")
            print(f"Embed: {embedding_request(settings, CONTAINER)}")
            print('Ask: make ask Q="What does a cubic metre of fresh water cost?"')
            print("Your own files: make put FILES=~/documents")
            print(f"Look: {origin(settings.host)}/api/console")
            print("Ctrl-C stops the host and what was started with it.", flush=True)
            watch([serving, *stack.started()])


def write_local_settings(folder: Path = ROOT) -> None:
    """Gives a new checkout the settings of the sample; settings that are there are the user's."""
    with suppress(FileExistsError), (folder / "local.settings.json").open("x") as file:
        file.write(SAMPLE_SETTINGS.read_text())


def clear_if_fresh(settings: StackSettings) -> None:
    """Removes the stack's state where a fresh start is asked for.

    Raises:
        StateInUse: another stack works in the same state folder.
    """
    if not settings.fresh:
        return
    stateful = settings.blob, settings.queue, settings.table, settings.cosmos
    busy = [port for port in stateful if not is_free(port.number)]
    if busy:
        raise StateInUse(
            f"FRESH=1 cannot empty what runs on port {busy[0].number}: stop it, or set {busy[0].variable}."
        )
    for folder in ("azurite", "cosmos", "host", "demo"):
        if (settings.state / folder).exists():
            shutil.rmtree(settings.state / folder)


def _write_samples(stack: Emulators) -> None:
    _seed_unless_foreign(stack.storage)
    sample_events.write(stack.storage.connection_string)
    with BlobServiceClient.from_connection_string(stack.storage.connection_string) as blobs:
        upload(blobs)
        sample_questions.write(blobs)


def _seed_unless_foreign(storage: Azurite) -> None:
    name = os.environ.get("AUDIT_TABLE") or "audit"
    with TableClient.from_connection_string(storage.connection_string, name) as table:
        try:
            seed(table, rows())
        except ForeignTable as error:
            print(error)
