"""`python -m local.golden FOLDER` writes every golden set: documents in folders, questions as JSON lines."""

import sys
from pathlib import Path

from local.golden import corpora


def main() -> int:
    """Writes them; the exit code."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program's name and the folder
        print(__doc__, file=sys.stderr)
        return 1
    for corpus in corpora():
        corpus.write(Path(sys.argv[1]))
        print(f"{corpus.name}: {len(corpus.documents)} documents, {len(corpus.questions)} questions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
