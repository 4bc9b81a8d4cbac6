"""The models of the embeddings server: deterministic, offline, vectors of length one.

A model makes tokens of texts and vectors of tokens, so that the limits on tokens are checked in between.

ADR 8 has the reasons.
"""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from splintr import Tokenizer

Tokens = Sequence[int]
Vectors = NDArray[np.float32]


class ModelMissing(Exception):
    """The weights of a model are not installed."""


class Model(Protocol):
    """What the server computes with."""

    name: str
    dimensions: int
    """Of a whole vector; a shorter one can be asked for."""

    def tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        """The tokens of each text."""
        ...

    def embed(self, tokens: Sequence[Tokens], dimensions: int) -> Vectors:
        """A row of that many dimensions for each text."""
        ...


class HashingModel:
    """Counts hashed words and pieces of words: needs no weights, and knows texts by their words alone."""

    name = "hashing-1536"
    dimensions = 1536
    # That of the real API's models, so that tokens are counted as there; after these come special ones.
    _VOCABULARY, _TOKENS_OF_TEXT = "cl100k_base", 100_256

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_pretrained(self._VOCABULARY)
        tokens = map(self._tokenizer.decode_token_bytes, range(self._TOKENS_OF_TEXT))
        # A word is the same with a capital or with a space before it; space alone is none.
        words = [token.strip().lower() for token in tokens]
        self._hashes = np.array([crc32(word) for word in words], dtype=np.uint32)
        self._signs = np.where(self._hashes >> 31, -1.0, 1.0) * np.array([bool(word) for word in words])

    def tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        """The ids of each text's tokens."""
        return [self._tokenizer.encode_ordinary(text) for text in texts]

    def embed(self, tokens: Sequence[Tokens], dimensions: int) -> Vectors:
        """Each token adds or takes one in the dimension that its hash falls on."""
        rows = np.repeat(np.arange(len(tokens)), [len(text) for text in tokens])
        ids = np.fromiter(chain.from_iterable(tokens), dtype=np.int64)
        cells = rows * dimensions + self._hashes[ids] % dimensions
        sums = np.bincount(cells, weights=self._signs[ids], minlength=len(tokens) * dimensions)
        return _of_length_one(sums.reshape(len(tokens), dimensions))


class WordLlama:
    """The mean of trained word vectors: texts of like meaning are near each other.

    The weights come inside the package wordllama. They are read without its code, which looks for the
    tokenizer in the wrong folder and then on the network.
    """

    name = "wordllama-l2-supercat-256"

    def __init__(self, folder: Path) -> None:
        # Imported here: the hashing model does without them, and starts sooner.
        from safetensors.numpy import load_file  # noqa: PLC0415
        from tokenizers import Tokenizer  # noqa: PLC0415

        weights = load_file(folder / "weights" / "l2_supercat_256.safetensors")
        self._vectors = weights["embedding.weight"].astype(np.float32)
        self._tokenizer = Tokenizer.from_file(
            str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json")
        )
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.dimensions = self._vectors.shape[1]

    @classmethod
    def installed(cls) -> "WordLlama":
        """The model in the installed package.

        Raises:
            ModelMissing: the package is not installed.
        """
        package = importlib.util.find_spec("wordllama")
        if package is None or package.origin is None:
            raise ModelMissing(
                "The package wordllama is not installed: install requirements-dev.txt, "
                "or set LOCAL_MODEL=hashing."
            )
        return cls(Path(package.origin).parent)

    def tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        """The ids of each text's tokens."""
        found = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in found]

    def embed(self, tokens: Sequence[Tokens], dimensions: int) -> Vectors:
        """The mean of the tokens' vectors; their first dimensions make a coarser one."""
        vectors = self._vectors[:, :dimensions]
        return _of_length_one(np.stack([vectors[np.asarray(text)].mean(axis=0) for text in tokens]))


LOADERS: Mapping[str, Callable[[], Model]] = {"wordllama": WordLlama.installed, "hashing": HashingModel}


def _of_length_one(vectors: NDArray[Any]) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    # Signs may cancel out, and white space has no pieces: any direction will do, as long as it is one.
    vectors = np.where(lengths > 0, vectors, 1.0)
    unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit
