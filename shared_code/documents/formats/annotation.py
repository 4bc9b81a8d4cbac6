"""What stands on a sheet beside its cells."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Annotation:
    """A text that belongs to a row of a sheet, counted from 1, such as a comment or a text box."""

    row: int
    text: str

    @classmethod
    def comment(cls, row: int, cell: str, text: str) -> "Annotation":
        """What somebody says of a cell."""
        return cls(row, f"Comment on {cell}: {text}")
