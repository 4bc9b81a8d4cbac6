"""What a golden set is: documents by their names, and questions with the documents that answer them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Question:
    """A question, and the names of the documents that answer it."""

    text: str
    answered_by: tuple[str, ...]


@dataclass(frozen=True)
class Corpus:
    """A golden set.

    Attributes:
        name: of the folder or container that the documents are in.
        documents: their texts by their names.
        questions: at least 200.
    """

    name: str
    documents: Mapping[str, str]
    questions: Sequence[Question]

    def questions_file(self, container: str = "") -> str:
        """The questions as an evaluation reads them: JSON lines, with the sources as the index names them."""
        prefix = f"{container or self.name}/"
        lines = (
            {"question": each.text, "sources": [prefix + name for name in each.answered_by]}
            for each in self.questions
        )
        return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)

    def write(self, folder: Path) -> None:
        """Writes the documents below a folder with the corpus's name, and the questions beside it."""
        for name, text in self.documents.items():
            file = folder / self.name / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (folder / f"{self.name}.jsonl").write_text(self.questions_file())
