"""The table of jobs in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from shared_code.errors import JobTableUnavailable
from shared_code.jobs.job_rows import Filling, JobFilter, JobRow


@dataclass
class FakeJobTable:
    """Keeps rows as the service does; one that `is_down` answers nothing."""

    by_key: dict[str, JobRow] = field(default_factory=dict)
    is_down: bool = False
    removes: bool = True
    state: Filling = field(default_factory=lambda: Filling(is_done=True))

    @property
    def kept(self) -> Sequence[JobRow]:
        """The rows in their order."""
        return [self.by_key[key] for key in sorted(self.by_key)]

    async def opened(self) -> Self:
        """The table, as a function asks for it."""
        return self

    async def put(self, row: JobRow) -> None:
        self._require()
        self.by_key[row.key] = row

    async def remove(self, row: JobRow) -> None:
        if not self.removes:
            raise JobTableUnavailable
        self._require()
        self.by_key.pop(row.key, None)

    async def rows(self, wanted: JobFilter, *, after: str, most: int) -> Sequence[JobRow]:
        self._require()
        return [row for row in self.kept if row.key > after and _matches(row, wanted)][:most]

    async def filling(self) -> Filling:
        self._require()
        return self.state

    async def save_filling(self, filling: Filling) -> None:
        self._require()
        self.state = filling

    def _require(self) -> None:
        if self.is_down:
            raise JobTableUnavailable


def _matches(row: JobRow, wanted: JobFilter) -> bool:
    return (
        wanted.env in {None, row.env}
        and wanted.kind in {None, row.kind}
        and (not wanted.final_statuses or row.final_status in wanted.final_statuses)
        and (wanted.created_after is None or row.submitted_at > wanted.created_after)
        and (wanted.ended_before is None or (row.ended_at is not None and row.ended_at < wanted.ended_before))
    )
