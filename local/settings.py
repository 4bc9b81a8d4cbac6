"""Settings of the local stack, read from the environment: ports, the state folder, a fresh start.

The app's own settings are in shared_code/settings; the two share nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from local.errors import InvalidOption
from local.ports import free_port, is_free

ROOT = Path(__file__).resolve().parent.parent
LAST_PORT = 65535
MODELS = ("wordllama", "hashing")
"""Models of the embeddings server, the default first."""


@dataclass(frozen=True)
class Port:
    """A port, and the variable that moves it."""

    variable: str
    number: int
    chosen: bool = False
    """Set by the user, so never moved silently."""

    @classmethod
    def read(cls, environment: Mapping[str, str], variable: str, default: int) -> Self:
        """The port that `variable` names, or else `default`.

        Raises:
            InvalidOption: a setting of the stack cannot be used.
        """
        text = environment.get(variable, "")
        if not text:
            return cls(variable, default)
        if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) <= LAST_PORT:
            raise InvalidOption(f"{variable}={text!r} is not a port: use a number between 1 and {LAST_PORT}.")
        return cls(variable, int(text), chosen=True)

    def moved_if_taken(self) -> Self:
        """A free port instead of a taken one, unless the user chose it."""
        if self.chosen or is_free(self.number):
            return self
        return replace(self, number=free_port())


@dataclass(frozen=True)
class StackSettings:
    """Where the local stack listens and keeps its state."""

    host: Port
    blob: Port
    queue: Port
    table: Port
    state: Path
    fresh: bool
    cosmos: Port = Port("COSMOS_PORT", 8081)
    embeddings: Port = Port("EMBEDDINGS_PORT", 8082)
    model: str = MODELS[0]
    """What the embeddings server computes with: one of MODELS."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """The settings in `environment`.

        Raises:
            InvalidOption: a setting of the stack cannot be used.
        """
        return cls(
            host=Port.read(environment, "PORT", 7071),
            blob=Port.read(environment, "AZURITE_BLOB_PORT", 10000),
            queue=Port.read(environment, "AZURITE_QUEUE_PORT", 10001),
            table=Port.read(environment, "AZURITE_TABLE_PORT", 10002),
            state=ROOT / (environment.get("STATE") or ".local"),
            fresh=environment.get("FRESH", "") not in ("", "0"),
            cosmos=Port.read(environment, cls.cosmos.variable, cls.cosmos.number),
            embeddings=Port.read(environment, cls.embeddings.variable, cls.embeddings.number),
            model=_model(environment.get("LOCAL_MODEL", "")),
        )

    def apart(self, folder: str) -> Self:
        """The same stack beside a running one: a state folder of its own, and ports that are free."""
        return replace(
            self,
            host=self.host.moved_if_taken(),
            blob=self.blob.moved_if_taken(),
            queue=self.queue.moved_if_taken(),
            table=self.table.moved_if_taken(),
            cosmos=self.cosmos.moved_if_taken(),
            embeddings=self.embeddings.moved_if_taken(),
            state=self.state / folder,
        )


def _model(name: str) -> str:
    if name and name not in MODELS:
        raise InvalidOption(
            f"LOCAL_MODEL={name!r} is not a model of the embeddings server: use {' or '.join(MODELS)}."
        )
    return name or MODELS[0]
