"""Texts to vectors, by an embeddings service."""

from shared_code.embeddings.client import Bill, Embedding, EmbeddingsClient, WrongDimensions
from shared_code.embeddings.endpoint import EmbeddingsEndpoint

__all__ = ["Bill", "Embedding", "EmbeddingsClient", "EmbeddingsEndpoint", "WrongDimensions"]
