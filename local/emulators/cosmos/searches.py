"""`python -m local.emulators.cosmos.searches FILE`: answers searches that come by its standard input.

Beside it, another process writes to the file, and asks that what it wrote be taken into the index.
"""

import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from local.emulators.cosmos.containers import Container
from local.emulators.cosmos.errors import ServiceError
from local.emulators.cosmos.queries import Page, Search, page, position, prepared
from local.emulators.cosmos.search_index import SearchIndex
from local.emulators.cosmos.store import Store

# So few that a search which comes meanwhile hardly waits.
_ROWS_AT_ONCE = 25


def main() -> None:
    """Answers until whoever asks is gone."""
    searches = Searches(Store(Path(sys.argv[1])))
    asking = Connection(sys.stdin.fileno())
    with suppress(EOFError, ConnectionError):
        while True:
            asking.send(_outcome(searches, asking.recv()))


class Searches:
    """Searches the containers of a store; their indexes are kept from one search to the next."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._indexes: dict[int, SearchIndex] = {}

    def page(self, search: Search) -> Page:
        """A page of results, as `Queries.page` says."""
        container, asked = search.container, search.asked
        index = self._index(container)
        # Before anything is refused: from a search on, an index follows what is written.
        if not search.is_followed or not len(index):
            index.refresh()
        execution = prepared(self._store, container, asked)
        return page(execution.in_index(index, position(asked.continuation, int)), asked, execution)

    def follow(self, container: Container) -> bool:
        """Takes some of what was written into the index of a container; whether there may be more of it."""
        index = self._indexes.get(container.number)
        return index is not None and index.refresh(_ROWS_AT_ONCE)

    def _index(self, container: Container) -> SearchIndex:
        index = self._indexes.get(container.number)
        if index is None or index.container != container:
            for gone in [number for number in self._indexes if not self._store.has_container(number)]:
                del self._indexes[gone]
            index = self._indexes[container.number] = SearchIndex(self._store, container)
        return index


def _outcome(searches: Searches, asked: Search | Container) -> Page | bool | ServiceError:
    try:
        return searches.page(asked) if isinstance(asked, Search) else searches.follow(asked)
    except ServiceError as refusal:
        return refusal


if __name__ == "__main__":
    main()
