"""A ledger in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared_code.jobs import LedgerEntry


@dataclass
class FakeLedger:
    """The entries of each page that has some; notes which pages were read."""

    by_page: dict[int, Sequence[LedgerEntry]] = field(default_factory=dict)
    read_pages: list[int] = field(default_factory=list)

    async def pages(self, *, after: int) -> Sequence[int]:
        return sorted(page for page in self.by_page if page > after)

    async def read(self, page: int) -> Sequence[LedgerEntry]:
        self.read_pages.append(page)
        return self.by_page.get(page, [])


def entry(name: str, code: str = "BrokenDocument") -> LedgerEntry:
    return LedgerEntry(f"docs/{name}", code, f"{name} cannot be read.")
