"""All emulators of the local stack together, and the app settings that point at them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from local.emulators.azurite import Azurite, azurite
from local.emulators.cosmos.service import Cosmos, cosmos
from local.emulators.embeddings.service import Embeddings, embeddings
from local.services import RunningService
from local.settings import StackSettings


@dataclass(frozen=True)
class Emulators:
    """The serving emulators, each started here or found running."""

    storage: Azurite
    cosmos: Cosmos
    embeddings: Embeddings

    def app_settings(self) -> dict[str, str]:
        """What points the app at them."""
        storage = {"AzureWebJobsStorage": self.storage.connection_string}
        return storage | self.cosmos.app_settings() | self.embeddings.app_settings()

    def started(self) -> list[RunningService]:
        """Those that were started here."""
        services = self.storage.service, self.cosmos.service, self.embeddings.service
        return [service for service in services if service]


@contextmanager
def emulators(settings: StackSettings) -> Iterator[Emulators]:
    """The emulators on the ports of `settings`.

    Raises:
        LocalStackError: it cannot be started; the class says why.
    """
    with (
        azurite(settings) as storage,
        cosmos(settings) as documents,
        embeddings(settings) as vectors,
    ):
        yield Emulators(storage, documents, vectors)
