import ast
from pathlib import Path

from shared_code.jobs import LedgerEntry
from shared_code.jobs.ledger import NOTES, failed_sources

DOCUMENTS = Path(__file__).parents[3] / "shared_code" / "documents"


def codes_of_notes() -> set[str]:
    """Whatever the readers of documents say in a note."""
    calls = [
        node
        for path in DOCUMENTS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Note"
    ]
    return {str(each.args[0].value) for each in calls if isinstance(each.args[0], ast.Constant)}


def test_notes_are_all_those_that_readers_make():
    assert codes_of_notes() == NOTES


def test_file_that_failed_is_named_once_and_one_with_notes_not_at_all():
    codes = ("a", "BrokenDocument"), ("b", "PartNotRead"), ("a", "Other"), ("c", "ExtractionTimeout")
    assert failed_sources([LedgerEntry(name, code, "") for name, code in codes]) == ["a", "c"]
