"""What makes two texts' vectors the same: hashes of contents, of the ways chunks are made, and of chunks."""

import json
from hashlib import blake2b
from typing import Any

from shared_code.documents import EXTRACTOR_VERSION
from shared_code.documents.chunking import CHUNKER_VERSION
from shared_code.documents.context import CONTEXT_VERSION
from shared_code.jobs import EmbeddingPlan, EmbedFilesJob


def content_hash(data: bytes) -> str:
    """The hash of a file's bytes."""
    return blake2b(data, digest_size=16).hexdigest()


def source_fingerprint(plan: EmbeddingPlan) -> str:
    """Of all that turns a file's bytes into chunks with vectors: while it stays, so do the chunks."""
    cut = (EXTRACTOR_VERSION, CHUNKER_VERSION, plan.chunk_tokens, plan.overlap_tokens)
    return _hash_of(*cut, CONTEXT_VERSION, plan.model, plan.dimensions)


def chunk_id(job: EmbedFilesJob, source: str, context: str, text: str, occurrence: int) -> str:
    """The id of the n-th chunk with a text and a context in a source.

    How the text was cut takes no part in it: a better chunker keeps what it cuts as the one before did.
    Without a context the id is that of the first releases, which embedded none.
    """
    made = (job.plan.model, job.plan.dimensions)
    content = (context, text) if context else (text,)
    return _hash_of(job.env, job.index_version, *made, source, *content, occurrence)


def text_fingerprint(plan: EmbeddingPlan, text: str) -> str:
    """Of a text and of the way its vector is made: while it stays, so does the vector."""
    return _hash_of(plan.model, plan.dimensions, text)


def _hash_of(*values: Any) -> str:
    return blake2b(json.dumps(values).encode(), digest_size=16).hexdigest()
