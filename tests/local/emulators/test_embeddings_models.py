"""What the embeddings server computes, and how it keeps count of a limit."""

import sys

import numpy as np
import pytest

from local.emulators.embeddings.behaviour import Behaviour
from local.emulators.embeddings.errors import TooManyRequests
from local.emulators.embeddings.models import HashingModel, Model, ModelMissing, Vectors, WordLlama

BOTH = pytest.mark.parametrize("load", [HashingModel, WordLlama.installed], ids=["hashing", "wordllama"])


def embed(model: Model, *texts: str) -> Vectors:
    return model.embed(model.tokenize(texts), model.dimensions)


@BOTH
def test_same_text_gives_the_same_vector_alone_and_among_others(load) -> None:
    together = embed(load(), "the crane lifts", " ", "a pilot in the fog")
    alone = embed(load(), "a pilot in the fog")

    np.testing.assert_array_equal(together[2], alone[0])


@BOTH
def test_every_text_gives_a_vector_of_length_one(load) -> None:
    texts = ["crane", " ", "\n", "\0", "港へようこそ", "مرحبا", "🙂", "a" * 50_000]

    lengths = np.linalg.norm(embed(load(), *texts), axis=1)

    np.testing.assert_allclose(lengths, 1, rtol=1e-5)


@BOTH
def test_texts_that_share_words_are_nearer_than_texts_that_do_not(load) -> None:
    first, near, far = embed(
        load(), "the crane lifts a load", "a load the crane lowers", "pilots sail in fog"
    )

    assert first @ near > 0.5 > first @ far


def test_trained_model_sees_likeness_without_a_common_word() -> None:
    first, near, far = embed(WordLlama.installed(), "invoice for a tenant", "bills renters pay", "fish soup")

    assert first @ near > first @ far + 0.1


def test_hashing_model_never_changes() -> None:
    (vector,) = embed(HashingModel(), "load")

    assert (np.flatnonzero(vector).tolist(), vector[vector != 0].tolist()) == ([1053], [1.0])


def test_hashing_model_counts_tokens_as_the_real_api_does() -> None:
    (tokens,) = HashingModel().tokenize(["tiktoken is great!"])

    assert tokens == [83, 1609, 5963, 374, 2294, 0]


def test_missing_weights_are_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setitem(sys.modules, "wordllama", None)

    with pytest.raises(ModelMissing, match=r"install requirements-dev\.txt, or set LOCAL_MODEL=hashing"):
        WordLlama.installed()


class Clock:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_limit_lets_a_burst_through_and_then_as_many_as_time_allows() -> None:
    clock = Clock()
    behaviour = Behaviour(clock)
    behaviour.configure({"requests_per_minute": 60})
    for _ in range(10):
        behaviour.admit()

    with pytest.raises(TooManyRequests) as refused:
        behaviour.admit()

    clock.now += refused.value.retry_after
    behaviour.admit()
    with pytest.raises(TooManyRequests):
        behaviour.admit()


def test_unused_allowance_does_not_grow_past_the_burst() -> None:
    clock = Clock()
    behaviour = Behaviour(clock)
    behaviour.configure({"requests_per_minute": 12})
    clock.now += 3600

    behaviour.admit()
    behaviour.admit()

    with pytest.raises(TooManyRequests):
        behaviour.admit()
