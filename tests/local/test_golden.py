"""Golden sets: large enough, repeatable, and no present for a retriever that compares words."""

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from local.emulators.cosmos.words import words
from local.golden import Corpus, corpora
from local.golden.__main__ import main

SETS = corpora()


def named(corpus: Corpus) -> str:
    return corpus.name


def by_words(documents: Mapping[str, str]) -> Callable[[str], str]:
    """A retriever without understanding: the paragraph that shares the rarest words with a question."""
    held = [(name, set(words(part))) for name, text in documents.items() for part in text.split("\n\n")]
    known = Counter(word for _, each in held for word in each)
    weight = {word: math.log(len(held) / count) for word, count in known.items()}

    def best(question: str) -> str:
        asked = set(words(question))
        return max(held, key=lambda part: sum(weight[word] for word in asked & part[1]))[0]

    return best


@pytest.mark.parametrize("corpus", SETS, ids=named)
def test_a_set_has_at_least_two_hundred_questions_and_none_twice(corpus: Corpus) -> None:
    assert len({question.text for question in corpus.questions}) == len(corpus.questions) >= 200


@pytest.mark.parametrize("corpus", SETS, ids=named)
def test_every_question_is_answered_by_documents_of_its_set(corpus: Corpus) -> None:
    assert all(set(question.answered_by) <= corpus.documents.keys() for question in corpus.questions)


@pytest.mark.parametrize("corpus", SETS, ids=named)
def test_most_answers_are_not_what_shares_most_words_with_the_question(corpus: Corpus) -> None:
    best = by_words(corpus.documents)
    found = sum(best(question.text) in question.answered_by for question in corpus.questions)
    assert found < len(corpus.questions) / 2


@pytest.mark.parametrize("corpus", SETS, ids=named)
def test_no_twenty_documents_answer_a_third_of_the_questions(corpus: Corpus) -> None:
    answers = Counter(name for question in corpus.questions for name in question.answered_by)
    assert sum(count for _, count in answers.most_common(20)) < len(corpus.questions) / 3


def test_sets_are_the_same_each_time() -> None:
    assert corpora() == SETS


def test_the_command_writes_documents_and_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["golden", str(tmp_path)])
    assert main() == 0
    for corpus in SETS:
        lines = (tmp_path / f"{corpus.name}.jsonl").read_text().splitlines()
        assert len(lines) == len(corpus.questions)
        assert all((tmp_path / source).is_file() for line in lines for source in json.loads(line)["sources"])
