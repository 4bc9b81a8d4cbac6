"""Golden sets: made-up corpora with questions whose sources are known, the same on every machine.

A set in which the source of an answer is the only text with the question's words is solved by any retriever,
and measures nothing. So each corpus here is full of decoys, and each defeats a retriever of another kind:

- `handbooks`: what tells texts apart stands in titles and headings only. Chunks that do not know what they
  stand under look alike, and minutes name what is asked for without answering it.
- `repairs`: questions are worded otherwise than their answers, and other texts have the question's words.
- `contracts`: nothing but a number tells texts apart, which vectors of their meaning do not.

ADR 51 has the reasons.
"""

from local.golden.contracts import contracts
from local.golden.corpus import Corpus, Question
from local.golden.handbooks import handbooks
from local.golden.repairs import repairs

__all__ = ["Corpus", "Question", "contracts", "corpora", "handbooks", "repairs"]


def corpora() -> list[Corpus]:
    """All of them."""
    return [handbooks(), repairs(), contracts()]
